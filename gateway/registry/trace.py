"""What the registry says of one text: the accounts that were served it, each with its answers."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from gateway.registry.grams import grams_of
from gateway.registry.matching import GRAMS, Hit, Run, densest, is_source, longest_run
from gateway.registry.records import Document

Place = tuple[str, str]
"""A replica and an epoch."""


class Query:
    """A text, ready to be looked up. Grams that its prompt holds too are left out."""

    __slots__ = ("_grams", "grams", "places", "words")

    def __init__(self, text: str, prompt: str = "") -> None:
        found = grams_of(text)
        known = _known(prompt)
        by_gram: dict[bytes, list[int]] = defaultdict(list)
        for gram, place in zip(found.grams, found.places, strict=False):
            if gram not in known:
                by_gram[gram].append(place)
        self._grams = found
        self.words = found.words
        self.grams: list[bytes] = list(by_gram)
        """The different ones."""
        self.places: list[list[int]] = list(by_gram.values())

    def words_of(self, run: Run) -> str:
        """The words of a run, as they are compared."""
        return self._grams.between(run.start, run.end)


@lru_cache(maxsize=1)
def _known(prompt: str) -> frozenset[bytes]:
    """A corpus has many texts and one prompt."""
    return frozenset(grams_of(prompt).grams) if prompt else frozenset()


@dataclass(frozen=True, slots=True)
class Source:
    """An answer that the text comes from, or shares with."""

    document: Document
    instance: str
    epoch: str
    grams: frozenset[int]
    """Grams of the text that it holds, by number."""
    rare: frozenset[int]
    """Those of them that are rare."""
    run: Run


@dataclass(frozen=True, slots=True)
class Holder:
    """An account that was served some of the text."""

    account: str
    sources: tuple[Source, ...]
    """The one with most rare grams first."""

    @property
    def rare(self) -> int:
        """Different rare grams of the text, in all its answers together."""
        return len(frozenset().union(*(source.rare for source in self.sources)))

    @property
    def grams(self) -> int:
        return len(frozenset().union(*(source.grams for source in self.sources)))

    @property
    def run(self) -> Run:
        """The longest one."""
        return max((source.run for source in self.sources), key=lambda run: run.length)

    @property
    def first_issued_ms(self) -> int:
        return min(source.document.issued_ms for source in self.sources)


@dataclass(frozen=True, slots=True)
class Trace:
    """What the registry says of one text: every account that was served it, never only the first few."""

    words: int
    grams: int
    holders: tuple[Holder, ...]
    """By rare grams, then by the longest run."""
    below: int
    """Answers that share grams with the text, too few to count."""


class _Found(NamedTuple):
    place: Place
    document: Document
    hits: tuple[Hit, ...]


class Gathering:
    """What one text has found so far. Folders are looked through one after the other: `begin`, `add` …, `end`."""

    __slots__ = ("_below", "_found", "_known", "_most", "_place", "_rare", "query")

    def __init__(self, query: Query) -> None:
        self.query = query
        self._rare: dict[Place, frozenset[int]] = {}
        self._found: list[_Found] = []
        self._below = 0

    def begin(self, place: Place, most: Sequence[int]) -> None:
        """A folder; `most` accounts may hold a gram there that is rare (`most_holders`)."""
        self._place, self._most = place, most
        self._known: dict[int, set[str]] = defaultdict(set)

    def add(self, document: Document, hits: tuple[Hit, ...]) -> None:
        """An answer in the folder that shares grams with the text."""
        for _, gram in hits:
            if len(self._known[gram]) <= self._most[gram]:
                self._known[gram].add(document.account)
        if densest(hits, self.query.places) >= GRAMS:
            self._found.append(_Found(self._place, document, hits))
        else:
            self._below += 1

    def end(self) -> None:
        """The folder is looked through: now it is known what is rare there."""
        known = self._known.items()
        self._rare[self._place] = frozenset(gram for gram, names in known if len(names) <= self._most[gram])

    def trace(self) -> Trace:
        by_account: dict[str, list[Source]] = defaultdict(list)
        places = self.query.places
        for place, document, hits in self._found:
            rare = self._rare[place]
            if is_source(hits, places, rare):
                grams = frozenset(gram for _, gram in hits)
                source = Source(document, *place, grams, grams & rare, longest_run(hits, places))
                by_account[document.account].append(source)
        holders = [
            Holder(account, tuple(sorted(sources, key=lambda one: (-len(one.rare), -one.run.length, one.document.id))))
            for account, sources in by_account.items()
        ]
        holders.sort(key=lambda one: (-one.rare, -one.run.length, one.first_issued_ms, one.account))
        below = self._below + len(self._found) - sum(len(holder.sources) for holder in holders)
        return Trace(self.query.words, len(self.query.grams), tuple(holders), below)
