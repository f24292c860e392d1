"""The Lua ledger against the Python one, call by call and bit for bit, in a real Redis."""

from itertools import count

import pytest
from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from gateway.core.units import Unit, prompt_amount
from gateway.engine.ledger import Ledger
from gateway.engine.spec import BudgetSpec, DistinctSpec, Period, RateSpec, SlotSpec
from tests.support.redis_ledger import RedisLedger, same_state
from tests.support.redis_server import redis_server

pytestmark = pytest.mark.redis

T0 = 1_774_735_190_000  # ten seconds before Berlin's 23-hour day of 2026-03-29
HOMES = count()
amounts = st.fixed_dictionaries({
    Unit.REQUESTS: st.integers(0, 2), Unit.TOTAL_TOKENS: st.integers(0, 60), Unit.USD: st.integers(0, 40),
})  # fmt: skip
prompts = st.integers(0, 5)


@st.composite
def wanted(draw):
    """Amounts, those that name a prompt too."""
    what, prompt = draw(amounts), draw(prompts)
    return what | {
        Unit.DISTINCT_PROMPTS: prompt_amount(prompt),
        Unit.UNIQUE_OUTPUT_TOKENS: prompt_amount(prompt, what[Unit.TOTAL_TOKENS]),
    }


sizes = st.tuples(st.integers(1, 120), st.integers(1, 120))
times = st.one_of(
    st.integers(1, 100), st.integers(1000, 90_000),
    st.sampled_from([59_999, 60_000, 60_001, 3_600_000, 7_200_000, 86_400_000, 3 * 86_400_000]),
)  # fmt: skip


@st.composite
def limits(draw):
    """A limit on one of a few keys, of any size, enforced or not: keys keep their kind and unit."""
    which = draw(st.integers(0, 7))
    shadow = draw(st.booleans())
    amount, burst = draw(sizes)
    if which == 0:
        return RateSpec("requests", Unit.REQUESTS, amount, 60, burst, shadow)
    if which in (1, 2):
        window = draw(st.sampled_from([60, 60, 60, 1, 7200, 3601]))
        return RateSpec(f"tokens-{which}", Unit.TOTAL_TOKENS, amount, window, burst, shadow)
    if which == 3:
        zone = draw(st.sampled_from(["Europe/Berlin", "Europe/Berlin", "UTC", "Asia/Tokyo"]))
        return BudgetSpec("money", Unit.USD, amount + burst, Period.DAY, zone, 1, shadow)
    if which == 4:
        day = draw(st.sampled_from([1, 1, 29, 31]))
        return BudgetSpec("monthly", Unit.TOTAL_TOKENS, amount + burst, Period.MONTH, "UTC", day, shadow)
    if which == 5:
        return DistinctSpec("new", Unit.DISTINCT_PROMPTS, amount % 4, 3600, shadow)
    if which == 6:
        return DistinctSpec("new-output", Unit.UNIQUE_OUTPUT_TOKENS, amount, 3600, shadow)
    return SlotSpec("slots", amount % 4, shadow)


class TwinMachine(RuleBasedStateMachine):
    """`server` is given by the test."""

    server = None

    def __init__(self):
        super().__init__()
        self.now = T0
        self.ledger = Ledger()
        self.twin = RedisLedger(self.server, f"h{next(HOMES)}")
        self.serial = 0
        self.names: list[str] = []

    def both(self, call):
        """The answers, or the exceptions, of both; asserts that they are the same."""
        outcome = []
        for ledger in (self.ledger, self.twin):
            try:
                outcome.append(call(ledger))
            except (KeyError, TypeError, ValueError) as error:
                outcome.append(type(error))
        assert outcome[0] == outcome[1]
        self.ledger.states.owed = 0  # idle states go when the machine says so, in both at once
        return outcome[0]

    @rule(ms=times)
    def advance(self, ms):
        self.now += ms

    @rule(ms=st.one_of(st.integers(1, 5000), st.sampled_from([59_999, 60_001, 7_200_000, 90_000_000])))
    def clock_steps_back(self, ms):
        # What is idle now need not be so a while ago: dropped here by both, or by neither.
        self.sweep()
        self.now -= ms

    @rule()
    def sweep(self):
        self.ledger.renew([], 1, self.now)
        self.ledger.states.sweep(self.now, 1000)
        self.twin.sweep_all(self.now)

    @rule(specs=st.lists(limits(), min_size=1, max_size=5, unique_by=lambda spec: (spec.key, spec.shadow)),
          what=wanted(), on_expiry=amounts, ttl=st.integers(1, 60_000), again=st.booleans())  # fmt: skip
    def reserve(self, specs, what, on_expiry, ttl, again):
        self.serial += 1
        name = f"r{self.serial:04d}"
        verdict = self.both(lambda ledger: ledger.reserve(name, specs, what, on_expiry, ttl, self.now))
        if verdict.granted:
            self.names.append(name)
        if again and verdict.granted:
            self.both(lambda ledger: ledger.reserve(name, specs, what, on_expiry, ttl, self.now))

    @rule(specs=st.lists(limits(), min_size=1, max_size=4))
    def peek(self, specs):
        self.both(lambda ledger: ledger.peek(specs, self.now))

    @precondition(lambda self: self.names)
    @rule(pick=st.randoms(use_true_random=False), more=amounts)
    def top_up(self, pick, more):
        name = pick.choice(self.names)
        self.both(lambda ledger: ledger.top_up(name, more, self.now))

    @precondition(lambda self: self.names)
    @rule(pick=st.randoms(use_true_random=False), actual=amounts, factor=st.sampled_from([1, 1, 9]), prompt=prompts)
    def settle(self, pick, actual, factor, prompt):
        name = pick.choice(self.names)
        actual = {unit: amount * factor for unit, amount in actual.items()}
        actual[Unit.UNIQUE_OUTPUT_TOKENS] = prompt_amount(prompt, actual[Unit.TOTAL_TOKENS])
        self.both(lambda ledger: ledger.settle(name, actual, self.now))

    @precondition(lambda self: self.names)
    @rule(pick=st.randoms(use_true_random=False), bar=st.booleans())
    def cancel(self, pick, bar):
        name = pick.choice(self.names)
        self.ledger.settle(name, {}, self.now)
        self.twin.cancel(name, self.now, bar=bar)
        if not bar:
            self.names.remove(name)

    @precondition(lambda self: self.names)
    @rule(pick=st.randoms(use_true_random=False), ttl=st.integers(1, 90_000))
    def renew(self, pick, ttl):
        some = pick.sample(self.names, pick.randint(0, len(self.names)))
        self.both(lambda ledger: ledger.renew(some, ttl, self.now))

    @rule()
    def redis_forgets_its_scripts(self):
        self.server.say("SCRIPT", "FLUSH")

    @invariant()
    def states_agree(self):
        same_state(self.ledger, self.twin, self.now)

    @invariant()
    def held_agrees(self):
        assert sorted(self.ledger.held(), key=str) == sorted(self.twin.held(), key=str)


def run(examples, steps):
    with redis_server() as server:
        machine = type("Machine", (TwinMachine,), {"server": server})
        run_state_machine_as_test(machine, settings=settings(
            max_examples=examples, stateful_step_count=steps, deadline=None, report_multiple_bugs=False,
            phases=[Phase.explicit, Phase.generate, Phase.shrink],
        ))  # fmt: skip


def test_lua_and_python_agree():
    run(60, 30)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_lua_and_python_agree_at_length():
    run(2000, 40)
