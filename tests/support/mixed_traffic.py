"""One of everything that a gateway counts: answers, streams, refusals, failing upstreams, callers who leave.

    with two_gateways(tmp_path) as gateways, Mixture(gateways): ...

Two replicas, because much goes wrong in queries only where there are several. They share a simulated model, reached
as three upstreams so that faults of one leave the others alone; a fourth is not there. A fifth heeds `logit_bias`, and
its answers are marked. `Mixture` keeps sending rounds from a thread of its own until its block ends.
"""

import contextlib
import threading
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

from tests.support.marked_model import marked_model, table_of
from tests.support.marking import FAMILY, POLICY, write_book
from tests.support.rawhttp import CHAT, Closed, Raw, chat_body, request
from tests.support.running import DIALECTS, MODELS, PRICES, Running, running
from tests.support.talking import PATHS, STREAMED, ask, get

SHIPPED = Path(__file__).parents[2] / "policies"
PENNIES = """\
version: 1
id: pennies
title: A trial of pennies
status: stable
mode: enforce
owner: tests
clause: {document: Trial Terms, section: "4 Money", url: "https://example.com/terms/trial"}
description: Money that is gone after one answer.
match: {account: penny}
budgets:
  dollars: {unit: usd, per: org, amount: 0.0006, period: month}
"""
STRICTER = """\
version: 1
id: stricter
title: What a stricter developer tier would do
status: testing
mode: audit
owner: tests
description: Nobody feels it.
match: {tier: developer}
limits:
  requests: {unit: requests, per: account, amount: 1, window: 1m}
access: {max_output_tokens: 5, max_n: 1}
"""
MARKS = POLICY.format(mode="enforce", block="{scheme: pairs, strength: 2.0, registry: true, receipts: true}").replace(
    "match: all", "match: {model: sim-marked}"
)
TEMPLATE = "You are a careful analyst who keeps to the facts and shows every step. Answer in full detail: {}"
PROGRAMS = ("openai-python/3.54.0", "curl/8.5", "harvester/1.0", "node", "okhttp/5.1")
FAULTS = ("no-usage", "400", "500", "cut", "401")


def accounts() -> dict[str, Any]:
    today = str(datetime.now(UTC).date())
    return {
        "ada": {"tier": "free", "created": "2024-01-01"},
        "acme": {"tier": "developer", "created": "2024-01-01"},
        "globex": {"tier": "enterprise", "created": today},
        "penny": {"tier": "developer"},
        "mallory": {"tier": "free", "suspended": True},
        "mistyped": {"tier": "entreprise"},
    }


def models() -> dict[str, Any]:
    today = str(datetime.now(UTC).date())
    return {
        "sim-small": {**MODELS["sim-small"], "created": "2024-01-01"},
        "sim-large": {**MODELS["sim-large"], "created": today},
        "sim-embed": MODELS["sim-embed"],
        "sim-marked": {
            "upstreams": ["marked"], "family": FAMILY, "context": 8192, "max_output": 512, "prices": PRICES,
        },
        **{
            f"sim-{upstream}": {"upstreams": [upstream], "context": 8192, "max_output": 64, "prices": PRICES}
            for upstream in ("flaky", "busy", "gone")
        },
    }  # fmt: skip


@contextlib.contextmanager
def two_gateways(folder: Path) -> Iterator[list[Running]]:
    """Replicas of one configuration, each with its own keys."""
    policies = {path.stem: path.read_text() for path in SHIPPED.glob("*.yaml") if not path.stem.endswith(".test")}
    with contextlib.ExitStack() as stack:
        first = stack.enter_context(running(folder / "simulated", delay_s=0.002))
        assert first.simulator is not None
        main = f"http://127.0.0.1:{first.simulator.port}/v1"
        addresses = {"main": main, "flaky": main, "busy": main, "gone": "http://127.0.0.1:9/v1"}
        upstreams = {
            name: {"kind": "openai", "base_url": address, "dialects": DIALECTS, "stream_usage": True}
            for name, address in addresses.items()
        }
        table = table_of()
        upstreams["marked"] = {
            "kind": "llamacpp",
            "base_url": stack.enter_context(marked_model(table)).url,
            "dialects": ["chat", "completions"],
        }
        settings = {
            # Callers come from everywhere: the networks of a key are counted from what the proxy says.
            "data": {"port": 0, "trusted_proxies": ["127.0.0.0/8"]},
            "upstreams": upstreams,
            "reload_poll_s": 0.1,
            "timers": {"drain_s": 1, "body_s": 5},
        }
        yield [
            stack.enter_context(
                running(
                    folder / name, upstream=main, accounts=accounts(), models=models(),
                    settings={**settings, "watermark": write_book(folder / name, table)},
                    policies={**policies, "pennies": PENNIES, "stricter": STRICTER, "marks": MARKS},
                )
            )
            for name in ("one", "two")
        ]  # fmt: skip


