"""What the detectors cost: time for a request beside a hash of the same text, and memory for an account."""

import time
import tracemalloc
from collections.abc import Callable
from hashlib import blake2b

from bench.plan import Plan
from bench.report import ratio, spread, table
from bench.stage import Stage
from gateway.core.prompts import fingerprint
from gateway.detectors.facts import Facts, ends
from gateway.detectors.watchtower import Watchtower
from gateway.observe.metrics import Metrics

_REQUESTS = 500
_ACCOUNTS = 500
_KEY = b"only for the bench"
_TEXTS = {
    "question, 60 B": "How does an excise officer gauge still number {}? Be brief.",
    "template, 1 KiB": "Rewrite in plain words: "
    + "the duty on spirits is charged by strength and volume; " * 18
    + "{}",
    "document, 20 KiB": "Summarise. " + "The warehouse keeper enters every cask in the book of accounts. " * 310 + "{}",
    "Chinese, 1 KiB": "请概括下面的文字。" + "酒税按照酒精度和体积计算，仓库管理员登记每一个酒桶。" * 12 + "{}",
}


def detectors(_stage: Stage, plan: Plan) -> str:
    """Whole work of a request (fingerprint, then all signals and counters) and a plain hash, in turn."""
    rows = []
    for name, text in _TEXTS.items():
        texts = [text.format(number) for number in range(_REQUESTS)]
        hashing: list[float] = []
        marking: list[float] = []
        looking: list[float] = []
        for window in range(plan.request_windows + 1):
            hashed = _timed(lambda texts=texts: [blake2b(one.encode()).digest() for one in texts])
            marked = _timed(lambda texts=texts: [fingerprint(one, _KEY) for one in texts])
            looked = _timed(_work(texts))
            if window:  # the first one warms up
                hashing.append(hashed)
                marking.append(marked)
                looking.append(looked)
        rows.append([name, spread(hashing), spread(marking), spread(looking), ratio(looking, hashing)])
    times = table(
        "Detectors: µs per request, best / quartile / median",
        ("last user turn", "blake2b", "fingerprint, on the loop", "signals, off the path", "signals × blake2b"),
        rows,
    )
    each = _bytes_per_account()
    return times + "\n" + table(
        "Detectors: memory", ("accounts", "bytes each, its key's spread included", "20,000 of them"),
        [[f"{_ACCOUNTS:,}", f"{each:,.0f}", f"{each * 20_000 / 2**20:,.0f} MiB"]],
    )  # fmt: skip


def _work(texts: list[str]) -> Callable[[], None]:
    tower = _tower()
    for number, text in enumerate(texts):
        tower.see(_facts(text, f"a{number % 20}"))
    return tower.drain


def _bytes_per_account() -> float:
    """As allocated, with the tables that find them: what the process grows by."""
    tower = _tower()
    waiting = [_facts("How heavy is a full cask of it?", f"account-{number}") for number in range(_ACCOUNTS)]
    tower.see(_facts("Warm up.", "first"))
    tower.drain()
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        for facts in waiting:
            tower.see(facts)
        tower.drain()
        return (tracemalloc.get_traced_memory()[0] - before) / _ACCOUNTS
    finally:
        tracemalloc.stop()


def _tower() -> Watchtower:
    return Watchtower(Metrics("bench", ("chat",)), lambda: time.time_ns() // 1_000_000, 20_000)


def _facts(text: str, account: str) -> Facts:
    head, tail = ends(text)
    return Facts(
        account=account, key_id=f"key-{account}", tier="free", prompt=fingerprint(text, _KEY), head=head, tail=tail,
        user_turns=1, history=False, logprobs=False, choices=1, stream=True, completed=True, input_tokens=20,
        output_tokens=64, account_age_s=None, model_age_s=None, network="192.0.2.0/24", client="bench",
    )  # fmt: skip


def _timed(work: Callable[[], object]) -> float:
    """Microseconds per request."""
    began = time.process_time_ns()
    work()
    return (time.process_time_ns() - began) / 1000 / _REQUESTS
