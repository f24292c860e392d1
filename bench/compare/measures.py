"""The measurements one by one; each puts what it finds into the figures, once it is complete."""

import json
import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Final

from bench import wrk
from bench.compare import client
from bench.compare.figures import Figures, Overshoot, Served, Starts, Waits
from bench.compare.lineup import LITELLM, REFUSED, SPENT, TIGHT_REQUESTS, TIGHT_TOKENS, Lineup
from bench.compare.plan import ComparePlan
from bench.measure import cpu_ns, pss_kib
from bench.plan import BenchFailed
from bench.requests import BODY, window
from bench.stage import Target
from bench.statistics import percentile
from gateway.identity.keys import new_key

_START_S: Final = 60.0
_SETTLE_S: Final = 1.0
_TOKENS_EACH: Final = 256
"""Of the answer that the upstream gives, prompt and completion."""


def ready(target: Target) -> None:
    """Wait until it answers."""
    client.first_answer(target.answers_port, client.request(target.key, target.model), _START_S)


def starts(line: Lineup, names: Iterable[str], plan: ComparePlan, into: Figures) -> None:
    """Each as often as the plan says, one after the other; the slowest once."""
    for name in names:
        found = Starts()
        for _ in range(1 if name == LITELLM else plan.starts):
            began = time.monotonic()
            with line.started(name) as target:
                ready(target)
                found.seconds.append(time.monotonic() - began)
                time.sleep(_SETTLE_S)
                found.mib.append(pss_kib(target.process()) / 1024)
        into.starts[name] = found


def requests(line: Lineup, targets: Sequence[Target], plan: ComparePlan, into: Figures) -> None:
    """In turn; the first window of each warms up and is thrown away."""
    scripts = {
        target.name: wrk.script(line.folder, f"whole-{number}", {**BODY, "model": target.model}, target.key)
        for number, target in enumerate(targets)
    }
    for target in targets:
        if target.name == LITELLM:
            _slow(target, plan.slow_warm_up, plan)
    found = {target.name: Served() for target in targets}
    for number in range(plan.windows.request_windows + 1):
        for target in targets:
            if target.name == LITELLM:
                rate, cost = _slow(target, plan.slow_requests, plan)
            else:
                rate, cost = window(line.wrk, target, scripts[target.name], plan.windows.connections)
            if number:
                found[target.name].rates.append(rate)
                found[target.name].costs.append(cost)
    into.requests = found


def _slow(target: Target, count: int, plan: ComparePlan) -> tuple[float, float]:
    """A second of wrk would leave a tenth of its requests unanswered, and those cost CPU too: here all are awaited."""
    before = cpu_ns(target.process())
    data = client.request(target.key, target.model)
    counted = client.closed_loop(target.answers_port, data, count, plan.slow_connections)
    if counted.refused:
        raise BenchFailed(f"{target.name}: not the answers that were to be measured: {counted}")
    return count / counted.seconds, (cpu_ns(target.process()) - before) / 1000 / count


def limits_of(record: Mapping[str, list[dict[str, str]]]) -> dict[str, int]:
    """How many limits a decision record says were applied, by policy; those in audit mode apart."""
    return dict(
        Counter(one["policy"] + (" in audit mode" if one["mode"] == "audit" else "") for one in record["limits"])
    )


def limits(records: Path, into: Figures) -> None:
    """From the first record of the account that carries the load."""
    with records.open() as lines:
        for line in lines:
            record = json.loads(line)
            if record["account"] == "acme" and record["status"] == 200:
                into.limits = limits_of(record)
                return
    raise BenchFailed("no decision record of the load")


def refusals(line: Lineup, targets: Sequence[Target], plan: ComparePlan, into: Figures) -> None:
    """What it costs to say no: to a stranger, to a model that a policy forbids, to a limit that is used up."""
    cases, found = [], dict[tuple[str, str], list[float]]()
    for number, target in enumerate(targets):
        keys = line.keys[target.name]
        answers = {"401, unknown key": new_key(), "403, by policy": keys[REFUSED], "429, limit used up": keys[SPENT]}
        for answer, key in answers.items():
            script = wrk.script(line.folder, f"no-{number}-{answer[:3]}", BODY, key)
            cases.append((target, answer, script))
            found[target.name, answer] = []
    for number in range(plan.windows.rejection_windows + 1):
        for target, answer, script in cases:
            _, cost = window(line.wrk, target, script, plan.windows.connections, refused=True)
            if number:
                found[target.name, answer].append(cost)
    into.refusals = found


def waits(targets: Sequence[Target], plan: ComparePlan, into: Figures) -> None:
    """Requests at instants that know nothing of the answers; the same instants for every target of a window."""
    found = {target.name: Waits() for target in targets}
    for number in range(plan.open_windows + 1):
        due = client.instants(plan.open_per_s, plan.open_s, number)
        for target in targets:
            delays = client.open_loop(target.answers_port, client.request(target.key, target.model), due)
            if number:
                found[target.name].p50.append(percentile(delays, 0.5) / 1e6)
                found[target.name].p99.append(percentile(delays, 0.99) / 1e6)
    into.waits = found


def overshoots(line: Lineup, targets: Sequence[Target], plan: ComparePlan, into: Figures) -> None:
    """Many callers ask for twice what the limit of their account holds: what they got, every answer awaited."""
    for target in targets:
        for unit, account, limit, each in (
            ("requests", TIGHT_REQUESTS, plan.tight_requests, 1),
            ("tokens", TIGHT_TOKENS, plan.tight_tokens, _TOKENS_EACH),
        ):
            data = client.request(line.keys[target.name][account])
            counted = client.closed_loop(target.answers_port, data, 2 * limit // each, plan.windows.connections)
            if not counted.refused:
                raise BenchFailed(f"{target.name}: a limit of {limit} {unit} was not used up: {counted}")
            into.overshoots[target.name, unit] = Overshoot(limit, counted.admitted * each)
