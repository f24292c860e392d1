"""Registries for tests: prose of a made-up language, its words as unequal as real ones, and answers written down."""

from collections.abc import Iterable
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from random import Random

from gateway.registry.records import Document
from gateway.registry.search import Searched, search
from gateway.registry.shelf import Shelf, shelves
from gateway.registry.sketch import sketch
from gateway.registry.trace import Query, Trace
from gateway.registry.writer import Writer

ROOT = bytes(range(32))
NOON_MS = 1_793_620_800_000
"""2026-11-02, noon UTC."""
DAY_MS = 86_400_000
UNTIL_MS = NOON_MS + 60 * DAY_MS

_SYLLABLES = ("ba", "ko", "ti", "len", "mur", "sa", "dre", "fin", "gol", "ve", "ra", "nu", "pis", "tam", "wo", "ze")
VOCABULARY = tuple(a + b + c for a in _SYLLABLES for b in _SYLLABLES for c in ("", *_SYLLABLES))
_WEIGHTS = [1 / (rank + 3) for rank in range(len(VOCABULARY))]


def prose(pick: Random, words: int) -> list[str]:
    """Words drawn by Zipf's law: a few are everywhere."""
    return pick.choices(VOCABULARY, _WEIGHTS, k=words)


def edited(pick: Random, words: list[str], share: float) -> list[str]:
    """Some words replaced, dropped or added, a third of each."""
    out = []
    for word in words:
        if pick.random() >= share:
            out.append(word)
            continue
        kind = pick.randrange(3)
        if kind:
            out.append(pick.choice(VOCABULARY))
        if kind == 2:
            out.append(word)
    return out


def answer(number: int, account: str = "acct-a", issued_ms: int = NOON_MS) -> Document:
    return Document(f"req_{number:024x}", account, "gemma-3", "gemma-3-27b", issued_ms, 0)


def kept(folder: Path, answers: Iterable[tuple[Document, str]], prompt: str = "", most_bytes: int = 32 << 20) -> None:
    """Write answers to `folder` (REGISTRY/instance/epoch), whose salt follows from its names: every run is the same."""
    folder.parent.parent.mkdir(parents=True, exist_ok=True)
    shelf = Shelf(folder)
    if not shelf.has_salt():
        shelf.create(UNTIL_MS)
        (folder / "salt").write_bytes(sha256(shelf.name.encode()).digest())
    writer = Writer(folder, UNTIL_MS, ROOT, most_bytes)
    for document, text in answers:
        found = sketch(text, writer.hasher, prompt)
        writer.append(replace(document, words=found.words), found)
    writer.close()


def traced(registry: Path, text: str, prompt: str = "", root: bytes = ROOT) -> Trace:
    """What the registry says of a text; it must be readable."""
    trace, searched = traced_all(registry, text, prompt, root)
    assert searched.problems == []
    return trace


def traced_all(registry: Path, text: str, prompt: str = "", root: bytes = ROOT) -> tuple[Trace, Searched]:
    traces, searched = search(shelves(registry), lambda _epoch: root, [Query(text, prompt)])
    return traces[0], searched
