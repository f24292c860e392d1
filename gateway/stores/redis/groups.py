"""The limits of a request by home, worked out once for each plan."""

from collections.abc import Sequence
from dataclasses import dataclass

from gateway.engine.spec import Spec
from gateway.engine.states import state_key
from gateway.engine.verdict import Reading, Verdict
from gateway.stores.redis.plans import ByPlan


@dataclass(frozen=True, slots=True)
class Group:
    """The limits of one home, with their places in the request's list."""

    home: str
    specs: tuple[Spec, ...]
    at: tuple[int, ...]


class Groups(ByPlan[tuple[Group, ...]]):
    """In the order of the homes' names, so that all processes ask in the same order. ValueError: a key twice."""

    __slots__ = ()

    def __init__(self) -> None:
        super().__init__(_grouped)


def _grouped(specs: Sequence[Spec]) -> tuple[Group, ...]:
    if len({(spec.home, state_key(spec)) for spec in specs}) != len(specs):
        raise ValueError("two limits of one request share a key: " + ", ".join(spec.key for spec in specs))
    by_home: dict[str, list[int]] = {}
    for i, spec in enumerate(specs):
        by_home.setdefault(spec.home, []).append(i)
    return tuple(Group(home, tuple(specs[i] for i in at), tuple(at)) for home, at in sorted(by_home.items()))


def joined(verdicts: Sequence[Verdict], groups: Sequence[Group] = ()) -> Verdict:
    """One verdict of those over several homes, in the order of the request's list (or one after the other)."""
    placed: list[tuple[int, Reading]] = []
    for n, verdict in enumerate(verdicts):
        at = groups[n].at if groups else range(len(placed), len(placed) + len(verdict.readings))
        placed += zip(at, verdict.readings, strict=True)
    readings = tuple(reading for _, reading in sorted(placed, key=lambda entry: entry[0]))
    unfit = [i for i, reading in enumerate(readings) if reading.wait_ms != 0]
    return Verdict(
        all(verdict.granted for verdict in verdicts),
        readings,
        tuple(i for i in unfit if not readings[i].spec.shadow),
        tuple(i for i in unfit if readings[i].spec.shadow),
    )
