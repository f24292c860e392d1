"""The official SDKs where rules act on them: the right exception, one attempt, and reduced answers that parse."""

from contextlib import ExitStack

import anthropic
import openai
import pytest

from tests.support.ruled import rules
from tests.support.running import running
from tests.support.talking import policy

HELLO = [{"role": "user", "content": "Say hello to the excise officer"}]
ACTIONS = rules(
    deny="deny", review="review", declare="declare", slow="{slow: 2s}", one="{reduce: {max_n: 1}}",
    short="{reduce: {max_output_tokens: 5}}", plain="{reduce: {logprobs: false}}", less="{reduce: {reasoning: less}}",
)  # fmt: skip
OUTPUT = "output: {long: {max_characters: 40, how: windowed, then: stop}}\n"
REFUSED = {"deny": "policy_denied", "review": "review_required", "declare": "purpose_required"}


class Clients:
    """Both SDKs with retries as they come, and a count of what they sent."""

    def __init__(self, stack, folder, policies):
        self.gateway = stack.enter_context(running(folder, policies=policies))
        self.waits = []
        self.gateway.runtime.pipeline.delays.sleep = self._pass
        key = self.gateway.keys["acme"]
        self.openai = stack.enter_context(openai.OpenAI(base_url=self.gateway.url + "/v1", api_key=key, max_retries=3))
        self.claude = stack.enter_context(anthropic.Anthropic(base_url=self.gateway.url, api_key=key, max_retries=3))
        self._seen = 0

    async def _pass(self, seconds):
        self.waits.append(seconds)

    def attempts(self):
        """Requests since the last call of this."""
        self.gateway.settled()
        before, self._seen = self._seen, len(self.gateway.records())
        return self._seen - before


@pytest.fixture(scope="module")
def clients(tmp_path_factory):
    with ExitStack() as stack:
        yield Clients(stack, tmp_path_factory.mktemp("gateway"), policy(name="ladder", more=ACTIONS))


@pytest.fixture(autouse=True)
def counted_from_here(request):
    if "clients" in request.fixturenames:
        request.getfixturevalue("clients").attempts()


def want(name):
    return {"extra_headers": {"want": name}}


OPENAI = {
    "chat": lambda client, **more: client.chat.completions.create(model="sim-small", messages=HELLO, **more),
    "completions": lambda client, **more: client.completions.create(model="sim-small", prompt="Once", **more),
    "responses": lambda client, **more: client.responses.create(model="sim-small", input="Hello", **more),
    "embeddings": lambda client, **more: client.embeddings.create(model="sim-embed", input="Hello", **more),
}
CLAUDE = {
    "messages": lambda client, **more: client.messages.create(model="sim-small", max_tokens=9, messages=HELLO, **more),
    "count_tokens": lambda client, **more: client.messages.count_tokens(model="sim-small", messages=HELLO, **more),
}


@pytest.mark.parametrize("refused", REFUSED)
@pytest.mark.parametrize("stream", [{}, {"stream": True}], ids=["whole", "stream"])
@pytest.mark.parametrize("call", OPENAI)
def test_a_refusal_of_openai_is_permission_denied_at_the_first_attempt(clients, call, stream, refused):
    with pytest.raises(openai.PermissionDeniedError) as caught:
        OPENAI[call](clients.openai, **({} if call == "embeddings" else stream), **want(refused))
    error = caught.value
    assert (error.status_code, error.code, error.type) == (403, REFUSED[refused], "request_forbidden")
    assert (error.body["metadata"]["policy"], error.body["metadata"]["rule"]) == ("ladder", refused)
    assert error.request_id.startswith("req-")
    assert error.response.headers["x-should-retry"] == "false"
    assert clients.attempts() == 1


