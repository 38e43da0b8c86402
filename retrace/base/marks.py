"""Marks that a wrong encoding or an export as HTML leaves in texts: patterns of RE2 and `re`."""

# UTF-8 that was read as Windows-1252 or Latin-1, and letters that an encoding has not.
MOJIBAKE = "\ufffd|\u00c3[\u0080-\u00bf\u0192\u02c6]|\u00c2[\u0080-\u00bf]|\u00e2\u20ac"
ENTITY = "&(?:amp|lt|gt|quot|apos|nbsp|#[0-9]+|#x[0-9a-f]+);"
