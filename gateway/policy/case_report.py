"""What came of a case beside what it expects, and, where they differ, what the rules in question said."""

from collections.abc import Iterator, Sequence

from gateway.core.units import Unit
from gateway.policy.case_marks import compare_mark
from gateway.policy.cases import Case, CaseExpect
from gateway.policy.explain.names import NOTHING_DONE, action_of, name_of
from gateway.policy.explain.text import rule_lines
from gateway.policy.trial import Outcome
from gateway.policy.words import dollars
from gateway.scalars import nano_dollars
from gateway.validate import nearest


def compare(case: Case, outcome: Outcome) -> Iterator[str]:
    """What is not as the case expects, one sentence each; nothing where it passes."""
    if outcome.faults:
        yield from outcome.faults
        return
    expect, refusal = case.expect, outcome.refusal
    action = "allow" if refusal is None else action_of(refusal)
    if action != expect.action:
        yield f"expected {expect.action}, found {action}" + (f": {refusal.message}" if refusal else "")
    details = refusal.details if refusal else {}
    wait_ms = refusal.retry_after_ms if refusal else None
    facts: list[tuple[str, object, object]] = [
        ("reason", expect.reason, refusal.reason.code if refusal else None),
        ("policy", expect.policy, details.get("policy")),
        ("limit", expect.limit, details.get("limit")),
        ("rule", expect.rule, details.get("rule")),
        ("retry_after_s", expect.retry_after_s, None if wait_ms is None else -(-wait_ms // 1000)),
        ("output_cap", expect.output_cap, outcome.output_cap),
        ("delay_s", expect.delay_s, outcome.delay_s),
        ("answer", expect.answer, outcome.answer),
        ("reduced", _sorted(expect.reduced), _sorted(outcome.reduced)),
        ("tags", _sorted(expect.tags), _sorted(outcome.tags)),
        ("findings", _sorted(expect.findings), _said(outcome, "enforce")),
    ]
    for name, wanted, found in facts:
        if wanted is not None and wanted != found:
            yield f"expected {name} {wanted}, found {'none' if found is None else found}"
    yield from compare_mark("watermark", expect.watermark, outcome.watermark)
    yield from compare_mark("watermark_audit", expect.watermark_audit, outcome.watermark_audit)
    yield from _remaining(expect, outcome)
    if expect.audit is not None:
        found_audit = _audited(outcome)
        if sorted(expect.audit) != found_audit:
            yield f"expected audit {sorted(expect.audit)}, found {found_audit}"


def _sorted(words: Sequence[str] | None) -> list[str] | None:
    return None if words is None else sorted(words)


def _said(outcome: Outcome, mode: str) -> list[str]:
    """What rules said, as `policy/rule: action`."""
    found = (finding for finding in outcome.findings if finding.mode == mode)
    return sorted(f"{finding.policy_id}/{finding.rule}: {finding.action}" for finding in found)


def _audited(outcome: Outcome) -> list[str]:
    """What audit-mode rules would have done. What they could not evaluate is nothing that they would have done."""
    done = (one for one in outcome.findings if one.mode == "audit" and one.action not in NOTHING_DONE)
    return sorted(f"{finding.policy_id}/{finding.rule}" for finding in done)


def _remaining(expect: CaseExpect, outcome: Outcome) -> Iterator[str]:
    for name, wanted in (expect.remaining or {}).items():
        matching = [pair for pair in outcome.readings if name in (pair[0].name, pair[0].rule)]
        if len(matching) != 1:
            known = [limit.name for limit, _ in outcome.readings]
            yield f"remaining: {'no' if not matching else 'more than one'} limit '{name}'{nearest(name, known)}"
            continue
        limit, reading = matching[0]
        money = limit.spec.unit is Unit.USD
        try:
            amount = nano_dollars(wanted, least=None) if money else wanted
        except ValueError as error:
            yield f"remaining {name}: {error}"
            continue
        if amount != reading.remaining:
            found = dollars(reading.remaining) if money else reading.remaining
            yield f"expected remaining {name} {wanted}, found {found}"


def explain_case(case: Case, outcome: Outcome) -> Iterator[str]:
    """Conditions of the rules that decided, or were to decide; policies under test that did not cover the caller."""
    wanted = _in_question(case, outcome)
    for policy in outcome.survey:
        rules = [rule for rule in policy.rules if {rule.id, _name(rule.id)} & wanted]
        for rule in rules:
            yield from rule_lines(rule)
        for access in policy.access:
            if {access.id, _name(access.id)} & wanted:
                yield f"{access.id} is {'broken' if access.broken else 'kept'}: {access.says}"
        if policy.watermark is not None and (case.expect.watermark or case.expect.watermark_audit):
            yield f"{policy.watermark.id} ({policy.watermark.mode}) asks for {policy.watermark.says}"
        if not policy.covers:
            yield f"{policy.id} does not cover it: {policy.why}" + (f" [{policy.code}]" if policy.code else "")


def _in_question(case: Case, outcome: Outcome) -> set[str]:
    """Rules by name or policy/name: the one that decided, the one expected, and those of which one side says more."""
    expect = case.expect
    wanted = {expect.rule} if expect.rule is not None else set()
    if outcome.refusal is not None:
        wanted.add(name_of(outcome.refusal))
    if expect.findings is not None:
        said = set(_said(outcome, "enforce")) ^ set(expect.findings)
        wanted |= {one.rpartition(": ")[0] for one in said}
    if expect.audit is not None:
        wanted |= set(expect.audit) ^ set(_audited(outcome))
    return wanted


def _name(rule: str) -> str:
    """A rule's name without its policy."""
    return rule.partition("/")[2]
