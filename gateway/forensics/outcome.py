"""From looks to an outcome, with the rule of `gateway.watermarks.verdict` and everything that was tried.

A hypothesis fires when its Hoeffding bound, times all that was tried, is at most alpha. Guards only silence: an era
whose commitment does not match names nobody, and decoys that misbehave silence everything.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from gateway.forensics.looks import Look
from gateway.watermarks.buckets import BucketVector
from gateway.watermarks.correction import Tried
from gateway.watermarks.decoys import SPREAD
from gateway.watermarks.power import Power, power_of
from gateway.watermarks.score import Score
from gateway.watermarks.verdict import Name, Reason, Rules

Kind = Literal["account", "cluster", "provider"]


@dataclass(frozen=True, slots=True)
class Hit:
    """A hypothesis under one look. `log_p` is ln of the corrected bound."""

    kind: Kind
    name: str
    """The account's id, the cluster's name, or nothing."""
    roll: int
    epoch: str
    family: str
    list_index: int
    score: Score
    log_p: float


@dataclass(frozen=True, slots=True)
class Outcome:
    """What may be said. `accounts` holds the best hit of each account that fires, best first."""

    name: Name
    reason: Reason
    accounts: tuple[Hit, ...]
    provider: Hit | None
    clusters: tuple[Hit, ...]
    power: Power
    """What would have been found, under the era and list where it is least likely."""

    @property
    def names(self) -> list[str]:
        """The accounts that fire."""
        return [hit.name for hit in self.accounts]


def conclude(looks: Sequence[Look], tried: Tried, rules: Rules, power: Power) -> Outcome:
    """Judge looks together. `power` is that of the looks at the whole text."""
    limit = math.log(rules.alpha)
    sound = [look for look in looks if look.era.commitment != "mismatch"]
    fired = [hit for look in sound for hit in hits(look, tried) if hit.log_p <= limit]
    accounts = _best_of_each(hit for hit in fired if hit.kind == "account")
    provider = _best_of_each(hit for hit in fired if hit.kind == "provider")
    clusters = _best_of_each(hit for hit in fired if hit.kind == "cluster")
    broken = _broken(looks, tried, rules)
    name: Name = "inconclusive"
    reason: Reason = "too_weak"
    if broken:
        reason, accounts, provider, clusters = broken, (), (), ()
    elif accounts:
        name, reason = ("attributed" if len(accounts) == 1 else "several_accounts"), "fired"
    elif provider or clusters:
        name, reason = "provider_marked", "fired"
    elif len(sound) < len(looks):
        reason = "commitment_mismatch"
    elif power.chance >= rules.least_power:
        name, reason = "none", "nothing_found"
    return Outcome(name, reason, accounts, provider[0] if provider else None, clusters, power)


def hits(look: Look, tried: Tried) -> list[Hit]:
    """All hypotheses of a look that are near enough to be worth a line."""
    era = look.era

    def hit(kind: Kind, name: str, score: Score, roll: int = 0) -> Hit:
        return Hit(kind, name, roll, era.epoch, era.family, look.list_index, score, tried.corrected(score.log_bound))

    return [
        *(
            hit("account", who.account, Score(total, look.squares), who.roll)
            for who, total in look.high or look.best[:1]
        ),
        *(hit("cluster", cluster.name, score) for cluster, score in look.clusters),
        hit("provider", "", look.provider),
    ]


def best_hit(looks: Iterable[Look], tried: Tried) -> Hit:
    """The most surprising hypothesis."""
    return min((hit for look in looks for hit in hits(look, tried)), key=lambda hit: hit.log_p)


def even_power(looks: Sequence[Look], tried: Tried, rules: Rules) -> Power:
    """The power of the weakest look, as if its weights were equal: for tables, where weights are not kept."""
    weakest = min(looks, key=lambda look: look.even_units)
    return _even_power(weakest.even_units, weakest.era.scheme.width, tried, rules)


@lru_cache(maxsize=1 << 12)
def _even_power(units: int, width: int, tried: Tried, rules: Rules) -> Power:
    """A corpus asks the same often."""
    even = BucketVector(width, tuple((at, 1) for at in range(units)), units)
    return power_of(even, rules.uplift, tried, rules.alpha)


def _broken(looks: Sequence[Look], tried: Tried, rules: Rules) -> Reason | None:
    for look in looks:
        if not SPREAD[0] <= look.spread <= SPREAD[1]:
            return "decoys_disagree"
        if tried.corrected(Score(look.decoys.best, look.squares).log_bound) <= math.log(rules.alpha):
            return "decoy_fired"
    return None


def _best_of_each(fired: Iterable[Hit]) -> tuple[Hit, ...]:
    best: dict[str, Hit] = {}
    for hit in sorted(fired, key=lambda one: (one.log_p, one.epoch, one.family, one.list_index)):
        best.setdefault(hit.name, hit)
    return tuple(best.values())
