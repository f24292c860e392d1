"""What detectors get to see of a request: facts of answered ones, an excerpt, and nothing that stays."""

import asyncio
import json

import pytest

from gateway.accounting.outcome import Outcome
from gateway.core.prompts import MAX_HASHED, fingerprint
from gateway.detectors.facts import EXCERPT, Facts
from gateway.identity.addresses import Origin, networks
from gateway.sight import Sight
from gateway.upstreams.base import UpstreamFailed
from tests.support.running import MODELS, PRICES
from tests.support.walking import FakeAnswer, Walk

KEY = b"k" * 32
ANSWER = json.dumps({"choices": [], "usage": {"prompt_tokens": 30, "completion_tokens": 20}}).encode()
DAY_MS = 86_400_000


class Seen:
    """Stands where the watchtower stands, and keeps what it is given."""

    def __init__(self) -> None:
        self.facts: list[Facts] = []
        self.dropped = 0

    def see(self, facts: Facts) -> None:
        self.facts.append(facts)


@pytest.fixture
def walk(tmp_path):
    return watched(Walk(tmp_path))


def watched(walk: Walk, *trusted: str) -> Walk:
    walk.seen = Seen()
    walk.pipeline.sight = Sight(walk.seen, KEY, networks(trusted))
    return walk


def answered(walk, dialect="chat", origin=None, headers=None, outcome=Outcome.COMPLETE, **more):
    async def scenario():
        x = await walk.forwarded(FakeAnswer(ANSWER), dialect, **more)
        x.answer, x.status = ANSWER, 200
        return x

    if origin is not None or headers is not None:
        enter = walk.enter

        def with_origin(name="chat", **_):
            x = enter(name, **(headers or {}))
            x.origin = origin or Origin()
            return x

        walk.enter = with_origin
    x = asyncio.run(scenario())
    walk.finish(x, outcome)
    return x


def test_the_facts_of_a_request(walk):
    x = answered(
        walk,
        n=2,
        logprobs=True,
        messages=[{"role": "user", "content": "a"}, {"role": "user", "content": "What is it?"}],
    )
    assert walk.seen.facts == [
        Facts(
            account="acme", key_id=x.principal.key_id, tier="developer", prompt=fingerprint("What is it?", KEY),
            head="What is it?", tail="", user_turns=2, history=True, logprobs=True, choices=2, stream=False,
            completed=True, input_tokens=30, output_tokens=20, account_age_s=None, model_age_s=None, network="",
            client="",
        )
    ]  # fmt: skip


def test_a_turn_alone_has_no_history(walk):
    answered(walk)
    assert (walk.seen.facts[0].user_turns, walk.seen.facts[0].history) == (1, False)


@pytest.mark.parametrize(
    ("outcome", "completed"),
    [
        (Outcome.CLIENT_GONE, False),
        (Outcome.BUDGET_ENDED, False),
        (Outcome.POLICY_ENDED, False),
        (Outcome.COMPLETE, True),
    ],
)
def test_who_leaves_has_not_read_to_the_end(walk, outcome, completed):
    answered(walk, outcome=outcome)
    assert walk.seen.facts[0].completed is completed


@pytest.mark.parametrize("outcome", [Outcome.UPSTREAM_CUT, Outcome.TIMED_OUT, Outcome.SHUTDOWN, Outcome.INTERNAL_ERROR])
def test_faults_of_others_tell_nothing_about_a_caller(walk, outcome):
    x = answered(walk, outcome=outcome)
    assert walk.seen.facts == []
    assert x.excerpt is None


@pytest.mark.parametrize("dialect", ["embeddings", "count_tokens"])
def test_where_nothing_is_written_nothing_is_looked_at(walk, dialect):
    answered(walk, dialect)
    assert walk.seen.facts == []


@pytest.mark.parametrize("dialect", ["chat", "completions", "responses", "messages"])
def test_every_generating_dialect_is_seen(walk, dialect):
    answered(walk, dialect)
    assert [facts.head for facts in walk.seen.facts] == ["hi"]


def test_a_refused_request_is_not_seen(walk):
    x = walk.ruled()
    walk.finish(x, Outcome.REFUSED)
    assert walk.seen.facts == []


def test_a_request_that_no_upstream_took_is_not_seen_and_nothing_of_it_is_kept(walk):
    async def scenario():
        x = walk.ruled(messages=[{"role": "user", "content": "private"}])
        assert await walk.pipeline.reserve(x) is None
        walk.transport.answers = [UpstreamFailed("connect", "down")]
        assert await walk.pipeline.forward(x) is not None
        await asyncio.sleep(0)  # the excerpt is taken all the same
        assert x.excerpt is not None
        walk.finish(x, Outcome.UPSTREAM_FAILED)
        return x

    x = asyncio.run(scenario())
    assert walk.seen.facts == []
    assert x.excerpt is None


