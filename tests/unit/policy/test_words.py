import pytest

from gateway.core.units import Unit
from gateway.engine.spec import BudgetSpec, Period, RateSpec, SlotSpec
from gateway.policy.words import dollars, duration, quantity, size, window


@pytest.mark.parametrize(
    ("spec", "text"),
    [
        (RateSpec("k", Unit.REQUESTS, 60, 60, 60), "60 requests in 1m"),
        (RateSpec("k", Unit.INPUT_TOKENS, 1, 90, 5), "1 input token in 90s (at most 5 at once)"),
        (BudgetSpec("k", Unit.USD, 25_000_000_000, Period.MONTH), "$25.00 a month"),
        (BudgetSpec("k", Unit.TOTAL_TOKENS, 100, Period.DAY), "100 tokens a day"),
        (SlotSpec("k", 4), "4 requests at a time"),
        (SlotSpec("k", 1), "1 request at a time"),
    ],
)
def test_sizes(spec: RateSpec | BudgetSpec | SlotSpec, text: str) -> None:
    assert size(spec) == text


@pytest.mark.parametrize(
    ("nano", "text"), [(0, "$0.00"), (1, "$0.000000001"), (1_500_000_000, "$1.50"), (-20_000_000, "-$0.02")]
)
def test_dollars(nano: int, text: str) -> None:
    assert dollars(nano) == text


def test_quantities() -> None:
    assert quantity(Unit.OUTPUT_TOKENS, 0) == "0 output tokens"
    assert quantity(Unit.USD, 10_000_000) == "$0.01"


@pytest.mark.parametrize(("seconds", "text"), [(1, "1s"), (60, "1m"), (90, "90s"), (3600, "1h"), (172_800, "2d")])
def test_windows(seconds: int, text: str) -> None:
    assert window(seconds) == text


@pytest.mark.parametrize(
    ("ms", "text"),
    [(0, "0 s"), (1, "1 s"), (12_000, "12 s"), (12_001, "13 s"), (250_000, "4 min 10 s"), (97_200_000, "1 d 3 h")],
)
def test_durations_round_up(ms: int, text: str) -> None:
    assert duration(ms) == text
