"""Rules ready to be bound to a caller: their condition a tree, their patterns numbers in an index."""

from dataclasses import dataclass
from typing import Literal

from gateway.core import reasons
from gateway.core.refusal import Detail, Refusal
from gateway.policy.actions import Then, name_of
from gateway.policy.clause import clause_text
from gateway.policy.compiling import Compiler, Unusable, text_fault
from gateway.policy.conditions import Node, WhomLeaf, clock, leaves
from gateway.policy.criteria.text import patterns_of
from gateway.policy.entries import OutputEntry, Share
from gateway.policy.model import Policy
from gateway.policy.output.rule import MAX_WINDOW, OutputRule
from gateway.policy.rule_revision import rule_revision
from gateway.policy.wording import with_words
from gateway.texts.patterns import longest


@dataclass(frozen=True, slots=True)
class CompiledRule:
    """One rule of a policy, before it is known who calls."""

    name: str
    condition: Node
    then: Then
    action: str
    clause: str
    share: Share | None
    hold_ms: int
    until_ms: int | None
    reads_text: bool
    acts_unknown: bool
    clock: tuple[WhomLeaf, ...]
    """What of `condition` changes with time."""
    revision: str
    """Of a rule that looks at what no record holds, see rule_revision.py; empty for all others."""


@dataclass(frozen=True, slots=True)
class CompiledOutput:
    """One rule on answers, and its end."""

    rule: OutputRule
    until_ms: int | None


def compile_rule(policy: Policy, name: str, compiler: Compiler) -> CompiledRule:
    """Raises Unusable."""
    entry = policy.rules[name]
    condition = compiler.condition(entry.when, ("rules", name, "when"))
    reads_text = any(leaf.criterion.key == "text" for leaf in leaves(condition))
    if reads_text and not (entry.only_notes or entry.share or entry.per_request):
        message = "a text match counts towards a share of the account's calls: expected share, or per_request: true"
        raise Unusable(("rules", name, "then"), message)
    return CompiledRule(
        name=name,
        condition=condition,
        then=entry.then,
        action=name_of(entry.then),
        clause=clause_text(entry.clause or policy.clause),
        share=entry.share,
        hold_ms=(entry.hold or 0) * 1000,
        until_ms=entry.until,
        reads_text=reads_text,
        acts_unknown=entry.unknown == "act",
        clock=clock(condition),
        revision=rule_revision(condition, compiler),
    )


def compile_output(policy: Policy, name: str, mode: Literal["enforce", "audit"], compiler: Compiler) -> CompiledOutput:
    """Raises Unusable."""
    entry = policy.output[name]
    patterns: frozenset[int] = frozenset()
    if entry.text is not None:
        try:
            patterns = compiler.patterns(patterns_of(entry.text, compiler))
        except ValueError as error:
            raise text_fault(entry.text, compiler, ("output", name, "text"), error) from None
    rule = OutputRule(
        policy_id=policy.id,
        rule=name,
        mode=mode,
        how=entry.how,
        action=entry.then,
        patterns=tuple(sorted(patterns)),
        max_characters=entry.max_characters,
        window=_window(entry, name, compiler),
        refusal=_refusal(policy, name),
    )
    return CompiledOutput(rule, entry.until)


def _window(entry: OutputEntry, name: str, compiler: Compiler) -> int:
    """The most characters that a match of the entry takes; 0 where it looks at finished answers only."""
    if entry.text is None or entry.how == "after":
        return 0
    reach = [longest(pattern) or entry.window for pattern in patterns_of(entry.text, compiler)]
    known = [most for most in reach if most is not None]
    if len(known) < len(reach):
        message = "patterns in a stream need a window: say how many characters a match takes at most"
        raise Unusable(("output", name, "text"), message)
    if max(known) > MAX_WINDOW:
        message = f"a match may take {max(known)} characters; in a stream at most {MAX_WINDOW} are kept: say how: after"
        raise Unusable(("output", name, "text"), message)
    return max(known)


def _refusal(policy: Policy, name: str) -> Refusal:
    details: dict[str, Detail] = {"policy": policy.id, "rule": name}
    on = policy.on_violation
    said = f"policy '{policy.title}' does not allow this answer"
    message = with_words(said, clause_text(policy.clause), on.message or "", on.contact or "", details)
    return Refusal(reasons.OUTPUT_DENIED, message, details=details)
