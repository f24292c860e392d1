"""The official SDKs against the gateway: they should notice nothing but correct limits."""

from pathlib import Path

import anthropic
import openai
import pytest

from tests.support.running import running

SHIPPED = Path(__file__).parents[2] / "policies"
HELLO = [{"role": "user", "content": "Say hello to the excise officer"}]


@pytest.fixture(scope="module")
def gateway(tmp_path_factory):
    with running(tmp_path_factory.mktemp("gateway"), policies=SHIPPED) as one:
        yield one


@pytest.fixture
def acme(gateway):
    with openai.OpenAI(base_url=gateway.url + "/v1", api_key=gateway.keys["acme"], max_retries=0) as client:
        yield client


@pytest.fixture
def claude(gateway):
    with anthropic.Anthropic(base_url=gateway.url, api_key=gateway.keys["acme"], max_retries=0) as client:
        yield client


def test_chat(acme):
    answer = acme.chat.completions.create(model="sim-small", messages=HELLO)
    assert answer.choices[0].message.content
    assert answer.usage.completion_tokens == 40


def test_chat_stream_without_usage_has_none(acme):
    chunks = list(acme.chat.completions.create(model="sim-small", messages=HELLO, stream=True))
    assert all(chunk.choices for chunk in chunks)
    assert all(chunk.usage is None for chunk in chunks)


def test_chat_stream_with_usage_has_it_last(acme):
    chunks = list(
        acme.chat.completions.create(
            model="sim-small", messages=HELLO, stream=True, stream_options={"include_usage": True}
        )
    )
    assert chunks[-1].usage.completion_tokens == 40
    assert not chunks[-1].choices


@pytest.mark.parametrize("stream", [False, True])
def test_completions(acme, stream):
    answer = acme.completions.create(model="sim-small", prompt="Once", max_tokens=8, stream=stream)
    parts = list(answer) if stream else [answer]
    assert len("".join(part.choices[0].text for part in parts).split()) == 8


def test_embeddings(acme):
    assert len(acme.embeddings.create(model="sim-embed", input=["one", "two"]).data) == 2


@pytest.mark.parametrize("stream", [False, True])
def test_responses(acme, stream):
    answer = acme.responses.create(model="sim-small", input="Hello", stream=stream)
    final = list(answer)[-1].response if stream else answer
    assert final.usage.output_tokens == 40
    assert final.output_text


def test_models(acme, claude):
    assert [model.id for model in acme.models.list()] == ["sim-small", "sim-large", "sim-embed"]
    assert acme.models.retrieve("sim-small").id == "sim-small"
    assert [model.id for model in claude.models.list()] == ["sim-small", "sim-large", "sim-embed"]
    with pytest.raises(openai.NotFoundError):
        acme.models.retrieve("nothing")


def test_messages(claude):
    answer = claude.messages.create(model="sim-small", max_tokens=9, messages=HELLO)
    assert answer.usage.output_tokens == 9
    assert answer.stop_reason == "max_tokens"


def test_messages_stream(claude):
    with claude.messages.stream(model="sim-small", max_tokens=9, messages=HELLO) as stream:
        text = "".join(stream.text_stream)
        final = stream.get_final_message()
    assert len(text.split()) == 9
    assert final.usage.output_tokens == 9


def test_count_tokens(claude):
    assert claude.messages.count_tokens(model="sim-small", messages=HELLO).input_tokens > 0


def test_usage_is_what_the_server_reported(gateway, acme):
    before = gateway.simulator.requests
    answer = acme.chat.completions.create(model="sim-small", messages=HELLO, max_tokens=17)
    gateway.settled()
    record = gateway.records()[0]
    assert gateway.simulator.requests == before + 1
    assert (record.usage.input_tokens, record.usage.output_tokens) == (answer.usage.prompt_tokens, 17)
    assert not record.usage.estimated


def test_a_wrong_key_is_an_authentication_error_in_both(gateway):
    with openai.OpenAI(base_url=gateway.url + "/v1", api_key="sk-wrong", max_retries=2) as client:
        with pytest.raises(openai.AuthenticationError) as one:
            client.chat.completions.create(model="sim-small", messages=HELLO)
    assert one.value.code == "invalid_api_key"
    with anthropic.Anthropic(base_url=gateway.url, api_key="sk-wrong", max_retries=2) as client:
        with pytest.raises(anthropic.AuthenticationError):
            client.messages.create(model="sim-small", max_tokens=1, messages=HELLO)


def test_a_policy_refusal_is_not_retried(gateway):
    gateway.settled()
    served = gateway.simulator.requests
    records = len(gateway.records())
    with openai.OpenAI(base_url=gateway.url + "/v1", api_key=gateway.keys["ada"], max_retries=3) as client:
        with pytest.raises(openai.PermissionDeniedError) as one:
            client.chat.completions.create(model="sim-large", messages=HELLO)
    assert one.value.code == "policy_denied"
    assert one.value.body["metadata"]["policy"] == "free"
    gateway.settled()
    assert gateway.simulator.requests == served
    assert len(gateway.records()) == records + 1
