"""The one YAML door: strict in, with a place for everything.

YAML read loosely says things nobody wrote: the last of two equal keys wins, `no` is false, `1:30` is ninety, a merge
key multiplies. This reads the part of YAML 1.2 that means what it looks like, from the parser's events, and
keeps the place of every value, so that whoever checks the document can point at the line.
"""

from pathlib import Path

from gateway.yamlio.dump import dump
from gateway.yamlio.outline import Outline, Span, outline
from gateway.yamlio.places import Loaded, Place, Problem, YamlProblems, printable
from gateway.yamlio.reader import MAX_BYTES, load

__all__ = [
    "MAX_BYTES", "Loaded", "Outline", "Place", "Problem", "Span", "YamlProblems", "dump", "load", "load_file",
    "outline", "printable", "read_text",
]  # fmt: skip


def load_file(path: Path) -> Loaded:
    """Read a file. Raises YamlProblems, also when it cannot be read."""
    return load(read_text(path), str(path))


def read_text(path: Path) -> str:
    """A file's text, as UTF-8. Raises YamlProblems."""
    source = str(path)
    try:
        if path.exists() and not path.is_file():
            raise YamlProblems([Problem(source, 1, 1, "expected a regular file")])
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 4)
        return data.decode("utf-8-sig")
    except OSError as error:
        raise YamlProblems([Problem(source, 1, 1, f"cannot be read: {error.strerror}")]) from None
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise YamlProblems([Problem(source, line, 1, "not UTF-8")]) from None
