"""Real servers. Importing the package pins what would change the last bits, as a server does."""

from retrace.base.pins import pin

pin()
