import pytest

from gateway.core.units import Unit
from gateway.engine.spec import BudgetSpec, DistinctSpec, Period, RateSpec, SlotSpec
from gateway.engine.validate import EXACT, validate

TOKENS = Unit.TOTAL_TOKENS
MOST = EXACT // 120_000


@pytest.mark.parametrize(
    "spec",
    [
        RateSpec("k", TOKENS, MOST, 60, MOST),
        RateSpec("k", TOKENS, 10**9, 86_400, 10**9),
        BudgetSpec("k", Unit.USD, EXACT, Period.MONTH, "Europe/Berlin", 31),
        BudgetSpec("k", Unit.USD, 0, Period.DAY),
        SlotSpec("k", 0),
    ],
)
def test_what_can_be_kept_exactly_is_right(spec):
    assert validate(spec) is None


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        (RateSpec("k", TOKENS, 1, 60, MOST + 1), f"at most {MOST} in a window of 60 s"),
        (RateSpec("k", TOKENS, MOST + 1, 60, 1), f"at most {MOST} in a window of 60 s"),
        (RateSpec("k", TOKENS, 0, 60, 1), "at least 1"),
        (RateSpec("k", TOKENS, 1, 0, 1), "at least 1"),
        (RateSpec("k", TOKENS, 1, 60, 0), "at least 1"),
        (RateSpec("k", Unit.USD, 1, 60, 1), "use a budget"),
        (RateSpec("k", Unit.CONCURRENT, 1, 60, 1), "use concurrency"),
        (RateSpec("k|audit", TOKENS, 1, 60, 1), "key"),
        (RateSpec("", TOKENS, 1, 60, 1), "key"),
        (BudgetSpec("k", Unit.USD, EXACT + 1, Period.DAY), "nano-dollars"),
        (BudgetSpec("k", TOKENS, -1, Period.DAY), "total_tokens"),
        (BudgetSpec("k", Unit.CONCURRENT, 1, Period.DAY), "use concurrency"),
        (BudgetSpec("k", Unit.USD, 1, Period.DAY, "Mars/Olympus"), "'Mars/Olympus'"),
        (BudgetSpec("k", Unit.USD, 1, Period.DAY, "../etc/passwd"), "time zone"),
        (BudgetSpec("k", Unit.USD, 1, Period.MONTH, "UTC", 0), "anchor day"),
        (BudgetSpec("k", Unit.USD, 1, Period.MONTH, "UTC", 32), "anchor day"),
        (SlotSpec("k", -1), "concurrency"),
        (DistinctSpec("k", Unit.DISTINCT_PROMPTS, 1, 3599), "at least an hour"),
        (DistinctSpec("k", Unit.DISTINCT_PROMPTS, 100_001, 3600), "between 0 and 100000"),
    ],
)
def test_what_cannot_says_why(spec, words):
    assert words in validate(spec)
