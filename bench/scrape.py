"""What a scrape costs, at a provider's size: `python -m bench.scrape`. Nothing is asserted.

Two tables: how long rendering holds the event loop, in pieces and in one go; and how late the chunks of running streams
are while nobody scrapes, and while somebody does five times a second. The series are those of 50 models, 20 policies,
6 tiers and 4 upstreams; accounts have none.
"""

import asyncio
import gc
import re
import sys
import tempfile
import time
from collections.abc import Callable
from itertools import cycle, product
from pathlib import Path

from bench import gateway_proc
from bench.loop import new_loop
from bench.plan import BenchFailed
from bench.process import child, cores, pinned, port_said
from bench.report import ratio, table
from bench.statistics import median, percentile
from bench.streams import Seen, close_streams, open_streams, request
from gateway.accounting.outcome import Outcome
from gateway.config import load_config
from gateway.core.reasons import REASONS
from gateway.core.usage import Usage
from gateway.observe.mark_counts import KEPT
from gateway.observe.metrics import Metrics
from gateway.runtime import Runtime
from gateway.server.lifecycle import Gateway
from gateway.server.routes import OWN, ROUTE_NAMES
from gateway.watermarks.occasion import SKIPS

MODELS = tuple(f"model-{index}" for index in range(50))
POLICIES = tuple(f"policy-{index}" for index in range(20))
UPSTREAMS = tuple(f"gpu-{index}" for index in range(4))
TIERS = ("free", "trial", "developer", "team", "enterprise", "internal", "partner")
SIGNALS = (
    "distinct_prompt", "single_turn", "repeated_wrapper", "reasoning_elicitation", "rubric", "logprobs",
    "multiple_choices", "stream_completed", "new_account", "young_model",
)  # fmt: skip
_CODES = ("2xx", "4xx", "5xx", "busy", "credentials", "timeout", "error", "stale", "cancelled")
_STREAMED = ("chat", "completions", "responses", "messages")
_OWN_ENDS = ("complete", "refused", "client_gone", "timed_out", "shutdown", "internal_error")
_READY = re.compile(r"^scrape ready: data (\d+) ops (\d+)", re.MULTILINE)
_MOCK = re.compile(r"^mock ready: port (\d+)", re.MULTILINE)
_STREAMS, _PACE_MS, _WINDOW_S, _WINDOWS, _PAUSE_S = 32, 10, 2.0, 5, 0.2


def fill(metrics: Metrics, accounts: int = 1000) -> None:
    """Everything that can be counted, in every combination that callers and upstreams can bring about."""
    limits = [f"limit-{index}" for index in range(3)]
    metrics.configure(("none", *MODELS), UPSTREAMS, POLICIES, limits, TIERS)
    metrics.clauses((policy, "Terms of Service", f"section {policy}") for policy in POLICIES)
    metrics.reloaded("0123456789ab", 1_800_000_000_000)
    routes = (*ROUTE_NAMES, "other")
    asked = [route for route in ROUTE_NAMES if route not in OWN]
    for route, model, outcome in product(asked, MODELS, Outcome):
        streams = route in _STREAMED and model == MODELS[0]
        metrics.request_done(route, model, outcome, stream=streams, duration_s=1.0, overhead_s=0.0003)
    for route, ended in product((*OWN, "other"), _OWN_ENDS):  # they have no model, and never stream
        metrics.request_done(route, "none", ended, stream=False, duration_s=0.1, overhead_s=0.0003)
    for route in routes:
        metrics.request_done(route, "none", "refused", stream=False, duration_s=0.1, overhead_s=0.0003)
        for reason in REASONS:
            metrics.refused(route, reason.code)
    for route in asked:
        streams = route in _STREAMED
        metrics.request_done(
            route, MODELS[0], "complete", stream=streams, duration_s=1.0, overhead_s=0.0003, ttfb_s=0.1
        )
    for model in MODELS:
        metrics.tokens(model, Usage(1000, 100), 1_234_567)
    for policy, mode in zip(POLICIES, cycle(("enforce", "audit")), strict=False):
        metrics.decision(policy, "allow", mode, "none")
        for reason in REASONS:
            metrics.decision(policy, "deny", mode, reason.code)
    for policy, limit in product(POLICIES, limits):
        metrics.saturation(policy, limit).observe(0.5)
    for upstream in UPSTREAMS:
        metrics.upstream_done(upstream, 1.0)
        for code in _CODES:
            metrics.upstream_attempt(upstream, code)
    for outcome, estimated, tokens in product(Outcome, (True, False), (-5, 5)):
        metrics.settled(outcome, estimated=estimated, adjustment_tokens=tokens)
    for op, result in (("reserve", "granted"), ("reserve", "denied"), ("reserve", "unavailable")):
        metrics.store_call(op, result, 0.0001)
    for op, result in (("commit", "failed"), ("settle", "debt_clamped"), ("expire", "ok")):
        metrics.store_call(op, result)
    for phase in ("body", "wait", "answer"):
        metrics.client_gone(phase)
    for tier, present in product(TIERS, (True, False)):
        metrics.looked(tier, SIGNALS, (present,) * len(SIGNALS), ratio=0.5, spread=None, seconds=0.0001)
    _fill_marks(metrics)
    for index in range(accounts):
        metrics.account(f"account-{index}", Usage(10, 10), 1_800_000_000_000)
        metrics.looked(TIERS[0], (), (), ratio=None, spread=(1 + index % 5, 1), seconds=0.0001)


