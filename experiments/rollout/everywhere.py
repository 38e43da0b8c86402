"""Commit, version, and what is being served now: of every server of a database."""

from collections import defaultdict
from collections.abc import Iterator

import pandas as pd

from experiments.promotion.registry import champion
from problems.parts import find_problem
from retrace.base import paths
from retrace.base.errors import RetraceError
from retrace.base.params import read_key
from retrace.fit.bundle import Bundle
from serving.wanted import CHAMPION
from store.database import AWAY, Store, words_of
from store.servers import Server, servers_in


def everywhere(name: str | None, url: str | None) -> str:
    """Return a paragraph a problem."""
    names = [name] if name else list(read_key("problems"))
    for one in names:
        find_problem(one)
    found, why = _servers(url)
    return "\n".join(line for one in names for line in _lines(one, found, why))


def _servers(url: str | None) -> tuple[list[Server], str]:
    """Return the servers, and why nothing is known of any."""
    try:
        found = servers_in(Store(url, existing=True))
    except RetraceError:
        return [], "no server was started here"
    except AWAY as error:
        return [], f"the database does not answer: {words_of(error)}"
    return found, "no server is up"


def _lines(name: str, servers: list[Server], why: str) -> Iterator[str]:
    promoted = champion(name)
    if promoted is None:
        yield f"{name}: nothing is in prod; this copy's model is {_here(name) or 'not made yet'}"
    else:
        at = pd.Timestamp(promoted.at).strftime("%F %T")
        yield f"{name}: {promoted.version} is in prod, of commit {promoted.commit[:7]}, since {at}"
    answering: dict[tuple[str, str, str], list[Server]] = defaultdict(list)
    since: dict[tuple[str, str, str], int] = {}
    for server in servers:
        for model in server.models:
            if model.problem == name:
                key = (model.arm, model.version, model.fingerprint)
                answering[key].append(server)
                since[key] = min(since.get(key, model.since), model.since)
    for key, by in sorted(answering.items(), key=lambda item: (item[0][0] != CHAMPION, item[0])):
        arm, version, fingerprint = key
        places = ", ".join(dict.fromkeys(f"{one.address} on {one.host}" for one in by))
        moment = pd.Timestamp(since[key], unit="us")
        yield f"  {arm} is {version} ({fingerprint[:8]}), since {moment:%F %T} UTC: {places}"
    if not answering:
        yield f"  {why}"


def _here(name: str) -> str:
    folder = paths.bundle(name)
    return Bundle.load(folder).fingerprint[:8] if (folder / "bundle.json").exists() else ""
