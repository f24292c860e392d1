"""Recall: a passage of 50 words is found, whole or edited, in whatever dress; and what winnowing promises holds."""

import unicodedata
from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.registry.grams import grams_of
from gateway.registry.search import search
from gateway.registry.shelf import shelves
from gateway.registry.sketch import HASH_BYTES, Hasher, sketch
from gateway.registry.trace import Query
from gateway.registry.units import units
from tests.support.registries import ROOT, answer, edited, kept, prose

HASHER = Hasher(b"r" * 32, b"s" * 32)
ANSWERS = 300
EXCERPTS = 2000


@pytest.fixture(scope="module")
def answers() -> list[list[str]]:
    pick = Random(42)
    return [prose(pick, pick.randrange(60, 600)) for _ in range(ANSWERS)]


@pytest.fixture(scope="module")
def registry(answers: list[list[str]], tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("registry")
    kept(path / "one" / "2026-q4", ((answer(n, f"acct-{n}"), " ".join(words)) for n, words in enumerate(answers)))
    return path


def recall(registry: Path, answers: list[list[str]], share: float, words: int = 50) -> tuple[float, int]:
    """The share of excerpts whose account is named, and how often another one was."""
    pick = Random(share)
    chosen = [pick.randrange(ANSWERS) for _ in range(EXCERPTS)]
    queries = []
    for number in chosen:
        start = pick.randrange(len(answers[number]) - words + 1)
        queries.append(Query(" ".join(edited(pick, answers[number][start : start + words], share))))
    traces, _ = search(shelves(registry), lambda _: ROOT, queries)
    named = [{holder.account for holder in trace.holders} for trace in traces]
    right = sum(f"acct-{number}" in names for number, names in zip(chosen, named, strict=True))
    wrong = sum(len(names - {f"acct-{number}"}) for number, names in zip(chosen, named, strict=True))
    return right / EXCERPTS, wrong


@pytest.mark.parametrize(("share", "least"), [(0.0, 0.99), (0.1, 0.95)])
def test_fifty_words_are_enough(registry, answers, share, least):
    """G9: 99 % of excerpts as they are, 95 % with a tenth of the words replaced, dropped or added."""
    found, wrong = recall(registry, answers, share)
    assert found >= least
    assert wrong == 0


words_of_any_kind = st.lists(st.text("abcdeéñж酒ツ ", min_size=1, max_size=6), min_size=0, max_size=60)


@given(words_of_any_kind, words_of_any_kind, words_of_any_kind)
def test_a_shared_run_of_twelve_words_shares_a_kept_gram(before, run, after):
    """The guarantee of winnowing: 8 + 5 - 1 words, or the like in characters; the searcher has all grams of the run."""
    shared = " ".join(run)
    kept_grams = sketch(" | ".join([" ".join(before), shared, " ".join(after)]), HASHER).fingerprints
    parts = {kept_grams[at : at + HASH_BYTES] for at in range(0, len(kept_grams), HASH_BYTES)}
    grams = grams_of(shared)
    # Eight grams in a row, or as many as 16 half words begin: the last one must begin 14 after the first at least.
    if grams.grams and grams.places[len(grams.grams) - 1] >= 15:
        assert parts & {HASHER.of(gram) for gram in grams.grams}


dressed = st.lists(
    st.sampled_from(["The", "keeper", "lists", "each", "cask", "don’t", "ﬁne", "Straße", "duty", "Ⓐ", "酒税", "42"]),
    min_size=5,
    max_size=30,
)
DRESSES = (
    lambda text, _: unicodedata.normalize("NFKC", text),
    lambda text, _: unicodedata.normalize("NFD", text),
    lambda text, _: text.upper().replace("SS", "ß") if "ß" in text else text.upper(),
    lambda text, pick: "".join(char + pick.choice(["", "", "\u200b", "\u2060", "\u00ad", "\ufe0f"]) for char in text),
    lambda text, pick: " ".join(pick.choice(["**{}**", "_{}_", "`{}`", "{},", "“{}”", "({})", "{}"]).format(word)
                                for word in text.split()),
    lambda text, _: "> " + text.replace(" ", "\n> "),
    lambda text, _: text.replace("’", "'").replace(" ", "\u00a0 \t"),
    lambda text, pick: " ".join(f"[{word}](https://example.com/{pick.random()})" for word in text.split()),
)  # fmt: skip


@given(dressed, st.sampled_from(DRESSES), st.randoms(use_true_random=False))
def test_the_dress_of_a_text_makes_no_difference(chosen, dress, pick):
    text = " ".join(chosen)
    assert sketch(dress(text, pick), HASHER) == sketch(text, HASHER)


@given(st.text(max_size=2000))
def test_any_text_has_units_and_they_end(text):
    found = [unit for piece in units(text) for unit in piece]
    assert all(unit and b" " not in unit for unit in found)
    assert len(found) <= 2 * len(text) + 1


@settings(max_examples=30)
@given(
    st.lists(
        st.sampled_from(["word", "酒", "слово", "क्षत्रिय", "e\u0301", "\n", "ไทย", "😀"]), min_size=700, max_size=1500
    )
)
def test_where_a_text_is_cut_into_slices_makes_no_difference(pieces):
    """With spaces about, no word is torn: the same words one by one are the same units."""
    text = " ".join(pieces)
    alone = [unit for piece in pieces for part in units(piece) for unit in part]
    assert [unit for part in units(text) for unit in part] == alone


@given(st.text(max_size=300), st.text(max_size=300))
def test_nothing_that_the_prompt_holds_is_kept(before, prompt):
    whole = f"{before} {prompt} {before}"
    found = sketch(whole, HASHER, prompt).fingerprints
    parts = {found[at : at + HASH_BYTES] for at in range(0, len(found), HASH_BYTES)}
    assert parts.isdisjoint(HASHER.of(gram) for gram in grams_of(prompt).grams)
