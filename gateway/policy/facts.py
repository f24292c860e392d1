"""What rules could look at in one request, as plain values for its decision record."""

from typing import Final, NamedTuple

from gateway.core.account import Account
from gateway.core.ask import Ask
from gateway.observe.facts import FactsRecord
from gateway.observe.record_values import clean, clean_text
from gateway.policy.criteria.account_age import age_s
from gateway.policy.criteria.reasoning import asks_reasoning
from gateway.policy.criteria.response_format import wanted_format
from gateway.policy.inquiry import Inquiry
from gateway.policy.situation import Situation

_HOTTEST: Final = 1e10
"""JSON has no infinity; no policy can name a temperature as high as this."""
_MOST: Final = 4096
"""Accounts whose words are remembered."""


class _Words(NamedTuple):
    """What records say of an account, cleaned for them."""

    account: Account
    country: str
    owner_country: str
    purpose: str
    tags: tuple[str, ...]


_known: Final[dict[str, _Words]] = {}


def facts_of(here: Situation, ask: Ask, inquiry: Inquiry | None = None) -> FactsRecord:
    """What is known of the account and, from the inquiry, of the request; without one only what costs nothing.

    Call it before anything is taken out of the request, and while its body is still there.
    """
    account = here.principal.account
    words = _known.get(account.id)
    if words is None or words.account is not account:
        words = _learn(account)
    most, cap = here.model.max_output, ask.output_cap
    facts = FactsRecord(
        words.country,
        words.owner_country,
        account.verified,
        words.purpose,
        words.tags,
        age_s(here),
        account.attested_age,
        account.standing_at(here.now_ms),
        ask.choices,
        ask.logprobs,
        most if cap is None or cap > most else cap,
        ask.prompt_bytes // 4,
        ask.user_turns,
    )
    if inquiry is not None:
        _add_asked(facts, inquiry)
    return facts


def _add_asked(facts: FactsRecord, inquiry: Inquiry) -> None:
    """The members that must be read from the body."""
    given = inquiry.parameters
    heat = given.temperature
    facts.client_country = clean_text(inquiry.client_country) or None
    facts.top_logprobs = given.top_logprobs
    facts.temperature = None if heat is None else round(max(-_HOTTEST, min(heat, _HOTTEST)), 6)
    facts.seed = given.seed
    facts.reasoning = asks_reasoning(inquiry)
    facts.tools = given.tools
    facts.response_format = wanted_format(inquiry)
    facts.messages = given.messages
    facts.images = given.images
    facts.media = given.media
    facts.odd = clean(given.odd) if given.odd else ()


def _learn(account: Account) -> _Words:
    if len(_known) >= _MOST:
        _known.clear()
    words = _known[account.id] = _Words(
        account,
        clean_text(account.country.upper()),
        clean_text(account.owner_country.upper()),
        clean_text(account.declared_purpose),
        clean(tuple(sorted(account.tags))),
    )
    return words