def _fill_marks(metrics: Metrics) -> None:
    for result, whys in (("marked", ["none"]), ("skipped", SKIPS), ("would_mark", ["none"]), ("would_skip", SKIPS)):
        for why in whys:
            metrics.marked(result, why)
    for route in ("chat", "completions"):
        metrics.pairs(route, 6, 4)
    for result in KEPT:
        metrics.fingerprinted(result)
    for upstream in UPSTREAMS:
        metrics.probed(upstream, ok=True)


def rendering() -> str:
    """How long the loop is held: the longest piece, all of them, and the whole in one go."""
    metrics = Metrics("bench", (*ROUTE_NAMES, "other"))
    fill(metrics)
    longest, summed, whole = [], [], []
    for _ in range(20):
        pieces = []
        making = metrics.pieces()
        took, piece = _timed(next, making, None)
        while piece is not None:
            pieces.append(took)
            took, piece = _timed(next, making, None)
        longest.append(max(pieces))
        summed.append(sum(pieces))
        whole.append(_timed(metrics.render)[0])
    lines = sum(not line.startswith(b"#") for line in metrics.render().splitlines())
    rows = [
        [f"longest of {len(pieces)} pieces", f"{median(longest):.2f}", f"{max(longest):.2f}"],
        ["all pieces", f"{median(summed):.2f}", f"{max(summed):.2f}"],
        ["in one go", f"{median(whole):.2f}", f"{max(whole):.2f}"],
    ]
    return table(f"Rendering {lines:,} samples", ("what holds the loop", "ms median", "ms worst"), rows)


def _timed(work: Callable[..., object], *given: object) -> tuple[float, object]:
    """Milliseconds, and what came of it."""
    began = time.perf_counter()
    result = work(*given)
    return (time.perf_counter() - began) * 1000, result


def _settle_memory() -> None:
    """As `gateway serve` does it."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 20, 20)


async def _serve(folder: Path) -> None:
    """The process under test: a gateway as it is, with full metrics."""
    gateway = Gateway(Runtime(load_config(folder / "gateway.yaml", env={}).settings, ROUTE_NAMES))
    fill(gateway.runtime.metrics)
    gateway.heed_signals()
    await gateway.start()
    _settle_memory()
    print(f"scrape ready: data {gateway.data_port} ops {gateway.ops_port}", flush=True)
    await gateway.run_until_stopped()


async def _delays(port: int, ops: int, key: str) -> str:
    """Delays of chunks from the upstream's write to here, with and without scrapes, in turn."""
    quiet: list[float] = []
    busy: list[float] = []
    seen = Seen()
    many = round((2 * _WINDOWS + 2) * _WINDOW_S * 1000 / _PACE_MS)
    connections = await open_streams(port, request(key, many, _PACE_MS), _STREAMS, seen, spread_s=_PACE_MS / 1000)
    await asyncio.sleep(_WINDOW_S)
    for _ in range(_WINDOWS):
        for delays, scraping in ((quiet, False), (busy, True)):
            first = len(seen.chunk_ns)
            task = asyncio.create_task(_scrape_on(ops)) if scraping else None
            await asyncio.sleep(_WINDOW_S)
            if task is not None:
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)
            delays += [ns / 1e6 for ns in seen.chunk_ns[first:]]
    await close_streams(connections)
    rows = [
        [name, *(f"{percentile(delays, part):.2f}" for part in (0.5, 0.99, 0.999)), f"{max(delays):.2f}"]
        for name, delays in (("nobody scrapes", quiet), ("five scrapes a second", busy))
    ]
    title = f"Delay of a chunk, {_STREAMS} streams of {1000 // _PACE_MS} chunks a second; medians {ratio(busy, quiet)}"
    return table(title, ("meanwhile", "ms p50", "ms p99", "ms p99.9", "ms worst"), rows)


async def _scrape_on(port: int) -> None:
    while True:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET /metrics HTTP/1.1\r\nhost: bench.test\r\nconnection: close\r\n\r\n")
        if not (await reader.read()).startswith(b"HTTP/1.1 200"):
            raise BenchFailed("a scrape failed")
        writer.close()
        await asyncio.sleep(_PAUSE_S)


def main(argv: list[str]) -> int:
    """Exit 0 with figures, 1 when they cannot be had."""
    if argv[:1] == ["serve"]:
        with asyncio.Runner(loop_factory=new_loop) as runner:
            runner.run(_serve(Path(argv[1])))
        return 0
    _settle_memory()
    print(rendering())
    here, there = cores()
    try:
        with tempfile.TemporaryDirectory(prefix="gateway-bench-") as name, pinned(there):
            folder = Path(name) / "gateway"
            folder.mkdir()
            log = Path(name) / "log"
            with child([sys.executable, "-m", "bench.mock_upstream"], there, Path(name) / "mock") as mock:
                upstream = port_said(mock, Path(name) / "mock", _MOCK)
                keys = gateway_proc._write(folder, upstream, upstream)
                with child([sys.executable, "-m", "bench.scrape", "serve", str(folder)], here, log) as gateway:
                    port_said(gateway, log, _READY)
                    found = _READY.search(log.read_text())
                    assert found is not None
                    print(asyncio.run(_delays(int(found[1]), int(found[2]), keys["acme"])))
    except BenchFailed as failed:
        print(f"bench: {failed}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
