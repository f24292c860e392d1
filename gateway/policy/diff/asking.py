"""Rules asked about a recorded request: what was written down is known, the rest says so instead of guessing."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final, Never

from gateway.core.account import CLEAR, Account, Principal
from gateway.core.ask import Ask
from gateway.core.model import Model
from gateway.dialects.parameters import OTHER, Parameters
from gateway.dialects.texts import Texts
from gateway.identity.addresses import Address
from gateway.policy.bound_rule import BoundRule
from gateway.policy.conditions import Truth
from gateway.policy.diff.recorded import Recorded
from gateway.policy.inquiry import Inquiry
from gateway.policy.recent import AccountMemory
from gateway.policy.situation import Situation

_FOREVER: Final = 1 << 53


class NotRecorded(Exception):  # noqa: N818 - named for what the fact is
    """A criterion looks at something that no record holds, and has no word for "not known"."""


def _not_recorded(*_: object) -> Never:
    raise NotRecorded


class _NoHeaders(dict[str, str]):
    """Headers that nobody wrote down: whether one was there is not known."""

    def __contains__(self, _: object) -> Never:
        raise NotRecorded


_NO_HEADERS: Final = _NoHeaders()


class RecordedInquiry(Inquiry):
    """A request as its record tells it. Criteria hear "not known" of what it does not, so that others may decide."""

    __slots__ = ("missed", "record", "unknown")

    def __init__(
        self, record: Recorded, here: Situation, read_parameters: Callable[[], Parameters], memory: AccountMemory
    ) -> None:
        assert record.facts is not None
        ask = ask_of(record, record.facts)
        super().__init__(here, ask, _no_texts, read_parameters, headers=_NO_HEADERS, memory=memory)
        self.record = record
        self.missed = False
        """Something was asked for that the record does not hold."""
        self.unknown: list[BoundRule] = []
        """Rules that would have to see what no record holds."""

    @property
    def address(self) -> Address | None:
        self.missed = True
        return None

    @property
    def client_country(self) -> str:
        assert self.record.facts is not None
        self.missed = self.missed or self.record.facts["messages"] is None
        return self.record.facts["client_country"] or ""

    def found(self, parts: frozenset[str]) -> tuple[frozenset[int], bool]:  # noqa: ARG002 - that of an inquiry
        self.missed = True
        return frozenset(), False


def inquiry_of(record: Recorded, account: Account, model: Model, now_ms: int, memory: AccountMemory) -> RecordedInquiry:
    """The request of a record that has facts."""
    facts = record.facts
    assert facts is not None
    parameters = _parameters(facts, stream=record.stream)
    read = _not_recorded if parameters is None else lambda: parameters
    here = Situation(Principal(account, record.key_id), record.dialect, model, now_ms)
    return RecordedInquiry(record, here, read, memory)


def _no_texts() -> Texts:
    raise NotRecorded


def ask_of(record: Recorded, facts: dict[str, Any]) -> Ask:
    """What the caller asked, as far as it was written down."""
    return Ask(
        body={},
        model=record.model,
        stream=record.stream,
        prompt_bytes=4 * facts["prompt_tokens"],
        output_cap=facts["max_output"],
        choices=facts["n"],
        logprobs=facts["logprobs"],
        user_turns=facts["user_turns"],
    )


def _parameters(facts: dict[str, Any], *, stream: bool) -> Parameters | None:
    """None where nobody read them from the body."""
    if facts["messages"] is None:
        return None
    return Parameters(
        temperature=facts["temperature"],
        seed=bool(facts["seed"]),
        tools=facts["tools"] or 0,
        response_format=facts["response_format"],
        messages=facts["messages"],
        images=facts["images"] or 0,
        media=facts["media"] or 0,
        reasoning=OTHER if facts["reasoning"] else None,
        stream=stream,
        top_logprobs=facts["top_logprobs"] or 0,
        odd=tuple(facts.get("odd") or ()),
    )


def account_of(record: Recorded, facts: dict[str, Any]) -> Account:
    """The account as it was then."""
    age_s = facts["account_age_s"]
    return Account(
        id=record.account,
        org=record.org,
        tier=record.tier,
        country=facts["country"],
        verified=facts["verified"],
        declared_purpose=facts["declared_purpose"],
        tags=frozenset(facts["tags"]),
        created_ms=0 if age_s is None else max(1, record.time_ms - 1000 * age_s),
        owner_country=facts["owner_country"],
        attested_age=facts["attested_age"],
        standing=facts["standing"],
        standing_until_ms=0 if facts["standing"] == CLEAR else _FOREVER,
    )


def of_record(rule: BoundRule, *, blind: bool) -> BoundRule:
    """The rule as a replay asks it: it takes the recorded answer where that is its own, and says where it cannot know.

    `blind`: it looks at something that a replay does not have, whatever the record says.
    """

    def test(inquiry: Inquiry) -> Truth:
        assert isinstance(inquiry, RecordedInquiry)
        if rule.revision:
            known = inquiry.record.conditions.get(rule.id)
            if known is not None and known[0] == rule.revision:
                return known[1]
        if rule.test is None or isinstance(rule.test, bool):
            return rule.test
        inquiry.missed = blind
        inquiry.said.clear()  # or this rule would not miss what another one has asked for
        try:
            answer = rule.test(inquiry)
        except NotRecorded:
            answer, inquiry.missed = None, True
        if answer is None and inquiry.missed:
            inquiry.unknown.append(rule)
            # That a replay does not know is no reason to act, also for a rule that acts on what nobody knows.
            return False if rule.acts_unknown else None
        return answer

    return replace(rule, test=test)
