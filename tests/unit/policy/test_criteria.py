"""Every criterion: a request on which it holds, one on which it does not, and where nobody can know."""

from collections.abc import Mapping
from typing import Any

import pytest

from gateway.core.units import Unit
from gateway.policy.blocks import AskedKeys, Match, When, WhomKeys
from gateway.policy.compiling import Compiler
from gateway.policy.conditions import bind, changes_ms, clock, leaves
from gateway.policy.criteria import ASKED, CRITERIA, WHOM
from gateway.policy.recent import AccountMemory, Used
from gateway.texts.index import TextIndex
from gateway.validate import build
from gateway.yamlio import YamlProblems, load
from tests.support.inquiries import inquiry
from tests.support.policies import NOW

DAY = 86_400_000
JOINS = {"all", "any", "not_", "use"}


def when(text: str) -> When:
    return build(load(text, "when.yaml"), When)


def holds(text: str, body: Mapping[str, Any] | None = None, **facts: Any) -> bool | None:
    compiler = Compiler()
    node = compiler.condition(when(text), ("when",))
    asked = inquiry(body, **facts)
    asked.index = compiler.index() or TextIndex(())
    bound = bind(node, asked.here)
    return bound if bound is None or isinstance(bound, bool) else bound(asked)


def test_each_criterion_is_a_key_and_each_key_a_criterion() -> None:
    whom = [criterion.key for criterion in WHOM]
    assert list(WhomKeys.model_fields) == whom
    assert list(AskedKeys.model_fields) == [*whom, *(criterion.key for criterion in ASKED)]
    assert set(Match.model_fields) - set(whom) == JOINS
    assert set(When.model_fields) - set(AskedKeys.model_fields) == JOINS


def test_both_answers_of_each_criterion_have_a_code_of_their_own() -> None:
    codes = [code for criterion in CRITERIA for code in (criterion.passes, criterion.fails)]
    assert len(set(codes)) == len(codes)
    assert all(code.replace("_", "").isalpha() and code.islower() for code in codes)


@pytest.mark.parametrize(
    ("text", "facts", "answer"),
    [
        ("tier: free", {}, True),
        ("tier: [pro, trial]", {}, False),
        ("account: acme", {}, True),
        ("account: other", {}, False),
        ("org: org1", {}, True),
        ("org: acme", {}, False),
        ("key: k1", {}, True),
        ("key: k2", {}, False),
        ("country: DE", {"country": "de"}, True),
        ("country: unknown", {"country": "DE"}, False),
        ("owner_country: CN", {"owner_country": "CN", "country": "DE"}, True),
        ("owner_country: unknown", {}, True),
        ("owner_country: CN", {"country": "CN"}, False),
        ("verified: false", {}, True),
        ("verified: true", {}, False),
        ("declared_purpose: undeclared", {}, True),
        ("declared_purpose: research", {"declared_purpose": "product"}, False),
        ("tags: [a, b]", {"tags": frozenset({"b"})}, True),
        ("tags: a", {}, False),
        ("account_age: {below: 7d}", {"created_ms": NOW - 7 * DAY + 1}, True),
        ("account_age: {below: 7d}", {"created_ms": NOW - 7 * DAY}, False),
        ("account_age: {below: 7d}", {}, None),
        ("attested_age: {at_least: 18}", {"attested_age": 18}, True),
        ("attested_age: {at_least: 18}", {}, False),
        ("standing: [watched, limited]", {"standing": "watched", "standing_until_ms": NOW + 1}, True),
        ("standing: watched", {"standing": "watched", "standing_until_ms": NOW}, False),
        ("model: 'm*'", {}, True),
        ("model: x", {}, False),
        ("family: llama", {}, False),
        ("dialect: chat", {}, True),
        ("dialect: messages", {}, False),
        ("route: /v1/chat/completions", {}, True),
        ("route: /v1/messages", {}, False),
        ("upstream: u1", {}, True),
        ("upstream: u2", {}, False),
        ("terms: {profile: unknown}", {}, True),
        ("terms: {distillation: forbidden}", {}, False),
        ("headers: {user-agent: '*curl*'}", {"headers": {"user-agent": "Curl/8"}}, True),
        ("headers: {x-team: '*'}", {"headers": {"user-agent": "x"}}, False),
        ("address: 192.0.2.0/24", {"address": "192.0.2.9"}, True),
        ("address: [192.0.2.0/24, '2001:db8::/32']", {"address": "2001:db9::1"}, False),
        ("address: 192.0.2.0/24", {}, None),
        ("client_country: DE", {"address": "192.0.2.9", "countries": {"192.0.2.9": "DE"}}, True),
        ("client_country: DE", {"address": "192.0.2.9", "countries": {"192.0.2.9": "FR"}}, False),
        ("client_country: DE", {"address": "192.0.2.9"}, None),
        ("time: {days: mon}", {}, True),
        ("time: {days: [tue, wed]}", {}, False),
        ("time: {from: '08:00', to: '17:00', zone: Europe/Berlin}", {}, True),
        ("time: {from: '22:00', to: '06:00'}", {}, False),
        (
            "usage: {limit: p/rpm, at_least: 0.5}",
            {"memory": AccountMemory({"p/rpm": Used(Unit.REQUESTS, 5, 10)})},
            True,
        ),
        (
            "usage: {limit: p/rpm, at_least: 0.6}",
            {"memory": AccountMemory({"p/rpm": Used(Unit.REQUESTS, 5, 10)})},
            False,
        ),
        ("usage: {limit: p/rpm, at_least: 0.5}", {}, None),
        (
            "distinct_prompts: {at_least: 7}",
            {"memory": AccountMemory({"p/new": Used(Unit.DISTINCT_PROMPTS, 7, 10), "p/r": Used(Unit.REQUESTS, 9, 9)})},
            True,
        ),
        (
            "distinct_prompts: {at_least: 8}",
            {"memory": AccountMemory({"p/new": Used(Unit.DISTINCT_PROMPTS, 7, 10)})},
            False,
        ),
        ("distinct_prompts: {at_least: 8}", {}, None),
    ],
)
def test_on_what_surrounds_a_request(text: str, facts: Mapping[str, Any], answer: bool | None) -> None:
    assert holds(text, **facts) is answer


