"""A headless Chromium that tests drive over a pipe, in the DevTools protocol."""

import contextlib
import itertools
import json
import os
import shlex
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.pipeline.test_page import BROWSER, FLAGS

PATIENCE_SECONDS = 120.0
UNWANTED = ("virtual-time-budget", "window-size")
# An SVG draws inside its own box; what is hidden is for screen readers; what may be scrolled is
# not cut.
CUT = """(() => {
  const found = [];
  for (const box of document.querySelectorAll('body, body *')) {
    if (box.closest('.hidden, .skip, .wide, pre') || box.parentElement.closest('svg')) continue;
    const what = `${box.tagName} ${box.className} ${box.textContent.trim().slice(0, 40)}`;
    const wide = getComputedStyle(box).display !== 'inline' && box.clientWidth > 0;
    const typed = ['INPUT', 'TEXTAREA', 'SELECT'].includes(box.tagName);
    if (wide && !typed && box.scrollWidth > box.clientWidth + 1) found.push(`cut: ${what}`);
    const edge = box.getBoundingClientRect();
    if (edge.width > 0 && edge.right > innerWidth + 1) found.push(`out: ${what}`);
  }
  return found;
})()"""
# Of WCAG 2.2: 4.5 to 1, and 3 to 1 for what is large.
PALE = """(() => {
  const parts = text => (text.match(/[0-9.]+/g) || []).map(Number);
  const light = text => {
    const [r, g, b] = parts(text).slice(0, 3).map(one => {
      one /= 255;
      return one <= 0.04045 ? one / 12.92 : ((one + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const ground = box => {
    for (; box; box = box.parentElement) {
      const color = getComputedStyle(box).backgroundColor;
      if (parts(color).length === 3) return color;
    }
    return 'rgb(255, 255, 255)';
  };
  const found = [];
  for (const box of document.querySelectorAll('body *')) {
    const own = [...box.childNodes].some(one => one.nodeType === 3 && one.data.trim());
    if (!own || box.closest('option, .hidden, .skip')) continue;
    const style = getComputedStyle(box);
    const text = box.closest('svg') ? style.fill : style.color;
    const [low, high] = [light(text), light(ground(box))].sort((a, b) => a - b);
    const ratio = (high + 0.05) / (low + 0.05);
    const large = parseFloat(style.fontSize) >= 24;
    if (ratio < (large ? 3 : 4.5)) found.push(`${ratio.toFixed(2)}: ${box.textContent.trim()}`);
  }
  return found;
})()"""


class Tab:
    """A tab of a browser of its own; `complaints` are what the browser says of pages."""

    def __init__(self, to_browser: int, from_browser: int) -> None:
        self._to, self._from = to_browser, from_browser
        self._numbers, self._session, self._rest = itertools.count(1), "", b""
        self.complaints: list[str] = []
        self._loaded = 0
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        attached = self.call("Target.attachToTarget", targetId=target, flatten=True)
        self._session = attached["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Accessibility"):
            self.call(f"{domain}.enable")

    def call(self, method: str, **params: Any) -> Any:
        """Return the result of a command of the protocol."""
        number = next(self._numbers)
        message: dict[str, Any] = {"id": number, "method": method, "params": params}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._to, json.dumps(message).encode() + b"\0")
        while True:
            said = self._read()
            if said.get("id") == number:
                assert "error" not in said, said
                return said["result"]

    def _read(self) -> dict[str, Any]:
        while b"\0" not in self._rest:
            block = os.read(self._from, 1 << 16)
            assert block, "the browser ended"
            self._rest += block
        text, _, self._rest = self._rest.partition(b"\0")
        said: dict[str, Any] = json.loads(text)
        if said.get("method") == "Page.loadEventFired":
            self._loaded += 1
        if said.get("method") == "Log.entryAdded":
            self.complaints.append(said["params"]["entry"]["text"])
        return said

    def size(self, width: int, *, dark: bool = False) -> None:
        self.call(
            "Emulation.setDeviceMetricsOverride",
            width=width, height=900, deviceScaleFactor=1, mobile=width < 600,
        )  # fmt: skip
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.call("Emulation.setEmulatedMedia", features=[scheme])

    def open(self, url: str) -> None:
        before = self._loaded
        self.call("Page.navigate", url=url)
        self.wait(before)

    def wait(self, before: int) -> None:
        """Wait until another page has been loaded than before."""
        until = time.monotonic() + PATIENCE_SECONDS
        while self._loaded == before and time.monotonic() < until:
            self._read()

    def evaluate(self, script: str) -> Any:
        found = self.call("Runtime.evaluate", expression=script, returnByValue=True)
        assert "exceptionDetails" not in found, found
        return found["result"].get("value")

    def press(self, key: str, *, loads: bool = False) -> None:
        """Press a key; with `loads`, wait for the page that it opens."""
        codes = {"Tab": (9, ""), "Enter": (13, "\r"), "Space": (32, " ")}
        code, text = codes[key]
        before = self._loaded
        common = {"key": " " if key == "Space" else key, "code": key}
        common |= {"windowsVirtualKeyCode": code}
        for kind in ("keyDown", "keyUp"):
            words = {"text": text} if text and kind == "keyDown" else {}
            self.call("Input.dispatchKeyEvent", type=kind, **common, **words)
        if loads:
            self.wait(before)

    def write(self, text: str) -> None:
        self.call("Input.insertText", text=text)

    def controls(self) -> list[tuple[str, str]]:
        """Return role and name of all that can be operated, as screen readers have them."""
        roles = {"textbox", "spinbutton", "checkbox", "combobox", "button", "link", "DateTime"}
        nodes = self.call("Accessibility.getFullAXTree")["nodes"]
        return [
            (node["role"]["value"], node.get("name", {}).get("value", ""))
            for node in nodes
            if not node.get("ignored") and node.get("role", {}).get("value") in roles
        ]


@contextlib.contextmanager
def browser(folder: Path) -> Iterator[Tab]:
    """Start Chromium with a profile of its own, and end it."""
    its_in, to_browser = os.pipe()
    from_browser, its_out = os.pipe()
    flags = [flag for flag in FLAGS if not flag.startswith(tuple(f"--{one}" for one in UNWANTED))]
    command = [str(BROWSER), *flags, f"--user-data-dir={folder}", "--remote-debugging-pipe"]
    line = f"exec {shlex.join(command)} 3<&{its_in} 4>&{its_out}"
    process = subprocess.Popen(
        ["bash", "-c", line],
        pass_fds=(its_in, its_out),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    os.close(its_in)
    os.close(its_out)
    try:
        yield Tab(to_browser, from_browser)
    finally:
        process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(10)
        if process.poll() is None:
            process.kill()
            process.wait()
        os.close(to_browser)
        os.close(from_browser)
