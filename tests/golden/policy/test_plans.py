"""Policy in, compiled plan out. Set UPDATE_GOLDEN=1 to accept what changed, then read the diff."""

import os
from pathlib import Path

import pytest

from gateway.policy.compile import compile_files
from gateway.policy.load import read_files
from tests.support.policies import NOW, model, plan_text, principal

PLANS = Path(__file__).parent / "plans"
NAMES = sorted(path.stem for path in PLANS.glob("*.yaml"))


def check(name: str, text: str) -> None:
    expected = PLANS / f"{name}.txt"
    if os.environ.get("UPDATE_GOLDEN"):
        expected.write_text(text)
    assert text == expected.read_text()


@pytest.mark.parametrize("name", NAMES)
def test_one_policy(name: str) -> None:
    rules = compile_files(read_files([PLANS / f"{name}.yaml"]))
    check(name, plan_text(rules.plan(principal("k1"), "chat", model("m1"), NOW)))


def test_all_of_them_together() -> None:
    rules = compile_files(read_files([PLANS / f"{name}.yaml" for name in NAMES]))
    check("together", plan_text(rules.plan(principal("k1"), "chat", model("m1"), NOW)))
