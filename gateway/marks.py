"""The mark of one answer: whether there is one, which, and what its upstream made of it.

A request is decided on once, after the rule book; which words are favoured depends on nothing of it but a keyed hash of
its own id. A mark never costs an answer: an upstream that rejects a marked request is asked again without.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from gateway.core.refusal import Refusal
from gateway.dialects.base import Bias
from gateway.exchange import Exchange
from gateway.policy.mark_plan import MarkPlan
from gateway.upstreams.settings import UpstreamSettings
from gateway.upstreams.upstream import Upstream
from gateway.watermarks.book import Current, MarkBook
from gateway.watermarks.issued import Marking
from gateway.watermarks.marking import Manner
from gateway.watermarks.occasion import collides, kept, why_not

EntriesOf = Callable[[str], int]
_MAY_BE_OURS: Final = frozenset({400, 422})
"""Statuses by which a server refuses a field."""

BIAS_REDUCED: Final = "logit_bias"
BEAMS: Final = "use_beam_search"
"""vLLM searches without heeding `logit_bias`: a caller that asks for it would have every answer unmarked."""


@dataclass(slots=True)
class Marks:
    """Decides on exchanges. Without a book nothing is ever marked."""

    book: MarkBook | None = None
    rolls: Mapping[str, int] = field(default_factory=dict)
    """How often an account's seed was replaced."""
    refusing: set[tuple[str, str]] = field(default_factory=set)
    """Upstreams and models that rejected the gateway's own probe: nothing is sent to them. No caller's request gets a
    pair in here, or a caller could switch the mark off for all."""

    def decide(self, x: Exchange, entries_of: EntriesOf) -> Refusal | None:
        """Whether and how the answer will be marked; a refusal where the policy wants the caller's entries refused.

        `entries_of` names the most entries that an upstream accepts.
        """
        plan = x.plan
        if plan is None or self.book is None:
            return None
        enforced = _marks(plan.watermark)
        wanted = plan.watermark if enforced else plan.watermark_audit
        if wanted is None or not wanted.marks:
            return None
        x.marking = marking = self._marking(x, wanted)
        marking.mode = "enforce" if enforced else "audit"
        if marking.marker is None:
            return None
        assert x.model is not None
        model = x.model.upstream_name
        limits = [entries_of(name) for name in x.upstreams if (name, model) not in self.refusing]
        if not any(limits):
            marking.skip, marking.marker = "upstream", None
            return None
        if not enforced:
            return None
        if x.ask is not None and x.ask.body.get(BEAMS):
            x.ask.body = {name: value for name, value in x.ask.body.items() if name != BEAMS}
            _reduced(x, BEAMS)
        return self._callers_entries(x, marking, limits)

    def _marking(self, x: Exchange, wanted: MarkPlan) -> Marking:
        assert x.dialect is not None
        assert x.ask is not None
        assert x.model is not None
        assert self.book is not None
        skip = why_not(x.dialect.name, x.ask, x.model.tags, x.kinds)
        if skip is not None:
            return Marking(skip)
        current = self.book.at(x.model.family, x.started_ms)
        if not isinstance(current, Current):
            return Marking(current)
        if not current.marker.owned(wanted.layers):
            return Marking("table")
        return Marking(
            None,
            epoch=current.epoch,
            family=x.model.family,
            list_index=current.marker.list_of(x.id),
            strength=wanted.strength,
            layers=wanted.layers,
            entries=wanted.entries,
            marker=current.marker,
        )

    def _callers_entries(self, x: Exchange, marking: Marking, limits: Sequence[int]) -> Refusal | None:
        """The caller's own `logit_bias`, before an upstream is picked: it is held to the smallest room of any."""
        assert x.ask is not None
        assert marking.marker is not None
        callers = x.ask.body.get("logit_bias")
        if callers is None:
            return None
        marking.room = min(limit - _entries(marking, limit) for limit in limits if limit)
        known = marking.marker.table.tokens
        if not collides(callers, known, marking.room):
            return None
        assert x.plan is not None
        refusal = x.plan.bias_refusal(
            f"lets logit_bias hold at most {marking.room} entries here, each named by a token's number, and not on "
            "every token"
        )
        if refusal is not None:
            return refusal
        _reduced(x, BIAS_REDUCED)
        return None

    def bias(self, x: Exchange, settings: UpstreamSettings) -> Bias | None:
        """What is sent to this upstream; None for no mark."""
        marking = x.marking
        if marking is None or marking.marker is None or marking.mode == "audit" or marking.unmarked:
            return None
        assert x.principal is not None
        assert x.ask is not None
        assert x.model is not None
        limit = settings.logit_bias_entries
        if not limit or (settings.name, x.model.upstream_name) in self.refusing:
            marking.sent_to, marking.skip = "", "upstream"
            return None
        account = x.principal.account.id
        marking.roll = self.rolls.get(account, 0)
        marking.manner = Manner(_entries(marking, limit), marking.strength, marking.layers)
        mark = marking.marker.mark(account, marking.roll, marking.list_index, marking.manner)
        marking.sent_to, marking.skip = settings.name, None
        callers = x.ask.body.get("logit_bias")
        return Bias({} if callers is None else kept(callers, marking.marker.table.tokens, marking.room), mark.json)

    def rejected(self, x: Exchange, upstream: Upstream, status: int) -> bool:
        """An upstream rejected the request: whether to ask it once more without the mark.

        Not where the request was too large, or a caller could make it so by just as much as the mark takes.
        """
        marking = x.marking
        if marking is None or marking.sent_to != upstream.name or status not in _MAY_BE_OURS:
            return False
        marking.unmarked, marking.sent_to, marking.skip = True, "", "rejected"
        return True


def _entries(marking: Marking, limit: int) -> int:
    """How many of an upstream's entries the mark takes; what it does not need is the caller's."""
    assert marking.marker is not None
    there = min(limit, marking.marker.owned(marking.layers))
    return there if marking.entries is None else min(there, marking.entries)


def _reduced(x: Exchange, name: str) -> None:
    x.reduced = (*x.reduced, name)
    x.notes["x-gateway-reduced"] = ", ".join(x.reduced)


def _marks(plan: MarkPlan | None) -> bool:
    return plan is not None and plan.marks
