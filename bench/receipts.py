"""What a receipt costs an answer: `python -m bench.receipts`, ten seconds. Nothing is asserted.

An answer in one piece pays for its digest and the signature. A stream pays for the digest event by event, and at its
end for finding the event that ends it and for the signature. What is kept goes to a file behind the answers: the last
table says what that takes of a core, in the file's thread and in the loop's.
"""

import asyncio
import json
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

from bench.report import spread, table
from gateway.core.clock import SystemClock
from gateway.core.ids import new_id
from gateway.dialects import DIALECTS
from gateway.receipts.claims import digest_of
from gateway.receipts.jws import verify
from gateway.receipts.receipts import Receipts
from gateway.receipts.signers import Period, Signers, signers_of
from gateway.receipts.sqlite import SqliteReceipts
from gateway.receipts.store import MemoryReceipts
from gateway.server.sent import Sent

_PERIOD = Period("bench", 0, 1 << 53, b"bench-bench-bench-bench-bench-32")
_WINDOWS, _CALLS, _EVENTS, _KEPT = 12, 200, 400, 20_000
_SIZES = {"1 KiB": 1 << 10, "16 KiB": 1 << 14, "256 KiB": 1 << 18}
_CHAT = next(dialect for dialect in DIALECTS if dialect.name == "chat")


def whole(signers: Signers) -> str:
    clock = SystemClock()
    made = Receipts(signers, MemoryReceipts(clock, retention_s=3600), clock)
    rows = []
    for name, size in _SIZES.items():
        body = b"x" * size
        digests = _windows(lambda body=body: digest_of(body), _CALLS)
        both = _windows(
            lambda body=body: made.issue(new_id("req-"), "acme", "some-model", digest_of(body), "body"), _CALLS
        )
        rows.append([f"answer of {name}", spread(digests), spread(both)])
    receipt = made.issue("req-1", "acme", "some-model", digest_of(b""), "body")
    assert receipt is not None
    keys = {_PERIOD.kid: signers.public_keys()[_PERIOD.kid]}
    rows.append(["checking one", "-", spread(_windows(lambda: verify(receipt.jws, keys), _CALLS))])
    return table(
        f"Receipts of {len(receipt.jws)} bytes: µs of CPU, best / quartile / median",
        ("what", "digest alone", "digest, claims, signature, kept"), rows,
    )  # fmt: skip


def streams(signers: Signers) -> str:
    clock = SystemClock()
    made = Receipts(signers, MemoryReceipts(clock, retention_s=3600), clock)
    chunk = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "m"}
    choice = {"index": 0, "delta": {"content": " word"}, "finish_reason": None}
    event = b"data: " + json.dumps({**chunk, "choices": [choice]}).encode() + b"\n\n"
    events, endings = [], []
    for _ in range(_WINDOWS + 1):
        x = SimpleNamespace(
            id=new_id("req-"), meter=_CHAT.meter(strip_usage=False), dialect=_CHAT, captures=False,
            principal=SimpleNamespace(account=SimpleNamespace(id="acme")), ask=SimpleNamespace(model="some-model"),
        )  # fmt: skip
        sent = Sent(x, made)  # type: ignore[arg-type]  # the few parts of an exchange that it looks at
        events.append(_once(lambda sent=sent: [sent.through(event) for _ in range(_EVENTS)]) / _EVENTS)
        x.meter.finished = True
        endings.append(_once(lambda sent=sent: sent.through(b"data: [DONE]\n\n")))
    rows = [["each event", spread(events[1:])], ["the ending, once", spread(endings[1:])]]
    return table("Streams: µs of CPU, best / quartile / median", ("what", "receipt"), rows)


async def kept(signers: Signers, folder: Path) -> str:
    """CPU of the process and of its loop's thread, per receipt, from the first to the last one written."""
    clock = SystemClock()
    store = SqliteReceipts(folder / "receipts.sqlite", clock, retention_s=3600)
    await store.open()
    made = Receipts(signers, MemoryReceipts(clock, retention_s=3600), clock)
    some = [made.issue(new_id("req-"), "acme", "some-model", digest_of(b"x"), "body") for _ in range(_KEPT)]
    process, loop = time.process_time_ns(), time.thread_time_ns()
    for one in some:
        assert one is not None
        store.put(one)
    await store.close()
    process, loop = time.process_time_ns() - process, time.thread_time_ns() - loop
    size = (folder / "receipts.sqlite").stat().st_size
    row = [f"{_KEPT:,} receipts", f"{process / 1000 / _KEPT:.1f}", f"{loop / 1000 / _KEPT:.1f}", f"{size / _KEPT:.0f}"]
    return table("The file behind them", ("what", "CPU µs each", "of these in the loop", "bytes each"), [row])


def _windows(work: Callable[[], object], calls: int) -> list[float]:
    """Microseconds per call in each window; the first one warms up."""
    return [_once(lambda: [work() for _ in range(calls)]) / calls for _ in range(_WINDOWS + 1)][1:]


def _once(work: Callable[[], object]) -> float:
    began = time.process_time_ns()
    work()
    return (time.process_time_ns() - began) / 1000


def main() -> None:
    signers = signers_of([_PERIOD])
    print(whole(signers))
    print(streams(signers))
    with tempfile.TemporaryDirectory(prefix="gateway-bench-") as folder:
        print(asyncio.run(kept(signers, Path(folder))))


if __name__ == "__main__":
    main()
