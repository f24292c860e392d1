"""Which upstream gets the next request: pure."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(slots=True)
class Candidate:
    """One upstream at the moment of the pick. `wait` is Breaker.wait: 0 means a request may be sent now.

    None is unknown: a probe is under way, or every connection is in use.
    """

    name: str
    outstanding: int
    weight: int
    wait: float | None
    suspect: bool = False


def pick(candidates: Sequence[Candidate], turn: int) -> Candidate | None:
    """The least outstanding per weight among those that may be asked now; None when none may.

    An open upstream whose probe is due competes like any other, or it would never recover. Ties go round by
    `turn`, which the caller counts up. Suspects come last.
    """
    best: list[Candidate] = []
    for candidate in candidates:
        if candidate.wait != 0:
            continue
        order = _compare(candidate, best[0]) if best else 0
        if order < 0:
            best = [candidate]
        elif order == 0:
            best.append(candidate)
    return best[turn % len(best)] if best else None


def _compare(one: Candidate, other: Candidate) -> int:
    """Negative when `one` is preferred. Cross-multiplied: no fractions, so equal loads are equal."""
    if one.suspect != other.suspect:
        return 1 if one.suspect else -1
    return one.outstanding * other.weight - other.outstanding * one.weight


def soonest(candidates: Sequence[Candidate]) -> float | None:
    """Seconds until the first of them may be asked; None when nobody can tell."""
    waits = [candidate.wait for candidate in candidates if candidate.wait is not None]
    return min(waits) if waits else None
