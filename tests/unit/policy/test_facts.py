"""What is recorded of a request is what criteria saw of it, and nothing that it said."""

import pytest
from msgspec.structs import asdict

from gateway.policy.criteria import ASKED, WHOM
from gateway.policy.facts import facts_of
from gateway.policy.rule_revision import UNRECORDED
from tests.support.inquiries import inquiry
from tests.support.policies import NOW

OF_THE_BODY = (
    "client_country", "top_logprobs", "temperature", "seed", "reasoning", "tools", "response_format", "messages",
    "images", "media", "odd",
)  # fmt: skip
ELSEWHERE = {
    "tier", "account", "org", "key", "model", "dialect", "stream", "time",
    "route", "family", "upstream", "terms",  # follow from the dialect and the model
    "usage",  # follows from the records before
}  # fmt: skip


def facts(body=None, *, full=True, **more):
    asked = inquiry(body, **more)
    return facts_of(asked.here, asked.ask, asked if full else None)


def test_the_facts_of_an_account():
    made = facts(
        country="de", owner_country="us", verified=True, declared_purpose="research", tags=frozenset({"b", "a"}),
        created_ms=NOW - 90_500, attested_age=17, standing="watched", standing_until_ms=NOW + 1,
    )  # fmt: skip
    assert (made.country, made.owner_country, made.verified, made.declared_purpose) == ("DE", "US", True, "research")
    assert (made.tags, made.account_age_s, made.attested_age, made.standing) == (("a", "b"), 90, 17, "watched")
    assert facts().account_age_s is None


def test_the_facts_of_a_request():
    made = facts(
        {
            "n": 2, "logprobs": True, "top_logprobs": 5, "temperature": 0.5, "seed": 7, "max_tokens": 50,
            "reasoning_effort": "high", "response_format": {"type": "json_object"},
            "tools": [{"type": "function", "function": {"name": "f"}}],
            "messages": [
                {"role": "system", "content": "s"},
                {"role": "user", "content": [{"type": "image_url", "image_url": {"url": "data:image/png;base64,AA"}}]},
            ],
        },
        address="192.0.2.1",
        countries={"192.0.2.1": "FR"},
    )  # fmt: skip
    assert (made.n, made.logprobs, made.top_logprobs, made.temperature) == (2, True, 5, 0.5)
    assert (made.seed, made.max_output, made.reasoning, made.tools) == (True, 50, True, 1)
    assert (made.response_format, made.messages, made.images, made.media) == ("json_object", 2, 1, 0)
    assert (made.user_turns, made.client_country) == (1, "FR")


def test_what_nobody_asked_for_is_not_read():
    made = facts({"temperature": 1}, full=False)
    assert {name for name, value in asdict(made).items() if value is None} == {*OF_THE_BODY, "account_age_s"}
    assert made.max_output == 1000, "the model's maximum, where the caller named none"


@pytest.mark.parametrize("wild", [10**400, -(10**400)])
def test_a_wild_temperature_is_a_number_that_json_has(wild):
    assert abs(facts({"temperature": wild}).temperature) == 1e10


def test_an_odd_temperature_is_named():
    made = facts({"temperature": "0.5"})
    assert (made.temperature, made.odd) == (0.5, ("temperature",)), "as a lenient server would read it"
    made = facts({"temperature": "hot"})
    assert (made.temperature, made.odd) == (None, ("temperature",))
    assert facts({}).odd == ()


def test_a_country_that_is_not_known_is_null():
    assert facts(address="192.0.2.1").client_country is None


def test_every_criterion_is_recorded_or_named_as_one_that_is_not():
    keys = {criterion.key for criterion in (*WHOM, *ASKED)}
    recorded = {name.replace("account_age_s", "account_age") for name in asdict(facts()) if name != "odd"}
    assert keys == recorded | ELSEWHERE | UNRECORDED
