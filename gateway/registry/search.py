"""Looks texts up in all replicas' folders. Holds one file open at a time and writes nothing.

Several texts are looked up in one pass over the files. What a replica writes meanwhile may be found or not; what was
there when the search began is found.
"""

import struct
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from gateway.registry.matching import Hit, most_holders
from gateway.registry.records import Document, Scan, document_of
from gateway.registry.segment import Segment
from gateway.registry.shelf import RegistryUnavailable, Shelf, Suffix, unavailable
from gateway.registry.sketch import HASH_BYTES
from gateway.registry.trace import Gathering, Query, Trace

_EACH: Final = struct.Struct(f"{HASH_BYTES}s")
_LIFE: Final[tuple[Suffix, ...]] = ("seg", "log", "open")
_TRIES: Final = 3

_Asked = tuple[int, int]
"""The number of a text, and that of a gram in it."""
_Wanted = Mapping[bytes, Sequence[_Asked]]
_Hits = tuple[Document, list[tuple[int, _Asked]]]


@dataclass(slots=True)
class Searched:
    """What was looked through, and what could not be."""

    documents: int = 0
    shelves: list[str] = field(default_factory=list)
    shredded: list[str] = field(default_factory=list)
    """Epochs whose salt is gone."""
    problems: list[str] = field(default_factory=list)
    """Files that could not be read, or not to their end."""


def search(
    shelves: Sequence[Shelf], root_of: Callable[[str], bytes], queries: Sequence[Query], until_ms: int | None = None
) -> tuple[list[Trace], Searched]:
    """The trace of each text. `root_of` gives the registry key of an epoch by its name.

    With `until_ms` answers that were served later are passed over: a registry that has grown says the same again.
    What cannot be read is a problem in `Searched`, and the rest is searched.
    """
    gatherings = [Gathering(query) for query in queries]
    searched = Searched()
    for shelf in shelves:
        try:
            shelf.about()
            hasher = shelf.hasher(root_of(shelf.epoch))
            if hasher is None:
                searched.shredded.append(shelf.name)
                continue
            searched.shelves.append(shelf.name)
            # Fingerprints of one folder say nothing to another's, so every gram is hashed once for each.
            hashes = {gram: hasher.of(gram) for query in queries for gram in query.grams}
            stems = shelf.stems()
        except OSError as error:
            searched.problems.append(str(unavailable(shelf.folder, error)))
            continue
        except RegistryUnavailable as error:
            searched.problems.append(str(error))
            continue
        wanted = _wanted(queries, hashes)
        for gathering in gatherings:
            most = [most_holders(hashes[gram]) for gram in gathering.query.grams]
            gathering.begin((shelf.instance, shelf.epoch), most)
        for stem in stems:
            for document, hits in _in_file(shelf, stem, wanted, searched):
                if until_ms is None or document.issued_ms <= until_ms:
                    _deal(document, hits, gatherings)
        for gathering in gatherings:
            gathering.end()
    return [gathering.trace() for gathering in gatherings], searched


def _wanted(queries: Sequence[Query], hashes: Mapping[bytes, bytes]) -> _Wanted:
    """Where each fingerprint is looked for."""
    wanted: dict[bytes, list[_Asked]] = defaultdict(list)
    for number, query in enumerate(queries):
        for index, gram in enumerate(query.grams):
            wanted[hashes[gram]].append((number, index))
    return wanted


def _in_file(shelf: Shelf, stem: str, wanted: _Wanted, searched: Searched) -> list[_Hits]:
    """A log may be closed or sorted while it is looked for: then its next form is there."""
    for _ in range(_TRIES):
        for suffix in _LIFE:
            path = shelf.path(stem, suffix)
            with suppress(FileNotFoundError):
                try:
                    if suffix == "seg":
                        return _in_segment(path, wanted, searched)
                    return _in_log(path, wanted, searched)
                except FileNotFoundError:
                    raise
                except (RegistryUnavailable, OSError, ValueError) as error:
                    known = isinstance(error, RegistryUnavailable)
                    searched.problems.append(str(error) if known else f"registry {path}: {error}")
                    return []
    return []  # it was shredded meanwhile


def _in_segment(path: Path, wanted: _Wanted, searched: Searched) -> list[_Hits]:
    by_document: dict[int, list[tuple[int, _Asked]]] = defaultdict(list)
    with Segment(path) as segment:
        for fingerprint, number, order in segment.find(wanted):
            by_document[number] += [(order, one) for one in wanted[fingerprint]]
        found = [(segment.document(number), hits) for number, hits in by_document.items()]
        searched.documents += segment.documents
    return found


def _in_log(path: Path, wanted: _Wanted, searched: Searched) -> list[_Hits]:
    scan = Scan(path.read_bytes())
    found = []
    for record in scan:
        searched.documents += 1
        hits = [
            (order, one)
            for order, (fingerprint,) in enumerate(_EACH.iter_unpack(record.fingerprints))
            if fingerprint in wanted
            for one in wanted[fingerprint]
        ]
        if hits:
            found.append((document_of(record.head), hits))
    if scan.torn and path.suffix == ".log":
        searched.problems.append(f"registry {path}: damaged from byte {scan.end} on")
    return found


def _deal(document: Document, hits: list[tuple[int, _Asked]], gatherings: Sequence[Gathering]) -> None:
    """Each text gets its own hits."""
    by_query: dict[int, list[Hit]] = defaultdict(list)
    for order, (query, gram) in hits:
        by_query[query].append((order, gram))
    for query, own in by_query.items():
        gatherings[query].add(document, tuple(own))
