"""Answers under output rules that end in some other way: cut, out of money, left alone, failed by ourselves."""

import json
from contextlib import ExitStack

import pytest

from tests.support import transcripts
from tests.support.output_scene import (
    ENDED,
    FILLER,
    HELD,
    NOTED,
    ONLY_AUDIT,
    OUTPUT,
    POLICIES,
    RULES,
    Scene,
    last_error,
    streamed,
    up_to,
    whole,
)
from tests.support.rawhttp import Raw
from tests.support.rawhttp import request as http
from tests.support.talking import PATHS, PROMPTS, STREAMED, code, policy
from tests.support.transcripts import chat_chunk, line, payloads
from tests.support.upstream import EVENTS, chunk, cut, stall
from tests.support.witnessed import in_chunks

pytestmark = pytest.mark.interpreted


@pytest.fixture(scope="module")
def scene(tmp_path_factory):
    with ExitStack() as stack:
        yield Scene(stack, tmp_path_factory.mktemp("gateway"), POLICIES)


@pytest.fixture(scope="module")
def audit(tmp_path_factory):
    with ExitStack() as stack:
        yield Scene(stack, tmp_path_factory.mktemp("audit"), ONLY_AUDIT)


@pytest.mark.parametrize("dialect", STREAMED)
def test_when_the_upstream_breaks_off_what_was_held_back_still_comes(scene, dialect):
    stream = streamed(dialect, [*FILLER, "and half"])
    answer = scene.ask(dialect, up_to(b"and half", stream, cut), stream=True)
    assert answer.body.startswith(stream[: stream.index(b"and half")])
    assert last_error(answer, dialect) == "upstream_error"
    scene.expect("upstream_cut")
    assert scene.seen.whys() == dict.fromkeys(RULES, "cut")


@pytest.mark.parametrize("dialect", STREAMED)
def test_a_match_at_the_very_place_where_the_upstream_breaks_off(scene, dialect):
    stream = streamed(dialect, [*FILLER, "It is alpha secret"])
    answer = scene.ask(dialect, up_to(b"alpha secret", stream, cut), stream=True)
    assert last_error(answer, dialect) == "output_denied"
    assert b"alpha" not in answer.body
    assert scene.seen.states()["held"] == "matched"


def test_an_error_event_of_the_upstream_comes_after_what_was_held_back(scene):
    begun = line(chat_chunk({"content": "half an ans"}))
    answer = scene.stream("chat", begun + b'data: {"error":{"message":"no"}}\n\n')
    assert answer.body.startswith(begun)
    assert last_error(answer, "chat") == "upstream_error"
    scene.expect("upstream_cut")


@pytest.mark.parametrize("after", [b"", b": bye\n\n"])
@pytest.mark.parametrize("phrase", [HELD, ENDED])
def test_a_match_in_the_last_word(scene, phrase, after):
    stream = transcripts.chat(["fine, ", phrase], with_usage=False, finish="stop") + after
    answer = scene.stream("chat", stream)
    assert last_error(answer, "chat") == "output_denied"
    assert b"[DONE]" not in answer.body


def test_a_stream_whose_money_ends_keeps_what_was_held_back(tmp_path):
    money = policy(name="output", more=OUTPUT.replace("2000", "200000"),
                   budgets="money: {unit: usd, per: account, amount: 0.002, period: month}")  # fmt: skip
    with ExitStack() as stack:
        here = Scene(stack, tmp_path, money)
        words = [f" w{number}" for number in range(6000)]
        stream = transcripts.chat(words, with_usage=False)
        answer = here.stream("chat", stream, "events")
        assert here.seen.outcome() == "budget_ended"
        *texts, last, done = payloads(answer.body)
        assert done == b"[DONE]"
        assert json.loads(last)["choices"][0]["finish_reason"] == "length"
        assert stream.startswith(b"".join(b"data: " + text + b"\n\n" for text in texts))
        assert len(texts) == 1 + here.seen.newest.meter.delta_events, "all that was counted, the words held back too"
        assert here.seen.whys() == dict.fromkeys(("ended", "held", "long", "noted"), "cut")


@pytest.mark.parametrize("mode", ["cancel", "drain"])
def test_when_the_caller_leaves_nothing_is_called_clear_and_nothing_stays(tmp_path, mode):
    upstream = {"on_client_abort": mode, "drain_max_s": 0.2}
    with ExitStack() as stack:
        here = Scene(stack, tmp_path, POLICIES, upstream_settings=upstream)
        begun = b"".join(line(chat_chunk({"content": text})) for text in FILLER)
        here.play([EVENTS, chunk(begun), stall])
        body = json.dumps({"model": "sim-small", **PROMPTS["chat"], "stream": True}).encode()
        with Raw(here.gateway.gateway.data_port) as raw:
            raw.send(http(PATHS["chat"], body, key=here.gateway.keys["acme"]))
            raw.head()
        here.gateway.settled()
        here.expect("client_gone")
        assert here.gateway.call(here.gateway.runtime.store.held()) == []


