"""Policy in, compiled plan out. Set UPDATE_GOLDEN=1 to accept what changed, then read the diff."""

import pytest

from tests.golden.policy.scenes import NAMES, PLANS, check, compiled
from tests.support.policies import NOW, model, plan_text, principal


@pytest.mark.parametrize("name", NAMES)
def test_one_policy(name: str) -> None:
    check(PLANS / f"{name}.txt", plan_text(compiled(name).plan(principal("k1"), "chat", model("m1"), NOW)))


def test_all_of_them_together() -> None:
    check(PLANS / "together.txt", plan_text(compiled(*NAMES).plan(principal("k1"), "chat", model("m1"), NOW)))


def test_a_model_with_terms() -> None:
    rules = compiled("profile")
    check(PLANS / "with-terms.txt", plan_text(rules.plan(principal("k1"), "chat", model("m1", terms="closed"), NOW)))
