"""One of two policy sets under replay: its plans, its memory of accounts, and a ledger of its own."""

import hashlib
import heapq
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from gateway.core import reasons
from gateway.core.account import Account, Principal
from gateway.core.model import Model
from gateway.core.refusal import Refusal
from gateway.core.units import Unit
from gateway.engine.ledger import Ledger
from gateway.engine.spec import DistinctSpec, Spec
from gateway.policy.actions import Plain, Tag
from gateway.policy.bound_limit import BoundLimit
from gateway.policy.bound_rule import BoundRule
from gateway.policy.compile import PolicySet
from gateway.policy.conditions import leaves
from gateway.policy.diff.amounts import Amounts
from gateway.policy.diff.asking import ask_of, inquiry_of, of_record
from gateway.policy.diff.recorded import Recorded
from gateway.policy.plan import Plan
from gateway.policy.recent import AccountMemory, Recent
from gateway.policy.refuse import refuse_limits
from gateway.policy.ruling import Reductions, Ruling, judge

_MAX_BOUND: Final = 8192
_SLACK_MS: Final = 60_000
_SHOWN: Final = {None: 0, "summary": 1, "none": 2}
_NOTES: Final = ("flag", "propose_suspension")


class Outcome(NamedTuple):
    """What a set does to a request."""

    refused_by: str = ""
    """policy/rule or policy/limit; empty when it is let through."""
    delay_s: int = 0
    taken: tuple[int, ...] = ()
    """How much is taken out: log probabilities, choices, output tokens, effort, reasoning shown."""
    unknown: frozenset[str] = frozenset()
    """Rules and limits, with a hash of what they say, that could have decided and could not be asked."""


@dataclass(frozen=True, slots=True)
class _Bound:
    """What of a plan a replay needs. `plan` is held so that its identity stays its own."""

    plan: Plan
    rules: tuple[BoundRule, ...]
    limits: tuple[BoundLimit, ...]
    specs: tuple[Spec, ...]
    prompts: tuple[BoundLimit, ...]


class Side:
    """A policy set that decides about recorded requests, in the order of their time."""

    def __init__(self, policies: PolicySet) -> None:
        self.policies = policies
        self.same_limits: Collection[str] = ()
        """Limits (policy/name) that the other set has, too, word for word."""
        self._digests = digests(policies)
        self._blind = _blind_rules(policies)
        self._bound: dict[int, _Bound] = {}
        self._recent = Recent()
        self._ledger = Ledger()
        self._count = 0
        self._ends: list[tuple[int, str, dict[Unit, int]]] = []

    def decide(self, record: Recorded, account: Account, model: Model, now_ms: int, amounts: Amounts) -> Outcome:
        """Play one request; `now_ms` never goes back. What it takes is settled when its time has passed."""
        facts = record.facts
        assert facts is not None
        self._settle(now_ms)
        plan = self.policies.plan(Principal(account, record.key_id), record.dialect, model, now_ms)
        bound = self._bind(plan)
        refusal = plan.check(ask_of(record, facts))
        if refusal is None and plan.has_money and model.prices_at(now_ms) is None:
            refusal = Refusal(reasons.PRICE_UNKNOWN, "")
        if refusal is not None:
            return Outcome(_name(refusal))
        ruling, unknown = Ruling(), set[str]()
        memory = self._recent.of(account.id)
        if bound.rules:
            inquiry = inquiry_of(record, account, model, now_ms, memory)
            ruling = judge(bound.rules, inquiry, self.policies.revision)
            ruling.count()
            if ruling.refusal is not None:
                ruling.count()
                return Outcome(_name(ruling.refusal))
            unknown = {self._identity(rule.id) for rule in inquiry.unknown}
        for limit in bound.prompts:
            failing = record.failing.get(limit.rule) if self._trusts(record, limit) else None
            if failing:
                return Outcome(limit.rule)
            if failing is None:
                unknown.add(self._identity(limit.rule))
        cap = _output_cap(plan, ruling.reductions)
        taken = amounts if cap is None else amounts.capped(cap * facts["n"])
        refused = self._take(record, bound, now_ms, taken, memory)
        if refused:
            return Outcome(refused)
        ruling.count()
        return Outcome("", ruling.delay_s, _taken(facts, plan, ruling.reductions), frozenset(unknown))

    def _take(self, record: Recorded, bound: _Bound, now_ms: int, amounts: Amounts, memory: AccountMemory) -> str:
        """Reserve, and plan the settlement; the name of the limit that has no room."""
        if not bound.specs:
            return ""
        self._count += 1
        name = str(self._count)
        verdict = self._ledger.reserve(
            name, bound.specs, amounts.reserved, amounts.reserved, record.duration_ms + _SLACK_MS, now_ms
        )
        if self.policies.asks_usage:
            memory.remember(bound.limits, verdict.readings, now_ms)
        if not verdict.granted:
            return _name(refuse_limits(bound.limits, self.policies.revision, verdict, amounts.reserved, now_ms))
        heapq.heappush(self._ends, (now_ms + record.duration_ms, name, amounts.used))
        return ""

    def _settle(self, now_ms: int) -> None:
        while self._ends and self._ends[0][0] <= now_ms:
            end_ms, name, used = heapq.heappop(self._ends)
            self._ledger.settle(name, used, end_ms)

    def _bind(self, plan: Plan) -> _Bound:
        known = self._bound.get(id(plan))
        if known is None:
            if len(self._bound) >= _MAX_BOUND:
                self._bound.clear()
            enforced = [limit for limit in plan.limits if limit.mode == "enforce"]
            limits = tuple(limit for limit in enforced if not isinstance(limit.spec, DistinctSpec))
            known = self._bound[id(plan)] = _Bound(
                plan,
                tuple(of_record(rule, blind=rule.id in self._blind) for rule in plan.rules if _acts(rule)),
                limits,
                tuple(limit.spec for limit in limits),
                tuple(limit for limit in enforced if isinstance(limit.spec, DistinctSpec)),
            )
        return known

    def _trusts(self, record: Recorded, limit: BoundLimit) -> bool:
        """Whether what the record says of a limit on prompts, which no log can replay, is said of this very limit."""
        return record.revision == self.policies.revision or limit.rule in self.same_limits

    def _identity(self, name: str) -> str:
        return f"{name}@{self._digests.get(name, '')}"


