"""CPU per request at saturation: whole answers, and refusals."""

from pathlib import Path

from bench import wrk
from bench.measure import cpu_ns
from bench.plan import BenchFailed, Plan
from bench.report import ratio, spread, table
from bench.stage import Stage, Target
from bench.statistics import lower_quartile

WORD = "distillery"
"""What a prompt that is to be new has something else for, of the same length."""
BODY: dict[str, object] = {
    "model": "bench",
    "messages": [
        {"role": "system", "content": "You answer questions about the history of spirits and of the duty on them."},
        {"role": "user", "content": f"{WORD}: " + "How does an excise officer gauge a still? " * 18},
    ],
    "max_tokens": 64,
    "temperature": 0.7,
}


def requests(stage: Stage, plan: Plan) -> str:
    """Direct, nginx and the gateway in turn."""
    lua = wrk.script(stage.folder, "requests", BODY, stage.key)
    targets = (stage.direct, stage.nginx, stage.gateway)
    costs: dict[str, list[float]] = {target.name: [] for target in targets}
    rates: dict[str, list[float]] = {target.name: [] for target in targets}
    for number in range(plan.request_windows + 1):
        for target in targets:
            rate, cost = window(stage.wrk, target, lua, plan.connections)
            if number:  # the first one warms up
                rates[target.name].append(rate)
                costs[target.name].append(cost)
    base = costs[stage.nginx.name]
    rows = [
        [name, f"{max(rates[name]):,.0f}", *cost_cells(costs[name] if any(costs[name]) else None, base)]
        for name in costs
    ]
    return table(
        "Requests: 1 KB in, 0.6 KB out, 64 connections, closed loop",
        ("target", "best req/s", "CPU µs/request best / quartile / median", "req/s per core", "× nginx"),
        rows,
    )


def rejections(stage: Stage, plan: Plan) -> str:
    """What it costs to say no: an unknown key, and a limit that is used up."""
    cases = {
        "401, unknown key": wrk.script(stage.folder, "unknown", BODY, "sk-ex-unknown"),
        "429, limit used up": wrk.script(stage.folder, "spent", BODY, stage.spent_key),
    }
    costs: dict[str, list[float]] = {name: [] for name in cases}
    for number in range(plan.rejection_windows + 1):
        for name, lua in cases.items():
            _, cost = window(stage.wrk, stage.gateway, lua, plan.connections, refused=True)
            if number:
                costs[name].append(cost)
    rows = [[name, *cost_cells(values, None)[:2]] for name, values in costs.items()]
    return table(
        "Refusals by the gateway", ("answer", "CPU µs/refusal best / quartile / median", "refusals/s per core"), rows
    )


def window(program: str, target: Target, lua: Path, connections: int, *, refused: bool = False) -> tuple[float, float]:
    """Requests per second, and CPU µs of the target for each. `program` is wrk."""
    before = cpu_ns(target.pid) if target.pid else 0
    counted = wrk.run(program, lua, target.answers_port, connections)
    used = (cpu_ns(target.pid) if target.pid else 0) - before
    wrong = counted.requests - counted.refused if refused else counted.refused
    # The very first requests of an account that is to be refused are still within its limit.
    if counted.requests == 0 or counted.broken or wrong > (10 if refused else 0):
        raise BenchFailed(f"{target.name}: not the answers that were to be measured: {counted}")
    return counted.requests / counted.seconds, used / 1000 / counted.requests


def cost_cells(costs: list[float] | None, base: list[float] | None) -> list[str]:
    """CPU per request, requests per second on a whole core, and the ratio to `base`."""
    if costs is None:
        return ["-", "-", "-"]
    per_core = f"{1e6 / lower_quartile(costs):,.0f}"
    return [spread(costs), per_core, ratio(costs, base) if base else "-"]