@pytest.mark.parametrize(
    ("text", "body", "answer"),
    [
        ("stream: true", {"stream": True}, True),
        ("stream: true", {}, False),
        ("n: {at_least: 2}", {"n": 2}, True),
        ("n: {at_least: 2}", {}, False),
        ("logprobs: true", {"logprobs": True}, True),
        ("logprobs: true", {}, False),
        ("top_logprobs: {at_least: 5}", {"logprobs": True, "top_logprobs": 5}, True),
        ("top_logprobs: {at_least: 5}", {"logprobs": True, "top_logprobs": 4}, False),
        ("temperature: {at_least: 1.0}", {"temperature": 1}, True),
        ("temperature: {below: 0.5}", {"temperature": 0.5}, False),
        ("temperature: {below: 0.5}", {}, None),
        ("temperature: {below: 0.5}", {"temperature": "0.1"}, True),
        ("temperature: {below: 0.5}", {"temperature": "cold"}, None),
        ("seed: true", {"seed": 7}, True),
        ("seed: true", {}, False),
        ("max_output: {at_least: 1000}", {}, True),
        ("max_output: {at_least: 1000}", {"max_tokens": 999}, False),
        ("reasoning: true", {"reasoning_effort": "high"}, True),
        ("reasoning: true", {"reasoning_effort": "none"}, False),
        ("tools: {at_least: 1}", {"tools": [{"type": "function", "function": {"name": "f"}}]}, True),
        ("tools: {at_least: 1}", {}, False),
        ("response_format: [json_object, json_schema]", {"response_format": {"type": "json_object"}}, True),
        ("response_format: text", {}, True),
        ("response_format: text", {"response_format": {"type": "json_object"}}, False),
        ("messages: {at_least: 2}", {"messages": [{"role": "user", "content": "a"}] * 2}, True),
        ("messages: {at_least: 2}", {}, False),
        ("user_turns: {below: 2}", {}, True),
        ("user_turns: {below: 2}", {"messages": [{"role": "user", "content": "a"}] * 2}, False),
        ("prompt_tokens: {at_least: 100}", {"messages": [{"role": "user", "content": "a" * 400}]}, True),
        ("prompt_tokens: {at_least: 100}", {}, False),
        (
            "images: {at_least: 1}",
            {"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "data:a,b"}}]}]},
            True,
        ),
        ("images: {at_least: 1}", {}, False),
        (
            "media: {at_least: 1}",
            {"messages": [{"role": "user", "content": [{"type": "input_audio", "input_audio": {"data": "QQ=="}}]}]},
            True,
        ),
        ("media: {at_least: 1}", {}, False),
        ("token_ids: false", {}, True),
        ("token_ids: true", {}, False),
        ("text: {phrases: hello there}", {}, True),
        ("text: {phrases: hello there, in: system}", {}, False),
        ("text: {patterns: 'h.llo'}", {}, True),
        ("text: {phrases: [goodbye, farewell]}", {}, False),
    ],
)
def test_on_the_request_itself(text: str, body: Mapping[str, Any], answer: bool | None) -> None:
    assert holds(text, body) is answer


def test_every_criterion_was_asked_here() -> None:
    """A criterion without a case above is one that nobody has ever seen answer."""
    asked: set[str] = set()
    for test in (test_on_what_surrounds_a_request, test_on_the_request_itself):
        (mark,) = [mark for mark in test.pytestmark if mark.name == "parametrize"]  # type: ignore[attr-defined]
        for text, *_ in mark.args[1]:
            asked |= {leaf.criterion.key for leaf in leaves(Compiler().condition(when(text), ()))}
    assert asked == {criterion.key for criterion in CRITERIA}


def test_every_criterion_can_say_what_it_looked_at() -> None:
    asked = inquiry()
    for criterion in WHOM:
        assert criterion.fact(asked.here)
    for other in ASKED:
        said = other.fact(asked)
        assert said
        assert "hello" not in said


@pytest.mark.parametrize(
    ("text", "at", "answer"),
    [
        ("time: {from: '22:00', to: '06:00', days: mon}", "mon 23:00", True),
        ("time: {from: '22:00', to: '06:00', days: mon}", "tue 05:59", True),
        ("time: {from: '22:00', to: '06:00', days: mon}", "tue 06:00", False),
        ("time: {from: '22:00', to: '06:00', days: mon}", "mon 05:00", False),
        ("time: {from: '08:00', to: '09:00'}", "mon 08:00", True),
        ("time: {from: '08:00', to: '09:00'}", "mon 09:00", False),
    ],
)
def test_a_night_belongs_to_the_day_on_which_it_began(text: str, at: str, answer: bool) -> None:
    day, clock = at.split()
    hours, minutes = map(int, clock.split(":"))
    midnight = NOW - NOW % DAY  # a Monday
    now = midnight + ["mon", "tue"].index(day) * DAY + (hours * 60 + minutes) * 60_000
    assert holds(text, now_ms=now) is answer


def test_a_prompt_of_numbers_is_one_that_nobody_here_can_read() -> None:
    asked = {"prompt": [1, 2, 3], "messages": None}
    assert holds("text: {phrases: hello}", asked, dialect="completions") is None
    assert holds("text: {phrases: hello}", {"prompt": "hello"}, dialect="completions") is True


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("n: {}", "n: expected at_least, below or both"),
        ("n: {at_least: 3, below: 3}", "nothing is at least 3 and below 3"),
        ("n: 2", "n: expected a mapping"),
        ("account_age: {below: 7}", "expected a duration"),
        ("headers: {Authorization: '*'}", "'Authorization' holds a credential"),
        ("address: 10.0.0.1/8", "expected a network"),
        ("time: {}", "expected days, or from and to"),
        ("time: {from: '08:00'}", "expected both from and to"),
        ("time: {from: '24:00', to: '01:00'}", "time.from"),
        ("text: {in: system}", "expected phrases, words, patterns or lexicon"),
        ("text: {in: sistem, phrases: a}", "unknown part 'sistem', did you mean 'system'?"),
        ("text: {lexicon: nothing}", "unknown lexicon 'nothing'"),
        ("standing: paused", "standing: expected 'clear', 'watched', 'limited' or 'blocked'"),
        ("tierr: free", "unknown key 'tierr', did you mean 'tier'?"),
        ("usage: {limit: rpm, at_least: 0.5}", "usage.limit"),
        ("usage: {limit: p/rpm, at_least: 1.5}", "usage.at_least"),
    ],
)
def test_mistakes_are_named(text: str, says: str) -> None:
    with pytest.raises(YamlProblems) as caught:
        when(text)
    assert says in str(caught.value)


def test_what_time_changes_says_when() -> None:
    node = Compiler().condition(when("account_age: {at_least: 1d, below: 7d}"), ())
    young = inquiry(created_ms=NOW - DAY // 2).here
    assert changes_ms(clock(node), young) == NOW + DAY // 2
    assert changes_ms(clock(node), inquiry(created_ms=NOW - 2 * DAY).here) == NOW + 5 * DAY
    assert changes_ms(clock(node), inquiry(created_ms=NOW - 8 * DAY).here) is None
    standing = Compiler().condition(when("not: {standing: limited}"), ())
    assert changes_ms(clock(standing), inquiry(standing="limited", standing_until_ms=NOW + 5).here) == NOW + 5
