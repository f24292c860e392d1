"""Policies and a request in, the words of `gateway policy explain` out; the same for decision records.

Set UPDATE_GOLDEN=1 to accept what changed, then read the diff.
"""

import json
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from gateway.policy.compile import PolicySet
from gateway.policy.explain.decision import Served, explain
from gateway.policy.explain.limits import Stand
from gateway.policy.explain.record import Revisions, record_lines
from gateway.policy.explain.text import explained
from gateway.policy.switches import Switch
from tests.golden.policy.scenes import HERE, NAMES, check, compiled
from tests.support.inquiries import inquiry
from tests.support.policies import CHEAP, NOW, model

RECORDS = sorted(path.stem for path in (HERE / "records").glob("*.json"))
PRIVATE = "hidden treasure under the old oak"


@dataclass(frozen=True)
class Scene:
    policies: tuple[str, ...]
    body: dict[str, Any] = field(default_factory=dict)
    facts: dict[str, Any] = field(default_factory=dict)
    served: dict[str, Any] = field(default_factory=dict)
    terms: str = ""
    switched: str = ""


def says(text: str) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": text}]}


SCENES = {
    "allowed": Scene(("tiers", "ladder", "answers"), facts={"verified": True}),
    "strongest-of-several": Scene(("ladder",), {**says(PRIVATE), "tools": [{"type": "function"}] * 9, "n": 2}),
    "done-to-it": Scene(
        ("ladder", "narrow"), {"n": 2, "logprobs": True, "temperature": 0.05},
        {"headers": {"x-client": "Harvester/2"}}, {"kinds": ("openai",)},
    ),
    "share-not-known": Scene(("ladder",), says("Hello   THERE, my friend")),
    "access-first": Scene(("denied", "ladder", "tiers"), {**says(PRIVATE), "n": 9}),
    "terms": Scene(("profile",), {"n": 2}, terms="closed"),
    "marked": Scene(("marked", "marked-soon", "tiers")),
    "audit": Scene(("watched", "looked-at"), {**says("hello there"), "n": 2}),
    "no-room": Scene(("tiers",), served={"stands": {
        ("tiers/rpm", "enforce"): Stand(0, 12_000), ("tiers/open", "enforce"): Stand(3, 0),
        ("tiers/money", "enforce"): Stand(-5_000_000, 86_400_000),
    }}),
    "never-fits": Scene(("tiers",), {"max_tokens": 400, "n": 2}, terms="closed"),
    "no-price": Scene(("tiers",), served={"prices": None}),
    "not-covered": Scene(tuple(NAMES), facts={"tier": "pro", "verified": True, "created_ms": NOW - 9 * 86_400_000}),
    "switched-off": Scene(("denied", "watched"), switched="all"),
    "suspended": Scene(("denied",), facts={"suspended": True}),
}  # fmt: skip


def words(rules: PolicySet, scene: Scene) -> str:
    asked = inquiry(scene.body, rules=rules, **scene.facts)
    asked.here = replace(asked.here, model=model(terms=scene.terms))
    if scene.switched:
        rules.switch((Switch(scene.switched, "refuses paying customers", "ann", NOW, NOW + 7_200_000),))
    served = Served(**{"prices": CHEAP, **scene.served})
    return "\n".join(explained(explain(rules, asked, served))) + "\n"


@pytest.mark.parametrize("name", SCENES)
def test_a_request(name: str) -> None:
    scene = SCENES[name]
    rules = compiled(*scene.policies)
    text = words(rules, scene)
    assert "treasure" not in text
    check(HERE / "explained" / f"{name}.txt", text.replace(rules.revision, "REVISION"))


@pytest.mark.parametrize("name", RECORDS)
def test_a_record(name: str) -> None:
    """`HERE` stands for the revision of the policies at hand; any other is an older one, and was not kept."""
    record = json.loads((HERE / "records" / f"{name}.json").read_text())
    rules = compiled(*NAMES)
    if record["revision"] == "HERE":
        record["revision"] = rules.revision
    text = "\n".join(record_lines(record, Revisions(now=rules, model=model()))) + "\n"
    check(HERE / "records" / f"{name}.txt", text.replace(rules.revision, "REVISION"))


def test_no_file_is_left_of_a_scene_that_is_gone() -> None:
    assert {path.stem for path in (HERE / "explained").glob("*")} == set(SCENES)
    assert {path.stem for path in Path(HERE / "records").glob("*.txt")} == set(RECORDS)
