"""Verdicts: each one, each guard that silences, and nothing named that does not fire."""

import math
from dataclasses import replace
from random import Random

import pytest

from gateway.watermarks.buckets import BucketVector, vector_of
from gateway.watermarks.correction import Tried
from gateway.watermarks.decoys import Decoys
from gateway.watermarks.evidence import Cluster, Evidence
from gateway.watermarks.score import Score
from gateway.watermarks.verdict import LEADERS, Rules, judge

UNITS = 900
TEXT = vector_of(range(UNITS), 4096)
SHORT = vector_of(range(60), 4096)
TRIED = Tried(100)
RULES = Rules()
FIRES = 2 * math.ceil(TRIED.least_z(1e-6) * 30 / 2) + 2  # the least even score, one step above the threshold


def chance(count, units, seed=0):
    rng = Random(seed)
    return [2 * rng.getrandbits(units).bit_count() - units for _ in range(count)]


def case(*planted, vector=TEXT, **changes):
    """A hundred accounts of which the first score what is planted; the others, what chance gives."""
    scores = [*planted, *chance(100 - len(planted), vector.units, seed=1)]
    decoys = Decoys(chance(1000, vector.units, seed=2), vector.squares)
    evidence = Evidence(vector, [f"a{n}" for n in range(100)], scores, decoys, TRIED)
    return replace(evidence, **changes) if changes else evidence


def test_one_that_fires_is_attributed():
    verdict = judge(case(300), RULES)
    assert (verdict.name, verdict.reason, verdict.named) == ("attributed", "fired", ("a0",))
    assert verdict.leaders[0].finding.name == "a0"
    assert verdict.leaders[0].finding.log_p == pytest.approx(-50 + math.log(100))


def test_two_that_fire_are_several_best_first():
    verdict = judge(case(300, 320), RULES)
    assert (verdict.name, verdict.named) == ("several_accounts", ("a1", "a0"))


def test_more_may_fire_than_are_shown_as_leaders():
    verdict = judge(case(*range(300, 320, 2)), RULES)
    assert len(verdict.named) == 10
    assert len(verdict.leaders) == LEADERS


def test_the_threshold_is_the_corrected_bound():
    assert judge(case(FIRES), RULES).name == "attributed"
    below = judge(case(FIRES - 4), RULES)
    assert (below.name, below.named) == ("none", ())


def test_every_step_around_the_threshold_is_judged_by_the_bound():
    for total in range(FIRES - 10, FIRES + 10):
        fires = -total * total / (2 * UNITS) + math.log(100) <= math.log(1e-6)
        assert bool(judge(case(total), RULES).named) == fires, total


def test_more_that_was_tried_names_fewer():
    assert judge(case(FIRES, tried=Tried(100, runs=50)), RULES).named == ()
    assert judge(case(FIRES, tried=Tried(100, windows=20)), RULES).named == ()


def test_without_a_mark_a_long_text_shows_none_and_a_short_one_is_inconclusive():
    long = judge(case(), RULES)
    assert (long.name, long.reason, long.named) == ("none", "nothing_found", ())
    assert long.power.chance >= 0.99
    short = judge(case(vector=SHORT), RULES)
    assert (short.name, short.reason, short.named) == ("inconclusive", "too_weak", ())
    assert short.power.chance < 0.01


def test_none_speaks_of_a_stated_strength_only():
    weak = judge(case(), Rules(uplift=0.1))
    assert (weak.name, weak.reason) == ("inconclusive", "too_weak")


def test_no_text_is_asked_for_that_cannot_be():
    """Pairs are no more than the table has: a length that would take more is none."""
    text = BucketVector(4096, tuple((at, 3 if at % 2 else 5) for at in range(60)), 60)
    some, none = (judge(case(vector=text, most_units=most), RULES).power.least_units for most in (4000, 100))
    assert some is not None
    assert some > 100
    assert none is None


def test_the_empty_text_is_inconclusive():
    empty = vector_of([], 4096)
    evidence = Evidence(empty, ["a", "b"], [0, 0], Decoys([0] * 1000, 0), TRIED)
    verdict = judge(evidence, RULES)
    assert (verdict.name, verdict.reason, verdict.margin_z) == ("inconclusive", "too_weak", 0.0)


