"""Numbers that no float and no machine word holds, from callers and upstreams: refused or counted, never a fault."""

import json
import logging

import pytest

from tests.support.rawhttp import Raw
from tests.support.rawhttp import request as http
from tests.support.recording import recording
from tests.support.running import running
from tests.support.talking import HELLO
from tests.support.upstream import ok

NUMBERS = (10**400, -(10**400), 10**4000, 2**63, -(2**63) - 1, 2**64, 1e308, -0.0)
CHAT = {"model": "sim-small", "messages": HELLO}
MESSAGE = CHAT | {"max_tokens": 5}
COMPLETION = {"model": "sim-small", "prompt": "x"}
PLACES = [
    *(("/v1/chat/completions", CHAT, name) for name in (
        "max_tokens", "max_completion_tokens", "n", "temperature", "top_p", "seed", "top_logprobs", "logit_bias",
        "stream", "model",
    )),
    *(("/v1/completions", COMPLETION, name) for name in ("max_tokens", "logprobs", "best_of")),
    *(("/v1/messages", MESSAGE, name) for name in ("max_tokens", "temperature", "top_k", "thinking")),
    *(("/v1/responses", {"model": "sim-small", "input": "x", "store": False}, name) for name in (
        "max_output_tokens", "temperature", "top_logprobs",
    )),
    ("/v1/embeddings", {"model": "sim-small"}, "input"),
]  # fmt: skip
INSIDE = {
    "logit_bias": lambda number: {"5": number},
    "thinking": lambda number: {"type": "enabled", "budget_tokens": number},
    "input": lambda number: [number],
}
"""Fields whose number stands in something."""


def spelt(document):
    """As JSON, which Python writes and reads up to 4,300 digits."""
    return json.dumps(document).encode()


@pytest.fixture
def upstream():
    with recording() as one:
        yield one


@pytest.fixture
def gateway(tmp_path, upstream, caplog):
    with running(tmp_path, upstream=upstream.url + "/v1") as one:
        yield one
        one.settled()
    assert [record.message for record in caplog.records if record.levelno >= logging.ERROR] == []


def asked(gateway, path, body):
    with Raw(gateway.gateway.data_port) as raw:
        raw.send(http(path, spelt(body), key=gateway.keys["acme"]))
        return raw.answer()


@pytest.mark.parametrize(("path", "body", "name"), PLACES, ids=[f"{path}-{name}" for path, _, name in PLACES])
def test_a_caller_gets_an_answer_or_its_own_mistake(gateway, path, body, name):
    for number in NUMBERS:
        status = asked(gateway, path, body | {name: INSIDE.get(name, lambda same: same)(number)}).status
        assert status == 200 or 400 <= status < 500, number


@pytest.mark.parametrize("name", ["prompt_tokens", "completion_tokens", "total_tokens", "cached", "reasoning"])
def test_an_upstream_may_claim_what_it_likes(gateway, upstream, name):
    for number in NUMBERS:
        usage = {
            "prompt_tokens": 5, "completion_tokens": 5, "total_tokens": 10,
            "prompt_tokens_details": {"cached_tokens": number if name == "cached" else 0},
            "completion_tokens_details": {"reasoning_tokens": number if name == "reasoning" else 0},
        }  # fmt: skip
        claim = usage | ({name: number} if name in usage else {})
        message = {"role": "assistant", "content": "hi"}
        choice = {"index": 0, "message": message, "finish_reason": "stop"}
        upstream.play([*ok(spelt({"id": "x", "object": "chat.completion", "choices": [choice], "usage": claim}))])
        assert asked(gateway, "/v1/chat/completions", CHAT).status == 200, number
    gateway.settled()
    assert [record.outcome for record in gateway.records()] == ["complete"] * len(NUMBERS)
