"""Planted marks are found as often as the power statement says, and nobody else is ever named."""

from random import Random

import pytest

from gateway.watermarks.buckets import vector_of
from gateway.watermarks.commitment import EpochKeys
from gateway.watermarks.correction import Tried
from gateway.watermarks.decoys import Decoys
from gateway.watermarks.evidence import Cluster, Evidence
from gateway.watermarks.keys import KeyPath, Master, seed_of
from gateway.watermarks.power import expected_z, power_of
from gateway.watermarks.verdict import Rules, judge
from tests.support.needs import needs_numpy

needs_numpy()

from gateway.watermarks.codewords import scores, signs  # noqa: E402
from gateway.watermarks.intervals import interval  # noqa: E402
from tests.support.keyed_sampler import marked, marked_buckets, unmarked  # noqa: E402

MASTER = Master(b"m" * 32)
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


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_among_a_hundred_thousand_accounts():
    rng, accounts = Random(8), names(100_000)
    sizes = (500, 700, 900)
    texts, owners = [], []
    for units in sizes:
        mine, some = planted(40, units, 0.2, accounts, rng)
        owners += mine
        texts += some
    clean = [unmarked(rng, BUCKET_KEY, 900) for _ in range(120)]
    right = dict.fromkeys(sizes, 0)
    stated = dict.fromkeys(sizes, 0.0)
    for at, verdict in enumerate(verdicts(texts + clean, accounts)):
        assert verdict.named in ((), (owners[at],) if at < len(owners) else ())
        if at < len(owners):
            right[sizes[at // 40]] += verdict.name == "attributed"
            stated[sizes[at // 40]] += verdict.power.chance / 40
    for units in sizes:
        low, high = interval(right[units], 40, 0.999)
        assert low <= stated[units] <= high
    assert right[900] == 40
