"""One text: marked ones are named, others never are, and everything that was tried costs."""

import math
from dataclasses import replace
from random import Random

import pytest

from tests.support.needs import needs_numpy

needs_numpy()

from gateway.forensics.document import examine  # noqa: E402
from gateway.forensics.eras import Suspect  # noqa: E402
from gateway.forensics.looks import look_at, readings  # noqa: E402
from gateway.forensics.outcome import best_hit, conclude, even_power  # noqa: E402
from gateway.forensics.question import Question  # noqa: E402
from gateway.forensics.sift import scores_of  # noqa: E402
from gateway.watermarks.evidence import Cluster  # noqa: E402
from gateway.watermarks.verdict import Rules  # noqa: E402
from tests.support.forensic import Words, era, text  # noqa: E402

ERA = era()
QUESTION = Question((ERA,))


def seen_in(one, question=QUESTION, runs=1, **more):
    return examine("a text", one, question, lambda _: runs, **more)


@pytest.mark.parametrize("account", ["acct-0", "acct-17", "acct-39"])
def test_the_account_of_a_marked_text_is_named(account):
    result = seen_in(text(Random(1), of=ERA, account=account))
    (hit,) = result.outcome.accounts
    assert (result.outcome.name, hit.name, hit.epoch, hit.family) == ("attributed", account, "e1", "made")
    assert hit.log_p < math.log(1e-6)
    assert result.outcome.provider is not None
    assert [verdict.name for verdict in result.verdicts] == ["attributed"]


def test_thousands_of_unmarked_texts_name_nobody():
    """3,000 texts and 40 accounts: at alpha 1e-6 a name would come in one of 330 runs of this test, if the bound were
    no better than it must be.
    """
    rng = Random(2)
    tried = QUESTION.tried()
    nearest = 0.0
    for _ in range(6):
        for seen in look_at([readings(text(rng, 300), QUESTION) for _ in range(500)], QUESTION, best=1):
            outcome = conclude(seen.looks, tried, QUESTION.rules, even_power(seen.looks, tried, QUESTION.rules))
            assert outcome.name in {"none", "inconclusive"}
            nearest = min(nearest, best_hit(seen.looks, tried).log_p)
    # The bound is not idle either: the best of so many comes near one in a thousand.
    assert math.log(1e-6) < nearest < math.log(0.1)


def test_a_text_of_another_provider_names_nobody():
    stranger = era(epoch="elsewhere")
    assert seen_in(text(Random(3), of=stranger)).outcome.accounts == ()


def test_keys_that_were_not_promised_name_nobody():
    marked = text(Random(4), of=ERA)
    wrong = Question((replace(ERA, commitment="mismatch"),))
    outcome = seen_in(marked, wrong).outcome
    assert (outcome.name, outcome.reason, outcome.accounts) == ("inconclusive", "commitment_mismatch", ())
    assert outcome.provider is None
    assert [verdict.name for verdict in seen_in(marked, wrong).verdicts] == ["inconclusive"]


def test_one_wrong_commitment_does_not_silence_another_epoch():
    eras = (replace(ERA, commitment="mismatch"), era(epoch="e2"))
    outcome = seen_in(text(Random(5), of=eras[1]), Question(eras)).outcome
    assert (outcome.name, [hit.epoch for hit in outcome.accounts]) == ("attributed", ["e2"])
    assert seen_in(text(Random(5), of=eras[0]), Question(eras)).outcome.reason == "commitment_mismatch"


def test_every_earlier_run_makes_p_larger():
    marked = text(Random(6), of=ERA)
    first, second = (seen_in(marked, runs=runs).outcome.accounts[0].log_p for runs in (1, 2))
    assert second - first == pytest.approx(math.log(2))


def test_enough_runs_silence_a_name():
    weak = text(Random(7), 300, of=ERA, uplift=0.25)
    assert seen_in(weak).outcome.name == "attributed"
    assert seen_in(weak, runs=10**12).outcome.accounts == ()


