from gateway.core import reasons
from gateway.engine.spec import RateSpec
from gateway.policy.model import Policy
from gateway.policy.plan import strictest
from tests.support.policies import ask, plan_of, policy


def rate(amount: int, burst: int | None = None, *, name: str = "p", status: str = "stable") -> Policy:
    extra = "" if burst is None else f", burst: {burst}"
    text = f"limits: {{rpm: {{unit: requests, per: account, amount: {amount}, window: 1m{extra}}}}}"
    return policy(text, id=name, status=status)


def test_limits_on_one_counter_collapse_to_the_strictest_part_by_part() -> None:
    plan = plan_of(rate(60, 5, name="slow-start"), rate(30, 30, name="slow"), rate(90, name="wide"))
    (limit,) = plan.limits
    assert isinstance(limit.spec, RateSpec)
    assert (limit.spec.amount, limit.spec.burst, limit.policy_id) == (30, 5, "slow")
    assert plan.specs == (limit.spec,)


def test_a_watched_limit_stays_beside_the_enforced_one() -> None:
    plan = plan_of(rate(60, name="now"), rate(10, name="next", status="testing"))
    assert [(limit.policy_id, limit.spec.shadow) for limit in plan.limits] == [("now", False), ("next", True)]
    assert plan.limits[0].spec.key == plan.limits[1].spec.key
    (finding,) = plan.shadow_findings((1,))
    assert (finding.policy_id, finding.rule, finding.reason) == ("next", "rpm", "rate_limit_exceeded")


def test_findings_of_every_kind_of_limit_say_why() -> None:
    text = """
limits: {open: {unit: concurrent, per: account, amount: 1}}
budgets: {day: {unit: requests, per: account, amount: 1, period: day}}
"""
    plan = plan_of(policy(text, status="testing"))
    found = {one.rule: one.reason for one in plan.shadow_findings(range(2))}
    assert found == {"open": "concurrency_limit_exceeded", "day": "insufficient_quota"}


def test_rules_on_the_request() -> None:
    plan = plan_of(policy("access: {max_n: 2, logprobs: false}\non_violation: {message: Ask us, contact: a@b.example}"))
    assert plan.check(ask(choices=2)) is None
    many = plan.check(ask(choices=3))
    assert many is not None
    assert (many.reason, many.param, many.retry_after_ms) == (reasons.POLICY_DENIED, "n", None)
    assert many.message == (
        "policy 'Policy p' allows at most 2 choices in a request (n). Ask us (contact: a@b.example)"
    )
    logprobs = plan.check(ask(logprobs=True))
    assert logprobs is not None
    assert logprobs.details == {
        "policy": "p",
        "rule": "access.logprobs",
        "revision": plan.revision,
        "contact": "a@b.example",
    }


def test_an_access_rule_that_discloses_only_its_clause() -> None:
    plan = plan_of(policy("access: {max_n: 2}\nclause: {document: Terms}\ndisclose: clause"))
    refusal = plan.check(ask(choices=3))
    assert refusal is not None
    assert refusal.message == "policy 'Policy p' does not allow this request"
    assert refusal.details["clause"] == "Terms"


def test_a_denial_handed_out_can_be_changed_without_changing_the_plan() -> None:
    plan = plan_of(policy("access: {models: x}"))
    refusal = plan.check(ask())
    assert refusal is not None
    refusal.details["more"] = 1
    again = plan.check(ask())
    assert again is not None
    assert "more" not in again.details


def test_no_rules_no_findings() -> None:
    assert plan_of().findings(ask(choices=9)) == []
    assert plan_of(rate(5)).check(ask(choices=9, logprobs=True)) is None
    assert strictest([]) == ()
