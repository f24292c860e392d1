"""What the registry says of the texts that the detector reads: who was served them, by fingerprints of answers.

The rule for what counts as a source is the registry's own (`gateway.registry.matching`), the same as `gateway trace`
has. Texts are looked up while they pass by, a batch in one pass over the files. Nothing found here has a part in p.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from gateway.forensics.inputs import Document
from gateway.forensics.portions import AT_ONCE, CHARS_AT_ONCE, parts
from gateway.registry.search import Searched, search
from gateway.registry.shelf import Shelf
from gateway.registry.trace import Query, Trace
from gateway.registry.units import WORD

MOST_ROWS: Final = 100_000
"""Lines of documents and their holders that are kept; the totals count all."""


class Holder(NamedTuple):
    """An account that was served something of a text, or of a corpus."""

    account: str
    documents: int
    answers: int
    """Different ones that count as sources."""
    rare_grams: int
    """Different ones of a text; of a corpus the sum over its documents."""
    run: int
    """Words of the longest run."""
    first_ms: int
    """When the first of the answers was served, ms since 1970."""


class Held(NamedTuple):
    """A document of which somebody was served enough."""

    document: str
    holders: tuple[Holder, ...]


@dataclass(frozen=True, slots=True)
class Fingerprints:
    """What was looked through and what was found: all holders, never only the first few."""

    searched: Searched
    holders: tuple[Holder, ...]
    """By documents, then rare grams, then the longest run."""
    documents: tuple[Held, ...]
    """In the order of the corpus, as far as MOST_ROWS goes."""
    held: int
    """Documents that have a holder."""
    below: int
    """Answers that share words with a text, too few to count."""


@dataclass(slots=True)
class _Sum:
    documents: int = 0
    answers: set[str] = field(default_factory=set)
    rare: set[bytes] = field(default_factory=set)
    rare_before: int = 0
    """Of documents that are done with."""
    run: int = 0
    first_ms: int | None = None

    def add(self, answers: Iterable[str], run: int, first_ms: int) -> None:
        self.answers.update(answers)
        self.run = max(self.run, run)
        self.first_ms = first_ms if self.first_ms is None else min(self.first_ms, first_ms)

    def holder(self, account: str) -> Holder:
        rare = self.rare_before + len(self.rare)
        return Holder(account, self.documents, len(self.answers), rare, self.run, self.first_ms or 0)


class Lookup:
    """Texts on their way to the detector are looked up too. Memory: a batch, and about 100 bytes an answer that counts.

    `root_of` gives the registry key of an epoch; `until_ms`: answers that were served later are passed over, so that
    the same search can be made again in a registry that has grown.
    """

    def __init__(
        self, shelves: Sequence[Shelf], root_of: Callable[[str], bytes], prompt: str | None, until_ms: int
    ) -> None:
        self._shelves = shelves
        self._root_of = root_of
        self._prompt = prompt or ""
        self._until_ms = until_ms
        self._count = 0
        self._waiting: list[tuple[int, Query]] = []
        self._chars = 0
        self._names: dict[int, str] = {}
        """Of documents that are not done with."""
        self._open: dict[int, dict[str, _Sum]] = {}
        self._totals: dict[str, _Sum] = {}
        self._rows: list[Held] = []
        self._lines = 0
        self._held = 0
        self._below = 0
        self._searched = Searched()
        self._problems: dict[str, None] = {}

    def watching(self, texts: Iterable[Document]) -> Iterator[Document]:
        """The same texts; each is looked up as well."""
        for text in texts:
            self.add(text)
            yield text

    def add(self, document: Document) -> None:
        """Look a text up, now or with those that follow; as it was found, but for grams that the prompt has too."""
        number = self._count
        self._count += 1
        self._names[number] = document.name
        for part in parts(document):
            if len(self._waiting) >= AT_ONCE or self._chars >= CHARS_AT_ONCE:
                self._search(number)
            self._waiting.append((number, Query(part.original, self._prompt)))
            self._chars += len(part.original)

    def found(self) -> Fingerprints:
        """What was found of all texts that were added."""
        self._search(self._count)
        self._searched.problems = list(self._problems)
        holders = (total.holder(account) for account, total in self._totals.items())
        return Fingerprints(
            self._searched, tuple(sorted(holders, key=_order)), tuple(self._rows), self._held, self._below
        )

    def _search(self, done: int) -> None:
        """Look up what waits; documents numbered below `done` are then done with."""
        queries = [query for _, query in self._waiting]
        traces, self._searched = search(self._shelves, self._root_of, queries, self._until_ms)
        self._problems.update(dict.fromkeys(self._searched.problems))
        for (number, query), trace in zip(self._waiting, traces, strict=True):
            self._below += trace.below
            if trace.holders:
                _gather(self._open.setdefault(number, {}), query, trace)
        self._waiting, self._chars = [], 0
        for number in [number for number in self._names if number < done]:
            self._close(self._names.pop(number), self._open.pop(number, {}))

    def _close(self, name: str, sums: dict[str, _Sum]) -> None:
        """A document is done with: its holders become a row, and part of the totals."""
        if not sums:
            return
        self._held += 1
        for account, one in sums.items():
            one.documents = 1
            total = self._totals.setdefault(account, _Sum())
            total.documents += 1
            total.rare_before += len(one.rare)
            total.add(one.answers, one.run, one.first_ms or 0)
        self._lines += len(sums)
        if self._lines <= MOST_ROWS:
            holders = sorted((one.holder(account) for account, one in sums.items()), key=_order)
            self._rows.append(Held(name, tuple(holders)))


def _gather(sums: dict[str, _Sum], query: Query, trace: Trace) -> None:
    """The parts of a text say together what it would say as a whole, but for runs that a part's end cuts."""
    for holder in trace.holders:
        own = sums.setdefault(holder.account, _Sum())
        requests = (source.document.id for source in holder.sources)
        own.add(requests, holder.run.length // WORD, holder.first_issued_ms)
        own.rare.update(query.grams[gram] for source in holder.sources for gram in source.rare)


def _order(holder: Holder) -> tuple[int, int, int, int, str]:
    return -holder.documents, -holder.rare_grams, -holder.run, holder.first_ms, holder.account