def test_what_was_tried_is_counted():
    eras = tuple(era(30, epoch=epoch, family=family, scheme=Words(lists=2)) for epoch in "ab" for family in "cde")
    clusters = (Cluster("one", frozenset({"acct-1", "acct-2"})),)
    result = seen_in(text(Random(8), 1000), Question(eras, clusters), runs=3, windows=True)
    tried = result.tried
    assert (tried.accounts, tried.clusters, tried.provider) == (30, 1, 1)
    assert (tried.epochs, tried.schemes, tried.lists, tried.runs) == (2, 3, 2, 3)
    assert tried.windows == 1 + len(result.windows) > 8


def test_the_epoch_and_the_list_of_a_mark_are_found():
    eras = tuple(era(epoch=epoch, scheme=Words(lists=4)) for epoch in ("e1", "e2"))
    (hit,) = seen_in(text(Random(9), of=eras[1], list_index=3), Question(eras)).outcome.accounts
    assert (hit.epoch, hit.list_index) == ("e2", 3)


def test_two_accounts_are_several():
    half = [text(Random(seed), 900, of=ERA, account=f"acct-{seed}") for seed in (1, 2)]
    outcome = seen_in(" ".join(half)).outcome
    assert outcome.name == "several_accounts"
    assert {hit.name for hit in outcome.accounts} == {"acct-1", "acct-2"}


def test_a_replaced_seed_is_the_same_account():
    rolled = era(rolls=(Suspect("acct-5", 1),))
    result = seen_in(text(Random(10), of=rolled, account="acct-5", roll=1), Question((rolled,)))
    (hit,) = result.outcome.accounts
    assert (hit.name, hit.roll) == ("acct-5", 1)
    assert result.verdicts[0].named == ("acct-5 roll 1",)


def test_the_providers_mark_alone_names_nobody():
    outcome = seen_in(text(Random(11), 1200, of=ERA, account=None)).outcome
    assert (outcome.name, outcome.accounts) == ("provider_marked", ())


def test_a_declared_cluster_is_found_where_no_member_is():
    mixed = " ".join(
        text(Random(seed), 60, of=ERA, account=f"acct-{seed % 10}", uplift=0.3, provider=False) for seed in range(60)
    )
    cluster = Cluster("proxy", frozenset(f"acct-{number}" for number in range(10)))
    other = Cluster("others", frozenset(f"acct-{number}" for number in range(20, 30)))
    outcome = seen_in(mixed, Question((ERA,), (cluster, other))).outcome
    assert (outcome.name, outcome.accounts) == ("provider_marked", ())
    assert [hit.name for hit in outcome.clusters] == ["proxy"]


def test_a_clusters_score_is_its_members_and_varies_as_they_do_together():
    rolled = era(rolls=(Suspect("acct-5", 1),))
    cluster = Cluster("c", frozenset({"acct-1", "acct-5", "acct-9"}))
    result = seen_in(text(Random(18)), Question((rolled,), (cluster,)))
    (look,) = result.seen.looks
    ((found, score),) = look.clusters
    members = [suspect for suspect in rolled.suspects if suspect.account in cluster.members]
    assert (found, len(members)) == (cluster, 4)
    assert score.squares == 4 * look.squares
    (vector,) = result.seen.vectors
    assert score.total == sum(scores_of([vector], rolled.seed(member))[0] for member in members)


