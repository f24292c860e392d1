"""What has changed since the last commit, and how far each budget may go before the next one.

A budget row's ceiling is a promise already on disk: after a crash everything up to it counts as spent. Spending stays
under the ceiling, so nothing is ever under-charged; each commit moves the ceilings of busy rows ahead of need by a
block that follows how fast the row spends, and pulls those of idle rows back to the exact value.
"""

from collections.abc import Iterable
from typing import NamedTuple

from gateway.core.units import prompt_and_tokens
from gateway.engine.bucket import Bucket
from gateway.engine.budget import UNBOUNDED, Row
from gateway.engine.distinct import MAX_REMEMBERED, PAID, SUB_WINDOWS, Distinct
from gateway.engine.place import Hold, Place
from gateway.engine.reservation import Reservation
from gateway.engine.slots import Slots
from gateway.engine.states import Dropped
from gateway.stores.codec import amounts_text, holds_text, prompt_column, spec_text, tokens_text
from gateway.stores.journal import Batch, BucketRow, BudgetRow, EntryRow, NoveltyRow, PromptRow, ReservationRow

FIRST_BLOCK = 8
"""The first block of a row, in requests like the one that opened it."""
_LARGEST = (1 << 63) - 1
"""No SQLite integer is larger. Only an upstream's absurd reports get there: the budget is used up either way."""


OPENING, CLOSING, SUMMED = "opening", "closing", "summed"
"""What charges a counter beside reservations."""
MOST_ENTRIES = 100_000


class Asked(NamedTuple):
    """What a cut has of a limit on what is new; `marks` are of the prompts to be written."""

    place: Distinct
    newest: int
    tokens: list[tuple[int, int]]
    marks: list[tuple[int, int]]

    def rows(self) -> list[PromptRow]:
        place = self.place
        return [
            (place.key, prompt_column(prompt), place.sub_of(mark), mark % PAID if place.counts_tokens else 0)
            for prompt, mark in self.marks
        ]


class Cut:
    """One consistent picture of all changes, taken under the store's lock; `batch` turns it into rows outside."""

    __slots__ = (
        "buckets", "budgets", "ceilings", "closed", "dropped", "entries", "forgotten", "novelties", "opened", "places",
        "reservations",
    )  # fmt: skip

    def __init__(self) -> None:
        self.dropped: list[Dropped] = []
        self.entries: list[EntryRow] = []
        self.places: list[Place] = []
        self.reservations: dict[str, Reservation | None] = {}
        self.buckets: list[tuple[Bucket, int, int]] = []
        self.budgets: list[tuple[Row, int, int]] = []
        self.ceilings: list[tuple[Row, int]] = []
        self.novelties: list[Asked] = []
        self.forgotten: list[tuple[str, int]] = []
        self.opened: list[tuple[Reservation, int, list[Hold], list[tuple[int, int] | None]]] = []
        self.closed: list[tuple[str]] = []

    @property
    def empty(self) -> bool:
        changed = self.dropped or self.buckets or self.budgets or self.novelties or self.reservations or self.entries
        return not changed

    def batch(self) -> Batch:
        return Batch(
            self.dropped,
            [_bucket(*entry) for entry in self.buckets],
            [_budget(*entry) for entry in self.budgets],
            [_reservation(*entry) for entry in self.opened],
            self.closed,
            [_novelty(asked) for asked in self.novelties],
            [row for asked in self.novelties for row in asked.rows()],
            self.forgotten,
            self.entries,
        )


