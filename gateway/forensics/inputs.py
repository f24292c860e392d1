"""Inputs as they are found: text files, standard input, folders, and corpora with one JSON object a line.

Everything is bounded, and what cannot be read ends the run: a text that is silently left out would not be counted.
"""

import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO, Final, NamedTuple

from gateway.forensics.prompt import Grams, without_grams

STDIN: Final = "-"
CORPUS_SUFFIXES: Final = (".jsonl", ".ndjson")
TEXT_SUFFIXES: Final = (".txt", ".md", ".text")
"""What is taken from a folder, beside corpora."""
MOST_BYTES: Final = 16 << 20
"""Of a text, or of a line of a corpus."""
MOST_DOCUMENTS: Final = 200_000
MOST_FILES: Final = 200_000


class BadInput(ValueError):  # noqa: N818 - named for what it is about
    """An input that cannot be read; the message names the file, and the line of a corpus."""


@dataclass(frozen=True, slots=True)
class Document:
    """One text. `original` is what was found, `text` the same without the words that the prompt had."""

    name: str
    text: str
    original: str
    dropped: int = 0

    def bare(self) -> "Document":
        """Without its text: for tables."""
        return replace(self, text="", original="")


class Source(NamedTuple):
    """A file, and how reports name it: without the folders above what was asked for, which say nothing of the text."""

    path: Path
    name: str


def found(paths: Sequence[str]) -> list[Source]:
    """The files of paths; folders are searched through, in order of their names. Raises BadInput."""
    files: list[Source] = []
    for path in map(Path, paths):
        if str(path) == STDIN or not path.is_dir():
            files.append(Source(path, path.name or STDIN))
            continue
        inside = sorted(one for one in path.rglob("*") if one.suffix in (*CORPUS_SUFFIXES, *TEXT_SUFFIXES))
        top = path.resolve().name
        files += [Source(one, f"{top}/{one.relative_to(path)}") for one in inside if one.is_file()]
        if len(files) > MOST_FILES:
            raise BadInput(f"{path}: more than {MOST_FILES} files")
    if not files:
        kinds = ", ".join((*TEXT_SUFFIXES, *CORPUS_SUFFIXES))
        raise BadInput(f"nothing to read: the folders hold no file that ends in {kinds}")
    return files


def documents(files: Iterable[Source], field: str = "text", prompt: Grams = frozenset()) -> Iterator[Document]:
    """The texts of files, one after the other. Raises BadInput."""
    count = 0
    for source in files:
        for name, original in _texts(source, field):
            count += 1
            if count > MOST_DOCUMENTS:
                raise BadInput(f"{source.path}: more than {MOST_DOCUMENTS} documents")
            text, dropped = without_grams(original, prompt)
            yield Document(name, text, original, dropped)


def read_text(path: Path) -> str:
    """One text file. Raises BadInput."""
    return next(_texts(Source(path, path.name), ""))[1]


def _texts(source: Source, field: str) -> Iterator[tuple[str, str]]:
    path = source.path
    try:
        if str(path) == STDIN:
            yield STDIN, _decoded(sys.stdin.buffer.read(MOST_BYTES + 1), STDIN)
            return
        with path.open("rb") as file:
            if field and path.suffix in CORPUS_SUFFIXES:
                yield from _lines(source, file, field)
            else:
                yield source.name, _decoded(file.read(MOST_BYTES + 1), str(path))
    except OSError as error:
        raise BadInput(f"{path}: cannot be read: {error.strerror}") from None


def _lines(source: Source, file: BinaryIO, field: str) -> Iterator[tuple[str, str]]:
    number = 0
    while line := file.readline(MOST_BYTES + 1):
        number += 1
        if not line.strip():
            continue
        place = f"{source.path}:{number}"
        decoded = _decoded(line, place)
        try:
            row = json.loads(decoded)
        except (ValueError, RecursionError):
            raise BadInput(f"{place}: not a JSON object on one line") from None
        text = row.get(field) if isinstance(row, dict) else None
        if not isinstance(text, str):
            raise BadInput(f"{place}: expected text under {field!r}: name the field with --field")
        yield f"{source.name}:{number}", text


def _decoded(data: bytes, place: str) -> str:
    if len(data) > MOST_BYTES:
        raise BadInput(f"{place}: larger than {MOST_BYTES >> 20} MiB")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise BadInput(f"{place}: not UTF-8 at byte {error.start}: convert it first") from None
