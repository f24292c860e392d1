"""What rules could look at in one request, as plain values for its decision record."""

from typing import Any, Final

from gateway.core.ask import Ask
from gateway.observe.facts import FactsRecord
from gateway.policy.criteria.account_age import age_s
from gateway.policy.criteria.reasoning import asks_reasoning
from gateway.policy.criteria.response_format import wanted_format
from gateway.policy.inquiry import Inquiry
from gateway.policy.situation import Situation

_HOTTEST: Final = 1e10
"""JSON has no infinity; no policy can name a temperature as high as this."""


def facts_of(here: Situation, ask: Ask, inquiry: Inquiry | None = None) -> FactsRecord:
    """What is known of the account and, from the inquiry, of the request; without one only what costs nothing.

    Call it before anything is taken out of the request, and while its body is still there.
    """
    account = here.principal.account
    return FactsRecord(
        account.country.upper(),
        account.owner_country.upper(),
        account.verified,
        account.declared_purpose,
        tuple(sorted(account.tags)) if account.tags else (),
        age_s(here),
        account.attested_age,
        account.standing_at(here.now_ms),
        ask.choices,
        ask.logprobs,
        here.model.max_output if ask.output_cap is None else min(ask.output_cap, here.model.max_output),
        ask.prompt_bytes // 4,
        ask.user_turns,
        *(() if inquiry is None else _asked(inquiry)),
    )


def _asked(inquiry: Inquiry) -> tuple[Any, ...]:
    """The members that must be read from the body, in their order."""
    given = inquiry.parameters
    heat = given.temperature
    return (
        inquiry.client_country or None,
        given.top_logprobs,
        None if heat is None else max(-_HOTTEST, min(heat, _HOTTEST)),
        given.seed,
        asks_reasoning(inquiry),
        given.tools,
        wanted_format(inquiry),
        given.messages,
        given.images,
        given.media,
        given.odd,
    )