def test_an_era_that_knows_a_part_of_a_cluster_tests_that_part():
    eras = (era(3, epoch="e1"), era(10, epoch="e2"))
    cluster = Cluster("c", frozenset({"acct-1", "acct-7", "acct-8"}))
    first, second = seen_in(text(Random(19)), Question(eras, (cluster,))).seen.looks
    assert [look.clusters[0][1].squares // look.squares for look in (first, second)] == [1, 3]
    stranger = Cluster("d", frozenset({"acct-8", "acct-9"}))
    first, _ = seen_in(text(Random(19)), Question(eras, (stranger,))).seen.looks
    assert first.clusters == ()


def test_a_cluster_of_strangers_is_refused():
    with pytest.raises(ValueError, match=r"cluster c: 1 members .* such as who"):
        Question((ERA,), (Cluster("c", frozenset({"acct-1", "who"})),))


def test_none_is_said_only_where_a_mark_would_have_shown():
    assert seen_in(text(Random(12), 2500)).outcome.name == "none"
    short = seen_in(text(Random(12), 60)).outcome
    assert (short.name, short.reason) == ("inconclusive", "too_weak")
    assert short.power.chance < 0.01
    assert seen_in("").outcome.reason == "too_weak"


def test_heavy_weights_do_not_look_like_many_units():
    """Power speaks of units of equal weight: sixteen times the weight is not sixteen times the evidence."""

    class Heavy(Words):
        def read(self, one, _prose=None):
            reading = super().read(one)
            scaled = tuple(
                replace(vector, weights=tuple((at, 16 * weight) for at, weight in vector.weights))
                for vector in reading.account
            )
            return replace(reading, account=scaled)

    plain, heavy = (seen_in(text(Random(13), 2500), Question((era(scheme=one),))).outcome for one in (Words(), Heavy()))
    assert (plain.name, plain.power.chance) == (heavy.name, heavy.power.chance)


def test_the_outcome_is_the_cores_verdict():
    """The same rule in two places: here for many looks at once, there for one."""
    for seed in range(30):
        marked = text(Random(seed), 150 + 20 * seed, of=ERA if seed % 3 else None, uplift=0.02 * (seed % 20) + 0.05)
        result = seen_in(marked)
        (verdict,) = result.verdicts
        assert tuple(hit.name for hit in result.outcome.accounts) == verdict.named
        assert (result.outcome.name in {"none", "inconclusive"}) == (verdict.name in {"none", "inconclusive"})
        best = best_hit(result.seen.looks, result.tried)
        assert best.log_p <= verdict.leaders[0].finding.log_p


def test_windows_find_a_marked_quarter_and_where_it_stands():
    rng = Random(14)
    # Each account's own text is about one in four words; the rest says each pair once more, at random.
    before, marked, after = text(rng, 1500), text(rng, 1000, of=ERA, account="acct-9"), text(rng, 1500)
    whole = f"{before} {marked} {after}"
    weak = seen_in(whole)
    strong = seen_in(whole, windows=True)
    assert weak.outcome.accounts == ()
    assert [hit.name for hit in strong.outcome.accounts] == ["acct-9"]
    fired = [found.window for found in strong.windows if found.fires]
    assert fired
    assert all(window.end > 1500 and window.begin < 2500 for window in fired)


def test_windows_cost_even_where_they_find_nothing():
    marked = text(Random(15), 1200, of=ERA)
    plain, cut = seen_in(marked), seen_in(marked, windows=True)
    found = next(hit for hit in cut.outcome.accounts if hit.name == "acct-0")
    assert cut.tried.windows > 1
    assert found.log_p >= plain.outcome.accounts[0].log_p + math.log(cut.tried.windows) - 1e-9


def test_decoys_that_are_not_chance_silence_everything():
    marked = text(Random(16), of=ERA)
    seen = look_at([readings(marked, QUESTION)], QUESTION)[0]
    (look,) = seen.looks
    tried = QUESTION.tried()
    power = even_power(seen.looks, tried, Rules())
    assert conclude(seen.looks, tried, Rules(), power).name == "attributed"
    wide = replace(look, decoys=replace(look.decoys, squares=4 * look.decoys.squares))
    assert conclude([wide], tried, Rules(), power).reason == "decoys_disagree"
    fired = replace(look, decoys=replace(look.decoys, best=look.best[0][1]))
    outcome = conclude([fired], tried, Rules(), power)
    assert (outcome.name, outcome.reason, outcome.accounts) == ("inconclusive", "decoy_fired", ())


def test_a_decoy_among_the_suspects_would_be_scored_as_one():
    """The decoys are scored with the same code as accounts: their own scores come out for their own seeds."""
    seen = look_at([readings(text(Random(17)), QUESTION)], QUESTION, keep=True)[0]
    (look,) = seen.looks
    assert len(look.decoys.scores) == look.decoys.count == 1000
    assert max(look.decoys.scores) == look.decoys.best
    assert sum(score * score for score in look.decoys.scores) == look.decoys.squares
    assert 0.9 < look.spread < 1.1
