"""The Markdown that people read: its fenced blocks, its links, and the files that it names."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from tests.conftest import ROOT

RUN = ("bash", "python")
SHOWN = ("text", "yaml", "mermaid")  # what a test does not run; any other language is refused
FENCE = re.compile(r"^```(\w*)$")
NOT_RUN = re.compile(r"^<!-- not run: (\S.*) -->$")
STATUS = re.compile(r"^<!-- exit status: (\d+(?: or \d+)*) -->$")


@dataclass(frozen=True)
class CodeBlock:
    """A fenced block: where it is, what it says, and what the comment above it asks for.

    `statuses` are those that its last command may end with; `not_run` is why it cannot be run.
    """

    page: str
    line: int
    language: str
    text: str
    statuses: tuple[int, ...] = (0,)
    not_run: str = ""

    @property
    def commands(self) -> list[tuple[int, str]]:
        """Return the commands of a bash block, each with its line."""
        found: list[tuple[int, str]] = []
        continued = False
        for number, text in enumerate(self.text.splitlines(), self.line + 1):
            if continued:
                found[-1] = (found[-1][0], f"{found[-1][1]}\n{text}")
            elif text.strip() and not text.startswith("#"):
                found.append((number, text))
            continued = text.endswith("\\")
        return found


@dataclass
class _Open:
    line: int
    language: str
    above: str
    lines: list[str] = field(default_factory=list)


def pages() -> list[str]:
    """Name the pages whose blocks are run: README and the guides."""
    guides = sorted(path.relative_to(ROOT).as_posix() for path in (ROOT / "docs").rglob("*.md"))
    return ["README.md", *guides]


def blocks(page: str) -> Iterator[CodeBlock]:
    """Yield the fenced blocks of a page; a comment counts for the block right below it."""
    above, inside = "", None
    for number, text in enumerate((ROOT / page).read_text("utf-8").splitlines(), 1):
        fence = FENCE.match(text)
        if inside is not None and text == "```":
            yield _block(page, inside)
            inside, above = None, ""
        elif inside is not None:
            inside.lines.append(text)
        elif fence:
            inside = _Open(number, fence[1], above)
        else:
            above = text
    assert inside is None, f"{page}:{inside.line}: a block without an end"


def _block(page: str, found: _Open) -> CodeBlock:
    where = f"{page}:{found.line}"
    assert found.language in RUN + SHOWN, f"{where}: a block of {found.language or 'no language'}"
    not_run, statuses = NOT_RUN.match(found.above), STATUS.match(found.above)
    marked = found.above.startswith("<!-- ") and not found.above.startswith("<!-- figures")
    assert bool(not_run or statuses) == marked, f"{where}: what does '{found.above}' say?"
    return CodeBlock(
        page,
        found.line,
        found.language,
        "\n".join(found.lines),
        tuple(int(word) for word in statuses[1].split(" or ")) if statuses else (0,),
        not_run[1] if not_run else "",
    )


def anchors(text: str) -> set[str]:
    """Return the names that a link may have after #: headings as GitHub names them, and `id`s."""
    headings = re.findall(r"(?m)^#+ (.+)$", text)
    names = {re.sub(r"[^\w\- ]", "", title.lower()).strip().replace(" ", "-") for title in headings}
    return names | set(re.findall(r'<a id="([^"]+)">', text))


def dead_links(page: str) -> Iterator[str]:
    """Yield the relative links of a page whose file or heading is not there."""
    text = (ROOT / page).read_text("utf-8")
    for link in re.findall(r"\]\(([^)\s]+)\)", text):
        if link.startswith(("http:", "https:", "mailto:")):
            continue
        name, _, anchor = link.partition("#")
        target = ((ROOT / page).parent / name).resolve() if name else ROOT / page
        if not target.exists() or (anchor and anchor not in anchors(target.read_text("utf-8"))):
            yield link


PATH = re.compile(
    r"`((?:bench|commands|data|docs|experiments|journal|problems|retrace|stages|tests|trials|workflow)"
    r"/[\w./-]+|[\w-]+\.(?:md|yaml|toml|lock))`"
)


def dead_paths(page: str, made: re.Pattern[str]) -> Iterator[str]:
    """Yield what a page names as a file of the repository and is none; `made` are outputs."""
    path = ROOT / page
    for name in PATH.findall(path.read_text("utf-8")):
        if not made.match(name) and not any((at / name).exists() for at in (ROOT, path.parent)):
            yield name
