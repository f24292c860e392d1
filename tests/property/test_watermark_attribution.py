"""Planted marks are found as often as the power statement says, and nobody else is ever named."""

from random import Random

import pytest

from gateway.watermarks.buckets import vector_of
from gateway.watermarks.commitment import EpochKeys
from gateway.watermarks.correction import Tried
from gateway.watermarks.decoys import Decoys
from gateway.watermarks.evidence import Cluster, Evidence
from gateway.watermarks.keys import KeyPath, seed_of
from gateway.watermarks.power import expected_z, power_of
from gateway.watermarks.verdict import Rules, judge
from tests.support.needs import needs_numpy

needs_numpy()

import numpy as np  # noqa: E402

from gateway.watermarks.codewords import scores, signs  # noqa: E402
from gateway.watermarks.intervals import interval  # noqa: E402
from tests.support.attribution import COARSE, attribute  # noqa: E402
from tests.support.attribution_runs import (  # noqa: E402
    HASHED,
    MASTER,
    PAIRS,
    hashed_run,
    hashed_texts,
    pair_run,
    pair_texts,
    seeds_of,
)
from tests.support.keyed_sampler import drawn, marked, marked_buckets, unmarked  # noqa: E402

BUCKET_KEY = MASTER.root(KeyPath("bucket", 1, "test", "2026-q4", "account"))
CODEWORDS = MASTER.root(KeyPath("codeword", 1, "test", "2026-q4", "account"))
EPOCH = EpochKeys(CODEWORDS, MASTER.root(KeyPath("decoy", 1, "test", "2026-q4", "account")), decoys=1000)
PUBLISHED = EPOCH.commitment()
RULES = Rules()


def seed(name):
    return seed_of(CODEWORDS, name)


def verdicts(texts, accounts, claimed=None, clusters=(), published=PUBLISHED):
    """Judge all texts among all accounts, `claimed` of them corrected for, decoys scored in the same pass."""
    seeds = [*map(seed, accounts), *EPOCH.decoy_seeds()]
    checked = EPOCH.check(published)
    tried = Tried(claimed or len(accounts), clusters=len(clusters))
    for vector, row in zip(texts, scores(texts, seeds), strict=True):
        row = row.tolist()
        decoys = Decoys(row[len(accounts) :], vector.squares)
        evidence = Evidence(
            vector, accounts, row[: len(accounts)], decoys, tried, clusters=clusters, commitment=checked
        )
        yield judge(evidence, RULES)


def planted(count, units, uplift, accounts, rng):
    owners = [rng.choice(accounts) for _ in range(count)]
    return owners, [marked(rng, seed(owner), BUCKET_KEY, units, uplift) for owner in owners]


def names(count):
    return [f"acct_{n}" for n in range(count)]


def test_long_marked_texts_name_their_owner_and_unmarked_ones_nobody():
    rng, accounts = Random(1), names(2000)
    owners, texts = planted(25, 900, 0.2, accounts, rng)
    for owner, verdict in zip(owners, verdicts(texts, accounts, claimed=100_000), strict=True):
        assert (verdict.name, verdict.named) == ("attributed", (owner,))
        assert verdict.margin_z > 2
    clean = [unmarked(rng, BUCKET_KEY, units) for units in (900, 100) for _ in range(12)]
    found = [(verdict.name, verdict.named) for verdict in verdicts(clean, accounts, claimed=100_000)]
    assert found == [("none", ())] * 12 + [("inconclusive", ())] * 12


@pytest.mark.parametrize(("units", "uplift"), [(300, 0.2), (400, 0.2), (150, 0.3), (1200, 0.1)])
def test_detection_is_as_frequent_as_stated(units, uplift):
    """Rates over 400 texts against the mean of what each text's power statement says, within a 99.9 % interval."""
    rng, tried, found, stated = Random(units), Tried(1000), 0, 0.0
    for n in range(400):
        text = marked(rng, seed(f"acct_{n}"), BUCKET_KEY, units, uplift)
        total = int(scores([text], [seed(f"acct_{n}")])[0, 0])
        found += total >= tried.least_z(1e-6) * text.squares**0.5
        stated += power_of(text, uplift, tried, 1e-6).chance / 400
    low, high = interval(found, 400, 0.999)
    assert 0.05 < stated < 0.95
    assert low <= stated <= high


@pytest.mark.parametrize(("units", "uplift"), [(200, 0.1), (800, 0.2), (1600, 0.3), (3000, 0.4)])
def test_planted_marks_have_the_expected_z(units, uplift):
    """Mean over 40 texts; its standard error is at most 0.16."""
    rng, sum_z = Random(units), 0.0
    for n in range(40):
        text = marked(rng, seed(f"acct_{n}"), BUCKET_KEY, units, uplift)
        sum_z += int(scores([text], [seed(f"acct_{n}")])[0, 0]) / text.squares**0.5
    assert abs(sum_z / 40 - expected_z(units, uplift, 4096)) < 0.5


def test_wrong_names_stay_below_a_coarse_nominal_level():
    """At 1e-6 nothing is ever seen; at a family-wise 0.2 the promise can be counted, on marked texts too."""
    rng, accounts, rules = Random(4), names(300), Rules(alpha=0.2)
    _, texts = planted(200, 250, 0.2, ["other_epoch"], rng)
    texts += [unmarked(rng, BUCKET_KEY, 250) for _ in range(200)]
    rows = scores(texts, map(seed, accounts)).tolist()
    wrong = sum(
        max(row) >= Tried(300).least_z(rules.alpha) * vector.squares**0.5
        for vector, row in zip(texts, rows, strict=True)
    )
    assert wrong > 0
    assert interval(wrong, 400, 0.998)[0] <= 0.2


