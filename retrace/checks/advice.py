"""What a failed check or screen means, and what to do."""

from collections.abc import Mapping
from typing import Any

SCREENS = {
    "damaged": "Texts have marks of a wrong encoding or of escaped HTML. Export them as UTF-8.",
    "repeated": "Rows equal an earlier one but for their key. Was a file read twice?",
    "constant": "Nearly all rows have one value. Was it overwritten? If not, leave it out.",
    "jump": "Its values change from one part of the table to the next. Has its unit, its source or "
    "its meaning changed?",
    "stuck": "A part of the table has one value. Was a sensor stuck, or a default written?",
    "volume": "A week has far fewer or more rows than those around it. Are rows lost, or doubled?",
    "missing_by": "A group has hardly any values. Does its source not deliver them?",
    "cut": "Many texts end at one length. Did an export cut them?",
    "leak": "It tells the target almost alone. If it is not known when the prediction is made, "
    "leave it out.",
    "dated": "It tells when a row was, and on later rows it has values that no training row had. "
    "Make it a rate or a share, or leave it out.",
    "told": "The target is written into the text. Take it out, or leave the text out.",
    "spellings": "Values differ in capitals or spaces only. Write them in one way.",
    "silent": "A value does not come for long. Was it renamed, or its source lost?",
}


def advice(record: Mapping[str, Any], limits: str) -> str:
    """Say what a failed record of checks or screens found, and what to do.

    limits : the file that has the limits
    """
    found = "nothing to measure" if record["found"] is None else f"{record['found']:.6g}"
    said = f"column '{record['column']}': {record['check']} is {found}, {record['limit']}. "
    other = f"Look at it in the source; if it is right, change the limit in {limits}."
    return said + SCREENS.get(record["check"], other)
