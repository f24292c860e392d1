import pytest
from pydantic import TypeAdapter, ValidationError

from gateway import scalars as shared
from gateway.policy import scalars


@pytest.mark.parametrize(("text", "seconds"), [("30s", 30), ("1m", 60), ("12h", 43_200), ("1d", 86_400)])
def test_durations(text: str, seconds: int) -> None:
    assert TypeAdapter(shared.Seconds).validate_python(text) == seconds


@pytest.mark.parametrize("text", ["", "0s", "1", "m", "-1s", "1.5h", "1 m", "1w", 60, None, "1m\n"])
def test_what_is_no_duration(text: object) -> None:
    with pytest.raises(ValidationError, match="expected a duration"):
        TypeAdapter(shared.Seconds).validate_python(text)


@pytest.mark.parametrize(
    ("value", "nano"), [(25, 25_000_000_000), ("0.50", 500_000_000), (0.1, 100_000_000), ("0.000000001", 1)]
)
def test_dollars_are_exact(value: object, nano: int) -> None:
    assert TypeAdapter(shared.NanoDollars).validate_python(value) == nano


@pytest.mark.parametrize(
    ("value", "says"),
    [
        (0, "more than 0"),
        ("-1", "more than 0"),
        ("0.0000000001", "nine decimals"),
        ("nan", "an amount of dollars"),
        ("inf", "an amount of dollars"),
        ("ten", "an amount of dollars"),
        ("1e999999", "an amount of dollars"),
        ("1e-999999", "an amount of dollars|nine decimals"),
        (True, "an amount of dollars"),
        (None, "an amount of dollars"),
    ],
)
def test_what_is_no_amount_of_dollars(value: object, says: str) -> None:
    with pytest.raises(ValidationError, match=says):
        TypeAdapter(shared.NanoDollars).validate_python(value)


def test_a_price_may_be_free_but_not_negative() -> None:
    assert TypeAdapter(scalars.Price).validate_python(0) == 0
    with pytest.raises(ValidationError, match="0 dollars or more"):
        TypeAdapter(scalars.Price).validate_python(-1)


def test_until_a_date_includes_that_day() -> None:
    until = TypeAdapter(scalars.Until)
    assert until.validate_python("2026-03-31") == until.validate_python("2026-04-01T00:00:00Z")


@pytest.mark.parametrize("value", ["2026-02-30", "tomorrow", "2026-03-31T12:00:00", 5])
def test_until_refuses_what_is_no_moment(value: object) -> None:
    with pytest.raises(ValidationError, match="expected a date"):
        TypeAdapter(scalars.Until).validate_python(value)


def test_zones_are_known_ones() -> None:
    assert TypeAdapter(shared.Zone).validate_python("Europe/Berlin") == "Europe/Berlin"
    for wrong in ("Mars/Base", "../etc/passwd", ""):
        with pytest.raises(ValidationError, match="IANA"):
            TypeAdapter(shared.Zone).validate_python(wrong)


def test_one_word_and_a_list_of_one_are_the_same() -> None:
    words = TypeAdapter(scalars.Words)
    assert words.validate_python("free") == words.validate_python(["free"]) == ("free",)
    for wrong in ([], [""], "", 3):
        with pytest.raises(ValidationError):
            words.validate_python(wrong)


def test_model_sets() -> None:
    models = TypeAdapter(shared.ModelSet)
    assert [models.validate_python(one) for one in ("all", "each", "a", ["b", "a"])] == [
        "all",
        "each",
        ("a",),
        ("b", "a"),
    ]
    with pytest.raises(ValidationError):
        models.validate_python([])
