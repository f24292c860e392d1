"""Fenced blocks, links and anchors of our own Markdown files."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "policies").glob("*.md")])


@dataclass(frozen=True)
class Block:
    """One fenced block: its language, its text, and where it begins."""

    language: str
    text: str
    place: str


def blocks(path: Path) -> Iterator[Block]:
    language, lines, started = None, [], 0
    for number, line in enumerate(path.read_text().splitlines(), 1):
        if line.startswith("```"):
            if language is None:
                language, lines, started = line[3:].strip(), [], number
            else:
                yield Block(language, "\n".join(lines) + "\n", f"{path.name}:{started}")
                language = None
        elif language is not None:
            lines.append(line)
    assert language is None, f"{path.name}:{started}: this block is never closed"


def prose(path: Path) -> str:
    """The page without its blocks."""
    return re.sub(r"^```.*?^```$", "", path.read_text(), flags=re.MULTILINE | re.DOTALL)


def links(path: Path) -> list[str]:
    return re.findall(r"\]\(([^)\s]+)\)", prose(path))


def anchors(path: Path) -> set[str]:
    """What GitHub makes of headings."""
    headings = re.findall(r"^#+ (.+)$", prose(path), re.MULTILINE)
    plain = (re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings)
    return set(plain)
