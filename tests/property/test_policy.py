"""The strictest limit wins, and neither the order of files nor of keys means anything."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from gateway.engine.spec import BudgetSpec, RateSpec
from gateway.policy.compile import PolicySet
from gateway.policy.model import Access, Limit, MoneyBudget, Policy, RateLimit, SlotLimit
from tests.support.policies import NOW, account, ask, model, plan_text, principal

SCOPES = st.sampled_from(["key", "account", "org"])
SETS = st.sampled_from(["all", "each", ("m1",), ("m1", "m2")])
SIZES = st.integers(1, 50)
RATES = st.builds(
    RateLimit,
    unit=st.sampled_from(["requests", "input_tokens"]),
    per=SCOPES,
    amount=SIZES,
    window=st.sampled_from(["1m", "1h"]),
    burst=st.none() | SIZES,
    models=SETS,
)
SLOTS = st.builds(SlotLimit, unit=st.just("concurrent"), per=SCOPES, amount=SIZES, models=SETS)
MONEY = st.builds(
    MoneyBudget, unit=st.just("usd"), per=SCOPES, amount=SIZES, period=st.sampled_from(["day", "month"]), models=SETS
)
NAMES = st.sampled_from(["a", "b", "c"])
LIMITS: st.SearchStrategy[dict[str, Limit]] = st.dictionaries(NAMES, RATES | SLOTS, max_size=3)
POLICIES = st.lists(
    st.builds(
        Policy,
        version=st.just(1),
        title=st.just("T"),
        id=st.sampled_from([f"p{n}" for n in range(6)]),
        status=st.sampled_from(["testing", "stable"]),
        match=st.just("all"),
        limits=LIMITS,
        budgets=st.dictionaries(st.sampled_from(["x", "y"]), MONEY, max_size=2),
        access=st.none() | st.builds(Access, max_n=SIZES, max_output_tokens=SIZES),
    ),
    unique_by=lambda policy: policy.id,
    max_size=5,
)


def size_of(policy: Policy, key: str) -> list[tuple[int, int | None]]:
    """(amount, burst) of every limit of one policy alone on a counter."""
    alone = PolicySet([policy]).plan(principal(), "chat", model("m1"), NOW)
    return [
        (spec.amount, spec.burst if isinstance(spec, RateSpec) else None)
        for spec in alone.specs
        if spec.key == key and not spec.shadow
    ]


@given(POLICIES, st.randoms(use_true_random=False))
def test_permuted_files_give_the_same_plan(policies: list[Policy], random: object) -> None:
    shuffled = list(policies)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    turned = [policy.model_copy(update={"limits": dict(reversed(policy.limits.items()))}) for policy in shuffled]
    one, other = PolicySet(policies), PolicySet(turned)
    assert one.revision == other.revision
    who, on = principal(), model("m1")
    left, right = one.plan(who, "chat", on, NOW), other.plan(who, "chat", on, NOW)
    assert plan_text(left) == plan_text(right)
    assert (left.specs, left.limits, left.policies) == (right.specs, right.limits, right.policies)


@given(POLICIES)
def test_the_strictest_wins_part_by_part(policies: list[Policy]) -> None:
    plan = PolicySet(policies).plan(principal(), "chat", model("m1"), NOW)
    for spec in plan.specs:
        if spec.shadow:
            continue
        sizes = [size for policy in policies for size in size_of(policy, spec.key)]
        assert spec.amount == min(amount for amount, _ in sizes)
        if isinstance(spec, RateSpec):
            assert spec.burst == min(burst for _, burst in sizes if burst is not None)


@given(POLICIES)
def test_every_counter_stands_once_for_each_mode(policies: list[Policy]) -> None:
    plan = PolicySet(policies).plan(principal(), "chat", model("m1"), NOW)
    counters = [(spec.key, spec.shadow) for spec in plan.specs]
    assert len(set(counters)) == len(counters)
    assert tuple(limit.spec for limit in plan.limits) == plan.specs
    by_id = {policy.id: policy for policy in policies}
    assert all(limit.spec.shadow == (by_id[limit.policy_id].effective_mode == "audit") for limit in plan.limits)


@given(POLICIES, POLICIES)
def test_adding_policies_never_loosens(policies: list[Policy], more: list[Policy]) -> None:
    known = {policy.id for policy in policies}
    added = [policy for policy in more if policy.id not in known]
    few = PolicySet(policies).plan(principal(), "chat", model("m1"), NOW)
    many = PolicySet([*policies, *added]).plan(principal(), "chat", model("m1"), NOW)
    sizes = {(spec.key, spec.shadow): spec for spec in many.specs}
    for spec in few.specs:
        assert sizes[spec.key, spec.shadow].amount <= spec.amount
    asked = ask(choices=25)
    assert few.check(asked) is None or many.check(asked) is not None
    assert few.output_cap is None or (many.output_cap is not None and many.output_cap <= few.output_cap)


@given(POLICIES, st.text(min_size=1, max_size=8), st.text(min_size=1, max_size=8))
def test_two_accounts_never_share_an_account_counter(policies: list[Policy], one: str, other: str) -> None:
    rules = PolicySet(policies)
    keys = [
        {
            spec.key
            for spec in rules.plan(principal(id=name, org=name), "chat", model("m1"), NOW).specs
            if "key:" not in spec.key[:4]
        }
        for name in (one, other)
    ]
    assert one == other or keys[0].isdisjoint(keys[1])


@given(POLICIES)
def test_a_tier_change_keeps_every_counter(policies: list[Policy]) -> None:
    rules = PolicySet(policies)
    plans = [rules.plan(replace(principal(), account=account(tier=tier)), "chat", model("m1"), NOW) for tier in "ab"]
    assert plans[0].specs == plans[1].specs
    assert all("p0" not in spec.key for spec in plans[0].specs if isinstance(spec, RateSpec | BudgetSpec))
