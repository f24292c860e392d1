"""Particular streams: real servers' habits, errors, endings, budgets."""

import json

import pytest
from anthropic.types import RawMessageStreamEvent
from openai.types.chat import ChatCompletionChunk
from pydantic import TypeAdapter

from gateway.core.sse import MAX_EVENT_BYTES, data_of
from gateway.dialects import DIALECTS
from gateway.dialects.base import StreamBroken
from tests.support import transcripts
from tests.support.transcripts import DONE, HEAD, USAGE, chat_chunk, line, payloads, recorded, run

BY_NAME = {dialect.name: dialect for dialect in DIALECTS}


def meter(name="chat", strip=False):
    return BY_NAME[name].meter(strip_usage=strip)


def test_a_chunk_that_changes_nothing_is_the_very_same_object():
    chunk = line(chat_chunk({"content": "x"}))
    for name in ("chat", "completions", "responses", "messages", "embeddings", "count_tokens"):
        assert meter(name).feed(chunk) is chunk
    assert meter(strip=True).feed(chunk) is chunk


@pytest.mark.parametrize(
    ("name", "file", "tokens", "pieces"),
    [
        ("chat", "chat_usage.sse", (26, 6, 21), 6),
        ("completions", "completions.sse", (2, 4, 1), 4),
        ("responses", "responses.sse", (25, 6, 20), 6),
        ("messages", "messages.sse", (26, 6, 21), 6),
    ],
)
def test_a_recorded_stream_is_metered(name, file, tokens, pieces):
    watching = meter(name)
    stream = recorded(file)
    assert run(watching, [stream]) == stream
    usage = watching.usage
    assert (usage.input_tokens, usage.output_tokens, usage.cache_read_tokens) == tokens
    assert watching.delta_events == pieces
    assert watching.finished
    assert not usage.estimated


def test_the_recorded_usage_chunk_is_removed_and_nothing_else():
    stream = recorded("chat_usage.sse")
    out = run(meter(strip=True), [stream])
    kept = [data for data in payloads(stream) if b'"choices":[]' not in data]
    assert payloads(out) == kept
    assert len(kept) == len(payloads(stream)) - 1


def test_usage_on_a_chunk_with_choices_is_the_upstreams_own_and_stays():
    stream = recorded("completions.sse")
    watching = meter("completions", strip=True)
    assert run(watching, [stream]) == stream
    assert watching.usage.output_tokens == 4


def test_an_empty_choices_chunk_without_usage_stays():
    first = {**HEAD, "choices": [], "prompt_filter_results": [{"prompt_index": 0}]}
    stream = line({**first, "usage": None}) + line(chat_chunk({"content": "x"}, usage=None)) + DONE
    assert run(meter(strip=True), [stream]) == line(first) + line(chat_chunk({"content": "x"})) + DONE


def test_a_nested_null_usage_is_not_ours():
    chunk = chat_chunk({"content": "x"})
    chunk["choices"][0]["usage"] = None
    stream = line(chunk) * 2
    assert run(meter(strip=True), [stream]) == stream


def test_heartbeats_pass_at_once_when_stripping():
    watching = meter(strip=True)
    assert watching.feed(b": ping\n\n") == b": ping\n\n"
    assert watching.delta_events == 0


def test_a_usage_chunk_without_its_blank_line_is_still_removed():
    stream = line(chat_chunk({"content": "x"})) + line({**HEAD, "choices": [], "usage": USAGE})[:-1]
    watching = meter(strip=True)
    assert run(watching, [stream]) == line(chat_chunk({"content": "x"}))
    assert watching.usage.output_tokens == 3


def test_running_usage_is_estimated_until_the_end():
    watching = meter()
    watching.feed(line(chat_chunk({"content": "x"}, usage={"prompt_tokens": 4, "completion_tokens": 1})))
    assert (watching.usage.output_tokens, watching.usage.estimated) == (1, True)
    watching.feed(line(chat_chunk({}, finish="stop", usage={"prompt_tokens": 4, "completion_tokens": 2})))
    assert (watching.usage.output_tokens, watching.usage.estimated) == (2, False)


def test_explicit_zero_and_null_usage_differ():
    watching = meter()
    watching.feed(line({**HEAD, "choices": [], "usage": None}))
    assert watching.usage is None
    watching.feed(line({**HEAD, "choices": [], "usage": {"prompt_tokens": 0, "completion_tokens": 0}}))
    assert watching.usage.total_tokens == 0
    assert not watching.usage.estimated


@pytest.mark.parametrize("spaced", [False, True])
def test_all_model_authored_kinds_of_delta_count(spaced):
    call = {"index": 0, "function": {"arguments": '{"é":'}}
    deltas = [
        {"content": "ab"}, {"reasoning_content": "cd"}, {"reasoning": "ef"}, {"refusal": "no"},
        {"content": "", "reasoning_content": "gh"}, {"tool_calls": [call]}, {"content": None, "role": "assistant"},
    ]  # fmt: skip
    watching = meter()
    for delta in deltas:
        watching.feed(line(chat_chunk(delta), spaced=spaced))
    assert watching.delta_events == 6
    assert watching.text_bytes == 2 * 5 + len('{"é":'.encode())


