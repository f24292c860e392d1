from gateway.core import reasons
from gateway.core.refusal import Refusal
from gateway.core.units import Amounts, Unit, prompt_amount
from gateway.engine.verdict import Reading, Verdict
from gateway.policy.refuse import refuse
from tests.support.policies import NOW, plan_of, policy

RATE = "limits: {rpm: {unit: requests, per: account, amount: 60, window: 1m, burst: 10}}\n"
MONEY = "budgets: {usd: {unit: usd, per: org, amount: 5, period: month}}\n"
SLOTS = "limits: {open: {unit: concurrent, per: key, amount: 4}}\n"


def refused(text: str, *readings: tuple[int, int | None], amounts: Amounts | None = None) -> Refusal:
    """`readings` are (remaining, wait) of the plan's limits in order; a wait of 0 had room."""
    plan = plan_of(policy(text))
    read = tuple(
        Reading(spec, remaining, 0, wait) for spec, (remaining, wait) in zip(plan.specs, readings, strict=True)
    )
    failing = tuple(index for index, reading in enumerate(read) if reading.wait_ms != 0)
    needed = {Unit.REQUESTS: 1, Unit.USD: 20_000_000} if amounts is None else amounts
    return refuse(plan, Verdict(False, read, failing), needed, NOW)


def test_a_rate_says_what_is_used_and_when_to_come_back() -> None:
    refusal = refused(RATE, (0, 12_000))
    assert refusal.reason is reasons.RATE_LIMIT_EXCEEDED
    assert refusal.retry_after_ms == 12_000
    assert refusal.message == (
        "policy 'Policy p' allows 60 requests in 1m (at most 10 at once) per account (limit 'rpm'); "
        "10 requests used, 1 request needed; try again at 2026-03-02T12:00:12Z (in 12 s)"
    )
    revision = refusal.details.pop("revision")
    assert isinstance(revision, str)
    assert refusal.details == {
        "policy": "p", "limit": "rpm", "scope": "account", "unit": "requests", "amount": 60, "window_s": 60,
        "burst": 10, "used": 10, "remaining": 0, "needed": 1, "reset": "2026-03-02T12:00:12Z",
    }  # fmt: skip


def test_a_rate_with_a_long_wait_is_still_a_rate() -> None:
    assert refused(RATE, (-600, 600_000)).reason is reasons.RATE_LIMIT_EXCEEDED


def test_a_budget_is_insufficient_quota_and_money_reads_as_money() -> None:
    refusal = refused(MONEY, (10_000_000, 86_400_000))
    assert refusal.reason is reasons.INSUFFICIENT_QUOTA
    assert refusal.message.startswith(
        "policy 'Policy p' allows $5.00 a month per org (limit 'usd'); $4.99 used, $0.02 needed"
    )
    assert "2026-03-03T12:00:00Z (in 1 d)" in refusal.message
    assert (refusal.details["period"], refusal.details["zone"]) == ("month", "UTC")


def test_slots_are_concurrency_and_promise_no_time() -> None:
    refusal = refused(SLOTS, (0, 1000))
    assert refusal.reason is reasons.CONCURRENCY_LIMIT_EXCEEDED
    assert refusal.retry_after_ms == 1000
    assert refusal.message.endswith("4 requests used, 1 request needed; try again when one has finished")


def test_what_can_never_fit_is_no_matter_of_waiting() -> None:
    refusal = refused(RATE, (10, None), amounts={Unit.REQUESTS: 11})
    assert refusal.reason is reasons.REQUEST_EXCEEDS_LIMIT
    assert refusal.retry_after_ms is None
    assert refusal.message.endswith("this request needs 11 requests, which it never allows at once")
    assert "reset" not in refusal.details


def test_of_several_the_longest_wait_decides_and_all_are_listed() -> None:
    refusal = refused(RATE + MONEY, (0, 12_000), (0, 86_400_000))
    assert (refusal.details["limit"], refusal.retry_after_ms) == ("usd", 86_400_000)
    assert refusal.details["failing"] == "p/rpm, p/usd"
    assert (refusal.details["unit"], refusal.details["needed"]) == ("nano_usd", 20_000_000)
    never = refused(RATE + MONEY, (0, None), (0, 86_400_000))
    assert never.reason is reasons.REQUEST_EXCEEDS_LIMIT
    assert never.details["limit"] == "rpm"


def test_of_equal_waits_the_first_name_decides() -> None:
    assert refused(RATE + MONEY, (0, 5000), (0, 5000)).details["limit"] == "rpm"


def test_a_moment_is_never_a_second_too_early() -> None:
    assert refused(RATE, (0, 12_001)).details["reset"] == "2026-03-02T12:00:13Z"


def test_the_policys_own_words_and_contact() -> None:
    text = (
        RATE
        + "clause: {document: Limits, section: '2'}\non_violation: {message: Upgrade, contact: https://x.example}\n"
    )
    refusal = refused(text, (0, 12_000))
    assert refusal.message.endswith(". Upgrade (contact: https://x.example)")
    assert refusal.details["clause"] == "Limits, 2"
    assert refusal.details["contact"] == "https://x.example"


def test_disclose_clause_hides_every_number() -> None:
    text = RATE + MONEY + "clause: {document: Limits}\ndisclose: clause\n"
    refusal = refused(text, (0, 12_000), (0, 0))
    assert refusal.message == "policy 'Policy p' allows no more for now"
    assert set(refusal.details) == {"policy", "limit", "revision", "clause"}
    assert refusal.retry_after_ms == 12_000
    assert refused(text, (0, None), (0, 0)).message == "policy 'Policy p' never allows a request of this size"


def test_what_is_new_says_how_many_and_until_when() -> None:
    text = "limits: {new: {unit: distinct_prompts, per: account, amount: 2000, window: 7d}}\n"
    refusal = refused(text, (0, 172_800_000), amounts={Unit.DISTINCT_PROMPTS: prompt_amount(77)})
    assert refusal.reason is reasons.INSUFFICIENT_QUOTA
    assert refusal.message == (
        "policy 'Policy p' allows 2000 distinct prompts in 7d per account (limit 'new'); "
        "2000 distinct prompts used, 1 distinct prompt needed; try again at 2026-03-04T12:00:00Z (in 2 d)"
    )
    assert (refusal.details["window_s"], refusal.details["needed"]) == (604_800, 1)


def test_how_much_others_use_is_not_told() -> None:
    text = "limits: {fleet: {unit: requests, per: all, amount: 60, window: 1m}}\n"
    refusal = refused(text, (0, 12_000))
    assert refusal.message == "policy 'Policy p' allows no more for now"
    assert not {"used", "remaining", "amount"} & set(refusal.details)
    assert refusal.retry_after_ms == 12_000
