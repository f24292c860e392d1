"""The self-test against upstreams of every kind: good ones, ones that break the mark, ones that answer nonsense."""

import asyncio
import json

import pytest

from gateway.probing import MOST_BYTES
from gateway.upstreams.base import UpstreamFailed
from gateway.watermarks.marking import Marker
from gateway.watermarks.probe import QUESTIONS, STRENGTH, judge, questions
from gateway.watermarks.scheme import PairScheme
from tests.support.marked_model import table_of
from tests.support.marked_walk import closing_walks
from tests.support.walking import FakeAnswer

TABLE = table_of()
WORDS = {
    token: word for pair in TABLE.pairs for token, word in zip(pair.tokens, (pair.second, pair.first), strict=True)
}


class Heeding:
    """A server that writes the word it is forced to, and refuses more than `most` entries."""

    def __init__(self, most=1024, padding=0):
        self.most, self.padding, self.sent, self.at_once = most, padding, [], []
        self.upstream = None

    async def send(self, call):
        body = json.loads(call.body)
        self.sent.append(body)
        self.at_once.append(self.upstream.outstanding)
        if len(body["logit_bias"]) > self.most:
            return FakeAnswer(b'{"error": {"message": "too many entries in logit_bias"}}', status=400)
        (forced,) = (int(token) for token, value in body["logit_bias"].items() if value == STRENGTH)
        document = {"choices": [{"index": 0, "text": " ".join([WORDS[forced]] * 4)}], "object": "x" * self.padding}
        return FakeAnswer(json.dumps(document).encode())

    async def close(self):
        pass


class Test:
    """A walk whose upstream is asked."""

    __test__ = False

    def __init__(self, walk, transport=None):
        self.walk = walk
        self.prober = walk.runtime.provenance.prober
        self.marks = walk.pipeline.marks
        self.upstream = walk.pipeline.bridge.upstream("main")
        if transport is not None:
            self.upstream.transport = transport
            transport.upstream = self.upstream

    def run(self):
        model = self.walk.runtime.snapshot.catalogue.models[0]
        current = self.marks.book.at(model.family, self.walk.clock.now_ms())
        return asyncio.run(self.prober.test(self.upstream, model, current))

    @property
    def gauge(self):
        name = 'gateway_watermark_probe_ok{upstream="main"} '
        lines = self.walk.runtime.metrics.render().decode().splitlines()
        return next((line.removeprefix(name) for line in lines if line.startswith(name)), None)


@pytest.fixture
def walks():
    with closing_walks() as make:
        yield make


def test_a_server_that_heeds_the_field_passes(walks, tmp_path):
    server = Heeding()
    test = Test(walks(tmp_path), server)
    assert test.run() == "ok"
    assert test.gauge == "1.0"
    assert len(server.sent) == QUESTIONS
    assert server.at_once == [1] * QUESTIONS, "a reload must see that somebody still asks"
    assert test.upstream.outstanding == 0
    assert {len(body["logit_bias"]) for body in server.sent} >= {200}, "as many entries as an answer's mark has"


def test_a_server_that_takes_fewer_entries_than_the_settings_say_is_found(walks, tmp_path):
    test = Test(walks(tmp_path), Heeding(most=100))
    assert test.run() == "rejected"
    assert test.marks.refusing == {("main", "sim-small")}
    assert test.gauge == "0.0"
    test.upstream.transport.most = 1024
    assert test.run() == "ok"
    assert not test.marks.refusing


@pytest.mark.parametrize(
    ("answer", "result"),
    [
        (FakeAnswer(b"<html>busy</html>"), "absent"),
        (FakeAnswer(b""), "absent"),
        (FakeAnswer(b"\xff\xfe" * 99), "absent"),
        (FakeAnswer(b"[]"), "absent"),
        (FakeAnswer(b'{"choices": "none"}'), "absent"),
        (FakeAnswer(b"no", status=404), "rejected"),
        (FakeAnswer(b"no", status=422), "rejected"),
        (FakeAnswer(b"no", status=401), "unreachable"),
        (FakeAnswer(b"no", status=429), "unreachable"),
        (FakeAnswer(b"no", status=500), "unreachable"),
        (FakeAnswer(b"no", status=302), "unreachable"),
        (FakeAnswer(UpstreamFailed("body", "over the size limit")), "unreachable"),
        (FakeAnswer(b'{"choices"', UpstreamFailed("body", "it broke off")), "unreachable"),
        (UpstreamFailed("connect", "nobody there", sent=False), "unreachable"),
    ],
)  # fmt: skip
def test_nonsense_is_told_from_silence(walks, tmp_path, answer, result):
    """Nonsense switches the mark off here until it is over; silence says nothing about the mark."""
    test = Test(walks(tmp_path))
    test.walk.transport.answers = [answer]
    assert test.run() == result
    assert bool(test.marks.refusing) == (result != "unreachable")
    assert test.upstream.outstanding == 0
    if isinstance(answer, FakeAnswer):
        assert answer.ends


