"""A decision record in words: what was decided then, by which policies, and whether these are still the same.

A record is what a decision log or the admin API gives: plain JSON, of which nothing is taken for granted. There is no
text of a request in it (docs/decision-records.md).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from gateway.core.model import Model
from gateway.policy.compile import PolicySet
from gateway.policy.explain.rule_words import rule_words
from gateway.policy.explain.then import condition_then
from gateway.policy.words import dollars

_DID: Final = {
    "deny": ("refused it", "would have refused it"),
    "review": ("refused it until a person has looked", "would have refused it until a person has looked"),
    "declare": ("refused it until a purpose is declared", "would have refused it until a purpose is declared"),
    "flag": ("noted it", "noted it"),
    "tag": ("tagged it", "would have tagged it"),
    "slow": ("let it wait", "would have let it wait"),
    "reduce": ("took something out of it", "would have taken something out of it"),
    "propose_suspension": ("proposed to suspend the account", "would have proposed to suspend the account"),
    "stop": ("ended the answer", "would have ended the answer"),
    "count": ("held, and its share of calls was not reached", "held, and its share of calls was not reached"),
    "not_evaluated": ("could not be evaluated", "could not be evaluated"),
}
_ENDS: Final = {
    "complete": "the whole answer was delivered",
    "client_gone": "the caller left before the answer was delivered",
    "upstream_failed": "no upstream took it",
    "upstream_rejected": "the upstream called it invalid",
    "upstream_cut": "the upstream broke off",
    "timed_out": "it took too long",
    "budget_ended": "a budget ran out in mid-stream",
    "policy_ended": "an output rule ended the answer",
    "shutdown": "the gateway stopped",
    "internal_error": "a fault of the gateway",
}


@dataclass(frozen=True, slots=True)
class Revisions:
    """The policies of now and those of then, as far as they are at hand."""

    now: PolicySet | None = None
    archived: PolicySet | None = None
    """The archived set of the record's revision."""
    model: Model | None = None
    """The record's model, as models.yaml has it now."""

    def of_then(self, record: Mapping[str, Any]) -> PolicySet | None:
        """The set that decided, None where nobody kept it."""
        for policies in (self.now, self.archived):
            if policies is not None and policies.revision == record.get("revision"):
                return policies
        return None


def record_lines(record: Mapping[str, Any], revisions: Revisions) -> Iterator[str]:
    """Line by line: the decision, why, then the rest. What a terminal would obey is taken out."""
    for line in _lines(record, revisions):
        yield "".join(char if char.isprintable() else "?" for char in line)


def _lines(record: Mapping[str, Any], revisions: Revisions) -> Iterator[str]:
    yield _head(record)
    decider = decided_by(record)
    if record.get("clause"):
        yield f"  clause: {record['clause']}"
    then = revisions.of_then(record)
    if decider:
        words = then or revisions.now
        if words is not None:
            since = "" if then is not None else " as it stands now"
            yield f"  {decider}{since}:"
            found = None if then is None else condition_then(record, then, decider, revisions.model)
            yield from (f"    {line}" for line in rule_words(words, decider, found))
    yield f"  policies: {_revision(record, revisions, decider)}"
    yield ""
    yield _who(record)
    yield from _findings(record)
    yield from _outputs(record)
    yield from _limits(record)
    yield from _rest(record)
    yield from _facts(record)


def decided_by(record: Mapping[str, Any]) -> str:
    """The rule or limit that refused, as policy/name; empty where none did."""
    policy, name = record.get("policy"), record.get("limit")
    return f"{policy}/{name}" if policy and name else str(policy or "")


def _head(record: Mapping[str, Any]) -> str:
    reason, outcome, status = record.get("reason"), str(record.get("outcome")), record.get("status")
    by = f" by {decided_by(record)}" if decided_by(record) else ""
    if outcome in ("policy_ended", "budget_ended"):
        return f"ENDED{by}: {reason or outcome} (status {status}): {_ENDS[outcome]}"
    if reason:
        return f"REFUSED{by}: {reason} (status {status})"
    head = "SERVED" if outcome == "complete" else "NOT SERVED"
    return f"{head}: {_ENDS.get(outcome, outcome)} (status {status})"


