"""From a marker's bias to a verdict, with the pair scheme on both sides: lists, layers, mixtures and clusters."""

import pytest

from gateway.watermarks.buckets import BucketVector
from gateway.watermarks.commitment import EpochKeys
from gateway.watermarks.correction import Tried
from gateway.watermarks.decoys import Decoys
from gateway.watermarks.evidence import Cluster, Evidence
from gateway.watermarks.keys import seed_of
from gateway.watermarks.marking import PROVIDER
from gateway.watermarks.scheme import PairScheme
from gateway.watermarks.score import Score
from gateway.watermarks.verdict import Rules, judge
from tests.support.keyed_writer import some_table
from tests.support.needs import needs_numpy

needs_numpy()

import numpy as np  # noqa: E402

from gateway.watermarks.codewords import scores  # noqa: E402
from tests.support.attribution_runs import name, root, seeds_of  # noqa: E402
from tests.support.pair_sampler import PairSampler  # noqa: E402

TABLE = some_table()
ACCOUNT_ROOT, PROVIDER_ROOT = root("codeword"), root("codeword", "provider")
EPOCH = EpochKeys(ACCOUNT_ROOT, root("decoy"), decoys=1000)
PROVIDER_SEED = seed_of(PROVIDER_ROOT, PROVIDER)


def sampler(**layout):
    return PairSampler(TABLE, ACCOUNT_ROOT, PROVIDER_ROOT, **layout)


def score(vector, seed):
    return Score(int(scores([vector], [seed])[0, 0]), vector.squares)


def verdict(reading, accounts, claimed=100_000, clusters=(), list_index=0):
    """What is said of one list of a reading, the correction counting all lists."""
    vector, names = reading.account[list_index], [name(number) for number in range(accounts)]
    row = scores([vector], [*seeds_of(accounts), *EPOCH.decoy_seeds()])[0].tolist()
    tried = Tried(claimed, clusters=len(clusters), provider=1, lists=len(reading.account))
    provider = score(reading.provider[list_index], PROVIDER_SEED)
    decoys = Decoys(row[accounts:], vector.squares)
    return judge(Evidence(vector, names, row[:accounts], decoys, tried, provider, tuple(clusters)), Rules())


@pytest.mark.parametrize("quarters", [0, 1, 2])
@pytest.mark.parametrize("lists", [1, 2, 4])
def test_a_mark_that_always_wins_agrees_in_every_bucket_of_its_list_and_layer(quarters, lists):
    """Marker and detector make signs, buckets and layers by different code. Here one wrong bit of any is seen."""
    rng, layout = np.random.default_rng(1), {"lists": lists, "provider_quarters": quarters}
    made, scheme, own = sampler(**layout), PairScheme(TABLE, **layout), seeds_of(1)[0]
    for used in range(lists):
        reading = scheme.read_words(made.words(rng, 3_000, made.favoured(name(0), list_index=used), 0.5))
        for number in range(lists):
            for vector, seed in ((reading.account[number], own), (reading.provider[number], PROVIDER_SEED)):
                total = score(vector, seed).total
                if number == used:
                    assert total == sum(vector.sizes)
                else:
                    assert total**2 <= 30 * vector.squares
        assert {bucket % 4 for bucket, _ in reading.provider[used].weights} == set(range(quarters))
        assert {bucket % 4 for bucket, _ in reading.account[used].weights} == set(range(quarters, 4))


@pytest.mark.parametrize("layer", ["account", "provider"])
def test_a_mark_of_one_layer_shows_in_that_layer_alone(layer):
    rng, made = np.random.default_rng(2), sampler(provider_quarters=2)
    text = made.words(rng, 4_000, made.favoured(name(3), layers=(layer,)), 0.3)
    reading = PairScheme(TABLE, provider_quarters=2).read_words(text)
    z = {
        "account": score(reading.account[0], seeds_of(4)[3]).z,
        "provider": score(reading.provider[0], PROVIDER_SEED).z,
    }
    assert z.pop(layer) > 9
    assert abs(z.popitem()[1]) < 4
    found = verdict(reading, 300)
    expected = ("attributed", (name(3),)) if layer == "account" else ("provider_marked", ())
    assert (found.name, found.named) == expected


def test_fewer_entries_mark_the_most_frequent_pairs_and_no_others():
    rng, made, own = np.random.default_rng(3), sampler(provider_quarters=0), seeds_of(1)[0]
    words = made.words(rng, 3_000, made.favoured(name(0), entries=300), 0.5)
    vector = PairScheme(TABLE, provider_quarters=0).read_words(words).account[0]
    within, beyond = (
        BucketVector(vector.width, tuple(each for each in vector.weights if (each[0] < 300) == marked), 1)
        for marked in (True, False)
    )
    assert score(within, own).total == sum(within.sizes)
    assert abs(score(beyond, own).z) < 4
    assert len(beyond.sizes) > 200


@pytest.mark.parametrize("owners", [2, 3, 4])
def test_a_mixture_names_every_owner_and_nobody_else(owners):
    """Texts of several accounts one after the other, scored as one."""
    rng, made = np.random.default_rng(owners), sampler()
    mine = rng.choice(1_000, owners, replace=False).tolist()
    words = [word for owner in mine for word in made.words(rng, 6_000, made.favoured(name(owner)), 0.3)]
    found = verdict(PairScheme(TABLE).read_words(words), 1_000)
    assert found.name == "several_accounts"
    assert set(found.named) == {name(owner) for owner in mine}
    assert found.provider.fires


def test_fifty_accounts_mixed_evenly_are_found_as_the_cluster_that_was_declared():
    """2,000 documents of 300 words: p of the cluster is at most 1e-6, and no account is named."""
    rng, made = np.random.default_rng(50), sampler(provider_quarters=0)
    members = rng.choice(5_000, 50, replace=False).tolist()
    marks = [made.favoured(name(member)) for member in members]
    documents = [made.words(rng, 300, marks[n % 50], 0.25) for n in range(2_000)]
    reading = PairScheme(TABLE, provider_quarters=0).read_words([word for one in documents for word in one])
    others = sorted(set(range(5_000)) - set(members))
    declared = Cluster("declared", frozenset(map(name, members)))
    strangers = Cluster("strangers", frozenset(name(number) for number in others[:50]))
    found = verdict(reading, 5_000, clusters=(declared, strangers))
    assert (found.name, found.named) == ("provider_marked", ())
    assert [each.fires for each in found.clusters] == [True, False]
    assert found.clusters[0].log_p < np.log(1e-6)
