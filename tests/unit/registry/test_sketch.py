"""Sketches: winnowing keeps what it promises, prompts are left out, and without the key nothing can be made."""

from random import Random

import pytest

from gateway.registry.grams import grams_of
from gateway.registry.sketch import HASH_BYTES, MOST, Hasher, Sketch, sketch, sketching
from tests.support.registries import prose

HASHER = Hasher(b"r" * 32, b"s" * 32)


def parts(found: Sketch) -> list[bytes]:
    data = found.fingerprints
    return [data[at : at + HASH_BYTES] for at in range(0, len(data), HASH_BYTES)]


def reference(grams: list[bytes], window: int = 8) -> list[bytes]:
    """The paper's definition, word for word: in each window the smallest hash, the rightmost of equals, once."""
    hashes = [HASHER.of(gram) for gram in grams]
    chosen: list[int] = []
    for start in range(max(1, len(hashes) - window + 1)):
        part = range(start, min(start + window, len(hashes)))
        if part:
            best = min(part, key=lambda at: (hashes[at], -at))
            if not chosen or chosen[-1] != best:
                chosen.append(best)
    return [hashes[at] for at in chosen]


@pytest.mark.parametrize("words", [0, 4, 5, 6, 11, 12, 13, 40, 375, 2000])
def test_it_is_the_winnowing_of_the_paper(words):
    text = " ".join(prose(Random(words), words))
    assert parts(sketch(text, HASHER)) == reference(grams_of(text).grams)


def test_repeated_words_keep_the_last_of_equals():
    text = "so " * 100
    assert parts(sketch(text, HASHER)) == reference(grams_of(text).grams)


def test_an_answer_of_500_tokens_has_about_83():
    sizes = [len(sketch(" ".join(prose(Random(seed), 375)), HASHER)) for seed in range(50)]
    assert 80 < sum(sizes) / 50 < 85


def test_grams_of_the_prompt_are_not_kept():
    pick = Random(5)
    quoted, own = prose(pick, 120), prose(pick, 120)
    prompt = "Please repeat: **" + " ".join(quoted).upper() + "**"
    whole = sketch(" ".join(quoted + own), HASHER, prompt)
    forbidden = {HASHER.of(gram) for gram in grams_of(" ".join(quoted)).grams}
    assert forbidden.isdisjoint(parts(whole))
    assert len(whole) > 20
    assert not forbidden.isdisjoint(parts(sketch(" ".join(quoted + own), HASHER)))
    assert len(sketch(" ".join(quoted), HASHER, prompt)) == 0


def test_another_key_gives_other_fingerprints():
    text = " ".join(prose(Random(1), 200))
    sketches = [
        sketch(text, Hasher(root * 32, salt * 32)).fingerprints
        for root, salt in ((b"r", b"s"), (b"r", b"t"), (b"q", b"s"))
    ]
    assert len(set(sketches)) == 3
    assert len({fingerprint[:5] for fingerprint in sketches}) == 3


def test_a_text_without_end_has_an_end():
    found = sketch(" ".join(str(number) for number in range(400_000)), HASHER)
    assert len(found) <= MOST
    assert found.words < 400_000


def test_the_work_comes_in_pieces():
    text = " ".join(prose(Random(2), 3000))
    pieces = sum(1 for _ in sketching(text, HASHER, text))
    assert pieces > 100
    assert sum(1 for _ in sketching("", HASHER)) >= 1


def test_fingerprints_are_frozen():
    """Another hash, key or unit is another VERSION: old epochs could not be searched with it."""
    assert sketch("one two three four five six seven", HASHER).fingerprints.hex() == "47469086e6"
