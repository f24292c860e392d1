"""The promise of a rate, by brute force: in any window of T, at most burst + rate × T, plus the debt left open.

Actual amounts are dated at their admission. At the moment of a window's last admission every earlier excess has been
paid, so only what was still open then may come on top, and what the debt cap forgave.
"""

from dataclasses import dataclass

from hypothesis import example, given, settings
from hypothesis import strategies as st

from gateway.core.units import Unit
from gateway.engine.ledger import Ledger
from gateway.engine.spec import RateSpec

T0 = 1_800_000_000_000
BURST, AMOUNT, WINDOW_S = 50, 30, 60
RATE = RateSpec("k", Unit.TOTAL_TOKENS, AMOUNT, WINDOW_S, BURST)


@dataclass
class Admission:
    at_ms: int
    reserved: int
    charges: list  # (step, charge) from that step on
    actual: int | None = None

    def charge_at(self, step):
        return [charge for since, charge in self.charges if since <= step][-1]

    def final(self):
        return self.charges[-1][1]


class Forgiven:
    total = 0

    def emit(self, name, **fields):
        if name == "ledger.debt_clamped":
            self.total += fields["units"]


waits = st.sampled_from([1, 777, 10_000, 60_000, 120_000])
steps = st.lists(
    st.one_of(
        st.tuples(st.just("wait"), waits, st.just(0)),
        st.tuples(st.just("reserve"), st.sampled_from([50, 50, 25, 10, 1]), st.sampled_from([1000, 60_000, 600_000])),
        st.tuples(st.just("settle"), st.integers(0, 5), st.sampled_from([0, 0, 5, 25, 50, 70])),
    ),
    min_size=5,
    max_size=60,
)


LONG = 600_000
REFUND_AFTER_REFILL = [
    ("reserve", 50, LONG), ("wait", 120_000, 0), ("reserve", 50, LONG), ("settle", 1, 50), ("settle", 0, 0),
    ("reserve", 50, LONG),
]  # fmt: skip
LATE_REFUND_AFTER_REFILL = [
    ("reserve", 50, 1000), ("wait", 10_000, 0), ("reserve", 1, 1000), ("wait", 120_000, 0), ("reserve", 50, LONG),
    ("settle", 2, 50), ("settle", 0, 0), ("reserve", 25, LONG),
]  # fmt: skip


@given(steps)
@example(REFUND_AFTER_REFILL)
@example(LATE_REFUND_AFTER_REFILL)
@settings(max_examples=300, deadline=None)
def test_no_window_admits_more_than_burst_and_refill(script):
    events = Forgiven()
    ledger = Ledger(events)
    now = T0
    log: dict[str, tuple[int, Admission]] = {}
    for step, (what, number, other) in enumerate(script):
        if what == "wait":
            now += number
        elif what == "reserve":
            # Expiry commits half: below what was reserved, as an estimate of the input is.
            half = {Unit.TOTAL_TOKENS: number // 2}
            if ledger.reserve(f"r{step}", (RATE,), {Unit.TOTAL_TOKENS: number}, half, other, now).granted:
                log[f"r{step}"] = (step, Admission(now, number, [(step, number)]))
        else:
            unsettled = [name for name in log if log[name][1].actual is None]
            if unsettled:
                name = unsettled[number % len(unsettled)]
                ledger.settle(name, {Unit.TOTAL_TOKENS: other}, now)
                log[name][1].actual = other
                log[name][1].charges.append((step, other))
        live = {held.id for held in ledger.held()}
        for name, (_, admission) in log.items():
            if name not in live and len(admission.charges) == 1:
                admission.charges.append((step, admission.reserved // 2))
    admitted = sorted(log.values(), key=lambda entry: entry[0])
    for first in range(len(admitted)):
        for last in range(first, len(admitted)):
            step = admitted[last][0]
            inside = [admission for _, admission in admitted[first : last + 1]]
            length_ms = inside[-1].at_ms - inside[0].at_ms
            open_excess = sum(max(0, admission.final() - admission.charge_at(step)) for admission in inside)
            bound_ms = BURST * WINDOW_S * 1000 + AMOUNT * length_ms
            total = sum(admission.final() for admission in inside)
            assert (total - open_excess - events.total) * WINDOW_S * 1000 <= bound_ms


def test_the_bound_is_reached():
    ledger = Ledger()
    granted = sum(
        ledger.reserve(f"r{ms}", (RATE,), {Unit.TOTAL_TOKENS: 1}, {}, 10**6, T0 + ms).granted
        and ledger.settle(f"r{ms}", {Unit.TOTAL_TOKENS: 1}, T0 + ms) is None
        for ms in range(0, 60_001, 250)
    )
    assert granted == BURST + AMOUNT
