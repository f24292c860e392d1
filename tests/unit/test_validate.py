"""From document to model: each kind of mistake gets its place, its name and what was expected."""

from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Literal

import pytest
from pydantic import Field, SecretStr, field_validator

from gateway import yamlio
from gateway.validate import Strict, build, nearest
from gateway.yamlio import YamlProblems


class Mode(StrEnum):
    ENFORCE = "enforce"
    AUDIT = "audit"


class Rate(Strict):
    kind: Literal["rate"]
    amount: int = Field(gt=0)


class Slots(Strict):
    kind: Literal["slots"]
    live: int


class Policy(Strict):
    name: str
    mode: Mode = Mode.AUDIT
    limits: tuple[Annotated[Rate | Slots, Field(discriminator="kind")], ...] = ()
    share: float = 0.5
    price: Decimal = Decimal(0)
    on: bool = False
    either: int | list[int] = 0
    by_name: dict[str, Rate] | None = None
    api_key: SecretStr | None = None

    @field_validator("name")
    @classmethod
    def _lower(cls, name: str) -> str:
        if name != name.lower():
            raise ValueError("expected lower case")
        return name


def read(text: str) -> Policy:
    return build(yamlio.load(text, "p.yaml"), Policy)


def complaints(text: str) -> list[str]:
    with pytest.raises(YamlProblems) as caught:
        read(text)
    return [str(problem) for problem in caught.value.problems]


def test_builds_typed_values_from_plain_yaml():
    policy = read("name: a\nmode: enforce\nlimits:\n- {kind: rate, amount: 3}\nshare: 1\nprice: 0.15\neither: [1]\n")
    assert policy.mode is Mode.ENFORCE
    assert policy.limits == (Rate(kind="rate", amount=3),)
    assert policy.price == Decimal("0.15")
    assert policy.share == 1.0


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("name: a\nmodle: x\n", ["p.yaml:2:1: unknown key 'modle', did you mean 'mode'?"]),
        ("{}", ["p.yaml:1:1: missing key 'name'"]),
        ("name: 5\n", ["p.yaml:1:7: name: expected text, found 5"]),
        ("name: a\non: yes\n", ["p.yaml:2:5: on: expected true or false, found the text 'yes'"]),
        ("name: a\nshare: '1'\n", ["p.yaml:2:8: share: expected a number, found the text '1'"]),
        ("name: a\nlimits: 3\n", ["p.yaml:2:9: limits: expected a list, found 3"]),
        ("name: a\nmode: deny\n", ["p.yaml:2:7: mode: expected 'enforce' or 'audit', found the text 'deny'"]),
        ("name: A\n", ["p.yaml:1:7: name: expected lower case"]),
        ("name: a\nby_name: [1]\n", ["p.yaml:2:1: by_name: expected a mapping, found a list"]),
        (
            "name: a\nlimits:\n- kind: rate\n  amount: true\n",
            ["p.yaml:4:11: limits[0].amount: expected a whole number, found true"],
        ),
        (
            "name: a\nlimits:\n- {kind: rate, amount: 0}\n",
            ["p.yaml:3:24: limits[0].amount: expected greater than 0, found 0"],
        ),
        (
            "name: a\nlimits:\n- {kind: rate, amount: 1, ammount: 1}\n",
            ["p.yaml:3:27: unknown key 'ammount', did you mean 'amount'?"],
        ),
        (
            "name: a\nlimits:\n- kind: slots\n  zzz: 1\n  live: 2\n",
            ["p.yaml:4:3: unknown key 'zzz', expected one of: kind, live"],
        ),
        ("name: a\nlimits:\n- kind: rate\n", ["p.yaml:3:3: missing key 'limits[0].amount'"]),
        (
            "name: a\nlimits:\n- kind: budget\n",
            ["p.yaml:3:9: limits[0].kind: expected one of 'rate', 'slots', found the text 'budget'"],
        ),
        ("name: a\nlimits:\n- {}\n", ["p.yaml:3:3: limits[0]: expected a key 'kind', found an empty mapping"]),
        (
            "name: a\nby_name:\n  x: {kind: rate, amout: 1, amount: 2}\n",
            ["p.yaml:3:19: unknown key 'amout', did you mean 'amount'?"],
        ),
        (
            "name: a\neither: x\n",
            ["p.yaml:2:9: either: expected a whole number or expected a list, found the text 'x'"],
        ),
        ("name: a\napi_key: 12\n", ["p.yaml:2:10: api_key: expected text, found 12"]),
        ("- a\n", ["p.yaml:1:1: expected a mapping of keys, found a list"]),
        ("", ["p.yaml:1:1: expected a mapping of keys, found nothing"]),
    ],
)
def test_complaints(text: str, expected: list[str]):
    assert complaints(text) == expected


def test_all_complaints_come_together_in_the_order_of_the_file():
    assert [line.split(":")[1] for line in complaints("name: 1\nx: 1\nmode: 2\n")] == ["1", "2", "3"]


def test_a_value_under_a_secret_name_is_not_quoted():
    text = "name: a\nby_name:\n  x: {kind: rate, amount: 1}\napi_key: [hunter2]\n"
    assert "hunter2" not in "".join(complaints(text))


def test_nearest():
    assert nearest("modle", ["model", "mode"]) in (", did you mean 'model'?", ", did you mean 'mode'?")
    assert nearest("zzz", ["a", "b"]) == ", expected one of: a, b"
    assert nearest("zzz", []) == ""


def test_a_secret_in_the_place_of_a_name_is_not_quoted():
    secret = "sk-ex-4fK2mQ9xTb7c_" + "x" * 32
    for text in (f"name: a\nby_name:\n  {secret}: {{kind: rate}}\n", f"name: a\n{secret}: 1\n"):
        (complaint,) = complaints(text)
        assert "sk-ex-4fK2mQ…" in complaint
        assert "xxx" not in complaint


def test_a_list_whose_entries_are_wrong_is_not_called_too_short():
    class Few(Strict):
        some: tuple[Literal["a", "b"], ...] = Field(min_length=1)

    with pytest.raises(YamlProblems) as caught:
        build(yamlio.load("some: [c]\n", "p.yaml"), Few)
    assert str(caught.value) == "p.yaml:1:8: some[0]: expected 'a' or 'b', found the text 'c'"
