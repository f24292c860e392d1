"""A real model behind limits: what the SDKs do about refusals, and what is charged for streams that nobody ends."""

import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor

import anthropic
import openai
import pytest

from tests.support.fronted import NAME, fronted, policy, price, reported
from tests.support.real_model import CONTEXT, SLOTS

pytestmark = [pytest.mark.model, pytest.mark.timeout(120)]

HELLO = [{"role": "user", "content": "An excise officer writes down"}]
LONG = 400
"""Output tokens of an answer that takes seconds: there is time to leave half way."""
PER_THREE_SECONDS = "requests: {unit: requests, per: account, amount: 1, window: 3s}"


def say(client, tokens=1, **more):
    """One small request with either SDK."""
    request = {"model": NAME, "messages": HELLO, "max_tokens": tokens, **more}
    if isinstance(client, anthropic.Anthropic):
        return client.messages.create(**request)
    return client.chat.completions.create(**request)


def sdk(front, family, **options):
    return front.claude(**options) if family == "anthropic" else front.openai(**options)


def until_refused(client):
    for _ in range(20):
        try:
            say(client, tokens=4)
        except (openai.APIStatusError, anthropic.APIStatusError) as refused:
            return refused
    pytest.fail("a budget for a few requests was never spent")


def figure(model_url, name):
    """One figure of the model server's own metrics."""
    with urllib.request.urlopen(f"{model_url}/metrics", timeout=10) as answer:
        lines = answer.read().decode().splitlines()
    return next(float(line.split()[1]) for line in lines if line.startswith(f"llamacpp:{name} "))


def idle(model_url, within_s=10.0):
    """Wait until the model server generates nothing any more; how long that took."""
    began = time.monotonic()
    while figure(model_url, "requests_processing"):
        assert time.monotonic() - began < within_s, "the model server went on generating"
    return time.monotonic() - began


@pytest.mark.parametrize("family", ["openai", "anthropic"])
def test_a_short_limit_is_waited_out(tmp_path, model_url, family):
    with fronted(tmp_path, model_url, policy(PER_THREE_SECONDS)) as front, sdk(front, family, max_retries=1) as client:
        say(client)
        say(client)
        front.gateway.settled()
        records = front.gateway.records()[::-1]
        assert [record.status for record in records] == [200, 429, 200]
        assert records[1].reason == "rate_limit_exceeded"
        # It came back when it was told to: neither too early nor after a backoff of its own invention.
        assert 0 <= records[2].time_ms - (records[0].time_ms + 3000) < 1500
        assert len(front.tap.exchanges) == 2


@pytest.mark.parametrize("family", ["openai", "anthropic"])
def test_a_forbidden_model_is_asked_for_once(tmp_path, model_url, family):
    with fronted(tmp_path, model_url) as front, sdk(front, family, account="ada", max_retries=3) as client:
        with pytest.raises((openai.PermissionDeniedError, anthropic.PermissionDeniedError)) as refused:
            say(client, model="gemma-large")
        assert "Free tier" in str(refused.value)
        front.gateway.settled()
        assert [record.reason for record in front.gateway.records()] == ["policy_denied"]
        assert not front.tap.exchanges


@pytest.mark.parametrize("family", ["openai", "anthropic"])
def test_a_spent_budget_is_asked_for_once(tmp_path, model_url, family):
    budget = "budgets:\n  dollars: {unit: usd, per: account, amount: 0.00015, period: month}\n"
    with fronted(tmp_path, model_url, policy(more=budget)) as front, sdk(front, family, max_retries=3) as client:
        refused = until_refused(client)
        assert refused.status_code in (402, 429)
        assert refused.response.headers["x-should-retry"] == "false"
        front.gateway.settled()
        last, *served = front.gateway.records()
        assert last.reason == "insufficient_quota"
        assert [record.status for record in served] == [200] * len(front.tap.exchanges)
        assert [record.cost_nano_usd for record in served] == [
            price(reported(one)) for one in reversed(front.tap.exchanges)
        ]
        # Real costs were taken from it one by one, until what was left could not pay the next request's worst case.
        left = 150_000 - sum(record.cost_nano_usd for record in served)
        assert len(served) > 1
        assert last.limits[0].remaining == left < max(record.limits[0].reserved for record in served)


def chat_stream(client):
    return client.chat.completions.create(model=NAME, messages=HELLO, max_tokens=LONG, stream=True)


def completions_stream(client):
    return client.completions.create(model=NAME, prompt="Once upon a time", max_tokens=LONG, stream=True)


def responses_stream(client):
    return client.responses.create(model=NAME, input=HELLO, max_output_tokens=LONG, stream=True)


def messages_stream(client):
    return client.messages.create(model=NAME, messages=HELLO, max_tokens=LONG, stream=True)


def has_text(event):
    """Whether an event of any of the four streams brings text."""
    if hasattr(event, "choices"):
        choice = event.choices[0]
        return bool(choice.text if hasattr(choice, "text") else choice.delta.content)
    return event.type in ("response.output_text.delta", "content_block_delta")


