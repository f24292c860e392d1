"""Output rules through the whole gateway: every dialect, streamed and not, in every way a rule can look."""

import json
import threading
from contextlib import ExitStack

import pytest

from tests.support import transcripts
from tests.support.output_scene import (
    ENDED,
    FILLER,
    HELD,
    NOTED,
    ONLY_AUDIT,
    OPEN,
    POLICIES,
    RULES,
    WATCHED,
    Scene,
    last_error,
    streamed,
    up_to,
    whole,
)
from tests.support.rawhttp import Raw
from tests.support.rawhttp import request as http
from tests.support.talking import PATHS, PROMPTS, STREAMED, code, used
from tests.support.transcripts import chat_chunk, line
from tests.support.upstream import EVENTS, chunk, stall

pytestmark = pytest.mark.interpreted


@pytest.fixture(scope="module")
def scene(tmp_path_factory):
    with ExitStack() as stack:
        yield Scene(stack, tmp_path_factory.mktemp("gateway"), POLICIES)


@pytest.fixture(scope="module")
def audit(tmp_path_factory):
    with ExitStack() as stack:
        yield Scene(stack, tmp_path_factory.mktemp("audit"), ONLY_AUDIT)


# what breaks a rule


@pytest.mark.parametrize("how", ["whole", "events", "bytes", 1])
@pytest.mark.parametrize("dialect", STREAMED)
def test_of_text_that_is_held_back_no_byte_of_a_match_goes_out(scene, dialect, how):
    stream = streamed(dialect, [*FILLER, "It is al", "pha", " sec", "ret. ", "And then some."])
    answer = scene.stream(dialect, stream, how)
    assert last_error(answer, dialect) == "output_denied"
    error = answer.body.rindex(b"event: error" if dialect == "messages" else b'data: {"error"')
    out = answer.body[:error]
    assert stream.startswith(out)
    assert b"Some words" in out
    assert b"al" not in out.partition(b"more of them")[2]
    scene.expect("policy_ended", held="matched")


@pytest.mark.parametrize("how", ["whole", "events", "bytes", 1])
@pytest.mark.parametrize("dialect", STREAMED)
def test_a_windowed_match_ends_the_stream_at_the_match(tmp_path, scene, dialect, how):
    stream = streamed(dialect, [*FILLER, "It is bra", "vo", " sec", "ret. ", "And then some."])
    answer = scene.stream(dialect, stream, how)
    assert last_error(answer, dialect) == "output_denied"
    assert b"And then some" not in answer.body
    assert b"ret. " not in answer.body
    scene.expect("policy_ended", ended="matched")


@pytest.mark.parametrize("dialect", STREAMED)
def test_the_upstream_is_let_go_when_a_rule_ends_the_stream(scene, dialect):
    hung_up = threading.Event()

    async def until_the_end(peer):
        while await peer.more():
            pass
        hung_up.set()

    script = up_to(b"bravo secret", streamed(dialect, [*FILLER, "It is bravo secret. "]), until_the_end)
    answer = scene.ask(dialect, script, stream=True)
    assert hung_up.wait(8)
    assert last_error(answer, dialect) == "output_denied"
    status = scene.gateway.runtime.pipeline.bridge.snapshot()
    assert [one.outstanding for one in status] == [0]
    assert all(one.healthy for one in status)


@pytest.mark.parametrize("phrase", [HELD, ENDED])
@pytest.mark.parametrize("dialect", STREAMED)
def test_a_whole_answer_is_kept_back_and_charged(scene, dialect, phrase):
    before = used(scene.gateway)["money"]
    # More bytes than 40 tokens have as a rule: what the upstream reports of a whole answer counts all the same.
    answer = scene.ask(dialect, whole(dialect, "word " * 60 + f"It is {phrase.upper()}"))
    assert (answer.status, code(answer)) == (403, "output_denied")
    assert answer.header("x-should-retry") == "false"
    assert b"SECRET" not in answer.body
    assert answer.header("content-type") == "application/json"
    rule = "held" if phrase == HELD else "ended"
    error = answer.json()["error"]
    details = error["details"] if dialect == "messages" else error["metadata"]
    assert (details["policy"], details["rule"]) == ("output", rule)
    assert scene.seen.states()[rule] == "matched"
    assert scene.seen.outcome() == "policy_ended"
    record = scene.gateway.records()[0]
    assert (record.status, record.reason, record.outcome) == (403, "output_denied", "policy_ended")
    assert (record.usage.input_tokens, record.usage.output_tokens, record.usage.estimated) == (30, 40, False)
    assert used(scene.gateway)["money"] - before == 30 * 1000 + 40 * 2000


@pytest.mark.parametrize("dialect", STREAMED)
def test_a_stream_that_is_ended_is_charged_for_what_was_seen(scene, dialect):
    before = used(scene.gateway)["money"]
    scene.ask(dialect, up_to(b"bravo secret", streamed(dialect, [*FILLER, "bravo secret. "]), stall), stream=True)
    record = scene.gateway.records()[0]
    assert (record.outcome, record.reason) == ("policy_ended", "output_denied")
    assert record.usage.output_tokens >= 7
    assert used(scene.gateway)["money"] - before == record.cost_nano_usd > 0


