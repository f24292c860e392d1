"""Key records from the book, kept in memory: bounded, least recently used first out, dropped when they change.

Ids that are no key are remembered too, apart from the others and for seconds only: whoever tries many can neither push
out a key that is in use nor ask the book for the same id again and again.
"""

from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass

from gateway.identity.directory import KeyRecord
from gateway.stores.book.base import Kind, Ref


@dataclass(frozen=True, slots=True)
class Cached:
    """A record and when the book was asked for it, in monotonic seconds."""

    record: KeyRecord
    read_at: float


class KeyCache:
    """Known keys, and ids known to be none."""

    def __init__(self, most: int, most_unknown: int, unknown_s: float) -> None:
        self._most = most
        self._most_unknown = most_unknown
        self._unknown_s = unknown_s
        self._known: OrderedDict[str, Cached] = OrderedDict()
        self._unknown: dict[str, float] = {}
        """Until when, oldest first."""
        self._of: dict[Ref, set[str]] = {}
        """The cached keys of an account or org."""

    def __len__(self) -> int:
        return len(self._known)

    @property
    def unknown(self) -> int:
        return len(self._unknown)

    def get(self, key_id: str) -> Cached | None:
        cached = self._known.get(key_id)
        if cached is not None:
            self._known.move_to_end(key_id)
        return cached

    def is_unknown(self, key_id: str, now: float) -> bool:
        until = self._unknown.get(key_id)
        return until is not None and now < until

    def put(self, key_id: str, record: KeyRecord, read_at: float) -> None:
        self._unknown.pop(key_id, None)
        self._drop(key_id)
        while len(self._known) >= self._most:
            self._drop(next(iter(self._known)))
        self._known[key_id] = Cached(record, read_at)
        for ref in _owners(record):
            self._of.setdefault(ref, set()).add(key_id)

    def put_unknown(self, key_id: str, now: float) -> None:
        self._drop(key_id)
        self._unknown.pop(key_id, None)
        while len(self._unknown) >= self._most_unknown:
            del self._unknown[next(iter(self._unknown))]
        self._unknown[key_id] = now + self._unknown_s

    def changed(self, refs: Iterable[Ref]) -> None:
        """Drop every key that a changed row has a part in, and all ids that were none: any of them may be one now."""
        self._unknown.clear()
        for ref in refs:
            if ref[0] is Kind.KEY:
                self._drop(ref[1])
            else:
                for key_id in list(self._of.get(ref, ())):
                    self._drop(key_id)

    def clear(self) -> None:
        self._known.clear()
        self._unknown.clear()
        self._of.clear()

    def _drop(self, key_id: str) -> None:
        cached = self._known.pop(key_id, None)
        if cached is None:
            return
        for ref in _owners(cached.record):
            keys = self._of[ref]
            keys.discard(key_id)
            if not keys:
                del self._of[ref]


def _owners(record: KeyRecord) -> tuple[Ref, Ref]:
    account = record.principal.account
    return (Kind.ACCOUNT, account.id), (Kind.ORG, account.org)
