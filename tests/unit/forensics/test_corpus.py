"""Many texts: each alone, all together, copies once; names only where all of it is paid for."""

import math
from random import Random

from tests.support.needs import needs_numpy

needs_numpy()

from gateway.forensics import corpus as corpus_file  # noqa: E402
from gateway.forensics.corpus import examine_corpus  # noqa: E402
from gateway.forensics.inputs import Document  # noqa: E402
from gateway.forensics.question import Question  # noqa: E402
from gateway.watermarks.evidence import Cluster  # noqa: E402
from gateway.watermarks.keys import seed_of  # noqa: E402
from tests.support.forensic import era, text  # noqa: E402

ERA = era()
QUESTION = Question((ERA,))


def corpus(texts):
    return [Document(f"doc {number}", one, one) for number, one in enumerate(texts)]


def examined(texts, question=QUESTION, runs=1):
    return examine_corpus(corpus(texts), question, lambda _: runs)


def test_marked_documents_among_others_are_found_one_by_one():
    rng = Random(1)
    texts = [text(rng, 700, of=ERA if number % 5 == 0 else None, account="acct-3") for number in range(40)]
    result = examined(texts)
    assert [hit.name for hit in result.outcome.accounts] == ["acct-3"]
    fired = {row.name for row in result.rows if row.outcome.reason == "fired"}
    assert fired == {f"doc {number}" for number in range(0, 40, 5)}
    assert result.marked == 8
    low, high = result.share
    assert low < 0.2 < high
    assert (result.tried.windows, result.pooled.tried.windows) == (80, 2)


def test_weakly_marked_documents_are_found_together():
    rng = Random(2)
    # Each document has words of its own; their signs are the account's.
    texts = [text(rng, 60, of=ERA, account="acct-8", uplift=0.3) for _ in range(40)]
    result = examined(texts)
    assert all(row.outcome.accounts == () for row in result.rows)
    assert [hit.name for hit in result.pooled.outcome.accounts] == ["acct-8"]
    assert [hit.name for hit in result.outcome.accounts] == ["acct-8"]


def test_a_corpus_of_others_names_nobody():
    rng = Random(3)
    result = examined([text(rng, 400) for _ in range(300)])
    assert (result.outcome.accounts, result.outcome.provider) == ((), None)
    assert result.marked == 0
    assert result.share[0] == 0.0


def test_copies_count_once():
    rng = Random(4)
    one = text(rng, 300, of=ERA, account="acct-5", uplift=0.3)
    result = examined([one, one + " bacidi", text(rng, 300), one])
    assert [row.name for row in result.rows] == ["doc 0", "doc 2"]
    assert result.duplicates == (("doc 1", "doc 0"), ("doc 3", "doc 0"))
    assert result.tried.windows == 4


def test_more_documents_and_more_runs_cost():
    rng = Random(5)
    marked = text(rng, 600, of=ERA)
    alone, among = examined([marked]), examined([marked, *(text(rng, 300) for _ in range(9))])
    again = examined([marked], runs=3)

    def p(result):
        return result.rows[0].outcome.accounts[0].log_p

    assert abs(p(among) - p(alone) - math.log(10)) < 1e-9
    assert abs(p(again) - p(alone) - math.log(3)) < 1e-9


def test_q_values_are_for_the_table_and_name_nobody():
    rng = Random(6)
    texts = [text(rng, 150, of=ERA, account="acct-7", uplift=0.25, provider=False), *(text(rng, 200) for _ in range(3))]
    result = examined(texts, Question((era(2000),)))
    first = result.rows[0]
    assert first.log_q < math.log(0.2)
    assert first.outcome.accounts == ()


def test_batches_change_nothing(monkeypatch):
    rng = Random(7)
    texts = [text(rng, 150, of=ERA if number % 2 else None) for number in range(25)]
    whole = examined(texts)
    monkeypatch.setattr(corpus_file, "BATCH", 4)
    batched = examined(texts)
    assert [row.hit for row in batched.rows] == [row.hit for row in whole.rows]
    assert batched.outcome == whole.outcome


def test_progress_counts_characters_and_nothing_is_a_result():
    done = []
    texts = ["one two three", "four five six"]
    examine_corpus(corpus(texts), QUESTION, lambda _: 1, done.append)
    assert sum(done) == sum(map(len, texts))
    assert examined([]) is None


def test_the_runs_are_asked_for_the_set_whatever_its_order():
    asked = []
    texts = [text(Random(number), 100) for number in range(3)]
    for order in (texts, texts[::-1]):
        examine_corpus(corpus(order), QUESTION, lambda digest: asked.append(digest) or 1)
    assert len(set(asked)) == 1


def test_the_providers_mark_and_a_cluster_are_found_in_a_corpus():
    rng = Random(8)
    cluster = Cluster("ring", frozenset({"acct-1", "acct-2"}))
    texts = [text(rng, 1500, of=ERA, account=None) for _ in range(4)]
    outcome = examined(texts, Question((ERA,), (cluster,))).outcome
    assert (outcome.name, outcome.accounts, outcome.clusters) == ("provider_marked", (), ())
    assert outcome.provider is not None


def test_decoys_that_fire_anywhere_silence_the_whole_corpus():
    rng = Random(9)
    marked = text(rng, 900, of=ERA, account="acct-1")
    shown = text(rng, 900, of=Forged(ERA), account="decoy 3", provider=False)
    outcome = examined([marked, shown]).outcome
    assert (outcome.name, outcome.reason, outcome.accounts) == ("inconclusive", "decoy_fired", ())


class Forged:
    """Marks with a decoy's codeword."""

    def __init__(self, of):
        self.of, self.provider_seed = of, of.provider_seed

    def seed(self, suspect):
        return seed_of(self.of.keys.decoy_root, suspect.account)