def test_two_owners_of_one_text_are_several_accounts():
    rng, accounts = Random(5), names(300)
    halves = [marked_buckets(rng, signs(seed(owner), 4096), BUCKET_KEY, 1300, 0.3) for owner in ("acct_3", "acct_200")]
    (verdict,) = verdicts([vector_of(halves[0] + halves[1], 4096)], accounts)
    assert verdict.name == "several_accounts"
    assert set(verdict.named) == {"acct_3", "acct_200"}


def test_a_cluster_is_found_where_its_members_are_not():
    rng, accounts = Random(6), names(300)
    members = accounts[:16]
    shares = [marked_buckets(rng, signs(seed(owner), 65_536), BUCKET_KEY, 400, 0.25) for owner in members]
    text = vector_of([bucket for share in shares for bucket in share], 65_536)
    declared = Cluster("declared", frozenset(members))
    strangers = Cluster("strangers", frozenset(accounts[100:116]))
    (verdict,) = verdicts([text], accounts, clusters=(declared, strangers))
    assert (verdict.name, verdict.named) == ("provider_marked", ())
    assert [finding.fires for finding in verdict.clusters] == [True, False]


def test_keys_that_were_not_promised_name_nobody():
    rng, accounts = Random(9), names(300)
    _, texts = planted(1, 900, 0.2, accounts, rng)
    (verdict,) = verdicts(texts, accounts, published=b"another promise")
    assert (verdict.name, verdict.reason, verdict.named) == ("inconclusive", "commitment_mismatch", ())


def test_another_epochs_keys_find_nothing():
    rng, accounts = Random(7), names(300)
    text = marked(rng, seed_of(b"another epoch's root key, really", "acct_1"), BUCKET_KEY, 900, 0.3)
    (verdict,) = verdicts([text], accounts)
    assert (verdict.name, verdict.named) == ("none", ())


def check_names(outcome, texts):
    """Nobody is wrongly named at the level that verdicts use, and at a coarse one not more often than promised."""
    for kind in ("marked", "unmarked"):
        assert outcome.texts[kind] == texts
        assert outcome.wrong[kind] == 0
        assert interval(outcome.coarse[kind], texts, 0.998)[0] <= COARSE


def check_hashed(outcome):
    """As frequent as stated, and at the lengths that are said to give 50 % and 99 %.

    What is stated passes over the steps of the score, which at 148 units are worth 0.03.
    """
    for at, (_, units, texts, right, _, stated) in enumerate(outcome.rows()):
        low, high = interval(round(right * texts), texts, 0.9999)
        assert low - 0.03 <= stated <= high + 0.03, units
        assert low - 0.03 <= (0.5, 0.99)[at % 2] <= high + 0.03, units


def check_pairs(outcome):
    """What is stated is about pairs, and a pair that comes again agrees more often than each of its words."""
    right = {}
    for uplift, words, texts, share, _, stated in outcome.rows():
        assert interval(round(share * texts), texts, 0.9999)[1] >= stated, (uplift, words)
        right[uplift, words] = share
    assert all(right[uplift, 2_000] <= right[uplift, 4_000] for uplift in (0.15, 0.25, 0.35))
    assert all(right[label] > 0.95 for label in ((0.15, 4_000), (0.25, 2_000), (0.35, 1_000)))


def test_nobody_is_wrongly_named_among_some_thousands():
    pairs, hashed = pair_run(50, accounts=2_000), hashed_run(40, accounts=2_000)
    check_names(pairs, 600)
    check_names(hashed, 320)
    check_pairs(pairs)
    assert hashed.right.total() > 200
    assert hashed.coarse.total() > 0


def test_a_name_by_extremes_is_the_name_of_the_verdict():
    """What the runs count is what the detector says, decoys and all."""
    accounts = names(500)
    seeds = seeds_of(500)
    texts = [*hashed_texts(1, seeds, 5), *pair_texts(1, 500, 6)]
    found = 0
    for text, verdict in zip(texts, verdicts([text.vector for text in texts], accounts), strict=True):
        outcome = attribute([text], seeds)
        assert not outcome.wrong.total()
        owner = () if text.owner is None else (accounts[text.owner],)
        assert verdict.named == (owner if outcome.right.total() else ())
        found += len(verdict.named)
    assert 8 < found < 20


@pytest.mark.parametrize(("uplift", "half", "nearly_all"), [(0.15, 518, 896), (0.2, 288, 502), (0.3, 121, 203)])
def test_lengths_are_those_of_the_exact_binomial(uplift, half, nearly_all):
    """Tables for 1e-11 (z = 6.706) without the bound's price, in buckets so many that units hardly share one."""
    rng = np.random.default_rng(half)
    for units, share in ((half, 0.5), (nearly_all, 0.99)):
        found = 0
        for n in range(200):
            text = drawn(rng, seed(f"acct_{n}"), units, uplift, 65_536)
            found += int(scores([text], [seed(f"acct_{n}")])[0, 0]) >= 6.706 * text.squares**0.5
        low, high = interval(found, 200, 0.999)
        assert low - 0.04 <= share <= high + 0.01, units


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_among_a_hundred_thousand_accounts_pairs_name_owners_and_nobody_else():
    """10,080 marked and 10,080 unmarked texts: 2·10⁹ scores."""
    outcome = pair_run(10_080 // len(PAIRS))
    check_names(outcome, 10_080)
    assert outcome.coarse.total() > 0
    check_pairs(outcome)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_among_a_hundred_thousand_accounts_hashed_units_name_owners_and_nobody_else():
    """`make calibration` has 10,000 of each: so many buckets are dear."""
    outcome = hashed_run(2_000 // len(HASHED))
    check_names(outcome, 2_000)
    assert outcome.coarse.total() > 0
    check_hashed(outcome)