def _revision(record: Mapping[str, Any], revisions: Revisions, decider: str) -> str:
    revision, now = record.get("revision"), revisions.now
    if now is None:
        return f"decided by revision {revision}"
    if now.revision == revision:
        return f"revision {revision} decided, and is that of the folder"
    changed = f"revision {revision} decided; the folder has {now.revision} now"
    policy_id = decider.partition("/")[0]
    if not policy_id:
        return changed
    current = next((policy for policy in now.policies if policy.id == policy_id), None)
    if current is None:
        return f"{changed}, without a policy '{policy_id}'"
    if revisions.archived is None:
        return f"{changed}; what that one said is not at hand"
    before = next((policy for policy in revisions.archived.policies if policy.id == policy_id), None)
    return f"{changed}; policy '{policy_id}' is {'the same' if before == current else 'another one'} in it"


def _who(record: Mapping[str, Any]) -> str:
    names = ("account", "org", "tier", "key_id", "model", "dialect", "upstream")
    said = [f"{name.removesuffix('_id')} {record[name]}" for name in names if record.get(name)]
    stream = ", stream" if record.get("stream") else ""
    return f"{record.get('time')}  {', '.join(said)}{stream}  (decision {record.get('id')})"


def _findings(record: Mapping[str, Any]) -> Iterator[str]:
    findings = _entries(record, "findings")
    if findings or _entries(record, "conditions"):
        yield ""
        yield "what rules said"
    for one in findings:
        audit = one.get("mode") == "audit"
        action = str(one.get("action"))
        did = _DID.get(action, (action, action))[audit]
        clause = f"; {one['clause']}" if one.get("clause") else ""
        mode = " (audit)" if audit else ""
        yield f"  {one.get('policy')}/{one.get('rule')}{mode} {did}  [{one.get('reason')}]{clause}"
    for one in _entries(record, "conditions"):
        # Of what no record keeps: texts, headers, the address.
        holds = one.get("holds")
        said = "held" if holds is True else "did not hold" if holds is False else "could not be evaluated"
        yield f"  the condition of {one.get('rule')} {said}"


def _outputs(record: Mapping[str, Any]) -> Iterator[str]:
    outputs = _entries(record, "output")
    if outputs:
        yield ""
        yield "what rules on the answer said"
    for one in outputs:
        mode = " (audit)" if one.get("mode") == "audit" else ""
        why = f": {one['why']}" if one.get("why") else ""
        yield f"  {one.get('policy')}/{one.get('rule')}{mode} {one.get('state')}{why}"


def _limits(record: Mapping[str, Any]) -> Iterator[str]:
    limits = _entries(record, "limits")
    if limits:
        yield ""
        yield "limits, as they stood right after"
    for one in limits:
        mode = " (audit)" if one.get("mode") == "audit" else ""
        unit = one.get("unit")
        held, left = (_amount(unit, one.get(name)) for name in ("reserved", "remaining"))
        room = ": NO ROOM" if one.get("failing") else ""
        yield f"  {one.get('policy')}/{one.get('limit')}{mode}: {held} reserved, {left} left{room}"


def _rest(record: Mapping[str, Any]) -> Iterator[str]:
    yield ""
    yield "the rest"
    usage = record.get("usage")
    if isinstance(usage, Mapping):
        estimated = " (estimated)" if usage.get("estimated") else ""
        read, wrote = usage.get("input_tokens"), usage.get("output_tokens")
        cost = _amount("usd", record.get("cost_nano_usd"))
        yield f"  used {read} input and {wrote} output tokens{estimated}, {cost}"
    if record.get("delay_s"):
        yield f"  waited {record['delay_s']} s because a rule said so"
    for name, words in (("reduced", "taken out or lowered"), ("tags", "tags put on it")):
        if record.get(name):
            yield f"  {words}: {_plain(record[name])}"
    yield f"  took {record.get('duration_s')} s, of which the gateway itself {record.get('overhead_s')} s"


def _facts(record: Mapping[str, Any]) -> Iterator[str]:
    facts = record.get("facts")
    if isinstance(facts, Mapping):
        yield ""
        yield "what rules could look at"
        yield from (f"  {name}: {_plain(value)}" for name, value in facts.items() if value not in (None, "", [], {}))


def _entries(record: Mapping[str, Any], name: str) -> list[Mapping[str, Any]]:
    found = record.get(name)
    return [one for one in found if isinstance(one, Mapping)] if isinstance(found, list) else []


def _amount(unit: object, amount: object) -> str:
    if unit == "usd" and isinstance(amount, int):
        return dollars(amount)
    return f"{amount} {unit}".replace("_", " ")


def _plain(value: object) -> str:
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return {True: "yes", False: "no"}[value] if isinstance(value, bool) else str(value)
