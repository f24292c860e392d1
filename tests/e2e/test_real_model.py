"""A real model behind the gateway, called with the official SDKs: every route answers, every token is accounted for."""

import json
import urllib.request

import openai
import pytest

from tests.support.fronted import NAME, fronted, price, reported
from tests.support.real_model import MODEL

pytestmark = [pytest.mark.model, pytest.mark.timeout(120)]

PROMPT = "An excise officer writes down"
HELLO = [{"role": "user", "content": PROMPT}]
FEW = 8
SCHEMA = {"type": "object", "properties": {"city": {"enum": ["Paris", "Rome"]}}, "required": ["city"]}
TOOL = {"name": "get_weather", "description": "Weather", "parameters": SCHEMA}
USED = {"name": "get_weather", "input": {"city": "Rome"}}
CALL = {"id": "call_1", "type": "function", "function": {"name": "get_weather", "arguments": '{"city": "Rome"}'}}
WEATHER = [
    {"role": "user", "content": "Weather in Rome?"},
    {"role": "assistant", "content": "", "tool_calls": [CALL]},
    {"role": "tool", "tool_call_id": "call_1", "content": "sunny"},
    {"role": "user", "content": "Weather in Paris?"},
]
"""A small model calls a tool once it has seen how."""


@pytest.fixture(scope="module")
def front(tmp_path_factory, model_url):
    with fronted(tmp_path_factory.mktemp("gateway"), model_url) as one:
        yield one


@pytest.fixture
def client(front):
    with front.openai() as one:
        yield one


@pytest.fixture
def claude(front):
    with front.claude() as one:
        yield one


def accounted(front, route):
    """The last request's record says what the model server reported, and charges just that. Returns the tokens."""
    record, exchanged = front.last()
    assert exchanged.path == route
    read, written, hit = tokens = reported(exchanged)
    assert record.outcome == "complete"
    usage = record.usage
    assert (usage.input_tokens, usage.output_tokens, usage.cache_read_tokens) == (read, written, hit)
    assert not usage.estimated
    assert not record.contradicted
    assert record.cost_nano_usd == price(tokens) > 0
    return tokens


def chat(**more):
    return {"model": NAME, "messages": HELLO, "max_tokens": FEW, "temperature": 0, **more}


def test_chat(front, client):
    answer = client.chat.completions.create(**chat())
    assert answer.choices[0].message.content
    assert answer.choices[0].finish_reason == "length"
    read, written, _ = accounted(front, "/v1/chat/completions")
    assert (answer.usage.prompt_tokens, answer.usage.completion_tokens) == (read, written)
    assert written == FEW


def test_chat_stream_with_usage(front, client):
    chunks = list(client.chat.completions.create(**chat(stream=True, stream_options={"include_usage": True})))
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks[:-1])
    read, written, _ = accounted(front, "/v1/chat/completions")
    assert not chunks[-1].choices
    assert (chunks[-1].usage.prompt_tokens, chunks[-1].usage.completion_tokens) == (read, written)


def test_a_chat_stream_shows_usage_only_to_those_who_asked(front, client):
    chunks = list(client.chat.completions.create(**chat(stream=True)))
    assert all(chunk.choices for chunk in chunks)
    assert all(chunk.usage is None for chunk in chunks)
    assert accounted(front, "/v1/chat/completions")[1] == FEW
    assert front.tap.exchanges[-1].asked["stream_options"] == {"include_usage": True}


@pytest.mark.parametrize("stream", [False, True])
def test_completions(front, client, stream):
    answer = client.completions.create(model=NAME, prompt=PROMPT, max_tokens=FEW, temperature=0, stream=stream)
    chunks = list(answer) if stream else [answer]
    assert "".join(chunk.choices[0].text for chunk in chunks)
    assert chunks[-1].choices[0].finish_reason == "length"
    read, written, _ = accounted(front, "/v1/completions")
    # This server always reports here, in its streams too.
    assert (chunks[-1].usage.prompt_tokens, chunks[-1].usage.completion_tokens) == (read, written)
    assert written == FEW


