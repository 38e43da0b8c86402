"""Who may do what, and who may reach the server at all."""

from pathlib import Path

import pytest

from retrace.base.errors import RetraceError
from retrace.base.tokens import Tokens, is_loopback, may

TOKENS = {
    "RETRACE_TOKENS": "predict aaaaaaaaaaaaaaaa, predict bbbbbbbbbbbbbbbb,admin cccccccccccccccc"
}


def test_a_token_has_its_role_and_rotates() -> None:
    tokens = Tokens.of(TOKENS)
    assert tokens.role("Bearer aaaaaaaaaaaaaaaa") == tokens.role("Bearer bbbbbbbbbbbbbbbb")
    assert tokens.role("Bearer cccccccccccccccc") == "admin"
    for header in ("", "Bearer ", "Bearer aaaaaaaaaaaaaaab", "Bearer \udcff", "Basic x"):
        assert tokens.role(header) is None


def test_a_role_may_what_those_before_it_may() -> None:
    assert may("admin", "write")
    assert may("predict", "predict")
    assert not may("predict", "write")
    assert not may(None, "predict")


def test_a_file_of_tokens(tmp_path: Path) -> None:
    path = tmp_path / "tokens"
    path.write_text("# of the shop\npredict aaaaaaaaaaaaaaaa  # old\n\nwrite bbbbbbbbbbbbbbbb\n")
    assert len(Tokens.of({"RETRACE_TOKENS_FILE": str(path)}).pairs) == 2
    with pytest.raises(RetraceError, match="cannot be read"):
        Tokens.of({"RETRACE_TOKENS_FILE": str(tmp_path / "none")})


@pytest.mark.parametrize("text", ["predict short", "root aaaaaaaaaaaaaaaa", "aaaaaaaaaaaaaaaa"])
def test_a_bad_line_is_named_and_the_token_is_not_shown(text: str) -> None:
    with pytest.raises(RetraceError, match="line 1 of the tokens") as error:
        Tokens.of({"RETRACE_TOKENS": text})
    assert "aaaa" not in str(error.value)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1", "127.8.9.1"])
def test_loopback_needs_no_token(host: str) -> None:
    assert is_loopback(host)
    Tokens.of({}).check_host(host)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "10.0.0.1", "example.org"])
def test_others_need_one(host: str) -> None:
    with pytest.raises(RetraceError, match="RETRACE_TOKENS_FILE"):
        Tokens.of({}).check_host(host)
    Tokens.of(TOKENS).check_host(host)
