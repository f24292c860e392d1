"""What a gateway would decide about one request, and why just that: the same steps in the same order."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from gateway.core import reasons
from gateway.core.account import BLOCKED, Account
from gateway.core.model import Model, Prices
from gateway.core.refusal import Refusal
from gateway.identity.entries import moment_text
from gateway.policy.compile import PolicySet
from gateway.policy.explain.limits import LimitSaid, Stands, limit_said, needed_by, shorter_answer
from gateway.policy.explain.mark_words import mark_words
from gateway.policy.explain.names import action_of, name_of
from gateway.policy.explain.survey import PolicySaid, survey
from gateway.policy.explain.why import access_wins, reduced, rule_wins, unknown_rules, would_do, would_mark
from gateway.policy.inquiry import Inquiry
from gateway.policy.plan import Plan
from gateway.policy.ruling import Ruling
from gateway.policy.sample import SPEAKERS


@dataclass(frozen=True, slots=True)
class Decision:
    """What would be done. `by` is the policy/rule or policy/limit that decides, empty where nothing refuses."""

    action: str
    reason: str = ""
    by: str = ""
    message: str = ""
    """What the caller is told."""
    why: str = ""
    """Why this one and no other."""
    effects: tuple[str, ...] = ()
    """What is done to a request that is served."""
    unknown: tuple[str, ...] = ()
    """What could not be found out, and may yet refuse a request that is allowed so far."""


@dataclass(frozen=True, slots=True)
class Explanation:
    """Everything about one request."""

    decision: Decision
    policies: tuple[PolicySaid, ...]
    limits: tuple[LimitSaid, ...]
    revision: str
    at: str
    account: Mapping[str, object]
    key: str
    model: str
    dialect: str
    audit: tuple[str, ...] = ()
    """What policies in audit mode would have done, as `policy/rule: action`."""


@dataclass(slots=True)
class Served:
    """How a request would be served: what the gateway knows beside its policies."""

    prices: Prices | None = None
    """In force now."""
    kinds: Collection[str] = ()
    """Of the upstreams that may serve it; none where nobody said: then nothing is known of reductions."""
    stands: Stands = field(default_factory=dict)


def explain(policies: PolicySet, inquiry: Inquiry, served: Served) -> Explanation:
    """Ask everything that a gateway would ask. `inquiry.ask` may be changed as the rules reduce it."""
    here = inquiry.here
    account = here.principal.account
    said = survey(policies, inquiry)
    outside = _outside(account, here.now_ms)
    plan = policies.plan(here.principal, here.dialect, here.model, here.now_ms)
    ruling = plan.judge(inquiry)
    findings = [*ruling.findings, *plan.judge_late(inquiry).findings]
    watched = [*plan.findings(inquiry.ask), *findings]
    unknown = tuple(unknown_rules(findings, said))
    refusal, why, effects = _before_limits(plan, ruling, said, inquiry, served)
    caps = [plan.output_cap, ruling.reductions.max_output_tokens if ruling.reductions else None]
    cap = min((one for one in caps if one is not None), default=None)
    needed = needed_by(inquiry.ask, here, served.prices, cap)
    shorter = shorter_answer(inquiry.ask, here, served.prices, cap)
    limits = tuple(
        limit_said(limit, needed, served.stands.get((limit.rule, limit.mode)), shorter) for limit in plan.limits
    )
    if outside is not None:
        decision = outside
    elif refusal is not None:
        decision = _refused(refusal, why)
    else:
        decision = _by_limits(limits, (*_capped(plan, here.model), *effects), unknown)
    return Explanation(
        decision=decision,
        policies=said,
        limits=limits,
        revision=policies.revision,
        at=moment_text(here.now_ms) or "",
        account={"id": account.id, "org": account.org, "tier": account.tier},
        key=here.principal.key_id,
        model=here.model.id,
        dialect=here.dialect,
        audit=tuple(
            sorted(
                (
                    *would_do(watched),
                    *would_mark(said),
                    *(f"{one.id}: deny" for one in limits if _would_fail(one)),
                )
            )
        ),
    )


def _would_fail(limit: LimitSaid) -> bool:
    return limit.mode == "audit" and limit.room is False


def _outside(account: Account, now_ms: int) -> Decision | None:
    """People's decisions about an account come before every policy."""
    if not account.suspended and account.standing_at(now_ms) != BLOCKED:
        return None
    message = "the account or its org is suspended" if account.suspended else "the account is blocked"
    return Decision("deny", reasons.ACCOUNT_SUSPENDED.code, "", message, "no policy is asked: people decided this")


def _before_limits(
    plan: Plan, ruling: Ruling, said: Sequence[PolicySaid], inquiry: Inquiry, served: Served
) -> tuple[Refusal | None, str, tuple[str, ...]]:
    """Access, prices and rules: a refusal and why it is this one, or what is done to the request."""
    refusal = plan.check(inquiry.ask)
    if refusal is not None:
        return refusal, access_wins(refusal, said), ()
    if plan.has_money and served.prices is None:
        message = f"the model '{inquiry.here.model.id}' has no price and this account has a money budget"
        return Refusal(reasons.PRICE_UNKNOWN, message), "what has no price cannot be counted against a budget", ()
    if ruling.refusal is not None:
        return ruling.refusal, rule_wins(ruling), ()
    effects = [f"tagged {', '.join(sorted(set(ruling.tags)))}"] if ruling.tags else []
    if ruling.delay_s:
        effects.append(f"waits {ruling.delay_s} s before it is forwarded")
    effects += [f"proposes to suspend the account ({rule.id})" for rule in ruling.proposals]
    if ruling.reductions is None:
        return None, "", tuple(effects)
    effects += reduced(ruling.reductions)
    if served.kinds:
        changed = ruling.reductions.apply(inquiry.ask, SPEAKERS[inquiry.here.dialect], served.kinds)
        if isinstance(changed, Refusal):
            return changed, "a rule reduces the request, and its upstream cannot be asked for so little", ()
        effects.append(f"changed fields: {', '.join(changed) or 'none, it asks for no more'}")
    return None, "", tuple(effects)


def _capped(plan: Plan, model: Model) -> Iterator[str]:
    if plan.output_cap is not None:
        yield f"output is capped at {plan.output_cap} tokens"
    if plan.watermark is not None:
        yield f"asked of the answer: {mark_words(plan.watermark, model)}"


def _by_limits(limits: Sequence[LimitSaid], effects: Sequence[str], unknown: tuple[str, ...]) -> Decision:
    """Limits are asked last. Of several without room a gateway tells the longest wait; here the first by name."""
    full = sorted((one for one in limits if one.room is False and one.mode == "enforce"), key=lambda one: one.id)
    if not full:
        blind = [one.id for one in limits if one.room is None and one.mode == "enforce"]
        if blind:
            unknown = (*unknown, f"what is left of {', '.join(blind)}: a running gateway tells")
        return Decision("allow", effects=tuple(effects), unknown=unknown)
    first = full[0]
    left = f", {first.remaining_text} left" if first.remaining_text else ""
    message = f"allows {first.allows} per {first.scope}; {first.needs_text} needed{left}"
    others = ", ".join(one.id for one in full[1:])
    why = f"no room here, and as little in {others}" if others else "the only limit without room"
    return Decision("deny", first.reason, first.id, message, why)


def _refused(refusal: Refusal, why: str) -> Decision:
    """Whatever is not known: it is refused all the same."""
    return Decision(action_of(refusal), refusal.reason.code, name_of(refusal), refusal.message, why)
