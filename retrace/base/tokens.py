"""Who may do what: tokens, each with a role.

A line of the file that $RETRACE_TOKENS_FILE names, or a part between commas of $RETRACE_TOKENS, is
a role and a token: `predict 4f1c...`. Several of one role are for rotation. `write` may do what
`predict` may, and `admin` everything. Without any token, only loopback is served.

All that listens here asks by these: the server of predictions, and what watch shows.
"""

import hmac
import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import ip_address
from pathlib import Path
from typing import Self

from retrace.base.errors import RetraceError

ROLES = ("predict", "write", "admin")  # each may do what those before it may
SHORTEST = 16  # characters


@dataclass(frozen=True)
class Tokens:
    """(role, token) pairs; empty where everybody may do everything."""

    pairs: tuple[tuple[str, bytes], ...] = ()

    @classmethod
    def of(cls, environment: Mapping[str, str] = os.environ) -> Self:
        """Read the tokens of the environment, or of the file that it names.

        Raises RetraceError for an unknown role, and for a token that is easy to guess.
        """
        path = environment.get("RETRACE_TOKENS_FILE")
        text = environment.get("RETRACE_TOKENS", "").replace(",", "\n")
        try:
            lines = (Path(path).read_text("utf-8") if path else text).splitlines()
        except (OSError, UnicodeDecodeError) as error:
            raise RetraceError(f"$RETRACE_TOKENS_FILE cannot be read: {error}.") from None
        pairs = []
        for number, line in enumerate(lines, 1):
            words = line.split("#")[0].split()
            if not words:
                continue
            if len(words) != 2 or words[0] not in ROLES or len(words[1]) < SHORTEST:
                raise RetraceError(
                    f"line {number} of the tokens is no role and token. Expected one of "
                    f"{', '.join(ROLES)}, and at least {SHORTEST} characters, such as what "
                    "`openssl rand -hex 32` prints."
                )
            pairs.append((words[0], words[1].encode()))
        return cls(tuple(pairs))

    def role(self, header: str) -> str | None:
        """Return the role of an Authorization header; None for an unknown token. All tokens are
        compared, each in the same time."""
        if not self.pairs:
            return ROLES[-1]
        given, found = header.removeprefix("Bearer ").encode("utf-8", "replace"), None
        for role, token in self.pairs:
            if hmac.compare_digest(given, token):
                found = role
        return found

    def check_host(self, host: str) -> None:
        """Raise RetraceError where others could reach the server, and nobody needs a token."""
        if self.pairs or is_loopback(host):
            return
        raise RetraceError(
            f"--host {host} is reached by others, and there is no token. Put lines like "
            f"`predict TOKEN` (roles: {', '.join(ROLES)}) into a file, name it in "
            "$RETRACE_TOKENS_FILE, and start again; or stay on 127.0.0.1."
        )


def may(role: str | None, needed: str) -> bool:
    return role is not None and ROLES.index(role) >= ROLES.index(needed)


@lru_cache(maxsize=64)
def named_loopback(host: str) -> bool:
    """Whether a Host header, with its port, names this machine."""
    name, _, port = host.rpartition(":")
    name = name if name and port.isdigit() else host
    return is_loopback(name.strip("[]"))


def is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
