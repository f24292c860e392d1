"""What the shipped policies come to, caller by caller. UPDATE_GOLDEN=1 accepts what changed; read the difference."""

import os
from pathlib import Path
from typing import Any

import pytest

from gateway.policy.compile import load_policies
from tests.support.policies import NOW, model, plan_text, principal
from tests.support.policy_index import SHIPPED

PLANS = Path(__file__).parent / "shipped"
DAY_MS = 86_400_000
CALLERS: dict[str, tuple[dict[str, Any], str]] = {
    "visitor": ({"tier": "free", "country": "DE"}, ""),
    "newcomer-on-a-closed-model": ({"tier": "developer", "created_ms": NOW - DAY_MS}, "closed-provider"),
    "verified-on-a-closed-model": ({"tier": "developer", "verified": True}, "closed-provider"),
    "trainer-on-a-closed-model": ({"tier": "developer", "declared_purpose": "distillation"}, "closed-provider"),
    "trainer-on-a-permissive-model": ({"tier": "developer", "declared_purpose": "distillation"}, "permissive"),
    "watched": ({"tier": "developer", "standing": "watched", "standing_until_ms": NOW + DAY_MS}, "closed-provider"),
    "limited": ({"tier": "developer", "standing": "limited", "standing_until_ms": NOW + DAY_MS}, ""),
    "contract": ({"tier": "enterprise", "country": "DE"}, "closed-preview"),
    "public-facing": ({"tier": "developer", "tags": frozenset({"public-facing"})}, "open-with-naming"),
    "school": ({"tier": "developer", "attested_age": 14}, ""),
    "mistyped-and-not-served": ({"tier": "entreprise", "country": "XA"}, "closed-provider"),
}
"""Facts of the account, and the terms profile of the model."""


@pytest.mark.parametrize("name", CALLERS)
def test_a_callers_plan(name: str) -> None:
    facts, terms = CALLERS[name]
    text = plan_text(load_policies(SHIPPED).plan(principal(**facts), "chat", model("sim-small", terms=terms), NOW))
    expected = PLANS / f"{name}.txt"
    if os.environ.get("UPDATE_GOLDEN"):
        expected.write_text(text)
    assert text == expected.read_text()


def test_there_is_no_golden_file_without_a_caller() -> None:
    assert {path.stem for path in PLANS.iterdir()} == set(CALLERS)


def test_every_policy_but_the_one_that_is_off_covers_somebody() -> None:
    covering = {
        line.split(" (")[0]
        for path in PLANS.iterdir()
        for line in path.read_text().splitlines()[0].removeprefix("policies: ").split(", ")
    }
    shipped = {path.stem for path in SHIPPED.glob("*.yaml")} - {"definitions", "regions-by-address"}
    assert covering == {name for name in shipped if not name.endswith(".test")}