@pytest.mark.parametrize("refused", REFUSED)
@pytest.mark.parametrize("stream", [{}, {"stream": True}], ids=["whole", "stream"])
@pytest.mark.parametrize("call", CLAUDE)
def test_a_refusal_of_anthropic_is_permission_denied_at_the_first_attempt(clients, call, stream, refused):
    with pytest.raises(anthropic.PermissionDeniedError) as caught:
        CLAUDE[call](clients.claude, **({} if call == "count_tokens" else stream), **want(refused))
    error = caught.value
    assert error.status_code == 403
    assert error.body["error"]["type"] == "permission_error"
    assert error.body["error"]["details"]["error_code"] == REFUSED[refused]
    assert error.request_id.startswith("req-")
    assert clients.attempts() == 1


def test_a_slowed_answer_is_an_answer(clients):
    clients.waits.clear()
    raw = clients.openai.chat.completions.with_raw_response.create(model="sim-small", messages=HELLO, **want("slow"))
    assert raw.headers["x-gateway-delay"] == "2s"
    assert raw.parse().choices[0].message.content
    with clients.claude.messages.stream(model="sim-small", max_tokens=9, messages=HELLO, **want("slow")) as stream:
        assert len("".join(stream.text_stream).split()) == 9
    assert (clients.waits, clients.attempts()) == ([2, 2], 2)


def test_reduced_answers_parse(clients):
    chat = clients.openai.chat.completions
    raw = chat.with_raw_response.create(model="sim-small", messages=HELLO, n=3, **want("one"))
    assert raw.headers["x-gateway-reduced"] == "n"
    assert len(raw.parse().choices) == 1
    raw = chat.with_raw_response.create(model="sim-small", messages=HELLO, logprobs=True, **want("plain"))
    assert raw.headers["x-gateway-reduced"] == "logprobs"
    assert raw.parse().choices[0].logprobs is None
    raw = chat.with_raw_response.create(model="sim-small", messages=HELLO, reasoning_effort="high", **want("less"))
    assert raw.headers["x-gateway-reduced"] == "reasoning_effort"
    assert raw.parse().choices[0].message.content
    assert clients.attempts() == 3


@pytest.mark.parametrize("stream", [False, True])
def test_a_lower_output_cap_ends_the_answer_as_a_length(clients, stream):
    answer = OPENAI["chat"](clients.openai, max_tokens=30, stream=stream, **want("short"))
    parts = list(answer) if stream else [answer]
    reasons = [choice.finish_reason for part in parts for choice in part.choices]
    assert reasons[-1] == "length"
    message = clients.claude.messages.create(model="sim-small", max_tokens=30, messages=HELLO, **want("short"))
    assert (message.stop_reason, message.usage.output_tokens) == ("max_tokens", 5)


@pytest.fixture
def stopped(tmp_path):
    """The simulator says some forty words."""
    with ExitStack() as stack:
        yield Clients(stack, tmp_path, policy(name="words", more=OUTPUT))


def test_an_answer_that_a_rule_keeps_back_is_permission_denied(stopped):
    for call in ("chat", "completions", "responses"):
        with pytest.raises(openai.PermissionDeniedError) as one:
            OPENAI[call](stopped.openai)
        assert one.value.code == "output_denied"
    with pytest.raises(anthropic.PermissionDeniedError) as other:
        stopped.claude.messages.create(model="sim-small", max_tokens=40, messages=HELLO)
    assert other.value.body["error"]["details"]["error_code"] == "output_denied"
    assert stopped.attempts() == 4, "it was generated and charged: another attempt would be charged again"


def test_a_stream_that_a_rule_ends_is_an_error_after_the_words_before_it(stopped):
    words = []
    with pytest.raises(openai.APIError) as one:
        for part in stopped.openai.chat.completions.create(model="sim-small", messages=HELLO, stream=True):
            words += [choice.delta.content or "" for choice in part.choices]
    assert one.value.code == "output_denied"
    assert 0 < len("".join(words)) <= 40
    words.clear()
    with pytest.raises(anthropic.APIStatusError) as other:
        with stopped.claude.messages.stream(model="sim-small", max_tokens=40, messages=HELLO) as stream:
            words += stream.text_stream
    assert other.value.body["error"]["details"]["error_code"] == "output_denied"
    assert 0 < len("".join(words)) <= 40
    assert stopped.attempts() == 2
