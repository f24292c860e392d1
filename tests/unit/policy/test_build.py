from gateway.core import reasons
from gateway.core.model import Prices
from tests.support.policies import ask, model, plan_of, policy

MONEY = "budgets: {usd: {unit: usd, per: org, amount: 5, period: month}}"
OUTPUT = "limits: {out: {unit: output_tokens, per: account, amount: 5, window: 1m}}"


def test_models_that_are_not_allowed_are_denied_whatever_is_asked() -> None:
    plan = plan_of(policy("access: {models: ['x*', y]}"))
    assert plan.denial is not None
    assert plan.denial.reason is reasons.POLICY_DENIED
    assert plan.denial.param == "model"
    assert plan.denial.message == "policy 'Policy p' does not allow the model 'm1'; it allows x*, y"
    assert plan.denial.details["rule"] == "access.models"


def test_an_alias_is_as_good_as_the_id() -> None:
    assert plan_of(policy("access: {models: nick}"), on=model(aliases=("nick",))).denial is None


def test_routes_that_are_not_allowed() -> None:
    rule = policy("access: {dialects: [embeddings]}")
    denial = plan_of(rule).denial
    assert denial is not None
    assert (denial.param, denial.details["rule"]) == (None, "access.dialects")
    assert plan_of(rule, dialect="embeddings").denial is None


def test_a_model_must_be_allowed_by_every_policy() -> None:
    both = plan_of(policy("access: {models: [m1, m2]}", id="a"), policy("access: {models: m2}", id="b"))
    assert both.denial is not None
    assert both.denial.details["policy"] == "b"


def test_audit_mode_denies_nothing_and_finds_everything() -> None:
    rule = policy("access: {models: x, max_n: 1, logprobs: false, max_output_tokens: 5}", status="testing")
    plan = plan_of(rule)
    assert plan.denial is None
    assert plan.output_cap is None
    asked = ask(choices=2, logprobs=True, output_cap=6)
    assert plan.check(asked) is None
    assert [(one.rule, one.reason, one.mode) for one in plan.findings(asked)] == [
        ("access.models", "policy_denied", "audit"),
        ("access.max_n", "policy_denied", "audit"),
        ("access.logprobs", "policy_denied", "audit"),
        ("access.max_output_tokens", "output_reduced", "audit"),
    ]


def test_the_smallest_output_cap_holds() -> None:
    caps = [policy(f"access: {{max_output_tokens: {cap}}}", id=f"p{cap}") for cap in (300, 200)]
    watched = policy("access: {max_output_tokens: 1}", id="w", status="testing")
    assert plan_of(*caps, watched).output_cap == 200
    assert plan_of(watched).output_cap is None


def test_money_counts_where_a_price_is_known_or_missing_but_not_where_it_is_zero() -> None:
    assert plan_of(policy(MONEY)).has_money
    assert plan_of(policy(MONEY), on=model(prices=None)).has_money
    free = plan_of(policy(MONEY), on=model(prices=Prices(0, 0, 0, 0)))
    assert not free.has_money
    assert free.specs == ()
    later = Prices(1, 1, 1, 1)
    assert plan_of(policy(MONEY), on=model(prices=Prices(0, 0, 0, 0), dated_prices=((5, later),))).has_money


def test_watched_money_never_refuses_a_model_without_a_price() -> None:
    plan = plan_of(policy(MONEY, status="testing"), on=model(prices=None))
    assert not plan.has_money
    assert len(plan.specs) == 1


def test_a_model_that_writes_nothing_has_no_output_limit() -> None:
    assert plan_of(policy(OUTPUT), on=model(max_output=0)).specs == ()


def test_what_covers_the_caller_is_named() -> None:
    plan = plan_of(
        policy(MONEY, id="b"),
        policy(OUTPUT, id="a", status="testing"),
        policy(OUTPUT, id="c", match="{tier: pro}"),
        policy(OUTPUT + "\nmode: off\n", id="d"),
    )
    assert plan.policies == (("a", "audit"), ("b", "enforce"))
