"""The `retrace` command. Importing the package pins what would change the last bits of a result."""

from retrace.base.pins import pin

pin()