def test_an_answer_far_too_long_for_four_tokens_is_not_even_read(walks, tmp_path):
    assert Test(walks(tmp_path / "a"), Heeding(padding=MOST_BYTES // 2)).run() == "ok"
    assert Test(walks(tmp_path / "b"), Heeding(padding=MOST_BYTES)).run() == "absent"


def test_what_was_never_answered_is_neither_good_nor_bad(walks, tmp_path):
    test = Test(walks(tmp_path), Heeding(most=0))
    assert test.run() == "rejected"
    test.upstream.transport = test.walk.transport
    test.walk.transport.answers = [UpstreamFailed("connect", "nobody there", sent=False)]
    assert test.run() == "unreachable"
    assert test.marks.refusing, "it failed before, and nobody has seen it work since"


def rounds(test, bridge, catalogue, every_s=3600):
    return asyncio.run(test.prober._round(bridge, catalogue, every_s, test.done))


def test_what_is_known_is_not_asked_again_before_its_time(walks, tmp_path):
    server = Heeding()
    test = Test(walks(tmp_path), server)
    test.done = {}
    here = (lambda: test.walk.pipeline.bridge, lambda: test.walk.runtime.snapshot.catalogue)
    for moved, asked in ((0, 1), (60, 1), (3600, 2)):
        test.walk.clock.advance(moved)
        rounds(test, *here)
        assert len(server.sent) == asked * QUESTIONS


def test_a_model_that_writes_code_is_not_asked(walks, tmp_path):
    server = Heeding()
    test = Test(walks(tmp_path, model={"tags": ["code"]}), server)
    test.done = {}
    rounds(test, lambda: test.walk.pipeline.bridge, lambda: test.walk.runtime.snapshot.catalogue)
    assert server.sent == []


def test_connections_that_a_reload_replaced_are_not_used_again(walks, tmp_path):
    """They would be opened anew, and nobody would close them."""
    servers = [Heeding(), Heeding()]
    old, new = (Test(walks(tmp_path / str(at)), server) for at, server in enumerate(servers))
    old.done = {}
    bridges = [old.walk.pipeline.bridge]

    def bridge():
        return bridges.pop() if bridges else new.walk.pipeline.bridge

    rounds(old, bridge, lambda: old.walk.runtime.snapshot.catalogue)
    assert servers[0].sent == []
    rounds(old, bridge, lambda: old.walk.runtime.snapshot.catalogue)
    assert len(servers[1].sent) == QUESTIONS


def test_a_fault_does_not_end_the_self_test(walks, tmp_path, caplog):
    test = Test(walks(tmp_path))

    async def go():
        asked = asyncio.Event()

        def catalogue():
            asked.set()
            raise RuntimeError("what nobody thought of")

        work = asyncio.create_task(test.prober.run(lambda: test.walk.pipeline.bridge, catalogue, 0))
        await asyncio.wait_for(asked.wait(), 10)
        for _ in range(5):
            await asyncio.sleep(0)
        over = work.done()
        work.cancel()
        await asyncio.gather(work, return_exceptions=True)
        return over

    assert asyncio.run(go()) is False
    assert "fault in the self-test" in caplog.text


@pytest.mark.parametrize("entries", [1, 2, 50, 199, 200, 1024])
def test_questions_hold_as_many_entries_as_the_upstream_takes_and_force_one_word(entries):
    marker = Marker(TABLE, b"a" * 32, b"p" * 32)
    for question in questions(marker, entries):
        assert min(entries, 200) <= len(question.bias) <= min(entries, 201)
        (forced,) = (token for token, value in question.bias.items() if value == STRENGTH)
        assert int(forced) in TABLE.pairs[question.pair].tokens


def test_a_small_table_is_tested_with_all_it_has():
    small = table_of(3)
    marker, scheme = Marker(small, b"a" * 32, b"p" * 32), PairScheme(small)
    asked = questions(marker, 300)
    assert [question.pair for question in asked] == [0, 1, 2]
    first = [small.pairs[question.pair].first for question in asked]
    assert judge(asked, first, [True] * 3, scheme) == "ok"
    assert judge(asked, first, [False] * 3, scheme) == "wrong"
    assert judge(asked, [""] * 3, [True] * 3, scheme) == "absent"
