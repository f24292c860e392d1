"""From the rows of a journal back to a ledger."""

from itertools import islice

from gateway.engine.bucket import Bucket
from gateway.engine.budget import UNBOUNDED, Budget, Row
from gateway.engine.distinct import MAX_REMEMBERED, Distinct
from gateway.engine.ledger import Ledger
from gateway.engine.place import Hold, Place
from gateway.engine.reservation import Reservation
from gateway.engine.slots import Slots
from gateway.engine.spec import BudgetSpec, DistinctSpec, RateSpec
from gateway.engine.states import state_key
from gateway.stores.codec import Held, amounts_from, holds_from, prompt_from, spec_from, tokens_from
from gateway.stores.journal import Image


def restore(image: Image, ledger: Ledger, now_ms: int) -> None:
    """Fill an empty ledger. What a budget row may have spent beyond its last exact value counts as spent."""
    for key, text, level, tick in image.buckets:
        rate = spec_from(text)
        if isinstance(rate, RateSpec):
            bucket = Bucket(key, rate, now_ms)
            bucket.level, bucket.tick = level, tick
            ledger.states.add(bucket)
    for key, label, text, start_ms, end_ms, charged, ceiling in image.budgets:
        spec = spec_from(text)
        if isinstance(spec, BudgetSpec):
            row = _budget(ledger, key, spec).rows[label] = Row(_budget(ledger, key, spec), label, start_ms, end_ms)
            row.used = charged if spec.shadow else ceiling
            row.opening = row.used - charged
            if not spec.shadow:
                row.ceiling = ceiling
    for key, text, newest, tokens in image.novelties:
        asked = spec_from(text)
        if isinstance(asked, DistinctSpec):
            place = Distinct(key, asked)
            place.newest, place.tokens = newest, tokens_from(tokens)
            ledger.states.add(place)
    for key, prompt, sub, paid in image.prompts:
        known = ledger.states.by_key.get(key)
        if isinstance(known, Distinct):
            known.seen[prompt_from(prompt)] = known.mark(sub, paid)
            if len(known.seen) > 2 * MAX_REMEMBERED:
                _bound(known)
    for state in ledger.states.by_key.values():
        if isinstance(state, Distinct):
            _bound(state)
    for reservation_id, reserved_at_ms, expires_at_ms, holds, on_expiry in image.reservations:
        reservation = Reservation(reservation_id, [], amounts_from(on_expiry), reserved_at_ms, expires_at_ms)
        reservation.holds = [_hold(ledger, reservation, held, now_ms) for held in holds_from(holds)]
        ledger.restore(reservation)


def _bound(place: Distinct) -> None:
    """Forget the prompts beyond the bound that were used longest ago: the file may hold some that memory forgot."""
    place.seen = dict(islice(place.seen.items(), max(0, len(place.seen) - MAX_REMEMBERED), None))


def _budget(ledger: Ledger, key: str, spec: BudgetSpec) -> Budget:
    state = ledger.states.by_key.get(key)
    if not isinstance(state, Budget):
        state = Budget(key, spec, UNBOUNDED if spec.shadow else ledger.states.ceiling)
        ledger.states.add(state)
    state.spec = spec
    return state


def _hold(ledger: Ledger, owner: Reservation, held: Held, now_ms: int) -> Hold:
    """Count a hold at its place; the place's level or use has been charged for it already."""
    spec, label, amount, new = held
    key = state_key(spec)
    state = ledger.states.by_key.get(key)
    place: Place
    if isinstance(spec, BudgetSpec):
        place = _row(_budget(ledger, key, state.spec if isinstance(state, Budget) else spec), label or "")
        place.used -= amount
        place.held += amount
    elif isinstance(spec, RateSpec):
        place = state if isinstance(state, Bucket) else Bucket(key, spec, now_ms)
        place.hold(amount, owner)
    elif isinstance(spec, DistinctSpec):
        place = state if isinstance(state, Distinct) else Distinct(key, spec)
        if new is not None:
            place.open[owner] = new
        # Nothing is remembered there and nothing held: dropped as idle, and not to be in the way of a promotion.
        place.gone = place is not state and not place.open
    else:
        place = state if isinstance(state, Slots) else Slots(key, spec)
        place.leases[owner.id] = owner
    if not isinstance(place, Row) and place is not state and not place.gone:
        ledger.states.add(place)
    return place, spec, amount


def _row(budget: Budget, label: str) -> Row:
    row = budget.rows.get(label)
    if row is None:
        # A reservation of nothing, whose empty row was dropped.
        row = budget.rows[label] = Row(budget, label, 0, 0)
    return row
