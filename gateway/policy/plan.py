"""What applies to one caller on one route and model: compiled once, asked on every request."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from gateway.core import reasons
from gateway.core.ask import Ask
from gateway.core.reasons import OUTPUT_REDUCED, Reason
from gateway.core.refusal import Detail, Refusal
from gateway.core.units import Unit
from gateway.engine.spec import RateSpec, SlotSpec, Spec
from gateway.policy.bound_limit import BoundLimit
from gateway.policy.bound_rule import BoundRule
from gateway.policy.compiled import CompiledPolicy, Mode
from gateway.policy.finding import Finding
from gateway.policy.inquiry import Inquiry
from gateway.policy.mark_plan import MarkPlan
from gateway.policy.output.rule import OutputRules
from gateway.policy.ruling import Ruling, judge
from gateway.policy.wording import with_words

OUTPUT_RULE: Final = "access.max_output_tokens"
BIAS_RULE: Final = "watermark.caller_bias"


@dataclass(frozen=True, slots=True)
class AccessRule:
    """One access rule that depends on the request."""

    policy: CompiledPolicy
    name: str
    param: str
    says: str
    broken: Callable[[Ask], bool]


@dataclass(frozen=True, slots=True)
class Plan:
    """The compiled answer to "which policies, for this caller and model?". Shared between requests, never changed.

    `specs` and `limits` are parallel: the readings of a verdict on `specs` belong to `limits` by index.
    `denial` is a refusal whatever the request says (model or route not allowed).
    """

    revision: str
    specs: tuple[Spec, ...]
    limits: tuple[BoundLimit, ...]
    denial: Refusal | None
    output_cap: int | None
    """Most output tokens; larger and absent caps are reduced to it."""
    has_money: bool
    """An enforced money budget applies: a model without a price must be refused."""
    policies: tuple[tuple[str, Mode], ...]
    counts_prompts: bool = False
    """A limit asks which prompt it is."""
    one_prompt: bool = False
    """An enforced one does: several prompts in one request could not be told apart."""
    enforced: tuple[AccessRule, ...] = ()
    audited: tuple[AccessRule, ...] = ()
    standing_findings: tuple[Finding, ...] = field(default=())
    """Audit findings that hold whatever the request says."""
    rules: tuple[BoundRule, ...] = ()
    """Those in force, and those in audit mode that read no text: asked before the reserve."""
    late_rules: tuple[BoundRule, ...] = ()
    """Those in audit mode that read text: asked when the request is on its way, so that nobody waits for them."""
    output: OutputRules | None = None
    """What the model may write; None where nothing is said about it."""
    watermark: MarkPlan | None = None
    """How its answers are to be known again; None where no policy in force asks."""
    watermark_audit: MarkPlan | None = None
    """What policies in audit mode would add to that; None where they add nothing."""
    bias_refuser: CompiledPolicy | None = None
    """The policy in force, first by id, that refuses a caller's own `logit_bias` where it collides with the mark."""
    _unasked: list[Finding] = field(init=False, repr=False, compare=False, default_factory=list)
    told: tuple[tuple[int, Unit, int], ...] = field(init=False, repr=False, compare=False)
    """Index, unit and size of each limit in force whose numbers callers may see."""

    def __post_init__(self) -> None:
        told = [
            (index, limit.spec.unit, limit.size)
            for index, limit in enumerate(self.limits)
            if limit.disclose == "full" and not limit.spec.shadow
        ]
        object.__setattr__(self, "told", tuple(told))

    def check(self, ask: Ask) -> Refusal | None:
        """Rules on what was asked; None when all of them hold."""
        if self.denial is not None:
            # Another one: the plan is shared between requests.
            said = self.denial
            return Refusal(
                said.reason, said.message, said.param, said.retry_after_ms, dict(said.details), status=said.status
            )
        for rule in self.enforced:
            if rule.broken(ask):
                return denied(rule.policy, rule.name, rule.says, self.revision, param=rule.param)
        return None

    def bias_refusal(self, says: str) -> Refusal | None:
        """The refusal of a `logit_bias` that collides, worded by its policy; None where it is overridden instead."""
        if self.bias_refuser is None:
            return None
        return denied(self.bias_refuser, BIAS_RULE, says, self.revision, param="logit_bias")

    def judge(self, inquiry: Inquiry) -> Ruling:
        """What the rules say to this request."""
        return judge(self.rules, inquiry, self.revision)

    def judge_late(self, inquiry: Inquiry) -> Ruling:
        """What the rules that nobody waits for would have said."""
        return judge(self.late_rules, inquiry, self.revision)

    def unasked(self) -> Sequence[Finding]:
        """What those rules say to a request that never got so far: neither yes nor no."""
        if not self._unasked:
            self._unasked.extend(
                Finding(rule.policy.id, rule.name, rule.mode, reasons.NOT_EVALUATED, "not_evaluated", rule.clause)
                for rule in self.late_rules
            )
        return self._unasked

    def findings(self, ask: Ask) -> list[Finding]:
        """What audit-mode access rules would have refused or reduced."""
        if not self.audited and not self.standing_findings:
            return []
        broken = [_finding(rule.policy, rule.name) for rule in self.audited if rule.broken(ask)]
        return [*self.standing_findings, *broken]

    def shadow_findings(self, failing: Iterable[int]) -> list[Finding]:
        """What audit-mode limits would have refused, from a verdict's `shadow_failing`."""
        return [limit_finding(self.limits[index]) for index in failing]