@pytest.mark.parametrize("which", ["scene", "audit"])
def test_the_connection_is_used_again(request, which):
    here = request.getfixturevalue(which)
    plain = [whole("chat", f"one, {NOTED}"), in_chunks(transcripts.chat(["two"], with_usage=False), "whole")]
    here.play(*plain, whole("chat", "three"))
    with Raw(here.gateway.gateway.data_port) as raw:
        for word, more in (("one", {}), ("two", {"stream": True}), ("three", {})):
            body = json.dumps({"model": "sim-small", **PROMPTS["chat"], **more}).encode()
            raw.send(http(PATHS["chat"], body, key=here.gateway.keys["acme"]))
            assert word.encode() in raw.answer().body


@pytest.mark.parametrize("leaves", [True, False], ids=["caller leaves", "gateway stops"])
def test_a_whole_answer_that_nobody_reads(tmp_path, leaves):
    """It is looked at, charged and let go, whichever side ends first."""
    with ExitStack() as stack:
        here = Scene(stack, tmp_path, ONLY_AUDIT)
        here.play(whole("chat", "x" * 12_000_000))
        body = json.dumps({"model": "sim-small", **PROMPTS["chat"]}).encode()
        raw = stack.enter_context(Raw(here.gateway.gateway.data_port, receive_buffer=4096))
        raw.send(http(PATHS["chat"], body, key=here.gateway.keys["acme"]))
        assert raw.head().status == 200
        if leaves:
            raw.socket.close()
        else:
            here.gateway.call(here.gateway.gateway.close())
        here.gateway.settled()
        assert here.seen.outcome() == "complete"
        assert here.seen.states() == {"watched": "clear", "noted-too": "not_evaluated"}
        assert here.seen.newest.settlement.usage.input_tokens == 30


# faults of our own


class Faulty:
    """An index that breaks while it searches."""

    def search(self, text):
        raise RuntimeError(text)


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("policies", [POLICIES, ONLY_AUDIT], ids=["enforced", "audit"])
def test_a_fault_of_ours_spares_the_callers_of_watched_rules_and_lets_nothing_past_the_others(
    tmp_path, caplog, policies, stream
):
    with ExitStack() as stack:
        here = Scene(stack, tmp_path, policies)
        rulebook = here.gateway.runtime.snapshot.policies
        rulebook._ready = rulebook._ready._replace(output_index=Faulty())
        sent = transcripts.chat(["Some words"], with_usage=False)
        answer = here.stream("chat", sent) if stream else here.ask("chat", whole("chat", "Some words"))
        if policies is ONLY_AUDIT:
            assert answer.status == 200
            assert b"Some words" in answer.body
            assert not stream or answer.body == sent
            assert here.seen.outcome() == "complete"
        else:
            assert (last_error(answer, "chat") if stream else code(answer)) == "internal_error"
            assert b"Some words" not in answer.body
            assert here.seen.outcome() == "internal_error"
        assert set(here.seen.whys().values()) == {"fault"}
        assert set(here.seen.states()) == set(here.seen.whys())
        logged = [record for record in caplog.records if record.levelname == "ERROR"]
        assert len(logged) == 1
        assert "Some words" not in "".join(map(caplog.handler.format, logged))


@pytest.mark.parametrize("end", ["money", "upstream"])
def test_a_fault_in_a_watched_rule_does_not_change_how_an_answer_ends(tmp_path, end):
    money = policy(name="money", budgets="money: {unit: usd, per: account, amount: 0.002, period: month}")
    with ExitStack() as stack:
        here = Scene(stack, tmp_path, {**ONLY_AUDIT, **money})
        rulebook = here.gateway.runtime.snapshot.policies
        rulebook._ready = rulebook._ready._replace(output_index=Faulty())
        stream = transcripts.chat([" word"] * (6000 if end == "money" else 5), with_usage=False)
        if end == "money":
            answer = here.stream("chat", stream)
            assert json.loads(payloads(answer.body)[-2])["choices"][0]["finish_reason"] == "length"
            assert here.seen.outcome() == "budget_ended"
        else:
            answer = here.ask("chat", up_to(b" word", stream, cut), stream=True)
            assert last_error(answer, "chat") == "upstream_error"
            assert here.seen.outcome() == "upstream_cut"
        assert set(here.seen.whys().values()) == {"fault"}