def test_several_choices_in_one_event_all_count():
    chunk = chat_chunk({"content": "ab"})
    chunk["choices"].append({"index": 1, "delta": {"content": "cde"}, "finish_reason": None})
    watching = meter()
    watching.feed(line(chunk))
    assert (watching.delta_events, watching.text_bytes) == (2, 5)


def test_log_probabilities_are_not_text():
    entry = {"token": "ab", "logprob": -1.0, "bytes": [97, 98], "top_logprobs": [{"token": "content", "logprob": -2}]}
    chunk = chat_chunk({"content": "ab"})
    chunk["choices"][0]["logprobs"] = {"content": [entry], "refusal": None}
    watching = meter()
    watching.feed(line(chunk))
    assert (watching.delta_events, watching.text_bytes) == (1, 2)


@pytest.mark.parametrize(
    ("name", "event"),
    [
        ("chat", line({"error": {"message": "boom", "code": 500}})),
        ("chat", line({"error": {"message": "boom"}}, spaced=True)),
        ("chat", line({"message": "boom"}, event="error")),
        ("chat", b"event: error\ndata: boom\n\n"),
        ("chat", line({**chat_chunk({"content": ""}, finish="error"), "error": {"code": 502}})),
        ("completions", line({"error": "boom"})),
        ("responses", line({"type": "error", "message": "boom", "sequence_number": 1}, event="error")),
        ("responses", line({"type": "response.failed", "response": {"usage": None}}, event="response.failed")),
        ("responses", line({"error": {"message": "boom"}})),
        ("messages", line({"type": "error", "error": {"type": "overloaded_error"}}, event="error")),
    ],
)
def test_an_upstreams_error_event_is_seen_and_kept_back(name, event):
    watching = meter(name)
    comment = b": before\n\n"
    assert watching.feed(comment + event + b": after\n\n") == comment
    assert watching.failed
    assert watching.error == data_of(event)
    assert watching.end_for_budget() == b""


@pytest.mark.parametrize("strip", [False, True])
def test_nothing_of_an_error_event_in_pieces_goes_out(strip):
    event = line({"error": {"message": "boom"}})
    watching = meter(strip=strip)
    assert watching.feed(event[:12]) == b""
    assert watching.feed(event[12:]) == b""
    assert watching.error == data_of(event)


@pytest.mark.parametrize("strip", [False, True])
def test_an_error_event_that_never_ends_is_still_seen(strip):
    watching = meter(strip=strip)
    watching.feed(b'data: {"error":"boom"}')
    assert watching.flush() == b""
    assert (watching.failed, watching.error) == (True, b'{"error":"boom"}')


def test_text_that_looks_like_an_error_or_an_ending_is_neither():
    for name, stream in (
        ("chat", line(chat_chunk({"content": "error"})) + line(chat_chunk({"content": "[DONE]"}))),
        ("chat", line({**chat_chunk({"content": "x"}), "error": None})),
        ("responses", line({"type": "response.output_text.delta", "delta": "response.completed", "error": None})),
        ("messages", line({"type": "content_block_delta", "delta": {"type": "text_delta", "text": "message_stop"}})),
    ):
        watching = meter(name)
        watching.feed(stream)
        assert not watching.failed
        assert not watching.finished


def test_an_endless_event_breaks_the_stream():
    for strip in (False, True):
        watching = meter(strip=strip)
        watching.feed(b"x" * MAX_EVENT_BYTES)
        with pytest.raises(StreamBroken, match="longer than"):
            watching.feed(b"x")


@pytest.mark.parametrize("strip", [False, True])
def test_whole_events_go_out_at_once_and_half_ones_wait(strip):
    event, other = line(chat_chunk({"content": "x"})), line(chat_chunk({"content": "y"}))
    watching = meter(strip=strip)
    assert watching.feed(event) is event
    assert watching.feed(event + other[:7]) == event
    assert watching.feed(other[7:]) == other


def test_a_chat_stream_ends_for_a_budget_as_the_model_would_end_it():
    watching = meter()
    watching.feed(line(chat_chunk({"role": "assistant", "content": ""}), spaced=False))
    watching.feed(line(chat_chunk({"content": "x"}, index=1)))
    watching.feed(line(chat_chunk({"content": "y"}, index=12, finish="stop")))
    told = payloads(watching.end_for_budget())
    chunk = ChatCompletionChunk.model_validate_json(told[0])
    assert (chunk.id, chunk.model, chunk.created) == ("chatcmpl-1", "m", 1_700_000_000)
    assert [(choice.index, choice.finish_reason) for choice in chunk.choices] == [(0, "length"), (1, "length")]
    assert told[1] == b"[DONE]"


