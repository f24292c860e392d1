"""What the rules of a plan say to one request, all of them together: the strictest wins, whatever their order."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Final, NamedTuple

from gateway.core import reasons
from gateway.core.ask import Ask
from gateway.core.refusal import Detail, Refusal
from gateway.dialects.base import Dialect
from gateway.dialects.reduction import Exposure, Reduction
from gateway.policy.actions import REFUSALS, Plain, Reduce, Slow, Tag
from gateway.policy.bound_rule import BoundRule
from gateway.policy.finding import Finding
from gateway.policy.inquiry import Inquiry
from gateway.policy.recent import Tally
from gateway.policy.wording import with_words

_REASONS: Final = {
    "deny": reasons.POLICY_DENIED,
    "review": reasons.REVIEW_REQUIRED,
    "declare": reasons.PURPOSE_REQUIRED,
}
_STRICTER: Final[tuple[Exposure | None, ...]] = (None, "summary", "none")
_SAYS: Final = {
    "deny": "does not allow this request",
    "review": "asks for a review of this account before it may do this",
    "declare": "asks this account to declare its purpose before it may do this",
}


@dataclass(slots=True)
class Reductions:
    """Everything that is taken out of a request, the strictest of all rules."""

    logprobs: bool = False
    max_n: int | None = None
    max_output_tokens: int | None = None
    less_reasoning: bool = False
    shown: Exposure | None = None
    """How much reasoning is shown: `summary` or `none`. Neither makes the model reason less."""

    def add(self, reduce: Reduce) -> None:
        """Take the stricter of both."""
        wanted = reduce.reduce
        self.logprobs = self.logprobs or wanted.logprobs is False
        self.max_n = _smaller(self.max_n, wanted.max_n)
        self.max_output_tokens = _smaller(self.max_output_tokens, wanted.max_output_tokens)
        if wanted.reasoning == "less":
            self.less_reasoning = True
        else:
            self.shown = max(self.shown, wanted.reasoning, key=_STRICTER.index)

    def apply(self, ask: Ask, dialect: Dialect, kinds: Collection[str]) -> tuple[str, ...] | Refusal:
        """Change the request; the names of its changed fields, or a refusal where it cannot be reduced so far.

        The output cap is not changed here: it is written when the request is sent.
        """
        first = dialect.reduce(ask, Reduction(self.logprobs, self.max_n, self.shown), kinds)
        if isinstance(first, Refusal) or not self.less_reasoning:
            return first
        second = dialect.reduce(ask, Reduction(reasoning="less"), kinds)
        return second if isinstance(second, Refusal) else (*first, *(name for name in second if name not in first))


class Condition(NamedTuple):
    """What came of the condition of a rule that looks at what no record holds; None where nobody can know."""

    rule: str
    revision: str
    holds: bool | None


class Counted(NamedTuple):
    """A call for the share of one rule: whether it met the condition, and over how many calls the share is taken."""

    tally: Tally
    met: bool
    over: int


@dataclass(slots=True, init=False)
class Ruling:
    """What is to be done about a request. `findings` name every rule that held or could not be decided."""

    refusal: Refusal | None
    delay_s: int
    reductions: Reductions | None
    tags: list[str]
    findings: list[Finding]
    conditions: list[Condition]
    proposals: list[BoundRule]
    """Rules by which a person should look at suspending the account."""
    counted: list[Counted]
    """What `count` will count: only a call that came about, or that a rule refused, says something of its account."""

    def __init__(self) -> None:  # written out: what a dataclass makes is never compiled
        self.refusal, self.delay_s, self.reductions = None, 0, None
        self.tags, self.findings, self.conditions, self.proposals, self.counted = [], [], [], [], []

    def count(self) -> None:
        """Count this call for shares, once."""
        while self.counted:
            one = self.counted.pop()
            one.tally.count(met=one.met, over=one.over)


def judge(rules: Iterable[BoundRule], inquiry: Inquiry, revision: str) -> Ruling:
    """Ask every rule. Rules in audit mode only leave findings."""
    ruling = Ruling()
    refusing: list[BoundRule] = []
    for rule in rules:
        answer = rule.test if rule.test is None or isinstance(rule.test, bool) else rule.test(inquiry)
        if rule.revision:
            ruling.conditions.append(Condition(rule.id, rule.revision, answer))
        if rule.share is not None:
            met, answer = answer, _shared(rule, answer, inquiry, ruling.counted)
            if met and not answer:
                ruling.findings.append(_finding(rule, "count", reasons.ACTIONS["count"]))
        if answer is None:
            ruling.findings.append(_finding(rule, "not_evaluated", reasons.NOT_EVALUATED))
            answer = rule.acts_unknown
        if answer:
            ruling.findings.append(_finding(rule, rule.action, _reason(rule)))
            if rule.mode == "enforce":
                _act(ruling, rule, refusing)
    if refusing:
        # Of equally strong rules the first by name.
        strongest = min(refusing, key=lambda rule: (-REFUSALS.index(rule.action), rule.id))
        ruling.refusal = refused(strongest, revision)
    return ruling


def _shared(rule: BoundRule, answer: bool | None, inquiry: Inquiry, counted: list["Counted"]) -> bool | None:
    """Whether the account's share of such calls is reached, this one included.

    Calls that make nothing be written are not counted: they cost little, and would thin every share out.
    """
    assert rule.share is not None
    tally = inquiry.memory.tally(rule.id, rule.revision)
    if answer is not None and inquiry.ask.user_turns:
        counted.append(Counted(tally, answer, rule.share.calls))
        if tally.reached(rule.share.at_least, rule.share.calls, met=answer):
            tally.acts_until_ms = inquiry.here.now_ms + rule.hold_ms
            return True
    if inquiry.here.now_ms < tally.acts_until_ms:
        return True
    return None if answer is None else False


def _act(ruling: Ruling, rule: BoundRule, refusing: list[BoundRule]) -> None:
    match rule.then:
        case Tag(tag=tag):
            ruling.tags.append(tag)
        case Slow(slow=seconds):
            ruling.delay_s = max(ruling.delay_s, seconds)
        case Reduce():
            ruling.reductions = ruling.reductions or Reductions()
            ruling.reductions.add(rule.then)
        case Plain(word="propose_suspension"):
            ruling.proposals.append(rule)
        case Plain(word=word) if word in REFUSALS:
            refusing.append(rule)


def refused(rule: BoundRule, revision: str) -> Refusal:
    """The refusal by a rule: which policy and clause, and what would help; never what it looked for."""
    details: dict[str, Detail] = {"policy": rule.policy.id, "rule": rule.name, "revision": revision}
    message = f"policy '{rule.policy.title}' {_SAYS[rule.action]}"
    return Refusal(
        _REASONS[rule.action], with_words(message, rule.clause, rule.policy.message, rule.policy.contact, details),
        details=details,
    )  # fmt: skip


def _reason(rule: BoundRule) -> str:
    reason = _REASONS.get(rule.action)
    return reason.code if reason is not None else reasons.ACTIONS[rule.action]


def _finding(rule: BoundRule, action: str, reason: str) -> Finding:
    return Finding(rule.policy.id, rule.name, rule.mode, reason, action, rule.clause)


def _smaller(one: int | None, other: int | None) -> int | None:
    return min((value for value in (one, other) if value is not None), default=None)
