"""The published test vectors, where a checkout has them beside it: `../shared/data/vectors`. See its README."""

import json
import re
import tarfile
from pathlib import Path
from typing import Any, NamedTuple

import pytest

_FOLDER = Path(__file__).parents[3] / "shared" / "data" / "vectors"

needs_vectors = pytest.mark.skipif(not _FOLDER.is_dir(), reason="no ../shared/data/vectors beside this checkout")


def json_vectors(verdict: str) -> dict[str, bytes]:
    """The documents that must parse (`y`), must not (`n`) or may (`i`), by name."""
    with tarfile.open(_FOLDER / "json.tar.gz") as archive:
        members = [member for member in archive if Path(member.name).name.startswith(verdict + "_")]
        return {Path(member.name).stem: archive.extractfile(member).read() for member in members}


class HttpVector(NamedTuple):
    """Bytes of a request, and what a strict parser says: the reason of its error, or None."""

    name: str
    data: bytes
    error: str | None
    lenient: bool
    """The expectation is that of a parser told to be lenient; ours is not."""


_PART = re.compile(
    r"^#+ (?P<title>[^\n]*)$|<!-- meta=(?P<meta>\{.*?\}) -->|^```(?P<kind>\w+)\n(?P<code>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)
_ERROR = re.compile(r'error code=\d+ reason="(.*?)"')


def http_requests() -> list[HttpVector]:
    """Every request of the Markdown files, with the escapes of their notation undone."""
    found = []
    with tarfile.open(_FOLDER / "llhttp.tar.gz") as archive:
        for member in sorted(archive, key=lambda one: one.name):
            if "/request/" in member.name and member.name.endswith(".md"):
                text = archive.extractfile(member).read().decode()
                found += _requests(Path(member.name).stem, text)
    return found


def _requests(file: str, text: str) -> list[HttpVector]:
    found: list[HttpVector] = []
    title, meta, code = "", {}, ""
    for part in _PART.finditer(text):
        if part["title"]:
            title = part["title"]
        elif part["meta"]:
            meta: dict[str, Any] = json.loads(part["meta"])
        elif part["kind"] == "http":
            code = part["code"]
        elif part["kind"] == "log":
            error = _ERROR.search(part["code"])
            name = f"{file}: {title}"
            found.append(HttpVector(name, _bytes(code), error and error[1], "lenient" in meta["type"]))
    return found


def _bytes(code: str) -> bytes:
    code = code.removesuffix("\n").replace("\\\n", "").replace("\n", "\r\n")
    for escape, meant in (("\\r", "\r"), ("\\n", "\n"), ("\\t", "\t"), ("\\f", "\f")):
        code = code.replace(escape, meant)
    return re.sub(rb"\\x([0-9a-fA-F]{2})", lambda found: bytes([int(found[1], 16)]), code.encode())
