"""What is asked of the gateway's hot lane, what was found, and whether that is enough. Nothing fails over it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from bench.compare.figures import Figures, Starts, Waits
from bench.compare.lineup import DIRECT, ENVOY, FERROGW, HOT, LITELLM, NGINX, REFERENCE
from bench.statistics import lower_quartile


@dataclass(frozen=True, slots=True)
class Goal:
    """A bound on one number. `found` is None where it could not be measured: `why` then says so, and is a miss only
    where what was to be measured failed.
    """

    figure: str
    bound: float
    unit: str
    found: float | None
    at_least: bool = False
    digits: int = 2
    why: str = "not measured"
    failed: bool = False

    @property
    def met(self) -> bool | None:
        """Judged by the number that was found, not by the one that is shown."""
        if self.found is None:
            return False if self.failed else None
        return self.found >= self.bound if self.at_least else self.found <= self.bound

    def row(self) -> list[str]:
        sign = "≥" if self.at_least else "≤"
        found = self.why if self.found is None else f"{self.found:,.{self.digits}f}{self.unit}"
        verdict = {True: "met", False: "not met", None: "-"}[self.met]
        bound = f"{sign} {self.bound:,g}{self.unit}" if self.bound else "0"
        return [self.figure, bound, found, verdict]


_ANSWERS: Final = ("401, unknown key", "403, by policy", "429, limit used up")


def goals(figures: Figures) -> list[Goal]:
    """All of them, in the order of the table. Ratios are between lower quartiles of windows that took turns."""
    mine, none = figures.waits.get(HOT, Waits()), figures.waits.get(DIRECT, Waits())
    refused = [_quartile(figures.refusals.get((HOT, answer), [])) for answer in _ANSWERS]
    starts = figures.starts.get(HOT, Starts())
    over = [one.over for (lane, _), one in figures.overshoots.items() if lane == HOT]

    return [
        Goal("CPU per request, × Envoy with a local rate limit", 1.0, "×", _cost_ratio(figures, HOT, ENVOY)),
        Goal("CPU per request, × nginx", 4.0, "×", _cost_ratio(figures, HOT, NGINX)),
        Goal("CPU per request, × own reference lane", 0.35, "×", _cost_ratio(figures, HOT, REFERENCE)),
        Goal("requests/s per core, × LiteLLM with limits", 150, "×", _cost_ratio(figures, LITELLM, HOT), True, 0),
        Goal("requests/s per core, × ferrogw with its limiter", 3.0, "×", _cost_ratio(figures, FERROGW, HOT), True),
        _added("p50", 0.3, mine.p50, none.p50),
        _added("p99", 1.5, mine.p99, none.p99),
        Goal("CPU per metered chunk, × nginx", 1.8, "×", _ratio(figures.chunks.get(HOT), figures.chunks.get(NGINX))),
        *_crowd(figures),
        *(
            Goal(f"CPU of a refusal: {answer}", 25, " µs", cost, digits=1)
            for answer, cost in zip(_ANSWERS, refused, strict=True)
        ),
        Goal("start to first answer", 1.2, " s", _quartile(starts.seconds)),
        Goal("idle memory", 80, " MiB", _quartile(starts.mib), digits=1),
        Goal("admitted or used beyond a limit under load", 0, "", max(over) if over else None, digits=0),
    ]


def _crowd(figures: Figures) -> list[Goal]:
    crowd = figures.crowds.get(HOT)
    failed = HOT in figures.failed_crowds
    why = "not carried" if failed else "not measured"
    many = f"{crowd.streams:,} streams" if crowd else "streams"
    lost, p99_ms, kib = (crowd.lost, crowd.p99_ms, crowd.kib_per_stream) if crowd else (None, None, None)
    return [
        Goal(f"{many}: chunks lost", 0, "", lost, digits=0, why=why, failed=failed),
        Goal(f"{many}: chunk p99", 25, " ms", p99_ms, digits=1, why=why, failed=failed),
        Goal(f"{many}: memory of each", 14, " KiB", kib, digits=1, why=why, failed=failed),
    ]


def _added(share: str, bound_ms: float, mine: Sequence[float], direct: Sequence[float]) -> Goal:
    """Over direct. Where direct alone took longer than the bound, the machine was too busy to tell."""
    name = f"added latency at 200 requests/s, {share}"
    own, none = _quartile(mine), _quartile(direct)
    if own is None or none is None:
        return Goal(name, bound_ms, " ms", None)
    if none > bound_ms:
        return Goal(name, bound_ms, " ms", None, why=f"direct alone {none:.2f} ms")
    return Goal(name, bound_ms, " ms", own - none)


def _cost_ratio(figures: Figures, one: str, other: str) -> float | None:
    served = figures.requests
    return _ratio(
        served[one].costs if one in served else None,
        served[other].costs if other in served else None,
    )


def _ratio(values: Sequence[float] | None, base: Sequence[float] | None) -> float | None:
    return lower_quartile(values) / lower_quartile(base) if values and base else None


def _quartile(values: Sequence[float]) -> float | None:
    return lower_quartile(values) if values else None