def test_embeddings(front, client):
    answer = client.embeddings.create(model=NAME, input=["rye", "barley"])
    assert [len(one.embedding) for one in answer.data] == [640, 640]
    assert answer.data[0].embedding != answer.data[1].embedding
    read, written, _ = accounted(front, "/v1/embeddings")
    assert answer.usage.prompt_tokens == read
    assert written == 0


def test_responses(front, client):
    answer = client.responses.create(model=NAME, input=PROMPT, max_output_tokens=FEW, temperature=0)
    assert answer.output_text
    read, written, _ = accounted(front, "/v1/responses")
    assert (answer.usage.input_tokens, answer.usage.output_tokens) == (read, written)
    assert front.tap.exchanges[-1].asked["store"] is False


def test_responses_stream(front, client):
    events = list(client.responses.create(model=NAME, input=PROMPT, max_output_tokens=FEW, temperature=0, stream=True))
    assert events[0].type == "response.created"
    assert "".join(event.delta for event in events if event.type == "response.output_text.delta")
    read, written, _ = accounted(front, "/v1/responses")
    usage = events[-1].response.usage
    assert (usage.input_tokens, usage.output_tokens) == (read, written)


def test_messages(front, claude):
    answer = claude.messages.create(model=NAME, messages=HELLO, max_tokens=FEW, extra_body={"temperature": 0})
    assert answer.content[0].text
    assert answer.stop_reason == "max_tokens"
    read, written, hit = accounted(front, "/v1/messages")
    usage = answer.usage
    assert (usage.input_tokens, usage.cache_read_input_tokens, usage.output_tokens) == (read - hit, hit, written)


def test_messages_stream(front, claude):
    with claude.messages.stream(model=NAME, messages=HELLO, max_tokens=FEW) as stream:
        text = "".join(stream.text_stream)
        final = stream.get_final_message()
    assert text == final.content[0].text
    assert accounted(front, "/v1/messages")[1] == final.usage.output_tokens == FEW


def test_counting_tokens_uses_none(front, claude, client):
    counted = claude.messages.count_tokens(model=NAME, messages=HELLO).input_tokens
    record, exchanged = front.last()
    assert exchanged.path == "/v1/messages/count_tokens"
    assert (record.outcome, record.usage.input_tokens, record.cost_nano_usd) == ("complete", 0, 0)
    assert client.chat.completions.create(**chat()).usage.prompt_tokens == counted


@pytest.mark.parametrize("stream", [False, True])
def test_the_same_prompt_costs_the_same_without_the_gateway(front, client, model_url, stream):
    request = chat(stream=stream, **({"stream_options": {"include_usage": True}} if stream else {}))
    with openai.OpenAI(base_url=model_url + "/v1", api_key="none", max_retries=0) as direct:
        theirs = direct.chat.completions.create(**request)
        theirs = list(theirs)[-1] if stream else theirs
    ours = client.chat.completions.create(**request)
    ours = list(ours)[-1] if stream else ours
    assert ours.usage.prompt_tokens == theirs.usage.prompt_tokens
    assert ours.usage.completion_tokens == theirs.usage.completion_tokens == FEW
    assert accounted(front, "/v1/chat/completions")[:2] == (theirs.usage.prompt_tokens, FEW)


TOOLS = {"tools": [{"type": "function", "function": TOOL}], "tool_choice": "required", "max_tokens": 24}


def test_a_tool_call(front, client):
    answer = client.chat.completions.create(**chat(**TOOLS, messages=WEATHER))
    [call] = answer.choices[0].message.tool_calls
    assert (call.function.name, json.loads(call.function.arguments)) == ("get_weather", {"city": "Paris"})
    accounted(front, "/v1/chat/completions")


def test_a_streamed_tool_call(front, client):
    chunks = list(client.chat.completions.create(**chat(**TOOLS, messages=WEATHER, stream=True)))
    pieces = [call for chunk in chunks for call in chunk.choices[0].delta.tool_calls or []]
    assert next(piece.function.name for piece in pieces if piece.function.name) == "get_weather"
    assert len(pieces) > 1
    assert json.loads("".join(piece.function.arguments or "" for piece in pieces)) == {"city": "Paris"}
    accounted(front, "/v1/chat/completions")