def test_the_providers_layer_alone_names_nobody():
    tried = replace(TRIED, provider=1)
    verdict = judge(case(tried=tried, provider=Score(300, UNITS)), RULES)
    assert (verdict.name, verdict.reason, verdict.named) == ("provider_marked", "fired", ())
    assert verdict.provider.fires
    assert judge(case(300, tried=tried, provider=Score(300, UNITS)), RULES).name == "attributed"
    assert judge(case(tried=tried, provider=Score(20, UNITS)), RULES).name == "none"


def test_a_declared_cluster_fires_together_where_no_member_does():
    members = [120] * 16
    tried = replace(TRIED, clusters=1)
    cluster = Cluster("proxy", frozenset(f"a{n}" for n in range(16)))
    verdict = judge(case(*members, tried=tried, clusters=(cluster,)), RULES)
    assert (verdict.name, verdict.named) == ("provider_marked", ())
    (finding,) = verdict.clusters
    assert finding.score == Score(16 * 120, 16 * UNITS)
    assert finding.score.z == pytest.approx(4 * 4)
    assert judge(case(*members), RULES).name == "none"


def test_a_cluster_of_the_innocent_does_not_fire():
    tried = replace(TRIED, clusters=1)
    cluster = Cluster("strangers", frozenset(f"a{n}" for n in range(50, 100)))
    verdict = judge(case(tried=tried, clusters=(cluster,)), RULES)
    assert verdict.name == "none"
    assert abs(verdict.clusters[0].score.z) < 4


GUARDS = {
    "commitment_mismatch": {"commitment": "mismatch"},
    "decoys_disagree": {"decoys": Decoys([2 * score for score in chance(1000, UNITS)], UNITS)},
    "decoy_fired": {"decoys": Decoys([*chance(999, UNITS), FIRES], UNITS)},
}


@pytest.mark.parametrize("reason", GUARDS)
@pytest.mark.parametrize("planted", [(), (300,), (300, 310)], ids=len)
def test_evidence_that_fails_a_check_names_nobody(reason, planted):
    verdict = judge(case(*planted, **GUARDS[reason]), RULES)
    assert (verdict.name, verdict.reason, verdict.named) == ("inconclusive", reason, ())


def test_a_verified_commitment_changes_nothing():
    assert judge(case(300, commitment="verified"), RULES).named == ("a0",)


def test_leaders_carry_what_is_said_beside_the_bound():
    verdict = judge(case(300, 90), RULES)
    first, second = verdict.leaders[:2]
    assert first.tail.method == "exact"
    assert first.tail.log_p < first.finding.score.log_bound
    assert first.rank_p == 1 / 1001
    assert first.decoy_share[0] == 0.0
    assert second.rank_p < 0.01
    assert verdict.margin_z == pytest.approx(7.0)
    totals = [leader.finding.score.total for leader in verdict.leaders]
    assert totals == sorted(totals, reverse=True)


def test_decoys_that_disagree_take_the_closer_tail_away():
    verdict = judge(case(300, **GUARDS["decoys_disagree"]), RULES)
    assert {leader.tail.method for leader in verdict.leaders} == {"none"}


def test_one_account_alone_has_no_margin():
    evidence = Evidence(TEXT, ["a"], [300], case().decoys, Tried(1))
    assert judge(evidence, RULES).margin_z is None


@pytest.mark.parametrize(
    "changes",
    [
        {"tried": Tried(99)},
        {"clusters": (Cluster("c", frozenset({"a1"})),)},
        {"provider": Score(1, 1)},
        {"tried": Tried(100, clusters=1), "clusters": (Cluster("c", frozenset({"a1", "stranger"})),)},
        {"tried": Tried(100, clusters=1), "clusters": (Cluster("c", frozenset()),)},
        {"accounts": ["a0"] * 100},
        {"scores": [0] * 99},
        {"accounts": [], "scores": []},
    ],
)
def test_counting_too_little_is_refused(changes):
    with pytest.raises(ValueError, match=r"must count|one score for each|consist of"):
        case(**changes)


@pytest.mark.parametrize("bad", [{"alpha": 0}, {"alpha": 1}, {"uplift": 0}, {"uplift": 0.6}, {"least_power": 1}])
def test_rules_that_mean_nothing_are_refused(bad):
    with pytest.raises(ValueError, match="lie between"):
        Rules(**bad)
