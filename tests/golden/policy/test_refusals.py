"""Refusals by rules as callers read them: status, headers and body in every dialect, at the door and in a stream.

Set UPDATE_GOLDEN=1 to accept what changed, then read the diff.
"""

import json
from typing import Any

import pytest

from gateway.core.refusal import Refusal
from gateway.dialects import DIALECTS
from gateway.dialects.base import Dialect
from gateway.policy.output.watch import OutputWatch
from gateway.policy.sample import plain_body
from tests.golden.policy.scenes import HERE, check
from tests.support.inquiries import inquiry, plan_for
from tests.support.policies import policy, policy_set

POLICY = """
clause: {document: Service Terms, section: "4.2"}
rules: {r: {when: {text: {phrases: a forbidden wish}}, then: THEN, per_request: true}}
output: {o: {text: {phrases: a secret word}, how: hold_back, then: stop}}
on_violation: {message: Write to us, contact: https://example.com/appeal}
"""


def ruled(dialect: Dialect, then: str) -> Refusal:
    rules = policy_set(policy(POLICY.replace("THEN", then)))
    asked = inquiry(plain_body(dialect.name, "a forbidden wish", max_tokens=9), dialect=dialect.name, rules=rules)
    plan = plan_for(rules, asked)
    if then != "flag":
        refusal = plan.judge(asked).refusal
        assert refusal is not None
        return refusal
    assert plan.output is not None
    watch = OutputWatch(plan.output)
    watch.feed(0, "here is a secret word for you")
    assert watch.broken is not None
    return watch.broken.denial()


def told(dialect: Dialect, refusal: Refusal) -> dict[str, Any]:
    revision = str(refusal.details.get("revision", "-"))
    wire = dialect.family.refuse(refusal, "req-1")
    event = dialect.family.stream_error(refusal, "req-1").decode().replace(revision, "REVISION")
    return {
        "status": wire.status,
        "headers": dict(wire.headers),
        "body": json.loads(wire.body.decode().replace(revision, "REVISION")),
        "in a stream": event.splitlines(),
    }


@pytest.mark.parametrize("dialect", DIALECTS, ids=lambda dialect: dialect.name)
def test_refusals(dialect: Dialect) -> None:
    says = {
        "deny": "deny", "review": "review", "declare": "declare", "output_denied": "flag",
    }  # fmt: skip
    shown = {name: told(dialect, ruled(dialect, then)) for name, then in says.items()}
    text = json.dumps(shown, indent=1, ensure_ascii=False) + "\n"
    assert "forbidden wish" not in text
    assert "secret word" not in text
    check(HERE / "refusals" / f"{dialect.name}.json", text)
