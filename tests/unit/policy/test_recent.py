from fractions import Fraction

import pytest

from gateway.core.units import Unit
from gateway.engine.spec import DistinctSpec, RateSpec
from gateway.engine.verdict import Reading
from gateway.policy.bound_limit import BoundLimit
from gateway.policy.recent import MAX_PLANS, AccountMemory, Recent, Tally
from gateway.policy.ruling import Ruling
from tests.support.inquiries import judged
from tests.support.policies import NOW, policy, policy_set

MINUTE = 60_000
WEEK = 7 * 86_400_000
RATE = RateSpec("k", Unit.REQUESTS, 10, 60, 10)
NEW = DistinctSpec("k", Unit.DISTINCT_PROMPTS, 10, 604_800)


@pytest.mark.parametrize("calls", [50, 75, 99])
def test_a_share_is_reached_by_exactly_so_many_calls(calls: int) -> None:
    for hundredths in range(1, 101):
        share = Fraction(hundredths, 100)
        for met in range(1, calls + 1):
            tally = Tally()
            for call in range(calls - 1):
                tally.count(met=call < met - 1, over=50)
            assert tally.reached(hundredths / 100, 50, met=True) is (Fraction(met, calls) >= share), (met, calls, share)


def remembered(spec: RateSpec | DistinctSpec, remaining: int, reset_ms: int) -> AccountMemory:
    memory = AccountMemory()
    limit = BoundLimit(spec, "limit", "other", "Other", "account", "enforce")
    memory.remember([limit], [Reading(spec, remaining, reset_ms)], NOW)
    return memory


def limit_of(policy_id: str) -> BoundLimit:
    return BoundLimit(RATE, "limit", policy_id, "Other", "account", "enforce")


def test_what_was_returned_last_for_a_limit_counts_whichever_plan_it_came_with() -> None:
    memory = AccountMemory()
    shared = limit_of("shared")
    one, two = (shared, limit_of("one")), (shared, limit_of("two"))
    memory.remember(one, [Reading(RATE, 9, 0), Reading(RATE, 8, 0)])
    memory.remember(two, [Reading(RATE, 7, 0), Reading(RATE, 6, 0)])
    memory.remember(one, [Reading(RATE, 5, 0), Reading(RATE, 4, 0)])
    memory.remember(two, [])  # a request that came to no reserve
    left = {name: RATE.burst - used.used for name, used in memory.used.items()}
    assert left == {"shared/limit": 5, "one/limit": 4, "two/limit": 6}
    memory.remember(two, [Reading(RATE, 3, 0), Reading(RATE, 2, 0)])
    assert RATE.burst - memory.used["shared/limit"].used == 3


def test_no_plan_of_many_is_lost_and_none_is_kept_unsorted_for_ever() -> None:
    memory = AccountMemory()
    plans = [(limit_of(f"p{number}"),) for number in range(3 * MAX_PLANS)]
    for number, plan in enumerate(plans):
        memory.remember(plan, [Reading(RATE, number, 0)])
        assert len(memory._returned) <= MAX_PLANS
    assert [used.used for used in memory.used.values()] == [RATE.burst - number for number in range(3 * MAX_PLANS)]


def refused(when: str, memory: AccountMemory, later_ms: int) -> Ruling:
    rules = policy_set(policy(f"rules: {{r: {{when: {{{when}}}, then: deny}}}}"))
    return judged(rules, memory=memory, now_ms=NOW + later_ms)


@pytest.mark.parametrize(("later_ms", "refuses"), [(0, True), (MINUTE // 2, True), (MINUTE // 2 + 100, False)])
def test_a_rate_drains_while_nobody_reserves(later_ms: int, refuses: bool) -> None:
    """Eight of ten, empty after a minute: half of it is left after half of the time."""
    memory = remembered(RATE, 2, MINUTE)
    ruling = refused("usage: {limit: other/limit, at_least: 0.4}", memory, later_ms)
    assert (ruling.refusal is not None) is refuses


@pytest.mark.parametrize("when", ["usage: {limit: other/limit, at_least: 0.4}", "distinct_prompts: {at_least: 8}"])
def test_a_window_counts_until_it_is_over_and_no_longer(when: str) -> None:
    """Nobody reserves while a rule refuses: without an end of its own the refusal would never end."""
    memory = remembered(NEW, 2, WEEK)
    assert refused(when, memory, WEEK - 1).refusal is not None
    assert refused(when, memory, WEEK).refusal is None
    assert refused(when, memory, -MINUTE).refusal is not None, "a clock that was set back"


def test_without_a_time_it_counts_until_the_next_reserve() -> None:
    memory = AccountMemory()
    limit = BoundLimit(NEW, "limit", "other", "Other", "account", "enforce")
    memory.remember([limit], [Reading(NEW, 2, WEEK)])
    assert refused("distinct_prompts: {at_least: 8}", memory, 9 * WEEK).refusal is not None


def test_what_an_edited_rule_looks_for_is_counted_anew() -> None:
    """The name stays, the words change: nobody is refused for what the old words found."""
    memory = AccountMemory()
    share = "rules: {{r: {{when: {{text: {{phrases: {}}}}}, then: deny, share: {{at_least: 0.5}}, hold: 1d}}}}"
    before, after = (policy_set(policy(share.format(words))) for words in ("hello there", "something else"))
    for _ in range(60):
        last = judged(before, memory=memory)
    assert last.refusal is not None
    assert judged(after, memory=memory).refusal is None
    assert judged(before, memory=memory).refusal is None, "it begins anew as well"


def test_the_account_seen_longest_ago_is_forgotten() -> None:
    recent = Recent(most=2)
    first = recent.of("a")
    recent.of("b")
    assert recent.of("a") is first
    recent.of("c")
    assert len(recent) == 2
    assert recent.of("a") is first
