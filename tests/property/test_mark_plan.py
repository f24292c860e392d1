"""What policies ask of marks together: no order counts, and nothing that is added takes anything away."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from gateway.policy.compile import PolicySet
from gateway.policy.mark_plan import NOTHING, MarkPlan, added, joined
from gateway.policy.model import Policy
from gateway.policy.plan import Plan
from gateway.policy.watermark import Watermark
from tests.support.policies import NOW, model, principal

MARKS = st.builds(
    Watermark,
    scheme=st.just("pairs"),
    strength=st.floats(0.25, 3),
    layers=st.sampled_from([("account",), ("provider",), ("account", "provider")]),
    entries=st.none() | st.integers(1, 1024),
    caller_bias=st.sampled_from(["override", "refuse"]),
    registry=st.booleans(),
    receipts=st.booleans(),
)
KEPT = st.sampled_from([(True, False), (False, True), (True, True)]).map(
    lambda pair: Watermark(scheme="none", registry=pair[0], receipts=pair[1])
)
NAMES = [f"p{n}" for n in range(6)]
POLICIES = st.lists(
    st.builds(
        Policy,
        version=st.just(1),
        title=st.just("T"),
        id=st.sampled_from(NAMES),
        status=st.sampled_from(["testing", "stable"]),
        match=st.just("all"),
        watermark=MARKS | KEPT,
    ),
    unique_by=lambda policy: policy.id,
    max_size=5,
)


def planned(policies: list[Policy]) -> Plan:
    return PolicySet(policies).plan(principal(), "chat", model("m1"), NOW)


def weaker(one: MarkPlan | None, other: MarkPlan | None) -> list[str]:
    """In what `other` asks less than `one`, by looking at each fact for itself."""
    if one is None:
        return []
    if other is None:
        return ["everything"]
    less = {
        "strength": other.strength < one.strength,
        "layers": not one.layers <= other.layers,
        "entries": other.entries is not None and (one.entries is None or other.entries < one.entries),
        "caller_bias": (one.caller_bias, other.caller_bias) == ("refuse", "override"),
        "registry": one.registry and not other.registry,
        "receipts": one.receipts and not other.receipts,
    }
    return [name for name, is_less in less.items() if is_less]


@given(POLICIES, st.randoms(use_true_random=False))
def test_the_order_of_files_means_nothing(policies: list[Policy], random: object) -> None:
    shuffled = list(policies)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    one, other = planned(policies), planned(shuffled)
    assert (one.watermark, one.watermark_audit) == (other.watermark, other.watermark_audit)
    assert one.bias_refusal("says") == other.bias_refusal("says")


@given(st.lists(MARKS | KEPT, max_size=5))
def test_nor_do_the_names_of_policies(blocks: list[Watermark]) -> None:
    """Policies are asked in the order of their ids: other ids are another order."""
    straight = [_policy(block, f"p{place}") for place, block in enumerate(blocks)]
    turned = [_policy(block, f"p{len(blocks) - place}") for place, block in enumerate(blocks)]
    assert planned(straight).watermark == planned(turned).watermark


@given(POLICIES, POLICIES)
def test_one_more_policy_in_force_never_weakens(policies: list[Policy], more: list[Policy]) -> None:
    known = {policy.id for policy in policies}
    few, many = planned(policies), planned([*policies, *(one for one in more if one.id not in known)])
    assert weaker(few.watermark, many.watermark) == []
    assert few.bias_refusal("says") is None or many.bias_refusal("says") is not None


@given(POLICIES)
def test_every_policy_gets_what_it_asks_for_and_nobody_else_adds_to_it(policies: list[Policy]) -> None:
    plan = planned(policies)
    alone = [planned([policy]).watermark for policy in policies if policy.effective_mode == "enforce"]
    assert all(weaker(one, plan.watermark) == [] for one in alone)
    assert (plan.watermark is None) is (not alone)
    if plan.watermark is not None:
        marks = [one for one in alone if one is not None]
        assert plan.watermark.strength in {one.strength for one in marks}
        assert plan.watermark.entries in {one.entries for one in marks}
        assert all(any(layer in one.layers for one in marks) for layer in plan.watermark.layers)


@given(POLICIES)
def test_a_promotion_does_what_audit_mode_announced(policies: list[Policy]) -> None:
    now = planned(policies)
    promoted = planned([policy.model_copy(update={"mode": "enforce"}) for policy in policies])
    announced = joined(one for one in (now.watermark, now.watermark_audit) if one is not None)
    assert promoted.watermark == announced
    assert (now.watermark_audit is None) is (promoted.watermark == now.watermark)


@given(st.lists(MARKS | KEPT, min_size=1, max_size=4), st.lists(MARKS | KEPT, min_size=1, max_size=4))
def test_joining_is_the_same_however_it_is_grouped(some: list[Watermark], others: list[Watermark]) -> None:
    plans = [planned([_policy(block)]).watermark for block in (*some, *others)]
    known = [plan for plan in plans if plan is not None]
    one, other = joined(known[: len(some)]), joined(known[len(some) :])
    assert one is not None
    assert other is not None
    whole = joined(known)
    assert joined([one, other]) == joined([other, one]) == joined([*known, *known, NOTHING]) == whole
    assert added(whole, one) is None
    assert added(None, one) == one


def _policy(block: Watermark, name: str = "p") -> Policy:
    return Policy(version=1, id=name, title="T", status="stable", match="all", watermark=block)  # type: ignore[arg-type]


def test_less_of_anything_is_seen_as_weaker() -> None:
    """The comparison above can fail."""
    full = MarkPlan(2.0, frozenset({"account"}), 300, "refuse", registry=True, receipts=True)
    for name, less in {
        "strength": 1.0, "layers": frozenset(), "entries": 299, "caller_bias": "override", "registry": False,
        "receipts": False,
    }.items():  # fmt: skip
        assert weaker(full, replace(full, **{name: less})) == [name]
    assert weaker(replace(full, entries=None), full) == ["entries"]
