"""The server's packages are a group of their own, which not every environment has."""

from collections.abc import Iterator
from contextlib import contextmanager

from retrace.base.errors import RetraceError


@contextmanager
def server_packages() -> Iterator[None]:
    """Say what to do where an import finds that the server's packages are not installed."""
    try:
        yield
    except ModuleNotFoundError as error:
        raise RetraceError(
            f"{error.name} is not installed: the server's packages are a group of their own. "
            "`make environment` installs them, and `make serve` does it too."
        ) from None