def limit_finding(limit: BoundLimit) -> Finding:
    """An audit-mode limit that had no room."""
    return Finding(limit.policy_id, limit.name, limit.mode, reason_of(limit.spec).code, "deny", limit.clause)


def reason_of(spec: Spec) -> Reason:
    """Why a limit without room refuses."""
    if isinstance(spec, RateSpec):
        return reasons.RATE_LIMIT_EXCEEDED
    return reasons.CONCURRENCY_LIMIT_EXCEEDED if isinstance(spec, SlotSpec) else reasons.INSUFFICIENT_QUOTA


def _finding(policy: CompiledPolicy, rule: str) -> Finding:
    reason = OUTPUT_REDUCED if rule == OUTPUT_RULE else reasons.POLICY_DENIED.code
    return Finding(policy.id, rule, policy.mode, reason, "reduce" if rule == OUTPUT_RULE else "deny", policy.clause)


def denied(
    policy: CompiledPolicy,
    rule: str,
    says: str,
    revision: str,
    *,
    param: str | None = None,
    reason: Reason = reasons.POLICY_DENIED,
) -> Refusal:
    """A refusal by an access rule, in the words of its policy."""
    details: dict[str, Detail] = {"policy": policy.id, "rule": rule, "revision": revision}
    if policy.disclose == "full":
        message = f"policy '{policy.title}' {says}"
    else:
        message = f"policy '{policy.title}' does not allow this request"
    message = with_words(message, policy.clause, policy.message, policy.contact, details)
    return Refusal(reason, message, param=param, details=details)


def strictest(limits: Iterable[BoundLimit]) -> tuple[BoundLimit, ...]:
    """One limit for each counter and mode: the smallest amount and the smallest burst of all, in a fixed order."""
    by_counter: dict[tuple[bool, str], list[BoundLimit]] = {}
    for limit in limits:
        by_counter.setdefault((limit.spec.shadow, limit.spec.key), []).append(limit)
    return tuple(_merge(by_counter[counter]) for counter in sorted(by_counter))


def _merge(limits: list[BoundLimit]) -> BoundLimit:
    first = min(limits, key=_strictness)
    if not isinstance(first.spec, RateSpec):
        return first
    burst = min(limit.spec.burst for limit in limits if isinstance(limit.spec, RateSpec))
    return first if burst == first.spec.burst else replace(first, spec=replace(first.spec, burst=burst))


def _strictness(limit: BoundLimit) -> tuple[int, int, str, str]:
    burst = limit.spec.burst if isinstance(limit.spec, RateSpec) else 0
    return limit.spec.amount, burst, limit.policy_id, limit.name