def digests(policies: PolicySet) -> dict[str, str]:
    """A hash for each rule and limit (policy/name) over everything that decides whether and how it acts."""
    shared = repr((policies.definitions.fragments, policies.definitions.words, policies.definitions.terms))
    found = {}
    for policy in policies.policies:
        around = f"{policy.match!r}{policy.effective_mode}{policy.exceptions!r}{shared}"
        for entries in (policy.limits, policy.rules):
            for name, entry in entries.items():
                found[f"{policy.id}/{name}"] = hashlib.sha256(f"{entry!r}{around}".encode()).hexdigest()[:12]
    return found


def _blind_rules(policies: PolicySet) -> frozenset[str]:
    """Rules on prompts seen before: neither a record nor a replay has these."""
    prompts = {
        f"{policy.id}/{limit.name}"
        for policy in policies.compiled
        for limit in policy.limits
        if isinstance(limit.template, DistinctSpec)
    }
    return frozenset(
        f"{policy.id}/{rule.name}"
        for policy in policies.compiled
        for rule in policy.rules
        for leaf in leaves(rule.condition)
        if leaf.criterion.key == "distinct_prompts" or (leaf.criterion.key == "usage" and leaf.value.limit in prompts)
    )


def _acts(rule: BoundRule) -> bool:
    """Whether the caller can notice it."""
    noted = isinstance(rule.then, Tag) or (isinstance(rule.then, Plain) and rule.then.word in _NOTES)
    return rule.mode == "enforce" and not noted


def _name(refusal: Refusal) -> str:
    details = refusal.details
    if "policy" not in details:
        return refusal.reason.code
    return f"{details['policy']}/{details.get('limit') or details.get('rule')}"


def _output_cap(plan: Plan, wanted: Reductions | None) -> int | None:
    caps = (plan.output_cap, None if wanted is None else wanted.max_output_tokens)
    return min((cap for cap in caps if cap is not None), default=None)


def _taken(facts: dict[str, Any], plan: Plan, wanted: Reductions | None) -> tuple[int, ...]:
    """How much less the caller gets of what it asked for."""
    cap = _output_cap(plan, wanted)
    output = 0 if cap is None else max(0, facts["max_output"] - cap)
    if wanted is None:
        return (0, 0, output, 0, 0)
    reasons_asked = facts["reasoning"] is not False
    return (
        int(wanted.logprobs and facts["logprobs"]),
        0 if wanted.max_n is None else max(0, facts["n"] - wanted.max_n),
        output,
        int(wanted.less_reasoning and reasons_asked),
        _SHOWN[wanted.shown] if reasons_asked else 0,
    )
