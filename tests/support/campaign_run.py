"""Play made-up fleets to a real Prometheus with our rules over them, and read when each anomaly alert would fire.

Samples become blocks (`promtool tsdb create-blocks-from openmetrics`), the recording rules are evaluated by Prometheus
over these blocks level by level (`create-blocks-from rules`), the alert expressions by range queries at their group's
interval; `for` is then applied here as Prometheus does it: fire once every evaluation of that long had a result.
"""

import subprocess
from pathlib import Path
from typing import Final, TextIO

import yaml

from tests.support.campaign_mix import SCENARIOS, SIGNALS, Scenario
from tests.support.campaign_traffic import DAYS, STEP_S, Base, base, counters, day_shapes
from tests.support.prometheus import Prometheus, prometheus
from tests.support.promql_rules import Rule, levels

BEGIN: Final = 1767571200
"""Monday 2026-01-05, 00:00 UTC: the traces begin at a midnight."""
END: Final = BEGIN + DAYS * 86400
LONG_BLOCKS: Final = "--max-block-duration=336h"
"""promtool reads its whole input once per block, and blocks of two hours would be 168."""


def write_samples(path: Path, traces: Path) -> None:
    """Every scenario's counters in OpenMetrics text, each a namespace of its own."""
    shapes = day_shapes(traces)
    fleets = {seed: base(shapes, seed) for seed in sorted({scenario.seed for scenario in SCENARIOS})}
    with path.open("w") as out:
        for scenario in SCENARIOS:
            _write(out, scenario, fleets[scenario.seed])
        out.write("# EOF\n")


def _write(out: TextIO, scenario: Scenario, fleet: Base) -> None:
    where = f'job="gateway",instance="a",namespace="{scenario.name}"'
    streams = len(SIGNALS)
    for step, (requests, *terms) in counters(scenario, fleet):
        at = BEGIN + step * STEP_S
        for index, signal in enumerate(SIGNALS):
            applies = terms[streams] if signal == "stream_completed" else requests
            line = f'gateway_signal_requests_total{{{where},tier="free",signal="{signal}",present='
            out.write(f'{line}"true"}} {terms[index]} {at}\n{line}"false"}} {max(0, applies - terms[index])} {at}\n')
        long, networks, clients = terms[streams + 1 :]
        out.write(f'gateway_output_input_ratio_bucket{{{where},tier="free",le="4.0"}} {requests - long} {at}\n')
        out.write(f'gateway_output_input_ratio_count{{{where},tier="free"}} {requests} {at}\n')
        for name, above in (("networks", networks), ("clients", clients)):
            out.write(f'gateway_key_{name}_bucket{{{where},le="8.0"}} {requests - above} {at}\n')
            out.write(f"gateway_key_{name}_count{{{where}}} {requests} {at}\n")
        out.write(f'gateway_cost_usd_total{{{where},model="m"}} {dollars(requests, long):.4f} {at}\n')


def dollars(requests: float, long_answers: float) -> float:
    """Cost of requests, of which some have long answers. The prices are those of a mid-size model, made up too."""
    return requests * 0.0015 + long_answers * 0.004


def build(folder: Path, traces: Path) -> Path:
    """The data folder with blocks of the samples and of every recorded series that reads them. About a minute."""
    data, text = folder / "data", folder / "samples.om"
    write_samples(text, traces)
    _promtool(LONG_BLOCKS, "openmetrics", str(text), str(data))
    text.unlink()
    for number, level in enumerate(levels()):
        wanted = [rule for rule in level if rule.file.name == "baselines.yaml"]
        if wanted:
            # Prometheus looks for new blocks only when it starts: each level gets a server of its own.
            with prometheus(folder / f"level{number}", {}, data=data) as server:
                _record(server, data, wanted, folder / f"level{number}.yaml")
    return data


def samples(server: Prometheus, expr: str) -> dict[str, dict[int, float]]:
    """What an expression finds at every step of the fortnight, by namespace and Unix time."""
    found: dict[str, dict[int, float]] = {}
    answer = server.api("query_range", query=expr, start=BEGIN, end=END - STEP_S, step=STEP_S)
    for series in answer["result"]:
        here = found.setdefault(series["metric"].get("namespace", ""), {})
        here.update((int(at), float(value)) for at, value in series["values"])
    return found


def _record(server: Prometheus, data: Path, wanted: list[Rule], path: Path) -> None:
    listed = [{"record": rule.name, "expr": rule.expr, "labels": rule.labels} for rule in wanted]
    path.write_text(yaml.safe_dump({"groups": [{"name": "level", "interval": f"{STEP_S}s", "rules": listed}]}))
    _promtool(
        LONG_BLOCKS, "rules", f"--start={BEGIN}", f"--end={END - STEP_S}", f"--url=http://127.0.0.1:{server.port}",
        f"--output-dir={data}", f"--eval-interval={STEP_S}s", str(path),
    )  # fmt: skip


def _promtool(*arguments: str) -> None:
    done = subprocess.run(
        ["promtool", "tsdb", "create-blocks-from", *arguments], capture_output=True, text=True, check=False, timeout=600
    )
    if done.returncode:
        raise RuntimeError(f"promtool {arguments}: {done.stdout[-2000:]} {done.stderr[-2000:]}")