@pytest.mark.parametrize("dialect", STREAMED)
def test_a_long_whole_answer_is_looked_at_to_its_end(scene, dialect):
    text = "漢字 " * 60_000
    assert code(scene.ask(dialect, whole(dialect, text + ENDED))) == "output_denied"
    assert scene.seen.states()["ended"] == "matched"


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("dialect", STREAMED)
def test_too_long_an_answer(scene, dialect, stream):
    words = ["word "] * 401
    if stream:
        answer = scene.stream(dialect, streamed(dialect, words))
        assert last_error(answer, dialect) == "output_denied"
    else:
        assert code(scene.ask(dialect, whole(dialect, "".join(words)))) == "output_denied"
    assert scene.seen.states()["long"] == "matched"


# what breaks none, or none in force


CLEAN = [*FILLER, "alpha secrets, ", "bravo ", "Secretary. ", "漢字 🥃", "", "\n\nThe end"]


@pytest.mark.parametrize("how", ["whole", "events", "bytes", 1, 2])
@pytest.mark.parametrize("dialect", STREAMED)
def test_a_stream_that_breaks_no_rule_comes_as_it_was_sent(scene, dialect, how):
    stream = streamed(dialect, CLEAN)
    assert scene.stream(dialect, stream, how).body == stream
    scene.expect("complete")
    assert set(scene.seen.states()) == set(RULES)


@pytest.mark.parametrize("end", ["\r\n", "\r"])
def test_other_line_ends_change_nothing(scene, end):
    stream = transcripts.chat(CLEAN, with_usage=False, end=end)
    assert scene.stream("chat", stream, "bytes").body == stream
    scene.expect("complete")


@pytest.mark.parametrize("dialect", STREAMED)
def test_comments_keep_their_place(scene, dialect):
    events = streamed(dialect, CLEAN).split(b"\n\n")
    stream = b"\n\n: still here\n\n".join(events[:-1]) + b"\n\n"
    assert scene.stream(dialect, stream).body == stream


@pytest.mark.parametrize("dialect", STREAMED)
def test_a_whole_answer_that_breaks_no_rule_comes_as_it_was_sent(scene, dialect):
    script = whole(dialect, "".join(CLEAN))
    answer = scene.ask(dialect, script)
    assert answer.status == 200
    assert answer.body == script[-1].partition(b"\r\n\r\n")[2]
    scene.expect("complete")


@pytest.mark.parametrize("which", ["scene", "audit"])
@pytest.mark.parametrize("dialect", STREAMED)
def test_what_is_only_watched_changes_nothing(request, which, dialect):
    here = request.getfixturevalue(which)
    stream = streamed(dialect, [*FILLER, f"{WATCHED}, ", f"and {NOTED}", " too"])
    assert here.stream(dialect, stream, "whole").body == stream
    states = {"watched": "matched", "noted-too": "matched"} | ({"noted": "matched"} if which == "scene" else {})
    here.expect("complete", **states)
    script = whole(dialect, f"{WATCHED}, and {NOTED}")
    answer = here.ask(dialect, script)
    assert answer.body == script[-1].partition(b"\r\n\r\n")[2]
    here.expect("complete", **states)
    assert here.gateway.records()[0].reason == ""


@pytest.mark.parametrize("policies", [OPEN, ONLY_AUDIT], ids=["windowed", "audit"])
def test_only_holding_back_delays_a_byte(tmp_path, policies):
    """The upstream stalls in the middle of a word; all that it sent so far is there, to the last byte."""
    with ExitStack() as stack:
        here = Scene(stack, tmp_path, policies)
        begun = b"".join(line(chat_chunk({"content": text})) for text in ("Some", " words, delta", " secre"))
        here.play([EVENTS, chunk(begun), stall])
        body = json.dumps({"model": "sim-small", **PROMPTS["chat"], "stream": True}).encode()
        with Raw(here.gateway.gateway.data_port) as raw:
            raw.send(http(PATHS["chat"], body, key=here.gateway.keys["acme"]))
            raw.head()
            got = b""
            while len(got) < len(begun):
                got += raw._exactly(int(raw._until(b"\r\n"), 16))
                raw._exactly(2)
            assert got == begun


def test_what_is_held_back_goes_out_with_the_text_that_follows(scene):
    """And not before: the last words wait, since a match could begin in them."""
    texts = ["Some words, ", "and more of them follow, ", "until the first are past it"]
    begun = [line(chat_chunk({"content": text})) for text in texts]
    scene.play([EVENTS, chunk(b"".join(begun)), stall])
    body = json.dumps({"model": "sim-small", **PROMPTS["chat"], "stream": True}).encode()
    with Raw(scene.gateway.gateway.data_port) as raw:
        raw.send(http(PATHS["chat"], body, key=scene.gateway.keys["acme"]))
        raw.head()
        assert raw._exactly(int(raw._until(b"\r\n"), 16)) == begun[0] + begun[1]
    scene.gateway.settled()
    scene.expect("client_gone")
