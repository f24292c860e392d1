"""The words of sample files, plain text or JSONL, within a bound: what a pair table's frequencies are counted from."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from gateway.cli.progress import Progress
from gateway.core.jsonio import JsonError, loads
from gateway.watermarks.words import read_words

MOST_BYTES: Final = 128 << 20
"""Of all files together: some twenty million words tell frequencies well, and take 200 MB of memory."""
_MOST_LINE: Final = 8 << 20


class BadSample(ValueError):  # noqa: N818 - a state of the world, not a mistake
    """A file that cannot be read as a sample; the message names the place."""


def sample_words(paths: Sequence[Path], field: str) -> Iterator[list[str]]:
    """The words of each document: a line of a file that ends in .jsonl (its `field`), or another file as a whole.

    Raises BadSample, OSError.
    """
    sizes = [path.stat().st_size for path in paths]
    if sum(sizes) > MOST_BYTES:
        raise BadSample(f"--sample: {sum(sizes) >> 20} MiB, expected at most {MOST_BYTES >> 20} MiB: a part will do")
    same: dict[str, str] = {}  # one object for each different word
    progress = Progress(sum(sizes))
    try:
        for path, size in zip(paths, sizes, strict=True):
            if path.suffix != ".jsonl":
                texts: Iterator[tuple[str, int]] = iter([(_plain(path), size)])
            else:
                texts = _lines(path, field)
            for text, count in texts:
                yield [same.setdefault(word, word) for word in read_words(text).words]
                progress.add(count)
    finally:
        progress.end()


def _plain(path: Path) -> str:
    with path.open("rb") as file:
        return file.read(MOST_BYTES).decode("utf-8", "replace")


def _lines(path: Path, field: str) -> Iterator[tuple[str, int]]:
    with path.open("rb") as file:
        for number, line in enumerate(iter(lambda: file.readline(_MOST_LINE), b""), 1):
            if not line.strip():
                continue
            try:
                document = loads(line)
            except JsonError as error:
                raise BadSample(f"{path}:{number}: not a line of JSON: {error}") from None
            text = document.get(field) if isinstance(document, dict) else None
            if not isinstance(text, str):
                raise BadSample(f"{path}:{number}: expected an object with text under {field!r}: see --field")
            yield text, len(line)
