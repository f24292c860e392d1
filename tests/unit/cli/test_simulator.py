"""The simulated model is good enough when the official SDKs read it: every route, whole and streamed."""

import asyncio

import anthropic
import httptools
import openai
import pytest

from gateway.cli.simulator import CANARY, MODELS, start_simulator


def with_openai(body):
    async def main():
        simulator = await start_simulator("127.0.0.1", 0, delay_s=0)
        client = openai.AsyncOpenAI(base_url=f"http://127.0.0.1:{simulator.port}/v1", api_key="k", max_retries=0)
        try:
            return await body(client)
        finally:
            await client.close()
            await simulator.close()

    return asyncio.run(main())


def with_anthropic(body):
    async def main():
        simulator = await start_simulator("127.0.0.1", 0, delay_s=0)
        client = anthropic.AsyncAnthropic(base_url=f"http://127.0.0.1:{simulator.port}", api_key="k", max_retries=0)
        try:
            return await body(client)
        finally:
            await client.close()
            await simulator.close()

    return asyncio.run(main())


def said(text):
    return [{"role": "user", "content": text}]


def test_chat_whole():
    async def body(client):
        return [await client.chat.completions.create(model="m", messages=said("one two three")) for _ in range(2)]

    first, second = with_openai(body)
    assert first == second
    assert len(first.choices[0].message.content.split()) == first.usage.completion_tokens == 40
    assert (first.usage.prompt_tokens, first.usage.total_tokens) == (3, 43)
    assert first.choices[0].finish_reason == "stop"


@pytest.mark.parametrize("field", ["max_tokens", "max_completion_tokens"])
def test_chat_obeys_the_cap_and_the_number_of_choices(field):
    async def body(client):
        return await client.chat.completions.create(model="m", messages=said("x"), n=3, **{field: 7})

    reply = with_openai(body)
    assert [len(choice.message.content.split()) for choice in reply.choices] == [7, 7, 7]
    assert reply.usage.completion_tokens == 21
    assert reply.choices[0].finish_reason == "length"


@pytest.mark.parametrize("asked", [True, False])
def test_chat_stream_says_the_same_with_usage_only_on_request(asked):
    async def body(client):
        whole = await client.chat.completions.create(model="m", messages=said("x y"))
        options = {"stream_options": {"include_usage": True}} if asked else {}
        stream = await client.chat.completions.create(model="m", messages=said("x y"), stream=True, **options)
        return whole, [chunk async for chunk in stream]

    whole, chunks = with_openai(body)
    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
    assert text == whole.choices[0].message.content
    assert [chunk.usage for chunk in chunks if chunk.usage] == ([whole.usage] if asked else [])
    assert all(("usage" in chunk.model_fields_set) == asked for chunk in chunks)


def test_completions_whole_and_streamed():
    async def body(client):
        whole = await client.completions.create(model="m", prompt="a b c", max_tokens=5)
        stream = await client.completions.create(model="m", prompt="a b c", max_tokens=5, stream=True)
        return whole, [chunk async for chunk in stream]

    whole, chunks = with_openai(body)
    assert "".join(chunk.choices[0].text for chunk in chunks) == whole.choices[0].text
    assert (whole.usage.prompt_tokens, whole.usage.completion_tokens) == (3, 5)


@pytest.mark.parametrize(
    ("given", "rows", "tokens"), [("a b", 1, 2), (["a b", "c"], 2, 3), ([1, 2, 3], 1, 3), ([[1, 2], [3]], 2, 3)]
)
@pytest.mark.parametrize("encoding", ["float", "base64"])
def test_embeddings(given, rows, tokens, encoding):
    async def body(client):
        return await client.embeddings.create(model="e", input=given, encoding_format=encoding)

    reply = with_openai(body)
    assert len(reply.data) == rows
    assert (reply.usage.prompt_tokens, reply.usage.total_tokens) == (tokens, tokens)


def test_embeddings_are_the_same_in_both_encodings():
    async def body(client):
        plain = await client.embeddings.create(model="e", input="a", encoding_format="float")
        decoded = await client.embeddings.create(model="e", input="a")  # base64 on the wire, decoded by the SDK
        return plain.data[0].embedding, decoded.data[0].embedding

    plain, decoded = with_openai(body)
    assert plain == pytest.approx(decoded)
    assert len(plain) == 8


@pytest.mark.parametrize(("cap", "status"), [(None, "completed"), (4, "incomplete")])
def test_responses_whole_and_streamed(cap, status):
    async def body(client):
        options = {} if cap is None else {"max_output_tokens": cap}
        whole = await client.responses.create(model="m", input="a b", **options)
        stream = await client.responses.create(model="m", input="a b", stream=True, **options)
        return whole, [event async for event in stream]

    whole, events = with_openai(body)
    assert whole.status == status
    assert (whole.usage.input_tokens, whole.usage.output_tokens) == (2, cap or 40)
    assert "".join(event.delta for event in events if event.type == "response.output_text.delta") == whole.output_text
    assert [event.sequence_number for event in events] == list(range(len(events)))
    assert events[-1].type == f"response.{status}"
    assert events[-1].response.usage == whole.usage


def test_messages_whole_streamed_and_counted():
    async def body(client):
        whole = await client.messages.create(model="m", max_tokens=6, system="be brief", messages=said("a b"))
        async with client.messages.stream(model="m", max_tokens=6, system="be brief", messages=said("a b")) as stream:
            streamed = await stream.get_final_message()
        counted = await client.messages.count_tokens(model="m", system="be brief", messages=said("a b"))
        return whole, streamed, counted

    whole, streamed, counted = with_anthropic(body)
    assert streamed.content[0].text == whole.content[0].text
    assert whole.stop_reason == streamed.stop_reason == "max_tokens"
    assert (whole.usage.input_tokens, whole.usage.output_tokens) == (4, 6)
    assert streamed.usage.output_tokens == 6
    assert counted.input_tokens == 4


