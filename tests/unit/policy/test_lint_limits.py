import pytest

from gateway.policy.lint import Known, Scene
from gateway.policy.lint_limits import LIMIT_RULES
from gateway.policy.load import PolicyFile
from tests.support.policies import NOW, model, policy_file


def complaints(*files: PolicyFile, known: Known | None = None) -> list[tuple[str, str]]:
    scene = Scene(files, NOW, known=known or Known())
    return [(rule.code, message) for file in files for rule in LIMIT_RULES for _, message in rule.check(file, scene)]


def limit(unit: str, amount: int, window: str = "1m", **more: object) -> str:
    rest = "".join(f", {key}: {value}" for key, value in ({"per": "account"} | more).items())
    return f"{{unit: {unit}, amount: {amount}, window: {window}{rest}}}"


def pair(inner: str, outer: str) -> PolicyFile:
    return policy_file(f"limits: {{inner: {inner}, outer: {outer}}}")


@pytest.mark.parametrize(
    ("inner", "outer"),
    [
        (limit("requests", 60, per="key"), limit("requests", 60)),
        (limit("requests", 100), limit("requests", 60, per="org")),
        (limit("requests", 100, models="each"), limit("requests", 60)),
        (limit("requests", 4000, "1h"), limit("requests", 60)),
        (limit("input_tokens", 100), limit("total_tokens", 100)),
        (limit("reasoning_tokens", 100), limit("total_tokens", 100)),
        (limit("reasoning_tokens", 100), limit("output_tokens", 60)),
        (limit("logprob_requests", 100), limit("requests", 60)),
        (limit("distinct_prompts", 100, "1d"), limit("distinct_prompts", 60, "7d")),
        ("{unit: concurrent, per: key, amount: 4}", "{unit: concurrent, per: account, amount: 4}"),
    ],
)
def test_p301_a_limit_inside_a_smaller_one_is_never_reached(inner: str, outer: str) -> None:
    ((code, message),) = complaints(pair(inner, outer))
    assert code == "P301"
    assert message.startswith("'inner' (")
    assert "never reached: 'outer' allows only" in message


@pytest.mark.parametrize(
    ("inner", "outer"),
    [
        (limit("requests", 59, per="key"), limit("requests", 60)),
        (limit("requests", 100), limit("requests", 60, per="key")),
        (limit("requests", 3000, "1h"), limit("requests", 60)),
        (limit("requests", 100, burst=5), limit("requests", 60)),
        (limit("total_tokens", 100), limit("input_tokens", 90)),
        (limit("output_tokens", 100), limit("reasoning_tokens", 90)),
        (limit("distinct_prompts", 100, "7d"), limit("distinct_prompts", 60, "1d")),
        (limit("distinct_prompts", 1000, "1h"), limit("requests", 60, "1h")),
        (limit("requests", 100), limit("requests", 60, models="each")),
        (limit("requests", 100, models="[a]"), limit("requests", 60, models="[b]")),
        ("{unit: concurrent, per: key, amount: 3}", "{unit: concurrent, per: account, amount: 4}"),
        ("{unit: concurrent, per: key, amount: 30}", limit("requests", 5)),
    ],
)
def test_p301_limits_that_can_both_decide(inner: str, outer: str) -> None:
    assert complaints(pair(inner, outer)) == []


def test_p301_of_twins_the_second_name_is_the_idle_one() -> None:
    twin = limit("requests", 60)
    ((_, message),) = complaints(policy_file(f"limits: {{b: {twin}, a: {twin}}}"))
    assert message.startswith("'b' (")


