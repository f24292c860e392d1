"""A closed log, sorted by fingerprint: which of its answers hold a fingerprint is found without reading the rest.

    header      magic, version, sizes, a CRC-32 of each part and of the header
    directory   for each value of the first one or two bytes of a fingerprint: where its postings begin
    rests       the other four or three bytes of each fingerprint, sorted
    documents   4 bytes each: the answer's number in this file
    orders      2 bytes each: the how manieth fingerprint of its answer it is
    offsets     4 bytes for each answer: where its head begins
    heads       who, when, which model (records.py)

All numbers are little-endian, fingerprints as they are. The first two bytes make the directory once 4 bytes for each
of their 65,536 values cost less than a byte for each posting.
"""

import mmap
import os
import struct
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Final, NamedTuple, Self

from gateway.registry.records import Document, document_of
from gateway.registry.shelf import RegistryUnavailable, unavailable
from gateway.registry.sketch import HASH_BYTES

MAGIC: Final = b"EXRSEG\n\x01"
HEADER: Final = struct.Struct("<8sB3xIIQ6II")
"""Magic, bytes of a rest, answers, postings, bytes of heads, six checksums of parts, that of all before."""
WIDE: Final = 1 << 18
"""Postings from which on two bytes make the directory."""
_U32: Final = struct.Struct("<I")
_TWO: Final = struct.Struct("<II")
_U16: Final = struct.Struct("<H")


class Posting(NamedTuple):
    """A fingerprint that was looked for, in an answer."""

    fingerprint: bytes
    document: int
    order: int


def rest_bytes(postings: int) -> int:
    """Bytes of a fingerprint that the directory does not stand for."""
    return 3 if postings >= WIDE else 4


def header(postings: int, documents: int, parts: list[bytes]) -> bytes:
    """The header of these six parts, in the order of the file."""
    checksums = [zlib.crc32(part) for part in parts]
    start = HEADER.pack(MAGIC, rest_bytes(postings), documents, postings, len(parts[-1]), *checksums, 0)[: -_U32.size]
    return start + _U32.pack(zlib.crc32(start))


class Segment:
    """An open segment; close it, or use it in a `with`."""

    __slots__ = ("_data", "_parts", "_rest", "_sums", "documents", "path", "postings")

    def __init__(self, path: Path) -> None:
        """Raises FileNotFoundError, and RegistryUnavailable for a file that is no whole segment of this version."""
        self.path = path
        try:
            descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            raise
        except OSError as error:
            raise unavailable(path, error) from error
        try:
            size = os.fstat(descriptor).st_size
            if size < HEADER.size:
                raise self._wrong("expected a registry segment")
            self._data = mmap.mmap(descriptor, 0, access=mmap.ACCESS_READ)
        finally:
            os.close(descriptor)
        try:
            self._read_header(size)
        except BaseException:
            self._data.close()
            raise

    def _read_header(self, size: int) -> None:
        magic, rest, documents, postings, heads, *sums, own = HEADER.unpack_from(self._data)
        if magic[:-1] != MAGIC[:-1]:
            raise self._wrong("another program's file")
        if magic != MAGIC:
            raise self._wrong(f"version {magic[-1]}; this version of the gateway reads version {MAGIC[-1]}")
        if zlib.crc32(self._data[: HEADER.size - _U32.size]) != own or rest != rest_bytes(postings):
            raise self._wrong("its header is damaged")
        self.documents: int = documents
        self.postings: int = postings
        self._rest: int = rest
        self._sums: list[int] = sums
        sizes = (
            _U32.size * ((1 << 8 * (HASH_BYTES - rest)) + 1), rest * postings, _U32.size * postings,
            _U16.size * postings, _U32.size * (documents + 1), heads,
        )  # fmt: skip
        self._parts = [HEADER.size]
        for one in sizes:
            self._parts.append(self._parts[-1] + one)
        if self._parts[-1] != size:
            raise self._wrong(f"expected {self._parts[-1]} bytes, found {size}")
        if not self._holds(0):
            raise self._wrong("its directory is damaged")

    def check(self) -> None:
        """Raises RegistryUnavailable unless every byte is as it was written."""
        if not all(map(self._holds, range(len(self._sums)))):
            raise self._wrong("it is damaged")

    def _holds(self, part: int) -> bool:
        with memoryview(self._data) as view:
            found: int = zlib.crc32(view[self._parts[part] : self._parts[part + 1]])
            return found == self._sums[part]

    def find(self, wanted: Iterable[bytes]) -> Iterator[Posting]:
        """All postings of these fingerprints."""
        data, rest = self._data, self._rest
        directory, rests, documents, orders = self._parts[:4]
        top = HASH_BYTES - rest
        for fingerprint in wanted:
            low, high = _TWO.unpack_from(data, directory + _U32.size * int.from_bytes(fingerprint[:top], "big"))
            tail = fingerprint[top:]
            end = rests + rest * high
            at = data.find(tail, rests + rest * low, end)
            while at >= 0:
                index, odd = divmod(at - rests, rest)
                if odd:
                    at = data.find(tail, at + 1, end)
                    continue
                document = _U32.unpack_from(data, documents + _U32.size * index)[0]
                yield Posting(fingerprint, document, _U16.unpack_from(data, orders + _U16.size * index)[0])
                at = data.find(tail, at + rest, end)

    def document(self, number: int) -> Document:
        """Raises RegistryUnavailable where the file is damaged."""
        offsets, heads, end = self._parts[4:7]
        if number >= self.documents:
            raise self._wrong("it is damaged")
        start, stop = _TWO.unpack_from(self._data, offsets + _U32.size * number)
        if not start <= stop <= end - heads:
            raise self._wrong("it is damaged")
        try:
            return document_of(self._data[heads + start : heads + stop])
        except ValueError:
            raise self._wrong("it is damaged") from None

    def _wrong(self, why: str) -> RegistryUnavailable:
        return RegistryUnavailable(f"registry {self.path}: {why}")

    def close(self) -> None:
        self._data.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()
