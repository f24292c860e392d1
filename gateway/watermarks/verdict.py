"""From scores to a verdict, and never to more than the scores prove.

An account fires when its Hoeffding bound, multiplied by everything that was tested, is at most alpha. This controls the
probability that any innocent account is named at all (the family-wise error), for any text. All guards below can only
turn an accusation into silence.
"""

from dataclasses import dataclass
from heapq import nlargest
from math import floor, log, sqrt
from typing import Final, Literal

from gateway.watermarks.correction import Tried
from gateway.watermarks.evidence import Evidence
from gateway.watermarks.power import Power, power_of
from gateway.watermarks.score import Score, Tail, tail_of

LEADERS: Final = 5

Name = Literal["attributed", "several_accounts", "provider_marked", "inconclusive", "none"]
Reason = Literal["fired", "commitment_mismatch", "decoys_disagree", "decoy_fired", "too_weak", "nothing_found"]


@dataclass(frozen=True, slots=True)
class Rules:
    """What is asked of a verdict."""

    alpha: float = 1e-6
    """The probability, at most, that anything innocent fires in one use of the detector."""
    uplift: float = 0.2
    """The strength of mark that `none` speaks about."""
    least_power: float = 0.99
    """`none` is said only where such a mark would have been found with this chance; below, it is `inconclusive`."""

    def __post_init__(self) -> None:
        if not (0 < self.alpha < 1 and 0 < self.uplift <= 0.5 and 0 < self.least_power < 1):
            raise ValueError("alpha and least_power lie between 0 and 1, an uplift above 0 and at most ½")


@dataclass(frozen=True, slots=True)
class Finding:
    """One tested hypothesis. `log_p` is ln of the corrected bound."""

    name: str
    score: Score
    log_p: float
    fires: bool


@dataclass(frozen=True, slots=True)
class Leader:
    """An account near the top, with what is said beside the bound: not corrected, and nothing is decided by it."""

    finding: Finding
    tail: Tail
    rank_p: float
    decoy_share: tuple[float, float]


@dataclass(frozen=True, slots=True)
class Verdict:
    """`named` are the accounts that the text is attributed to: empty but for the first two verdicts."""

    name: Name
    reason: Reason
    named: tuple[str, ...]
    leaders: tuple[Leader, ...]
    margin_z: float | None
    """How far the best account is ahead of the second, in z."""
    provider: Finding | None
    clusters: tuple[Finding, ...]
    power: Power
    tried: Tried


def judge(evidence: Evidence, rules: Rules) -> Verdict:
    """Judge one text."""
    scored = zip(evidence.scores, evidence.accounts, strict=True)
    leaders = tuple(_leader(evidence, rules, name, total) for total, name in nlargest(LEADERS, scored))
    provider = None if evidence.provider is None else _finding("provider", evidence.provider, evidence.tried, rules)
    clusters = tuple(
        _finding(cluster.name, evidence.score_of_cluster(cluster), evidence.tried, rules)
        for cluster in evidence.clusters
    )
    power = power_of(evidence.vector, rules.uplift, evidence.tried, rules.alpha, evidence.most_units)
    fired = _fired(evidence, rules)
    marked = any(finding.fires for finding in (provider, *clusters) if finding)
    name, reason = _name(_broken(evidence, rules), len(fired), marked, power.chance >= rules.least_power)
    return Verdict(
        name=name,
        reason=reason,
        named=fired if name in {"attributed", "several_accounts"} else (),
        leaders=leaders,
        margin_z=leaders[0].finding.score.z - leaders[1].finding.score.z if len(leaders) > 1 else None,
        provider=provider,
        clusters=clusters,
        power=power,
        tried=evidence.tried,
    )


def _name(broken: Reason | None, fired: int, marked: bool, strong: bool) -> tuple[Name, Reason]:
    if broken:
        return "inconclusive", broken
    if fired:
        return ("attributed" if fired == 1 else "several_accounts"), "fired"
    if marked:
        return "provider_marked", "fired"
    return ("none", "nothing_found") if strong else ("inconclusive", "too_weak")


def _broken(evidence: Evidence, rules: Rules) -> Reason | None:
    """Why nobody may be named, whatever the scores: the evidence itself fails a check."""
    if evidence.commitment == "mismatch":
        return "commitment_mismatch"
    if not evidence.decoys.agree:
        return "decoys_disagree"
    if _finding("decoy", evidence.score_of(evidence.decoys.best), evidence.tried, rules).fires:
        return "decoy_fired"
    return None


def _finding(name: str, score: Score, tried: Tried, rules: Rules) -> Finding:
    log_p = tried.corrected(score.log_bound)
    return Finding(name, score, log_p, log_p <= log(rules.alpha))


def _fired(evidence: Evidence, rules: Rules) -> tuple[str, ...]:
    """The accounts that fire, best first. The sieve lies just below the threshold: only `_finding` decides."""
    sieve = floor(evidence.tried.least_z(rules.alpha) * sqrt(evidence.vector.squares)) - 1
    near = [each for each in zip(evidence.scores, evidence.accounts, strict=True) if each[0] >= sieve]
    found = (_finding(name, evidence.score_of(total), evidence.tried, rules) for total, name in sorted(near)[::-1])
    return tuple(finding.name for finding in found if finding.fires)


def _leader(evidence: Evidence, rules: Rules, name: str, total: int) -> Leader:
    finding = _finding(name, evidence.score_of(total), evidence.tried, rules)
    tail = tail_of(total, evidence.vector) if evidence.decoys.agree else Tail("none", None)
    return Leader(finding, tail, evidence.decoys.rank_p(total), evidence.decoys.share(total))
