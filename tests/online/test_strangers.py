"""Whatever strangers send, a server neither breaks nor tells of its insides. The drill `strangers`
sends a hundred times as much."""

from tests.online.server import RunningServer
from tests.online.strangers import Received, by_hand, by_schema


def test_requests_by_openapi_and_against_it(server: RunningServer) -> None:
    received = by_schema(server, 150)
    assert received.bad == []
    assert received.statuses[200]
    assert received.statuses[422]


def test_hostile_values_and_damaged_bytes(server: RunningServer) -> None:
    received = by_hand(server, 150)
    assert received.bad == []
    assert received.statuses[200]
    assert {400, 413, 422} <= {*received.statuses}


def test_an_error_and_what_tells_of_insides_are_found() -> None:
    received = Received()
    received.add("a", 500, "an error")
    received.add("b", 422, 'File "/usr/lib/x.py"')
    received.add("c", 422, "'/tmp/x'; expected a number", "/tmp/x")
    received.add("d", 200, "fine")
    assert [one[0] for one in received.bad] == ["a", "b"]