@pytest.mark.parametrize("stream", [False, True])
def test_a_tool_use_in_messages(front, claude, stream):
    history = [
        {"role": "user", "content": "Weather in Rome?"},
        {"role": "assistant", "content": [{"type": "tool_use", "id": "toolu_1", **USED}]},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "toolu_1", "content": "sunny"}]},
        {"role": "user", "content": "Weather in Paris?"},
    ]
    tools = [{"name": "get_weather", "description": "Weather", "input_schema": SCHEMA}]
    request = {"model": NAME, "messages": history, "max_tokens": 24, "tools": tools, "tool_choice": {"type": "any"}}
    if stream:
        with claude.messages.stream(**request) as events:
            answer = events.get_final_message()
    else:
        answer = claude.messages.create(**request)
    used = next(block for block in answer.content if block.type == "tool_use")
    assert (used.name, used.input) == ("get_weather", {"city": "Paris"})
    accounted(front, "/v1/messages")


@pytest.mark.parametrize("stream", [False, True])
def test_a_function_call_in_responses(front, client, stream):
    history = [
        {"role": "user", "content": "Weather in Rome?"},
        {"type": "function_call", "call_id": "call_1", "name": "get_weather", "arguments": '{"city": "Rome"}'},
        {"type": "function_call_output", "call_id": "call_1", "output": "sunny"},
        {"role": "user", "content": "Weather in Paris?"},
    ]
    tools = [{"type": "function", "strict": False, **TOOL}]
    request = {"model": NAME, "input": history, "max_output_tokens": 24, "temperature": 0, "tools": tools}
    answer = client.responses.create(**request, tool_choice="required", stream=stream)
    output = (list(answer)[-1].response if stream else answer).output
    called = next(item for item in output if item.type == "function_call")
    assert (called.name, json.loads(called.arguments)) == ("get_weather", {"city": "Paris"})
    accounted(front, "/v1/responses")


def test_structured_output_and_logprobs(front, client):
    form = {"type": "json_schema", "json_schema": {"name": "place", "schema": {"enum": ["Paris", "Rome"]}}}
    answer = client.chat.completions.create(
        **chat(response_format=form, logprobs=True, top_logprobs=2, max_tokens=24), seed=7, user="somebody"
    )
    assert json.loads(answer.choices[0].message.content) in ("Paris", "Rome")
    assert len(answer.choices[0].logprobs.content[0].top_logprobs) == 2
    assert front.tap.exchanges[-1].asked["user"] != "somebody"
    accounted(front, "/v1/chat/completions")


ROUTES = {
    "chat/completions": chat(),
    "completions": {"model": NAME, "prompt": PROMPT, "max_tokens": FEW},
    "embeddings": {"model": NAME, "input": "rye"},
    "responses": {"model": NAME, "input": PROMPT, "max_output_tokens": FEW},
    "messages": {"model": NAME, "messages": HELLO, "max_tokens": FEW},
}


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("route", ROUTES)
def test_answers_are_the_model_servers_byte_for_byte(front, route, stream):
    body = ROUTES[route] | ({"stream": True} if stream and route != "embeddings" else {})
    headers = {"authorization": f"Bearer {front.gateway.keys['acme']}", "content-type": "application/json"}
    request = urllib.request.Request(f"{front.gateway.url}/v1/{route}", json.dumps(body).encode(), headers)
    with urllib.request.urlopen(request, timeout=60) as response:
        answer = response.read()
    _, exchanged = front.last()
    assert exchanged.asked["model"] == MODEL
    if route == "chat/completions" and stream:
        # What the gateway asked for on its own behalf is its own to take out again.
        extra = [event for event in exchanged.events if b'"choices":[]' in event]
        assert len(extra) == 1
        assert b'"usage"' in extra[0]
        assert answer == exchanged.answer.replace(extra[0], b"")
    else:
        assert answer == exchanged.answer
