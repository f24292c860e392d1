"""Whatever a caller sends: both lanes answer, forward, record and count it alike."""

import pytest

from tests.support import lane_corpus, odd_heads
from tests.support.lanes import twins
from tests.support.vectors import needs_vectors


@pytest.fixture(scope="module")
def both(tmp_path_factory):
    with twins(tmp_path_factory.mktemp("twins")) as one:
        yield one


def same(both, corpus):
    """Play all of it; the differences by name."""
    differences = {}
    for name, steps in corpus.items():
        hot, reference = both.play(steps)
        assert hot.ending != "hangs", name
        wrong = {
            part: (ours, theirs)
            for part, ours, theirs in zip(hot._fields, hot, reference, strict=True)
            if ours != theirs
        }
        if wrong:
            differences[name] = wrong
    assert differences == {}


PARTS = {
    "routes": lane_corpus.routes,
    "callers": lane_corpus.callers,
    "odd heads": odd_heads.heads,
    "broken": lane_corpus.broken,
}


@pytest.mark.parametrize("part", PARTS)
def test_both_lanes_do_the_same(both, part):
    corpus = PARTS[part](both.keys)
    assert len(corpus) > 50
    same(both, corpus)


@needs_vectors
@pytest.mark.parametrize("part", ["published_http", "published_json"])
def test_both_lanes_do_the_same_with_what_is_published(both, part):
    same(both, getattr(lane_corpus, part)(both.keys))


def test_of_a_good_request_and_a_broken_one_in_one_read_the_hot_lane_alone_answers_the_good_one(tmp_path):
    with twins(tmp_path) as both:
        corpus = lane_corpus.forgotten(both.keys)
        hot, reference = both.play(corpus["at once"])
        assert [answer[0] for answer in hot.answers] == [200, 400]
        assert [answer[0] for answer in reference.answers] == [400]
        assert hot.ending == reference.ending == "closed after b''"
    with twins(tmp_path / "apart") as both:
        hot, reference = both.play(lane_corpus.forgotten(both.keys)["apart"])
        assert hot == reference
        assert [answer[0] for answer in hot.answers] == [200, 400]
