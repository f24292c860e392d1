"""Requests for rules to look at: a real body, read by the real dialect."""

from collections.abc import Mapping
from ipaddress import ip_address
from typing import Any

from gateway.core.ask import Ask
from gateway.dialects import DIALECTS
from gateway.dialects.base import Dialect
from gateway.policy.compile import PolicySet
from gateway.policy.inquiry import Inquiry
from gateway.policy.plan import Plan
from gateway.policy.recent import AccountMemory
from gateway.policy.ruling import Ruling
from gateway.policy.situation import Situation
from tests.support.policies import NOW, model, principal

CHAT: dict[str, Any] = {"model": "m1", "messages": [{"role": "user", "content": "hello there"}]}


def dialect_of(name: str) -> Dialect:
    return next(dialect for dialect in DIALECTS if dialect.name == name)


def inquiry(
    body: Mapping[str, Any] | None = None,
    *,
    dialect: str = "chat",
    headers: Mapping[str, str] | None = None,
    address: str = "",
    countries: Mapping[str, str] | None = None,
    memory: AccountMemory | None = None,
    rules: PolicySet | None = None,
    now_ms: int = NOW,
    **account: object,
) -> Inquiry:
    """A request of `principal(**account)`; `countries` by address."""
    speaks = dialect_of(dialect)
    ask = speaks.read({**CHAT, **(body or {})})
    assert isinstance(ask, Ask), ask
    known = countries or {}
    return Inquiry(
        here=Situation(principal(**account), dialect, model(), now_ms),
        ask=ask,
        read_texts=lambda: speaks.texts(ask.body),
        read_parameters=lambda: speaks.parameters(ask),
        headers=headers or {},
        read_address=lambda: ip_address(address) if address else None,
        country_of=lambda found: known.get(str(found), ""),
        memory=memory if memory is not None else AccountMemory(),
        index=rules.index if rules is not None else None,
    )


def plan_for(rules: PolicySet, asked: Inquiry) -> Plan:
    here = asked.here
    return rules.plan(here.principal, here.dialect, here.model, here.now_ms)


def judged(rules: PolicySet, body: Mapping[str, Any] | None = None, **facts: Any) -> Ruling:
    """What the policies say to a request, those that nobody waits for included."""
    asked = inquiry(body, rules=rules, **facts)
    plan = plan_for(rules, asked)
    ruling = plan.judge(asked)
    late = plan.judge_late(asked)
    ruling.findings += late.findings
    for one in (ruling, late):
        one.count()
    return ruling