@pytest.mark.parametrize(
    ("inner", "outer", "idle"),
    [
        ("{unit: requests, amount: 310, period: month}", "{unit: requests, amount: 10, period: day}", True),
        ("{unit: requests, amount: 309, period: month}", "{unit: requests, amount: 10, period: day}", False),
        ("{unit: requests, amount: 10, period: day}", "{unit: requests, amount: 10, period: month}", True),
        ("{unit: requests, amount: 9, period: day}", "{unit: requests, amount: 10, period: month}", False),
        ("{unit: requests, amount: 20, period: day}", "{unit: requests, amount: 10, period: day}", True),
        ("{unit: usd, amount: 20, period: day}", "{unit: requests, amount: 10, period: day}", False),
        (
            "{unit: requests, amount: 20, period: day, zone: Asia/Tokyo}",
            "{unit: requests, amount: 10, period: day}",
            False,
        ),
        (
            "{unit: requests, amount: 20, period: month, anchor_day: 2}",
            "{unit: requests, amount: 10, period: month}",
            False,
        ),
    ],
)
def test_p301_budgets(inner: str, outer: str, *, idle: bool) -> None:
    text = f"budgets: {{inner: {inner}, outer: {outer}}}".replace("{unit", "{per: account, unit")
    assert [code for code, _ in complaints(policy_file(text))] == (["P301"] if idle else [])


def test_p301_a_rate_bounds_what_a_day_can_hold() -> None:
    text = f"limits: {{rpm: {limit('requests', 1)}}}\n"
    text += "budgets: {day: {unit: requests, per: account, amount: AMOUNT, period: day}}"
    assert [code for code, _ in complaints(policy_file(text.replace("AMOUNT", "1501")))] == ["P301"]
    assert complaints(policy_file(text.replace("AMOUNT", "1440"))) == []


def test_p301_across_policies_only_where_the_other_always_applies() -> None:
    wide = policy_file(f"limits: {{rpm: {limit('requests', 100)}}}", match="{tier: free}", id="wide")
    base = f"limits: {{cap: {limit('requests', 10)}}}\n"
    ((code, message),) = complaints(wide, policy_file(base, id="base"))
    assert (code, "'cap' of policy 'base'" in message) == ("P301", True)
    assert len(complaints(wide, policy_file(base, id="base", match="{tier: free}"))) == 1
    assert complaints(wide, policy_file(base, id="base", match="{tier: pro}")) == []
    assert complaints(wide, policy_file(base, id="base", status="testing")) == []
    excepted = base + "exceptions: [{account: a, reason: r, owner: o, until: 2099-01-01}]"
    assert complaints(wide, policy_file(excepted, id="base")) == []


def test_p301_two_policies_may_say_the_same() -> None:
    same = f"limits: {{rpm: {limit('requests', 100)}}}"
    assert complaints(policy_file(same, id="a"), policy_file(same, id="b")) == []


def test_p302_nothing_fits() -> None:
    small = f"limits: {{out: {limit('output_tokens', 500, burst=99)}}}\n"
    assert complaints(policy_file(small)) == []
    assert [code for code, _ in complaints(policy_file(small + "access: {max_output_tokens: 100}"))] == ["P302"]
    assert complaints(policy_file(small + "access: {max_output_tokens: 99}")) == []
    known = Known(models=(model(max_output=1000), model("tiny", max_output=50)))
    assert [code for code, _ in complaints(policy_file(small), known=known)] == ["P302"]
    assert complaints(policy_file(small, match="{model: tiny}"), known=known) == []
    assert complaints(policy_file(small + "access: {models: tiny}"), known=known) == []


def test_p302_an_answer_that_may_be_longer_than_what_is_new_may_be() -> None:
    new = f"limits: {{new: {limit('unique_output_tokens', 99, '1h')}}}\n"
    assert [code for code, _ in complaints(policy_file(new + "access: {max_output_tokens: 100}"))] == ["P302"]
    assert complaints(policy_file(new + "access: {max_output_tokens: 99}")) == []


def test_p303_money_without_a_price() -> None:
    money = "budgets: {usd: {unit: usd, per: org, amount: 5, period: month}}"
    known = Known(models=(model(), model("new", prices=None)))
    ((code, message),) = complaints(policy_file(money), known=known)
    assert (code, message.endswith(": new")) == ("P303", True)
    assert complaints(policy_file(money, match="{model: m1}"), known=known) == []
    assert complaints(policy_file(money + "\naccess: {models: 'm*'}"), known=known) == []
    assert complaints(policy_file(money)) == []


def test_p304_too_large_to_count() -> None:
    huge = f"limits: {{huge: {limit('requests', 1 << 53, '1d')}}}"
    ((code, message),) = complaints(policy_file(huge))
    assert (code, "exactly" in message) == ("P304", True)