class Pending:
    """Dirty places and reservations; each once, however often it changed, so it is bounded by what is alive."""

    __slots__ = ("_busy", "_entries", "_most", "_places", "_prompts", "_reservations", "dropped")

    def __init__(self, dropped: list[Dropped]) -> None:
        self.dropped = dropped
        self._entries: list[EntryRow] = []
        self._most = MOST_ENTRIES
        self._places: dict[Place, None] = {}
        self._prompts: dict[Distinct, set[int]] = {}
        self._reservations: dict[str, Reservation | None] = {}
        # Rows whose ceiling stands above their exact value: charged at the last cut, and when that was.
        self._busy: dict[Row, tuple[int, float]] = {}

    def changed(self, holds: Iterable[Hold]) -> None:
        for place, _, amount in holds:
            if type(place) is not Slots:
                self._places[place] = None
            if type(place) is Distinct and amount:
                self._prompts.setdefault(place, set()).add(prompt_and_tokens(amount)[0])

    def opened(self, reservation: Reservation) -> None:
        self._reservations[reservation.id] = reservation

    def closed(self, reservation: Reservation) -> None:
        self._reservations[reservation.id] = None

    def charged(self, charged_by: str, row: Row, amount: int, at_ms: int) -> None:
        """One entry of the ledger. While the disk fails they pile up, and beyond a bound they are summed up."""
        self._entries.append((at_ms, charged_by, row.key, row.label, min(amount, _LARGEST)))
        if len(self._entries) > self._most:
            self._entries = _summed(self._entries)
            # Where many counters are charged a sum is long too: summing up again at once would shorten nothing.
            self._most = max(MOST_ENTRIES, 2 * len(self._entries))

    def need(self, row: Row, amount: int) -> int:
        """Ask for room for `amount` more; returns the ceiling that the next cut will set at least."""
        self._places[row] = None
        row.block = max(2 * row.block, FIRST_BLOCK * amount)
        return row.used + row.held + amount

    def cut(self, now_s: float, close_before_s: float) -> Cut:
        """Take everything that changed; rows untouched since `close_before_s` are written exactly."""
        cut = Cut()
        self.dropped, cut.dropped = [], self.dropped
        self._places, cut.places = {}, list(self._places)
        self._prompts, prompts = {}, self._prompts
        self._entries, cut.entries = [], self._entries
        # What has left takes its sum along, so that a counter that comes back is explained from 0.
        cut.entries.extend((drop.at_ms, CLOSING, *drop[:2], -drop.used) for drop in cut.dropped if drop.used)
        self._reservations, cut.reservations = {}, self._reservations
        for place in cut.places:
            if place.gone or isinstance(place, Slots):
                continue
            if isinstance(place, Bucket):
                cut.buckets.append((place, place.level, place.tick))
            elif isinstance(place, Distinct):
                self._ask(cut, place, prompts.get(place, set()))
            else:
                self._set_ceiling(cut, place, now_s)
        self._close_idle(cut, close_before_s)
        for reservation_id, reservation in cut.reservations.items():
            if reservation is None:
                cut.closed.append((reservation_id,))
            else:
                holds = reservation.holds
                new = [place.open.get(reservation) if type(place) is Distinct else None for place, _, _ in holds]
                cut.opened.append((reservation, reservation.expires_at_ms, holds, new))
        return cut

    def _ask(self, cut: Cut, place: Distinct, changed: set[int]) -> None:
        """Prompts that changed, as far as they are still remembered; or all, in place of what the file has."""
        seen = place.seen
        if place.rewrite:
            place.rewrite, changed = False, set(seen)
            cut.dropped.append(Dropped(place.key, "", 0, 0))
            # After a leap of the clock the open ones hold their tokens elsewhere.
            for owner in place.open:
                cut.reservations.setdefault(owner.id, owner)
        marks = [(prompt, seen[prompt]) for prompt in changed if prompt in seen]
        if place.written_sub != place.newest:
            place.written_sub = place.newest
            cut.forgotten.append((place.key, _forgotten(place)))
        cut.novelties.append(Asked(place, place.newest, list(place.tokens.items()), marks))

    def _set_ceiling(self, cut: Cut, row: Row, now_s: float) -> None:
        charged = row.used + row.held
        if row.opening:
            cut.entries.append((row.start_ms, OPENING, row.key, row.label, row.opening))
            row.opening = 0
        if row.budget.ceiling == UNBOUNDED:
            cut.budgets.append((row, charged, charged))
            return
        last, _ = self._busy.pop(row, (charged, 0.0))
        row.block = max(row.block - row.block // 8, 4 * (charged - last))
        # What is reserved fits the budget, so no ceiling has to promise more; a debit beyond it has been charged.
        ceiling = max(charged, min(charged + row.block, row.budget.spec.amount))
        self._promise(cut, row, charged, ceiling)
        self._busy[row] = (charged, now_s)

    def _close_idle(self, cut: Cut, before_s: float) -> None:
        for row, (_, touched_s) in list(self._busy.items()):
            if touched_s >= before_s:
                break  # oldest first
            del self._busy[row]
            if not row.gone:
                row.block = 0
                charged = row.used + row.held
                self._promise(cut, row, charged, charged)

    def _promise(self, cut: Cut, row: Row, charged: int, ceiling: int) -> None:
        cut.budgets.append((row, charged, ceiling))
        cut.ceilings.append((row, ceiling))
        # A lower ceiling binds from now on, a higher one only once it is on disk.
        row.ceiling = min(row.ceiling, ceiling)

    def put_back(self, cut: Cut) -> None:
        """A commit failed: all of it is to be written again, in its newest state."""
        self._places.update(dict.fromkeys(cut.places))
        self._places.update(dict.fromkeys(row for row, _, _ in cut.budgets))
        for asked in cut.novelties:
            asked.place.written_sub = -1
            self._prompts.setdefault(asked.place, set()).update(prompt for prompt, _ in asked.marks)
        self._reservations = cut.reservations | self._reservations
        self._entries[:0] = cut.entries
        # Their sums are among the entries already.
        self.dropped[:0] = [drop._replace(used=0) for drop in cut.dropped]


def _forgotten(place: Distinct) -> int:
    """The last sub-window of which nothing is remembered: it has left, or its prompts had to make room."""
    left = place.newest - SUB_WINDOWS
    if len(place.seen) < MAX_REMEMBERED:
        return left
    return max(left, place.sub_of(next(iter(place.seen.values()))) - 1)


def _bucket(bucket: Bucket, level: int, tick: int) -> BucketRow:
    return bucket.key, spec_text(bucket.spec), level, tick


def _novelty(asked: Asked) -> NoveltyRow:
    return asked.place.key, spec_text(asked.place.spec), asked.newest, tokens_text(asked.tokens)


def _budget(row: Row, charged: int, ceiling: int) -> BudgetRow:
    spec = spec_text(row.budget.spec)
    return row.key, row.label, spec, row.start_ms, row.end_ms, min(charged, _LARGEST), min(ceiling, _LARGEST)


def _reservation(
    reservation: Reservation, expires_at_ms: int, holds: list[Hold], new: list[tuple[int, int] | None]
) -> ReservationRow:
    on_expiry = amounts_text(reservation.on_expiry)
    return reservation.id, reservation.reserved_at_ms, expires_at_ms, holds_text(holds, new), on_expiry


def _summed(entries: list[EntryRow]) -> list[EntryRow]:
    """One entry for each counter, at the time of its last one."""
    sums: dict[tuple[str, str], tuple[int, int]] = {}
    for at_ms, _, key, label, amount in entries:
        sums[key, label] = (at_ms, sums.get((key, label), (0, 0))[1] + amount)
    return [(at_ms, SUMMED, key, label, amount) for (key, label), (at_ms, amount) in sums.items()]