@pytest.mark.parametrize(
    ("family", "begin"),
    [
        ("openai", chat_stream),
        ("openai", completions_stream),
        ("openai", responses_stream),
        ("anthropic", messages_stream),
    ],
)
def test_a_stream_cut_by_the_client_is_charged_for_what_was_sent(tmp_path, model_url, family, begin):
    with fronted(tmp_path, model_url) as front, sdk(front, family) as client:
        idle(model_url)
        before = figure(model_url, "tokens_predicted_total")
        received = 0
        with begin(client) as stream:
            for event in stream:
                received += has_text(event)
                if received == 24:
                    break
        front.gateway.settled()
        # The model stops with its caller: it has written little more than what arrived.
        assert idle(model_url) < 5
        generated = figure(model_url, "tokens_predicted_total") - before
        assert received <= generated < LONG / 2
        [record] = front.gateway.records()
        assert (record.outcome, record.client_abort_phase) == ("client_gone", "answer")
        usage = record.usage
        assert usage.estimated
        assert received <= usage.output_tokens <= 2 * generated
        assert usage.input_tokens > 0
        assert record.cost_nano_usd == price((usage.input_tokens, usage.output_tokens, usage.cache_read_tokens))


@pytest.mark.parametrize("stream", [False, True])
def test_several_choices_are_all_charged_though_the_server_reports_one(tmp_path, model_url, stream):
    with fronted(tmp_path, model_url) as front, front.openai() as client:
        idle(model_url)
        before = figure(model_url, "tokens_predicted_total")
        answer = say(client, tokens=16, n=3, stream=stream)
        choices = {choice.index for part in (answer if stream else [answer]) for choice in part.choices}
        assert choices == {0, 1, 2}
        record, exchanged = front.last()
        assert idle(model_url) < 5
        generated = figure(model_url, "tokens_predicted_total") - before
        assert reported(exchanged)[1] <= generated / 2
        assert record.outcome == "complete"
        assert record.usage.estimated
        assert 0.6 * generated <= record.usage.output_tokens <= 2.5 * generated


def test_several_prompts_are_all_charged_though_the_server_reports_one(tmp_path, model_url):
    prompts = ["An excise officer writes down what leaves the still", "Rye", "Barley"]
    with fronted(tmp_path, model_url) as front, front.openai() as client:
        answer = client.completions.create(model=NAME, prompt=prompts, max_tokens=16)
        assert len(answer.choices) == 3
        record, exchanged = front.last()
        read, written, _ = reported(exchanged)
        alone = [client.completions.create(model=NAME, prompt=one, max_tokens=16).usage for one in prompts]
        assert read < sum(usage.prompt_tokens for usage in alone) <= record.usage.input_tokens
        assert written * 2 < record.usage.output_tokens
        assert record.usage.estimated


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("family", ["openai", "anthropic"])
def test_a_prompt_too_long_for_the_model_is_the_callers_mistake(tmp_path, model_url, family, stream):
    long = [{"role": "user", "content": "spirit " * 2 * CONTEXT}]
    with fronted(tmp_path, model_url) as front, sdk(front, family, max_retries=3) as client:
        with pytest.raises((openai.BadRequestError, anthropic.BadRequestError)) as refused:
            say(client, messages=long, stream=stream)
        assert "context size" in str(refused.value)
        record, exchanged = front.last()
        assert exchanged is front.tap.exchanges[0]
        assert (record.outcome, record.status, record.cost_nano_usd) == ("upstream_rejected", 400, 0)


def test_a_stream_that_is_drained_is_charged_as_reported(tmp_path, model_url):
    with fronted(tmp_path, model_url, on_client_abort="drain") as front, front.openai() as client:
        with say(client, tokens=40, stream=True, temperature=0) as stream:
            assert next(iter(stream)).choices
        record, exchanged = front.last()
        assert record.outcome == "client_gone"
        assert (record.usage.output_tokens, record.usage.estimated) == (40, False)
        assert record.cost_nano_usd == price(reported(exchanged))


def test_streams_beyond_the_concurrency_limit_are_refused_until_one_ends(tmp_path, model_url):
    two = policy("in-flight: {unit: concurrent, per: account, amount: 2}")
    with fronted(tmp_path, model_url, two) as front, front.openai() as client:
        first, second = chat_stream(client), chat_stream(client)
        assert next(iter(first)).choices
        assert next(iter(second)).choices
        with pytest.raises(openai.RateLimitError) as refused:
            chat_stream(client)
        assert refused.value.code == "concurrency_limit_exceeded"
        assert 1 <= int(refused.value.response.headers["retry-after"]) <= 2
        first.close()
        with front.openai(max_retries=5) as patient:
            assert say(patient).usage.completion_tokens == 1
        second.close()
        front.gateway.settled()
        assert front.tap.peak == 2


def test_a_crowd_shares_two_places_and_everybody_is_served(tmp_path, model_url):
    two = policy("in-flight: {unit: concurrent, per: account, amount: 2}")
    with fronted(tmp_path, model_url, two) as front, front.openai(max_retries=20) as client:

        def stream(_number):
            return sum(has_text(chunk) for chunk in say(client, tokens=6, stream=True, temperature=0))

        with ThreadPoolExecutor(2 * SLOTS) as crowd:
            pieces = list(crowd.map(stream, range(2 * SLOTS)))
        front.gateway.settled()
        served = [record for record in front.gateway.records() if record.status == 200]
        assert len(pieces) == len(served) == len(front.tap.exchanges) == 2 * SLOTS
        assert all(pieces)
        assert {record.usage.output_tokens for record in served} == {6}
        assert front.tap.peak <= 2
        refused = [record for record in front.gateway.records() if record.status != 200]
        assert {record.reason for record in refused} == {"concurrency_limit_exceeded"}
