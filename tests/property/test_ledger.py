"""The ledger against the reference model, step by step and bit for bit."""

from fractions import Fraction

from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from gateway.core.units import Unit
from gateway.engine.bucket import Bucket
from gateway.engine.budget import Budget
from gateway.engine.ledger import Ledger
from gateway.engine.slots import Slots
from gateway.engine.spec import BudgetSpec, Period, RateSpec, SlotSpec
from gateway.engine.states import state_key
from gateway.engine.tombstones import LATE_MS
from tests.support.ledger_dump import dump
from tests.support.reference_ledger import RefLedger
from tests.support.reference_words import answered

T0 = 1_774_735_190_000  # ten seconds before Berlin's 23-hour day of 2026-03-29
UNITS = (Unit.REQUESTS, Unit.TOTAL_TOKENS, Unit.USD)
amounts = st.fixed_dictionaries({
    Unit.REQUESTS: st.integers(0, 2), Unit.TOTAL_TOKENS: st.integers(0, 60), Unit.USD: st.integers(0, 40),
})  # fmt: skip


class LedgerMachine(RuleBasedStateMachine):
    def __init__(self):
        super().__init__()
        self.now = self.latest = T0
        self.ledger = Ledger()
        self.model = RefLedger()
        self.serial = 0
        self.ended: list[str] = []
        self.expired_at: dict[str, int] = {}
        self.tuples: dict = {}
        self.limits = [
            RateSpec("requests", Unit.REQUESTS, 6, 60, 4),
            RateSpec("tokens", Unit.TOTAL_TOKENS, 100, 60, 70),
            RateSpec("tokens-2h", Unit.TOTAL_TOKENS, 700, 7200, 200),
            RateSpec("tokens-shadow", Unit.TOTAL_TOKENS, 30, 60, 30, shadow=True),
            BudgetSpec("money", Unit.USD, 150, Period.DAY, "Europe/Berlin"),
            SlotSpec("slots", 3),
        ]

    @rule(ms=st.one_of(st.integers(1, 100), st.integers(1000, 90_000), st.sampled_from([3_600_000, 86_400_000])))
    def advance(self, ms):
        self.now += ms
        self.latest = max(self.latest, self.now)
        self.ledger.states.sweep(self.now, 1000)
        self.model.forget_untouched(self.now)

    @rule(ms=st.one_of(st.integers(1, 5000), st.sampled_from([59_999, 60_001, 7_200_000, 10_000_000])))
    def clock_steps_back(self, ms):
        self.now -= ms

    @rule(take=st.sets(st.integers(0, 5), min_size=1), what=amounts, on_expiry=amounts, ttl=st.integers(1, 60_000))
    def reserve(self, take, what, on_expiry, ttl):
        self.serial += 1
        name = f"r{self.serial:04d}"
        specs = tuple(self.limits[i] for i in sorted(take))
        specs = self.tuples.setdefault(specs, specs)  # as an account's limits come: the same object each time
        self.ledger.expire(self.now)
        self.model.sweep(self.now)
        self.ledger.peek(specs, self.now)
        if self.serial % 3:
            self.ledger._bindings.pays(specs)  # as if the account had just been here; else as if it had not
        verdict = self.ledger.reserve(name, specs, what, on_expiry, ttl, self.now)
        assert answered(verdict) == self.model.reserve(name, specs, what, on_expiry, ttl, self.now)
        if verdict.granted:
            assert self.ledger.reserve(name, specs, what, on_expiry, ttl, self.now) is verdict
        else:
            # A limit that has just changed takes effect on the first call; the second must change nothing at all.
            before = dump(self.ledger, self.now)
            again = self.ledger.reserve(name, specs, what, on_expiry, ttl, self.now)
            assert not again.granted
            assert dump(self.ledger, self.now) == before

    @precondition(lambda self: self.model.live)
    @rule(pick=st.randoms(use_true_random=False), more=amounts)
    def top_up(self, pick, more):
        name = pick.choice(sorted(self.model.live))
        if self.model.live[name].expires > self.now:
            verdict = self.ledger.top_up(name, more, self.now)
            assert answered(verdict) == self.model.top_up(name, more, self.now)

    def settleable(self):
        """Open or expired; the last minutes of a tombstone are left to a unit test."""
        young = {name for name, at_ms in self.expired_at.items() if self.latest < at_ms + LATE_MS}
        return sorted({*self.model.live, *(young & set(self.model.expired))})

    @precondition(lambda self: self.settleable())
    @rule(pick=st.randoms(use_true_random=False), actual=amounts, factor=st.sampled_from([1, 1, 9]))
    def settle(self, pick, actual, factor):
        name = pick.choice(self.settleable())
        actual = {unit: amount * factor for unit, amount in actual.items()}
        self.ledger.settle(name, actual, self.now)
        self.model.settle(name, actual, self.now)
        self.ended.append(name)

    @precondition(lambda self: self.ended)
    @rule(pick=st.randoms(use_true_random=False), actual=amounts)
    def settle_twice(self, pick, actual):
        before = dump(self.ledger, self.now)
        self.ledger.settle(pick.choice(self.ended), actual, self.now)
        assert dump(self.ledger, self.now) == before

    @precondition(lambda self: self.model.live)
    @rule(pick=st.randoms(use_true_random=False), ttl=st.integers(1, 90_000))
    def renew(self, pick, ttl):
        name = pick.choice(sorted(self.model.live))
        self.ledger.renew([name], ttl, self.now)
        self.model.renew([name], ttl, self.now)

    @rule(index=st.integers(0, 5), amount=st.integers(1, 120), burst=st.integers(1, 120))
    def change_limit(self, index, amount, burst):
        old = self.limits[index]
        if isinstance(old, RateSpec):
            new = RateSpec(old.key, old.unit, amount, old.window_s, burst, old.shadow)
        elif isinstance(old, BudgetSpec):
            new = BudgetSpec(old.key, old.unit, amount, old.period, old.zone)
        else:
            new = SlotSpec(old.key, amount % 5)
        # Both sides learn of a change from the next call that names it; here and now, so that it is the same call.
        self.ledger.states.place(state_key(new), new, self.now)
        self.model._state(new, self.now)
        self.limits[index] = new

    @invariant()
    def states_agree(self):
        for name in self.model.expired:
            self.expired_at.setdefault(name, self.now)
        for key, state in self.ledger.states.by_key.items():
            name = key.replace("|audit", "#shadow")
            if isinstance(state, Bucket):
                rate = self.model.rates[name]
                assert Fraction(state._refilled(self.now // state.tick_ms), state.p) == rate.level_at(self.now)
                assert state.held == rate.held
            elif isinstance(state, Budget):
                rows = {day: row for (budget, day), row in self.model.budgets.items() if budget == name}
                for label, row in state.rows.items():
                    assert [row.used, row.held] == rows[label]
            elif isinstance(state, Slots):
                assert set(state.leases) == self.model.slots[name]
        assert {held.id for held in self.ledger.held()} == set(self.model.live)

    @invariant()
    def held_is_what_is_reserved(self):
        """Conservation: every place holds exactly the sum of the open reservations, a rate only the young ones."""
        held: dict = {}
        by_owner: dict = {}
        for reservation in self.ledger._live.values():
            for place, _, amount in reservation.holds:
                held[place] = held.get(place, 0) + amount
                by_owner[place, reservation] = amount
        for state in self.ledger.states.by_key.values():
            places = state.rows.values() if isinstance(state, Budget) else [state]
            for place in places:
                if isinstance(place, Bucket):
                    assert place.held == sum(place.holds.values())
                    assert all(units <= by_owner[place, owner] for owner, units in place.holds.items())
                    continue
                have = len(place.leases) if isinstance(place, Slots) else place.held
                assert have == held.get(place, 0)


LedgerMachine.TestCase.settings = settings(
    max_examples=150, stateful_step_count=30, deadline=None, report_multiple_bugs=False,
    phases=[Phase.explicit, Phase.generate, Phase.shrink],
)  # fmt: skip
TestLedger = LedgerMachine.TestCase