def test_the_excerpt_is_taken_while_the_upstream_works(walk):
    class Slow:
        def __init__(self):
            self.sent = asyncio.Event()
            self.go_on = asyncio.Event()

        async def send(self, call):
            self.sent.set()
            await self.go_on.wait()
            return FakeAnswer(ANSWER)

    async def scenario():
        x = walk.ruled()
        assert await walk.pipeline.reserve(x) is None
        slow = walk.transport.send = Slow()
        walk.transport.send = slow.send
        task = asyncio.create_task(walk.pipeline.forward(x))
        await slow.sent.wait()
        await asyncio.sleep(0)
        assert x.excerpt is not None
        assert x.forwarded is None
        slow.go_on.set()
        assert await task is None
        walk.finish(x, Outcome.COMPLETE)
        # Whoever comes too late takes nothing any more.
        walk.pipeline.sight.glance(x)
        return x

    x = asyncio.run(scenario())
    assert len(walk.seen.facts) == 1
    assert x.excerpt is None


def test_of_a_long_turn_both_ends_are_kept(walk):
    text = "a" * 5000 + "b" * 5000
    x = answered(walk, messages=[{"role": "user", "content": text}])
    facts = walk.seen.facts[0]
    assert (facts.head, facts.tail) == ("a" * EXCERPT, "b" * EXCERPT)
    assert facts.prompt == fingerprint(text, KEY)
    assert x.excerpt is None


def test_of_a_very_long_turn_not_all_is_hashed(walk):
    first, middle, last = (letter * (MAX_HASHED // 2) for letter in ("a ", "m ", " z"))  # no base64

    def said(text):
        answered(walk, messages=[{"role": "user", "content": text}])
        return walk.seen.facts[-1].prompt

    one = said(first + middle + last)
    assert said(first + middle.upper() + last) == one, "the middle is not looked at"
    assert said(first + middle + "m" + last) != one, "but the length is"
    assert said("b" + first[1:] + middle + last) != one
    picture = "A" * MAX_HASHED
    assert said(f"data:,{picture}") == said(f"data:,{picture}") != said(f"data:,{picture}AAAA")


def test_ages(tmp_path):
    born = "2027-01-01"
    accounts = {"acme": {"tier": "free", "created": born}}
    models = {"sim-small": {**MODELS["sim-small"], "created": born, "prices": PRICES}}
    walk = watched(Walk(tmp_path, accounts=accounts, models=models))
    created_ms = walk.runtime.snapshot.directory.accounts["acme"].created_ms
    for age_ms, expected in ((DAY_MS + 999, 86_400), (0, 0), (-DAY_MS, 0)):
        walk.clock.step((created_ms + age_ms - walk.clock.now_ms()) / 1000)
        answered(walk)
        facts = walk.seen.facts[-1]
        assert (facts.account_age_s, facts.model_age_s) == (expected, expected)


def test_the_caller_behind_a_trusted_proxy(tmp_path):
    walk = watched(Walk(tmp_path), "10.0.0.0/8")
    answered(walk, origin=Origin("10.0.0.1", ["1.1.1.1, 203.0.113.77"]), headers={"user-agent": "OpenAI/Python 1.2"})
    assert (walk.seen.facts[0].network, walk.seen.facts[0].client) == ("203.0.113.0/24", "openai")


def test_nobody_is_believed_without_trust(walk):
    answered(walk, origin=Origin("10.0.0.1", ["203.0.113.77"]))
    assert walk.seen.facts[0].network == "10.0.0.0/24"


def test_a_fault_in_looking_costs_no_request(walk):
    x = answered(walk, headers={"user-agent": 5})
    assert x.outcome is Outcome.COMPLETE
    assert walk.seen.facts == []
    assert walk.seen.dropped > 0
    assert len(walk.records()) == 1


def test_nothing_of_an_excerpt_shows(walk):
    async def scenario():
        return await walk.forwarded(FakeAnswer(ANSWER), messages=[{"role": "user", "content": "private words"}])

    x = asyncio.run(scenario())
    x.origin = Origin("203.0.113.77", ["203.0.113.78"])
    assert x.excerpt is not None
    assert "private" not in repr(x.excerpt)
    shown = repr(x).replace(repr(x.ask), "")
    assert "private" not in shown
    assert "203.0.113" not in shown


def test_an_answer_that_is_there_at_once_is_seen_all_the_same(walk):
    async def scenario():
        x = await walk.forwarded(FakeAnswer(ANSWER))
        assert x.excerpt is not None, "nothing had to wait, so that only now it can be taken"

    asyncio.run(scenario())