@pytest.mark.parametrize("then", [b"", b": ping\n\n", b"data: no json\n\n", line(chat_chunk({"content": '"'}))])
def test_a_long_stream_still_knows_its_name_at_a_budget_end(then):
    """Of events that differ in their text alone, none is kept; whatever comes after them."""
    watching = meter()
    for text in ("x", "y", "z"):
        watching.feed(line(chat_chunk({"content": text})))
    watching.feed(then)
    chunk = ChatCompletionChunk.model_validate_json(payloads(watching.end_for_budget())[0])
    assert (chunk.id, chunk.model, chunk.created) == ("chatcmpl-1", "m", 1_700_000_000)
    assert [(choice.index, choice.finish_reason) for choice in chunk.choices] == [(0, "length")]


@pytest.mark.parametrize("strip", [False, True])
def test_a_budget_end_is_an_event_of_its_own(strip):
    watching = meter(strip=strip)
    partial = b'data: {"choices":[{"index":0,"del'
    forwarded = watching.feed(line(chat_chunk({"content": "x"})) + partial)
    whole = forwarded + watching.end_for_budget()
    assert payloads(whole)[-1] == b"[DONE]"
    assert json.loads(payloads(whole)[-2])["choices"][0]["finish_reason"] == "length"
    assert partial not in whole


def test_a_budget_end_before_the_first_event_and_after_the_last():
    told = payloads(meter().end_for_budget())
    assert json.loads(told[0])["choices"] == [{"index": 0, "delta": {}, "finish_reason": "length"}]
    for name, stream in (
        ("chat", transcripts.chat(["x"], with_usage=False)),
        ("responses", transcripts.responses(["x"])),
        ("messages", transcripts.messages(["x"])),
    ):
        watching = meter(name)
        watching.feed(stream)
        assert watching.end_for_budget() == b""


def test_a_finished_choice_is_not_finished_twice():
    watching = meter()
    watching.feed(line(chat_chunk({}, finish="stop")))
    assert watching.end_for_budget() == DONE


def test_completions_end_for_a_budget():
    watching = meter("completions")
    head = {**HEAD, "object": "text_completion"}
    watching.feed(line({**head, "choices": [{"index": 0, "text": "x", "finish_reason": None}]}))
    told = json.loads(payloads(watching.end_for_budget())[0])
    assert told["object"] == "text_completion"
    assert told["choices"] == [{"index": 0, "text": "", "logprobs": None, "finish_reason": "length"}]


def test_responses_end_for_a_budget():
    watching = meter("responses")
    stream = transcripts.responses(["a", "b"])
    watching.feed(stream[: stream.index(b"event: response.output_text.done")])
    end = watching.end_for_budget()
    assert end.startswith(b"event: response.incomplete\n")
    told = json.loads(payloads(end)[0])
    assert told["type"] == "response.incomplete"
    assert told["sequence_number"] == 3
    assert told["response"]["id"] == "resp_1"
    assert told["response"]["status"] == "incomplete"
    assert told["response"]["incomplete_details"] == {"reason": "max_output_tokens"}


def test_messages_end_for_a_budget():
    watching = meter("messages")
    stream = transcripts.messages(["a", "b", "c"])
    watching.feed(stream[: stream.index(b"event: content_block_stop")])
    assert watching.usage.estimated
    events = [TypeAdapter(RawMessageStreamEvent).validate_json(data) for data in payloads(watching.end_for_budget())]
    assert [event.type for event in events] == ["content_block_stop", "message_delta", "message_stop"]
    assert events[0].index == 0
    assert events[1].delta.stop_reason == "max_tokens"
    assert events[1].usage.output_tokens == 3


def test_messages_that_stopped_by_themselves_only_get_their_ending():
    watching = meter("messages")
    stream = transcripts.messages(["a"])
    watching.feed(stream[: stream.index(b"event: message_stop")])
    assert not watching.usage.estimated
    assert watching.end_for_budget() == b'event: message_stop\ndata: {"type":"message_stop"}\n\n'


def test_audio_is_not_counted_as_text():
    watching = meter("responses")
    watching.feed(line({"type": "response.audio.delta", "delta": "AAAA"}, event="response.audio.delta"))
    assert watching.delta_events == 0


def test_the_unstreamed_pass_bytes_on():
    watching = meter("embeddings")
    assert run(watching, [b"abc"]) == b"abc"
    assert watching.usage is None
    assert watching.end_for_budget() == b""


def test_an_unended_last_event_is_forwarded_after_all():
    rest = line(chat_chunk({"content": "x"}))[:-2]
    watching = meter(strip=True)
    assert run(watching, [DONE + rest]) == DONE + rest
    assert watching.delta_events == 1


def test_a_running_message_count_is_estimated():
    watching = meter("messages")
    watching.feed(line({"type": "message_start", "message": {"usage": {"input_tokens": 3, "output_tokens": 1}}}))
    watching.feed(line({"type": "message_delta", "delta": {"stop_reason": None}, "usage": {"output_tokens": 2}}))
    assert (watching.usage.output_tokens, watching.usage.estimated) == (2, True)


def test_a_lone_looking_delta_with_more_in_it_is_counted_whole():
    for text, more, size in (("ab", {"refusal": "cd"}, 4), ('a"', {}, 2), ("\\", {"reasoning_content": "x"}, 2)):
        watching = meter()
        watching.feed(line(chat_chunk({"content": text, **more})))
        assert watching.text_bytes == size