def test_models_in_both_families():
    assert [row.id for row in with_openai(lambda client: client.models.list()).data] == list(MODELS)
    assert [row.id for row in with_anthropic(lambda client: client.models.list()).data] == list(MODELS)


@pytest.mark.parametrize("status", [400, 401, 404, 429, 500, 503, 529])
def test_a_status_on_request(status):
    async def ask_openai(client):
        with pytest.raises(openai.APIStatusError) as caught:
            await client.chat.completions.create(model="m", messages=said(f"please fault:{status} now"))
        return caught.value

    async def ask_anthropic(client):
        with pytest.raises(anthropic.APIStatusError) as caught:
            await client.messages.create(model=f"m-fault:{status}", max_tokens=1, messages=said("x"))
        return caught.value

    for failed in (with_openai(ask_openai), with_anthropic(ask_anthropic)):
        assert failed.status_code == status
        assert CANARY in str(failed.body)
        assert ("retry-after" in failed.response.headers) == (status in (429, 503, 529))


def test_no_usage_on_request():
    async def body(client):
        whole = await client.chat.completions.create(model="m", messages=said("fault:no-usage"))
        options = {"stream_options": {"include_usage": True}, "stream": True}
        stream = await client.chat.completions.create(model="m", messages=said("fault:no-usage"), **options)
        final = await client.responses.create(model="m", input="fault:no-usage", stream=True)
        return whole.usage, [chunk.usage async for chunk in stream if chunk.usage], [event async for event in final][-1]

    whole, streamed, final = with_openai(body)
    assert (whole, streamed, final.response.usage) == (None, [], None)


def test_error_in_mid_stream_on_request():
    async def ask_openai(client):
        stream = await client.chat.completions.create(model="m", messages=said("fault:error"), stream=True)
        with pytest.raises(openai.APIError) as caught:
            [chunk async for chunk in stream]
        return caught.value

    async def ask_anthropic(client):
        stream = await client.messages.create(model="m", max_tokens=9, messages=said("fault:error"), stream=True)
        with pytest.raises(anthropic.APIError) as caught:
            [event async for event in stream]
        return caught.value

    assert "simulated fault" in str(with_openai(ask_openai))
    assert "simulated fault" in str(with_anthropic(ask_anthropic))


async def raw(simulator, body):
    """Everything the server sends to one request, up to its end, which may be a reset."""
    reader, writer = await asyncio.open_connection("127.0.0.1", simulator.port)
    head = f"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    writer.write(head.encode() + body)
    parts = []
    try:
        while part := await reader.read(65536):
            parts.append(part)
    except ConnectionError:
        pass
    writer.close()
    return b"".join(parts)


def complete(data):
    ended = []

    class Watcher:
        def on_message_complete(self):
            ended.append(True)

    httptools.HttpResponseParser(Watcher()).feed_data(data)
    return bool(ended)


@pytest.mark.parametrize("stream", ["false", "true"])
@pytest.mark.parametrize("fault", ["none", "cut"])
def test_a_cut_on_request(stream, fault):
    async def main():
        simulator = await start_simulator("127.0.0.1", 0, delay_s=0)
        body = f'{{"model":"m","stream":{stream},"messages":[{{"role":"user","content":"fault:{fault}"}}]}}'
        data = await raw(simulator, body.encode())
        await simulator.close()
        return data

    data = asyncio.run(main())
    assert b"HTTP/1.1 200" in data
    assert complete(data) == (fault == "none")


@pytest.mark.parametrize("stream", ["false", "true"])
def test_a_stall_ends_with_the_caller_or_the_server(stream):
    async def main():
        simulator = await start_simulator("127.0.0.1", 0, delay_s=0)
        body = f'{{"model":"m","stream":{stream},"messages":[{{"role":"user","content":"fault:stall"}}]}}'
        asking = asyncio.ensure_future(raw(simulator, body.encode()))
        while not simulator.requests:
            await asyncio.sleep(0)
        await simulator.close()
        return await asking

    assert not asyncio.run(main()) or stream == "true"


@pytest.mark.parametrize("body", [b"{", b"[]", b'{"a":1,"a":2}', b""])
def test_bad_json_is_a_400(body):
    async def main():
        simulator = await start_simulator("127.0.0.1", 0, delay_s=0)
        data = await raw(simulator, body)
        await simulator.close()
        return data

    assert asyncio.run(main()).startswith(b"HTTP/1.1 400 ")


def test_images_of_several_megabytes_pass_and_cost_no_tokens():
    async def body(client):
        image = {"type": "image_url", "image_url": {"url": "data:image/png;base64," + "A" * 3_000_000}}
        content = [{"type": "text", "text": "one two"}, image]
        return await client.chat.completions.create(model="m", messages=said(content))

    assert with_openai(body).usage.prompt_tokens == 2


def test_an_unknown_route_is_a_404():
    async def body(client):
        with pytest.raises(openai.NotFoundError) as caught:
            await client.files.list()
        return caught.value

    assert "no such route" in str(with_openai(body))


def test_its_own_headers_are_there_to_be_dropped():
    async def body(client):
        return await client.chat.completions.with_raw_response.create(model="m", messages=said("x"))

    headers = with_openai(body).headers
    for name in ("server", "set-cookie", "openai-organization", "x-ratelimit-limit-requests", "x-request-id"):
        assert name in headers
