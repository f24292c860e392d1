"""`python -m bench.power`: the parts that need no model."""

import json
from random import Random

import pytest

from tests.support.needs import needs_numpy

needs_numpy()

import numpy as np  # noqa: E402

from bench.power.counts import Counter2, Marked  # noqa: E402
from bench.power.draws import drawn, shown, z_of  # noqa: E402
from bench.power.generate import Cache  # noqa: E402
from bench.power.page import PAGE, write_page  # noqa: E402
from bench.power.pairings import neighbours, no_likeness, paired, rates_of, rivals  # noqa: E402
from bench.power.plan import ANSWER_TOKENS, CELLS, MOST_TOKENS, SAMPLE, SAMPLE_TEXTS, Job, jobs  # noqa: E402
from bench.power.prompts import PROSE  # noqa: E402
from bench.power.quality import ratio  # noqa: E402
from bench.power.svg import Line, plot  # noqa: E402
from bench.power.weights import SHIPPED, WEIGHTS  # noqa: E402
from gateway.watermarks.contrast import contrasts  # noqa: E402
from tests.support.keyed_writer import favoured, some_table, write  # noqa: E402
from tests.support.markdown import ROOT  # noqa: E402

TABLE = some_table()
TOKENS = favoured(TABLE, "owner", quarters=0)
SIGNS = np.array([1 if pair.first_token in TOKENS else -1 for pair in TABLE.pairs])


def texts(count, words=300):
    rng = Random(1)
    return [Marked(write(rng, TABLE, TOKENS, words), words, "owner", SIGNS) for _ in range(count)]


def test_the_bench_weighs_as_the_detector_does():
    (text,) = texts(1, 2000)
    turned = SHIPPED(Counter2(TABLE).count(text)) * SIGNS
    assert {at: weight for at, weight in enumerate(turned.tolist()) if weight} == contrasts(text.words, TABLE)


@pytest.mark.parametrize("name", WEIGHTS)
def test_every_weight_is_odd(name):
    """Turned the other way round, a text scores the negative."""
    (text,) = texts(1)
    other = Marked(text.words, text.tokens, text.account, -SIGNS)
    counter, weigh = Counter2(TABLE), WEIGHTS[name]
    assert np.array_equal(weigh(counter.count(text)), -weigh(counter.count(other)))
    assert z_of(weigh(counter.count(text))) > 2


def test_texts_are_drawn_to_length_and_never_twice_in_one():
    counter, some = Counter2(TABLE), texts(5)
    found = drawn(counter, some, 1500, Random(1), draws=3)
    assert [each.tokens for each in found] == [1500] * 3
    assert all(np.array_equal(each.favoured, found[0].favoured) for each in found)
    assert drawn(counter, some, 1501, Random(1)) == []
    assert {each.tokens for each in drawn(counter, some, 700, Random(1))} == {700}
    result = shown(some, 700, drawn(counter, some, 700, Random(1)), SHIPPED, np.arange(1024))
    assert result.independent == 2
    assert result.share(1e-3) == 1.0
    assert result.interval(1e-3)[0] < 0.2


def test_the_plan_keeps_to_its_tokens_and_judges_openings_of_its_own():
    everything = [Job(SAMPLE, number) for number in range(SAMPLE.texts)] + list(jobs())
    assert len(set(everything)) == SAMPLE.texts + sum(cell.texts for cell in CELLS)
    assert len(everything) * ANSWER_TOKENS <= 1.06 * MOST_TOKENS  # answers that end early leave room for the rest
    prose = {job.opening for job in jobs() if job.cell.kind == "prose"}
    assert prose == set(range(SAMPLE_TEXTS, len(PROSE)))
    assert len({cell.name for cell in (SAMPLE, *CELLS)}) == len(CELLS) + 1


def test_what_was_written_is_read_again(tmp_path):
    cache = Cache(tmp_path)
    assert (cache.read(SAMPLE), cache.tokens()) == ([], 0)
    for number in (1, 0):
        cache.write(SAMPLE, {"number": number, "tokens": 7})
    assert [row["number"] for row in cache.read(SAMPLE)] == [0, 1]
    assert cache.tokens() == 14
    json.loads((tmp_path / f"{SAMPLE.name}.jsonl").read_text().splitlines()[0])


def test_partners_by_rivals_neighbours_and_frequency():
    text = []
    for n in range(300):
        text += ["he", "saw", "the", ("cat", "dog")[n % 2], "and", "went", "very", ("fast", "far")[n // 2 % 2]]
    places = [[("cat", 0.5), ("dog", 0.3), ("fast", 0.001)], [("fast", 0.9), ("far", 0.25)]] * 250
    rates = rates_of([text], places)
    assert list(rates) == ["fast", "cat", "dog", "far"]
    tokens = {word: at for at, word in enumerate(rates)}
    for like, partner in ((rivals(places), "far"), (neighbours([text]), "far"), (no_likeness, "cat")):
        assert paired(rates, tokens, "m", like).pairs[0].second == partner


def test_a_perplexity_ratio_of_texts_half_as_likely_is_two():
    rows = [{"prompt": n, "logprob": -10.0 * n, "pieces": [0] * 10} for n in range(1, 9)]
    worse = [row | {"logprob": row["logprob"] - 10 * np.log(2)} for row in rows]
    assert ratio(worse, rows) == pytest.approx((2, 2, 2))
    assert np.isnan(ratio(rows, [])[0])


def test_the_page_has_a_place_for_every_table(tmp_path):
    """The real page, with the tables replaced by their names; it fails for a place whose table nobody makes."""
    page = tmp_path / "page.md"
    page.write_text((ROOT / PAGE).read_text())
    names = ["power", "z", "layers", "uplift", "stated", "goals", "foreign", "quality", "code", "edits", "weights"]
    names += ["foreseen", "choices"]
    write_page({name: f"table {name}" for name in names}, page)
    assert [line for line in page.read_text().splitlines() if line.startswith("table ")] == [
        f"table {name}" for name in names
    ]


def test_a_plot_is_well_formed():
    text = plot(
        [Line("a < b", [(200, 1.0), (6400, 9.0)]), Line("p", [(200, 5.0), (6400, 5.0)], dashed=True)], "x", "y", 10
    )
    assert text.startswith("<svg")
    assert "a &lt; b" in text
    assert text.count("<path") == 6 + 2
