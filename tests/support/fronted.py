"""The gateway between the official clients and the real model, with a tap on the model's side."""

import contextlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import anthropic
import openai

from tests.support.real_model import CONTEXT, MODEL
from tests.support.running import Running, running
from tests.support.tap import Exchanged, Tap, tapped

SHIPPED = Path(__file__).parents[2] / "policies"
NAME = "gemma-small"
"""What callers call the model: the shipped free tier allows small ones."""
INPUT, OUTPUT, CACHED = 1_000, 4_000, 250
"""Nano-dollars of a token: 1, 4 and 0.25 dollars per million."""
MODELS = {
    NAME: {
        "upstreams": ["main"],
        "upstream_name": MODEL,
        "context": CONTEXT,
        "max_output": 512,
        "prices": {"input": 1, "output": 4, "cache_read": 0.25},
    },
    "gemma-large": {"upstreams": ["main"], "upstream_name": MODEL, "context": CONTEXT, "max_output": 512},
}


@dataclass
class Fronted:
    """A running gateway and what passed between it and the model server."""

    gateway: Running
    tap: Tap

    @contextlib.contextmanager
    def openai(self, account: str = "acme", max_retries: int = 0) -> Iterator[openai.OpenAI]:
        key = self.gateway.keys[account]
        with openai.OpenAI(base_url=self.gateway.url + "/v1", api_key=key, max_retries=max_retries) as client:
            yield client

    @contextlib.contextmanager
    def claude(self, account: str = "acme", max_retries: int = 0) -> Iterator[anthropic.Anthropic]:
        key = self.gateway.keys[account]
        with anthropic.Anthropic(base_url=self.gateway.url, api_key=key, max_retries=max_retries) as client:
            yield client

    def last(self) -> tuple[Any, Exchanged]:
        """The newest decision record, and the exchange with the model server that it speaks of."""
        self.gateway.settled()
        return self.gateway.records()[0], self.tap.exchanges[-1]


@contextlib.contextmanager
def fronted(
    folder: Path, model_url: str, policies: dict[str, str] | Path = SHIPPED, **upstream_settings: Any
) -> Iterator[Fronted]:
    """Start a gateway before the model server."""
    upstream_settings = {"kind": "llamacpp", **upstream_settings}
    with (
        tapped(model_url) as tap,
        running(
            folder, upstream=tap.url, upstream_settings=upstream_settings, policies=policies, models=MODELS
        ) as gateway,
    ):
        yield Fronted(gateway, tap)


def policy(limits: str = "", more: str = "") -> dict[str, str]:
    """One enforced policy for all, with these lines of YAML under `limits`."""
    text = "version: 1\nid: tight\ntitle: Tight\nstatus: stable\nmode: enforce\nowner: tests\n"
    text += "description: A limit that a test runs into.\nmatch: all\n"
    if limits:
        text += f"limits:\n  {limits}\n"
    return {"tight": text + more}


def reported(exchanged: Exchanged) -> tuple[int, int, int]:
    """Input, output and cached input tokens as the model server reported them on the wire."""
    documents = [json.loads(exchanged.answer)] if exchanged.answer.startswith(b"{") else _documents(exchanged)
    usage: dict[str, Any] = {}
    for document in documents:
        for place in (document, document.get("response"), document.get("message")):
            usage |= (place or {}).get("usage") or {}
    if "cache_read_input_tokens" in usage:
        hit = usage["cache_read_input_tokens"]
        return usage["input_tokens"] + hit, usage["output_tokens"], hit
    into = "prompt" if "prompt_tokens" in usage else "input"
    out = "completion" if into == "prompt" else "output"
    hit = usage.get(f"{into}_tokens_details", {}).get("cached_tokens", 0)
    return usage[f"{into}_tokens"], usage.get(f"{out}_tokens", 0), hit


def _documents(exchanged: Exchanged) -> list[dict[str, Any]]:
    lines = [line[6:] for line in exchanged.answer.split(b"\n") if line.startswith(b"data: {")]
    return [json.loads(line) for line in lines]


def price(tokens: tuple[int, int, int]) -> int:
    """Nano-dollars for what `reported` gives."""
    read, written, hit = tokens
    return (read - hit) * INPUT + hit * CACHED + written * OUTPUT
