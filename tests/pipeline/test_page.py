"""The page in a browser: nothing is cut or runs out of its box, on a desk and on a phone."""

import html
import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

BROWSER = shutil.which("chromium") or shutil.which("google-chrome")
FLAGS = [
    f"--{flag}"
    for flag in (
        "headless", "no-sandbox", "disable-gpu", "disable-quic", "no-first-run", "disable-sync",
        "hide-scrollbars", "disable-background-networking", "disable-component-update",
        "virtual-time-budget=10000", "window-size=1500,2000",
    )
]  # fmt: skip
# An SVG draws inside its own box; what is hidden is for screen readers.
MEASURE = """
const found = [];
for (const box of document.querySelectorAll('body, body *')) {
  if (box.closest('.hidden') || box.parentElement.closest('svg')) continue;
  const text = box.textContent.trim().slice(0, 40);
  const what = `${box.tagName} ${box.getAttribute('class') || ''} ${text}`;
  const wide = getComputedStyle(box).display !== 'inline' && box.clientWidth > 0;
  if (wide && box.scrollWidth > box.clientWidth + 1) found.push(`cut: ${what}`);
  const edge = box.getBoundingClientRect();
  if (edge.width > 0 && edge.right > innerWidth + 1) found.push(`out: ${what}`);
}
const height = document.documentElement.scrollHeight;
parent.postMessage(JSON.stringify({width: innerWidth, height, found}), '*');
"""
# A browser's window has a least width; a frame has not.
FRAME = """<body><iframe src="page.html" style="border:0;width:{width}px;height:900px"></iframe>
<script>onmessage = e => document.documentElement.setAttribute('data-found', e.data)</script>"""


def measured(page: str, width: int, folder: Path) -> dict[str, Any]:
    """Return width and height of the page, and which of its boxes have more in them than fits."""
    folder.mkdir()
    script = f"<script>{MEASURE}</script></body>"
    (folder / "page.html").write_text(page.replace("</body>", script), encoding="utf-8")
    (folder / "frame.html").write_text(FRAME.format(width=width), encoding="utf-8")
    command = [str(BROWSER), *FLAGS, f"--user-data-dir={folder / 'user'}", "--dump-dom"]
    done = subprocess.run(
        [*command, (folder / "frame.html").as_uri()],
        capture_output=True, text=True, timeout=240, check=True,
    )  # fmt: skip
    found = re.search(r'data-found="([^"]*)"', done.stdout)
    assert found, done.stderr[-500:]
    told: dict[str, Any] = json.loads(html.unescape(found[1]))
    return told


@pytest.mark.skipif(BROWSER is None, reason="no chromium on this machine")
@pytest.mark.parametrize("width", [1400, 420])
def test_nothing_is_cut(reproduced: Path, tmp_path: Path, width: int) -> None:
    page = (reproduced / "reports/index.html").read_text(encoding="utf-8")
    assert "<details>" in page
    opened = measured(page.replace("<details>", "<details open>"), width, tmp_path / "open")
    assert opened["width"] == width
    assert opened["found"] == []
    folded = measured(page, width, tmp_path / "folded")
    assert folded["found"] == []
    assert folded["height"] < min(opened["height"] / 4, 6000 if width == 1400 else 9000)


@pytest.mark.skipif(BROWSER is None, reason="no chromium on this machine")
def test_a_box_that_is_too_small_is_found(tmp_path: Path) -> None:
    narrow = '<p style="width:50px;white-space:nowrap;overflow:hidden">more than fits in here</p>'
    found = measured(f"<!doctype html><body>{narrow}</body>", 420, tmp_path / "page")["found"]
    assert len(found) == 1
    assert found[0].startswith("cut: P")
