from gateway.core.units import Unit
from gateway.engine.spec import BudgetSpec, DistinctSpec, Period, RateSpec, SlotSpec
from gateway.policy.compiled import compile_policy
from gateway.policy.compiling import Compiler
from gateway.policy.traffic import EVERY
from tests.support.policies import model, policy, principal

LIMITS = """
limits:
  rpm: {unit: requests, per: account, amount: 60, window: 1m}
  tpm: {unit: input_tokens, per: key, amount: 100, window: 1h, burst: 40, models: each}
  some: {unit: requests, per: account, amount: 5, window: 1m, models: [m1, x]}
  open: {unit: concurrent, per: org, amount: 3}
  new: {unit: distinct_prompts, per: account, amount: 2000, window: 7d}
  fleet: {unit: requests, per: all, amount: 7, window: 1m, models: each}
budgets:
  day: {unit: requests, per: account, amount: 9, period: day, zone: Europe/Berlin}
  money: {unit: usd, per: org, amount: 1.5, period: month, anchor_day: 15}
"""


def specs(text: str, **head: str) -> dict[str, object]:
    compiled = compile_policy(policy(text, **head), Compiler(), Compiler())
    assert compiled is not None
    return {rule.name: rule.bind(principal("k1"), model("m1"), EVERY) for rule in compiled.limits}


def test_limits_become_specs_on_the_callers_counters() -> None:
    home = {"home": "org1"}
    day = "account:acme|requests|day:Europe/Berlin|*"
    assert specs(LIMITS) == {
        "rpm": RateSpec("account:acme|requests|60s|*", Unit.REQUESTS, 60, 60, 60, **home),
        "tpm": RateSpec("key:k1|input_tokens|3600s|m1", Unit.INPUT_TOKENS, 100, 3600, 40, **home),
        "some": RateSpec("account:acme|requests|60s|m1,x", Unit.REQUESTS, 5, 60, 5, **home),
        "open": SlotSpec("org:org1|concurrent||*", 3, **home),
        "new": DistinctSpec("account:acme|distinct_prompts|604800s|*", Unit.DISTINCT_PROMPTS, 2000, 604_800, **home),
        "fleet": RateSpec("all:|requests|60s|m1", Unit.REQUESTS, 7, 60, 7, home="|all"),
        "day": BudgetSpec(day, Unit.REQUESTS, 9, Period.DAY, "Europe/Berlin", **home),
        "money": BudgetSpec("org:org1|usd|month:UTC:15|*", Unit.USD, 1_500_000_000, Period.MONTH, "UTC", 15, **home),
    }


def test_a_limit_on_a_set_without_this_model_does_not_apply() -> None:
    text = "limits: {some: {unit: requests, per: account, amount: 5, window: 1m, models: [x, y]}}"
    assert specs(text) == {"some": None}


def test_one_minute_however_written_is_one_counter() -> None:
    text = "limits: {a: {unit: requests, per: account, amount: 5, window: WINDOW}}"
    assert specs(text.replace("WINDOW", "1m")) == specs(text.replace("WINDOW", "60s"))


def test_audit_mode_has_shadow_limits_on_the_same_key() -> None:
    enforced = specs(LIMITS)
    audited = specs(LIMITS, status="testing")
    assert all(spec.shadow for spec in audited.values())  # type: ignore[attr-defined]
    assert [spec.key for spec in audited.values()] == [spec.key for spec in enforced.values()]  # type: ignore[attr-defined]


def test_a_policy_that_is_off_is_nothing() -> None:
    assert compile_policy(policy(LIMITS + "mode: off\n"), Compiler(), Compiler()) is None


def test_the_longest_running_exception_counts() -> None:
    exempt = "{{account: acme, reason: r, owner: o, until: {}}}"
    text = f"exceptions: [{exempt.format('2026-03-01')}, {exempt.format('2026-03-05')}, {exempt.format('2026-03-03')}]"
    compiled = compile_policy(policy(text), Compiler(), Compiler())
    assert compiled is not None
    ends = compiled.exempt_until("acme", 1_772_452_800_000)
    assert ends == 1_772_755_200_000
    assert compiled.exempt_until("acme", ends) is None
    assert compiled.exempt_until("other", 0) is None


def test_the_clause_is_one_line() -> None:
    compiled = compile_policy(
        policy("clause: {document: Terms, section: '4.2', url: https://example.com}"), Compiler(), Compiler()
    )
    assert compiled is not None
    assert compiled.clause == "Terms, 4.2, https://example.com"
