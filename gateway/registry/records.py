"""One answer in the registry, as bytes: who was served it, when, by which model, and its fingerprints. No text.

In a log each record is framed by its length and its CRC-32, so that what a crash tore off is seen. docs/registry.md has
the layout; a change of it is a new `LOG_MAGIC`.
"""

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, NamedTuple

from gateway.registry.sketch import HASH_BYTES, MOST

LOG_MAGIC: Final = b"EXRLOG\n\x01"
FRAME: Final = struct.Struct("<II")
_FIXED: Final = struct.Struct("<QI4B")
"""Issued at (ms since 1970), words, and the lengths of the four names."""
_MOST_BYTES: Final = _FIXED.size + 4 * 255 + HASH_BYTES * MOST


@dataclass(frozen=True, slots=True)
class Document:
    """One answer.

    Names are cut to 255 bytes: they are ids, and none that the gateway makes is as long.
    """

    id: str
    """The request's id."""
    account: str
    """The internal id."""
    family: str
    model: str
    issued_ms: int
    words: int

    def head(self) -> bytes:
        """Everything but the fingerprints."""
        names = [name.encode("utf-8", "replace")[:255] for name in (self.id, self.account, self.family, self.model)]
        return _FIXED.pack(self.issued_ms, min(self.words, 0xFFFFFFFF), *map(len, names)) + b"".join(names)


class Record(NamedTuple):
    """A record as it was read: the head is taken apart only where a fingerprint of it was looked for."""

    head: bytes
    fingerprints: bytes


def framed(document: Document, fingerprints: bytes) -> bytes:
    """A whole record, as it is appended to a log."""
    body = document.head() + fingerprints
    return FRAME.pack(len(body), zlib.crc32(body)) + body


def document_of(head: bytes) -> Document:
    """Raises ValueError for what is no head."""
    try:
        issued, words, *lengths = _FIXED.unpack_from(head)
    except struct.error:
        raise ValueError("not a record") from None
    names = []
    at = _FIXED.size
    for length in lengths:
        names.append(head[at : at + length].decode("utf-8", "replace"))
        at += length
    document_id, account, family, model = names
    return Document(document_id, account, family, model, issued, words)


class Scan:
    """The records of a log, up to the first byte that no whole record explains."""

    __slots__ = ("_data", "end")

    def __init__(self, data: bytes) -> None:
        """Raises ValueError for what is no log of this version."""
        magic = data[: len(LOG_MAGIC)]
        if magic != LOG_MAGIC[: len(magic)]:
            found = f"version {magic[-1]}" if magic[:-1] == LOG_MAGIC[:-1] else "another program's file"
            raise ValueError(f"expected a registry log of version {LOG_MAGIC[-1]}, found {found}")
        self._data = data
        self.end = min(len(data), len(LOG_MAGIC))
        """Bytes that are whole; what lies beyond was torn off by a crash, or is being written."""

    @property
    def torn(self) -> bool:
        return self.end < len(self._data) or self.end < len(LOG_MAGIC)

    def __iter__(self) -> Iterator[Record]:
        data = self._data
        size = len(data)
        at = self.end
        while size - at >= FRAME.size:
            length, checksum = FRAME.unpack_from(data, at)
            start = at + FRAME.size
            if length > size - start or not _FIXED.size <= length <= _MOST_BYTES:
                return
            body = data[start : start + length]
            head = _FIXED.size + sum(body[_FIXED.size - 4 : _FIXED.size])
            if zlib.crc32(body) != checksum or head > length or (length - head) % HASH_BYTES:
                return
            self.end = at = start + length
            yield Record(body[:head], body[head:])
