"""Send again what Elasticsearch refused, as rsyslog has kept it.

    python deploy/logging/again.py http://127.0.0.1:9200 /var/spool/rsyslog/refused-*.json

Each document has its id and its index: what is there already stays as it is. Ends with status 1
where something is refused again, and says why.
"""

import json
import sys
import urllib.request
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any


def requests_of(text: str) -> Iterator[str]:
    """Yield the bodies of the requests that a file has, one JSON object after another."""
    decoder, place = json.JSONDecoder(), 0
    while place < len(text):
        found, place = decoder.raw_decode(text, place)
        yield found["request"]["postdata"]
        while place < len(text) and text[place].isspace():
            place += 1


def send(url: str, body: str) -> Iterator[dict[str, Any]]:
    """Yield what came of each document of a request. Raises OSError where nothing was taken."""
    headers = {"Content-Type": "application/x-ndjson"}
    request = urllib.request.Request(f"{url}/_bulk", body.encode(), headers)  # noqa: S310
    with urllib.request.urlopen(request, timeout=60) as response:  # noqa: S310
        for item in json.load(response)["items"]:
            yield item["index"]


def main(url: str, paths: list[str]) -> int:
    refused: Counter[str] = Counter()
    n_sent = 0
    for path in paths:
        for body in requests_of(Path(path).read_text("utf-8").lstrip()):
            for one in send(url.rstrip("/"), body):
                n_sent += 1
                if one["status"] > 299:
                    refused[f"{one['status']}: {one.get('error', {}).get('reason')}"] += 1
    print(f"{n_sent} documents sent again, {refused.total()} refused")
    for reason, n in refused.most_common():
        print(f"  {n} x {reason}")
    return 1 if refused else 0


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    sys.exit(main(sys.argv[1], sys.argv[2:]))
