"""A made-up fleet's counters at five-minute steps: real day shapes, made-up accounts, campaigns laid over them.

Day shapes and burstiness come from the recorded rates of production clients (`timing/servegen`), scaled so that no
client is larger than a few percent of the fleet. Who is behind a client is made up (`campaign_mix`). A crowd of small
accounts follows the clients' smoothed sum. Counts are drawn, so that small shares are as noisy as they would be.
"""

import math
import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from tests.support.campaign_mix import BENIGN, SIGNALS, START_DAY, WEIGHTS, Kind, Scenario

STEP_S: Final = 300
DAYS: Final = 14
STEPS: Final = DAYS * 86400 // STEP_S
FLEET_RPS: Final = 20.0
"""Mean of the fleet without a campaign: small for a provider, so that shares are noisier than they would be."""
CROWD: Final = 0.6
"""Part of each kind's requests that comes from many small accounts; the rest comes from clients of some size."""
CLIENTS: Final = 40
"""Clients of each kind, by a Pareto law: the largest has a few percent of the fleet."""
RAMP_STEPS: Final = 6 * 3600 // STEP_S
"""A launch takes six hours to reach its height; a campaign one hour."""
TERMS: Final = len(SIGNALS) + 4
"""What is summed per step: each signal, streams, long answers, many networks, many clients."""


@dataclass(slots=True)
class Base:
    """A fleet's benign fortnight: expected requests and expected sums of each term, by step."""

    requests: list[float] = field(default_factory=list)
    terms: list[list[float]] = field(default_factory=list)


def day_shapes(folder: Path) -> list[list[float]]:
    """One list of rates per recorded client, at five-minute steps, with a mean of 1."""
    shapes = []
    for path in sorted(folder.glob("*.csv")):
        rates = [float(line.split(",")[1]) for line in path.read_text().splitlines()]
        mean = sum(rates) / len(rates)
        # Windows are ten minutes; a burst of one client over 12 times its mean would be cut by its own rate limit.
        shapes.append([min(rate / mean, 12.0) for rate in rates for _ in (0, 1)])
    return shapes


def base(shapes: list[list[float]], seed: int) -> Base:
    """Draw a fleet: clients of every kind, half of its requests from a crowd of small accounts."""
    rng = random.Random(seed)
    crowd = _smooth([sum(shape[i] for shape in shapes) / len(shapes) for i in range(STEPS)], 24)
    built = Base([0.0] * STEPS, [[0.0] * STEPS for _ in range(TERMS)])
    for name, weight in WEIGHTS.items():
        kind = BENIGN[name]
        members = [rng.paretovariate(1.5) for _ in range(CLIENTS)]
        for size in members:
            part = weight * (1 - CROWD) * size / sum(members)
            _add(built, _shifted(rng.choice(shapes), rng), part, _personal(kind, rng), rng)
        _add(built, crowd, weight * CROWD, kind, rng)
    size = FLEET_RPS * STEP_S * STEPS / sum(built.requests)
    built.requests = [value * size for value in built.requests]
    built.terms = [[value * size for value in term] for term in built.terms]
    return built


def counters(scenario: Scenario, fleet: Base) -> Iterator[tuple[int, list[int]]]:
    """Per step: requests, then the sum of each term, drawn and accumulated as counters are."""
    rng = random.Random(f"{scenario.name}{scenario.seed}")
    totals = [0] * (TERMS + 1)
    for step in range(STEPS):
        requests, sums = fleet.requests[step], [term[step] for term in fleet.terms]
        after = step - START_DAY * 86400 // STEP_S
        if scenario.launch and after >= 0:
            requests, sums = _launched(requests, sums, min(1.0, after / RAMP_STEPS))
        if scenario.campaign is not None and after >= 0:
            extra = FLEET_RPS * STEP_S * scenario.share / (1 - scenario.share) * min(1.0, (after + 1) / 12)
            terms = _terms(scenario.campaign)
            requests += extra
            sums = [have + extra * term for have, term in zip(sums, terms, strict=True)]
        count = max(1, round(rng.gauss(requests, math.sqrt(requests))))
        totals[0] += count
        for index, expected in enumerate(sums):
            share = min(1.0, expected / requests)
            drawn = round(rng.gauss(count * share, math.sqrt(count * share * (1 - share))))
            totals[index + 1] += min(count, max(0, drawn))
        yield step, list(totals)


def _launched(requests: float, sums: list[float], ramp: float) -> tuple[float, list[float]]:
    """Traffic doubles; a third goes to the new model; new accounts bring half as much more again."""
    grown = 1 + ramp
    sums = [value * grown for value in sums]
    new, young = SIGNALS.index("new_account"), SIGNALS.index("young_model")
    sums[new] *= 1 + ramp / 2
    sums[young] += requests * grown * ramp / 3
    return requests * grown, sums


def _terms(kind: Kind) -> list[float]:
    """Expected sums per request. `stream_completed` applies to streams alone, so it is a share of those."""
    found = [
        share * (kind.streams if name == "stream_completed" else 1)
        for name, share in zip(SIGNALS, kind.shares, strict=True)
    ]
    return [*found, kind.streams, kind.long_answers, kind.many_networks, kind.many_clients]


def _add(built: Base, shape: list[float], part: float, kind: Kind, rng: random.Random) -> None:
    scale = FLEET_RPS * STEP_S * part
    drift, terms = 0.0, _terms(kind)
    for step in range(STEPS):
        if step % 72 == 0:  # a client's ways change a little every six hours
            drift = 0.8 * drift + rng.gauss(0, 0.06)
            now = [min(1.0, term * math.exp(drift)) for term in terms]
        expected = shape[step] * scale
        if expected:
            built.requests[step] += expected
            for index in range(TERMS):
                built.terms[index][step] += expected * now[index]


def _personal(kind: Kind, rng: random.Random) -> Kind:
    """One client of a kind: its own shares, around those of the kind."""

    def own(share: float) -> float:
        return share if share in (0.0, 1.0) else rng.betavariate(share * 12, (1 - share) * 12)

    return Kind(
        tuple(own(share) for share in kind.shares), own(kind.streams), own(kind.long_answers), own(kind.many_networks),
        own(kind.many_clients),
    )  # fmt: skip


def _shifted(shape: list[float], rng: random.Random) -> list[float]:
    """The same client another week, half an hour earlier or later: time of day and weekday stay."""
    by = rng.choice((0, 7 * 86400 // STEP_S)) + rng.randrange(-6, 7)
    return shape[by:] + shape[:by] if by else shape


def _smooth(values: list[float], half: int) -> list[float]:
    """A centred running mean over 2 * half + 1 steps."""
    sums = [0.0]
    for value in values:
        sums.append(sums[-1] + value)
    found = []
    for i in range(len(values)):
        low, high = max(0, i - half), min(len(values), i + half + 1)
        found.append((sums[high] - sums[low]) / (high - low))
    return found
