"""Streams as the official clients live through them: read to the end, ended for a budget, ended by an error."""

import anthropic
import httpx2
import openai
import pytest

from gateway.core.reasons import UPSTREAM_ERROR
from gateway.core.refusal import Refusal
from gateway.dialects import ANTHROPIC, DIALECTS, OPENAI
from tests.support import transcripts
from tests.support.bodies import MINIMAL

BY_NAME = {dialect.name: dialect for dialect in DIALECTS}
BROKEN = Refusal(UPSTREAM_ERROR, "The upstream broke off.")


def read(name, stream):
    """The events that the family's client makes of a stream."""
    answer = httpx2.Response(200, headers={"content-type": "text/event-stream"}, content=stream)
    transport = httpx2.MockTransport(lambda request: answer)
    body = {**MINIMAL[name], "stream": True}
    with httpx2.Client(transport=transport) as http:
        if name == "messages":
            with anthropic.Anthropic(api_key="k", base_url="http://x.invalid", http_client=http) as client:
                return list(client.messages.create(**body))
        with openai.OpenAI(api_key="k", base_url="http://x.invalid/v1", http_client=http) as client:
            create = {
                "chat": client.chat.completions.create,
                "completions": client.completions.create,
                "responses": client.responses.create,
            }[name]
            return list(create(**body))


STREAMS = {
    "chat": transcripts.chat(["a", "b"], with_usage=True),
    "completions": transcripts.completions(["a", "b"], with_usage=True),
    "responses": transcripts.responses(["a", "b"]),
    "messages": transcripts.messages(["a", "b"]),
}


def first_events(name, number):
    return b"".join(event + b"\n\n" for event in STREAMS[name].split(b"\n\n")[:number])


MIDDLE = {
    "chat": first_events("chat", 3),
    "completions": first_events("completions", 1),
    "responses": first_events("responses", 3),
    "messages": first_events("messages", 5),
}


@pytest.mark.parametrize("name", ["chat", "completions"])
def test_a_stripped_stream_never_has_an_empty_choices_list(name):
    meter = BY_NAME[name].meter(strip_usage=True)
    chunks = read(name, transcripts.run(meter, [STREAMS[name]]))
    assert all(chunk.choices for chunk in chunks)
    assert all(chunk.usage is None for chunk in chunks)
    assert chunks[-1].choices[0].finish_reason == "stop"


@pytest.mark.parametrize("name", STREAMS)
def test_a_budget_ending_is_an_ordinary_ending(name):
    meter = BY_NAME[name].meter(strip_usage=False)
    events = read(name, meter.feed(MIDDLE[name]) + meter.end_for_budget())
    if name in ("chat", "completions"):
        assert events[-1].choices[0].finish_reason == "length"
        assert events[-1].id == events[0].id
    elif name == "responses":
        assert events[-1].type == "response.incomplete"
        assert events[-1].response.incomplete_details.reason == "max_output_tokens"
    else:
        assert [event.type for event in events[-3:]] == ["content_block_stop", "message_delta", "message_stop"]
        assert events[-2].delta.stop_reason == "max_tokens"


@pytest.mark.parametrize("name", ["chat", "completions", "responses"])
def test_an_error_in_mid_stream_raises_in_the_openai_client(name):
    with pytest.raises(openai.APIError, match="The upstream broke off") as caught:
        read(name, MIDDLE[name] + OPENAI.stream_error(BROKEN, "req_1"))
    assert caught.value.code == "upstream_error"


def test_an_error_in_mid_stream_raises_in_the_anthropic_client():
    with pytest.raises(anthropic.APIStatusError) as caught:
        read("messages", MIDDLE["messages"] + ANTHROPIC.stream_error(BROKEN, "req_1"))
    assert caught.value.body["error"]["details"]["error_code"] == "upstream_error"
