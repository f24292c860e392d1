"""The rule book of one exchange: the plan for its caller, route and model, and what its rules say to this request.

Rules in force are asked before the reserve. Rules in audit mode that read texts are asked while the upstream works, so
that no caller waits for them. What rules found is kept for the decision record, without a word of the request.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from gateway.core import reasons
from gateway.core.ask import Ask
from gateway.core.refusal import Refusal
from gateway.exchange import Exchange
from gateway.identity.addresses import Network, known_address
from gateway.policy.actions import Reduce
from gateway.policy.facts import facts_of
from gateway.policy.inquiry import Inquiry, nowhere
from gateway.policy.plan import Plan
from gateway.policy.proposals import Proposals
from gateway.policy.recent import Recent
from gateway.policy.ruling import Reductions
from gateway.policy.situation import Situation
from gateway.policy.wording import with_words

log = logging.getLogger("gateway")


@dataclass(slots=True)
class RuleBook:
    """Asks the policies about exchanges."""

    trusted: Sequence[Network] = ()
    """Proxies that are believed about who is behind them."""
    recent: Recent = field(default_factory=Recent)
    proposals: Proposals = field(default_factory=Proposals)

    def rule(self, x: Exchange) -> Refusal | None:
        """The plan, and a refusal where it forbids the request; what it takes out of the request is taken out here."""
        assert x.dialect is not None
        assert x.principal is not None
        assert x.model is not None
        assert x.ask is not None
        plan = x.plan = x.snapshot.policies.plan(x.principal, x.dialect.name, x.model, x.started_ms)
        refusal = plan.check(x.ask)
        if refusal is None and plan.has_money and x.prices is None:
            refusal = Refusal(
                reasons.PRICE_UNKNOWN, f"the model '{x.model.id}' has no price and this account has a money budget"
            )
        if plan.audited or plan.standing_findings:
            x.findings = (*x.findings, *plan.findings(x.ask))
        if refusal is None and (plan.rules or plan.late_rules):
            refusal = self._judge(x, plan)
        return refusal

    def _judge(self, x: Exchange, plan: Plan) -> Refusal | None:
        inquiry = x.inquiry = self._inquiry(x)
        ruling = plan.judge(inquiry)
        x.findings = (*x.findings, *ruling.findings)
        x.tags = (*x.tags, *ruling.tags)
        x.conditions = (*x.conditions, *ruling.conditions)
        x.delay_s = 0 if ruling.refusal is not None else ruling.delay_s
        x.ruling = ruling
        if ruling.refusal is not None:
            ruling.count()
        assert x.principal is not None
        for rule in ruling.proposals:
            self.proposals.note(x.principal.account.id, rule.policy.id, rule.name, x.started_ms)
        if ruling.refusal is not None or ruling.reductions is not None:
            self._read_facts(x)  # before something is taken out, and while the body is here
        if ruling.refusal is None and ruling.reductions is not None:
            return self._reduce(x, ruling.reductions)
        return ruling.refusal

    def _inquiry(self, x: Exchange) -> Inquiry:
        assert x.principal is not None
        assert x.dialect is not None
        assert x.model is not None
        assert x.ask is not None
        dialect, ask, origin, trusted = x.dialect, x.ask, x.origin, self.trusted
        countries = x.snapshot.countries
        return Inquiry(
            Situation(x.principal, dialect.name, x.model, x.started_ms),
            ask,
            lambda: dialect.texts(ask.body),
            lambda: dialect.parameters(ask),
            headers=x.headers,
            read_address=lambda: known_address(origin, trusted),
            country_of=nowhere if countries is None else countries.of,
            memory=self.recent.of(x.principal.account.id),
            index=x.snapshot.policies.index,
            hides_text=ask.hidden_bytes > 0,
        )

    def _reduce(self, x: Exchange, wanted: Reductions) -> Refusal | None:
        """Take out what rules take out. The caller reads in a header what is missing."""
        assert x.dialect is not None
        assert x.ask is not None
        dialect, before = x.dialect, replace(x.ask)
        names = wanted.apply(x.ask, x.dialect, x.kinds)
        if isinstance(names, Refusal):
            return _named(x, names)
        if x.inquiry is not None and names:
            # Rules that are asked later look at what the caller asked for.
            x.inquiry.ask = before
            x.inquiry.read_texts = lambda: dialect.texts(before.body)
            x.inquiry.read_parameters = lambda: dialect.parameters(before)
        x.reduced, x.rule_cap = names, wanted.max_output_tokens
        if not names and not _lowers(x.rule_cap, x.ask):
            x.findings = tuple(found for found in x.findings if (found.action, found.mode) != ("reduce", "enforce"))
        if names:
            x.notes["x-gateway-reduced"] = ", ".join(names)
        return None

    def _read_facts(self, x: Exchange) -> None:
        """What rules could look at, for the record; read once, where there are rules. Never raises."""
        if x.facts is not None or x.inquiry is None:
            return
        inquiry = x.inquiry
        try:
            x.facts = facts_of(inquiry.here, inquiry.ask, inquiry)
        except Exception:  # noqa: BLE001 - the record lacks them; its message may hold a caller's words
            log.error("the facts of a request could not be read", extra={"fields": {"id": x.id}})  # noqa: TRY400

    def late(self, x: Exchange) -> None:
        """Ask the rules that nobody waits for, once, and while the request's text is still there. Never raises."""
        self._read_facts(x)
        inquiry, x.inquiry = x.inquiry, None
        if inquiry is None or x.plan is None or not x.plan.late_rules:
            return
        try:
            ruling = x.plan.judge_late(inquiry)
            ruling.count()
            x.findings = (*x.findings, *ruling.findings)
            x.conditions = (*x.conditions, *ruling.conditions)
            x.asked_late = True
        except Exception:  # noqa: BLE001 - whatever it was, its message may hold a caller's words
            log.error("a rule in audit mode failed", extra={"fields": {"id": x.id}})  # noqa: TRY400 - as above

    def close(self, x: Exchange) -> None:
        """Before the record is written: rules that never had their turn, since the request was refused or its caller
        left, said neither yes nor no.
        """
        if x.plan is None or not x.plan.late_rules or x.asked_late:
            return
        x.asked_late, x.inquiry = True, None
        x.findings = (*x.findings, *x.plan.unasked())

    def remember(self, x: Exchange) -> None:
        """Where the account's limits stand, for rules on usage in its next requests."""
        if x.reservation is None:
            self._read_facts(x)  # it is refused, and never comes to `late`
        elif x.ruling is not None:
            x.ruling.count()
        if x.plan is None or x.principal is None or not x.snapshot.policies.asks_usage:
            return
        self.recent.of(x.principal.account.id).remember(x.plan.limits, x.readings, x.started_ms)


def _lowers(cap: int | None, ask: Ask) -> bool:
    return cap is not None and ask.user_turns > 0 and (ask.output_cap is None or cap < ask.output_cap)


def _named(x: Exchange, refusal: Refusal) -> Refusal:
    """The refusal of a request that cannot be reduced so far, in the name of the first rule that asks for it."""
    assert x.plan is not None
    held = {(found.policy_id, found.rule) for found in x.findings if found.mode == "enforce"}
    for rule in x.plan.rules:
        asks = isinstance(rule.then, Reduce) and rule.then.reduce.reasoning is not None
        if asks and (rule.policy.id, rule.name) in held:
            said, details = rule.policy, refusal.details
            details |= {"policy": said.id, "rule": rule.name, "revision": x.plan.revision}
            refusal.message = with_words(refusal.message, rule.clause, said.message, said.contact, details)
            break
    return refusal