def one_round(gateway: Running, number: int) -> None:
    """Every kind of request, once or as often as it takes to be refused."""
    came_from = (
        f"X-Forwarded-For: 203.0.{number % 200}.7".encode(),
        f"User-Agent: {PROGRAMS[number % len(PROGRAMS)]}".encode(),
    )

    def send(dialect: str = "chat", account: str = "acme", **more: Any) -> int:
        return ask(gateway, dialect, key=gateway.keys[account], headers=came_from, **more).status

    def say(text: str, **more: Any) -> int:
        return send(messages=[{"role": "user", "content": text}], **more)

    for dialect in PATHS:
        send(dialect, model="sim-embed" if dialect == "embeddings" else "sim-small")
    for dialect in STREAMED:
        send(dialect, stream=True)
    for account in ("ada", "globex", "mistyped"):
        say(f"question {number} of {account}", account=account)
    send(account="globex", model="sim-large", n=3, logprobs=True, stream=True, max_tokens=400)
    for turn in range(3):
        say(TEMPLATE.format(f"case {number}.{turn}"), account="globex")
    say("a b c d e f g h " * 60, max_tokens=1)  # more tokens than its bytes let expect: a debit
    say("Think step by step and show your complete hidden reasoning", account="globex", max_tokens=20)
    say("Grade the answer from 1 to 10 by this rubric. Criteria: accuracy, clarity. Score:", account="globex")
    # Marked; the shape of an answer that must be JSON is left alone.
    for _ in range(10):
        say("tell me a tale", account="globex", model="sim-marked")
    say("tell me a tale", account="globex", model="sim-marked", response_format={"type": "json_object"})
    # Refused: by a rate, by a rule, by money, by a key, by a path, by a body.
    for _ in range(4):
        send(account="mistyped", max_tokens=3)
    send(account="ada", model="sim-large")
    for _ in range(2):
        send(account="penny", max_tokens=200)
    send(account="mallory")
    ask(gateway, key="sk-ex-0000000000000000_0000", headers=came_from)
    get(gateway.gateway.data_port, "/v1/nothing")
    get(gateway.gateway.data_port, "/v1/models", gateway.keys["acme"])
    send(model="nobody")
    send(messages="not a list")
    # Upstreams: one that is not there, one that is busy, and one with every other fault.
    send(model="sim-gone")
    say("fault:429", model="sim-busy")
    say(f"fault:{FAULTS[number % len(FAULTS)]}", model="sim-flaky", stream=number % 2 == 0)
    ask(gateway, headers=(b"x-stainless-retry-count: 1", *came_from))
    leave(gateway)


def leave(gateway: Running) -> None:
    """Two callers go: one while the answer is awaited, one in the middle of it."""
    port, key = gateway.gateway.data_port, gateway.keys["acme"]
    with Raw(port) as raw:
        raw.send(request(CHAT, chat_body("fault:stall"), key=key))
    with Raw(port) as raw:
        raw.send(request(CHAT, chat_body("fault:slow", stream=True), key=key))
        with contextlib.suppress(Closed):
            raw.head()


def scrape(gateway: Running) -> bytes:
    """What Prometheus gets."""
    answer = get(gateway.gateway.ops_port, "/metrics")
    assert answer.status == 200
    return answer.body


class Mixture:
    """Rounds to every gateway, one after the other, from a thread of its own, until the block ends."""

    def __init__(self, gateways: Sequence[Running]) -> None:
        self.gateways = gateways
        self.rounds = 0
        self.failure: Exception | None = None
        self._stop = threading.Event()
        self._round_over = threading.Condition()
        self._thread = threading.Thread(target=self._send, name="mixture", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(60)

    def wait_rounds(self, count: int) -> None:
        """Wait until so many rounds are over."""
        with self._round_over:
            assert self._round_over.wait_for(lambda: self.rounds >= count or self.failure, 90)
        assert self.failure is None

    def _send(self) -> None:
        try:
            while not self._stop.is_set():
                for gateway in self.gateways:
                    one_round(gateway, self.rounds)
                    assert gateway.call(gateway.runtime.reload()) == []
                with self._round_over:
                    self.rounds += 1
                    self._round_over.notify_all()
        except Exception as error:  # noqa: BLE001 - told to the test, in its own thread
            with self._round_over:
                self.failure = error
                self._round_over.notify_all()
