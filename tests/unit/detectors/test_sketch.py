"""What is kept of an account and of a key: fixed size, and nothing of the text."""

from array import array
from random import Random

import pytest

from gateway.detectors.frequent import Frequent
from gateway.detectors.key_spread import KEY_BYTES, KeySpread
from gateway.detectors.recent import Recent
from gateway.detectors.sketch import SKETCH_BYTES, Sketch
from gateway.detectors.spread import DAY_MS
from tests.support.deep_size import deep_size
from tests.support.some_facts import read


@pytest.mark.interpreted
def test_the_measure_sees_what_it_is_for():
    assert deep_size([]) < deep_size([[0] * 100])
    assert deep_size(Recent()) > 2048
    assert deep_size(array("I", [0]) * 1000) >= 4000


@pytest.mark.interpreted
def test_a_sketch_stays_within_four_kib():
    sketch, random = Sketch(), Random(1)
    fresh = deep_size(sketch)
    for number in range(20_000):
        text = f"{random.choice(['Translate this sentence into Finnish: ', ''])}{random.random()} {number} " * 3
        sketch.add(read(text))
    assert fresh <= deep_size(sketch) <= SKETCH_BYTES == 4096


@pytest.mark.interpreted
def test_a_key_stays_within_its_bytes():
    key, random = KeySpread(), Random(1)
    for step in range(5000):
        key.add(read("x", network=str(random.random()), client=str(random.random())), step * DAY_MS // 1000)
    assert deep_size(key) <= KEY_BYTES


@pytest.mark.interpreted
def test_no_text_stays():
    """All that a sketch holds is arrays of numbers, and the numbers are keyed hashes."""
    text = "Wrap this: the distillery at Ardbeg was founded in 1815, and this is the payload of it."
    sketch = Sketch()
    for number in range(5):
        sketch.add(read(f"{text} {number}"))
    for part in (sketch.prompts, sketch.heads, sketch.tails):
        assert isinstance(part, Recent | Frequent)
        assert all(isinstance(getattr(part, name), array | int) for name in part.__slots__)
        raw = b"".join(bytes(getattr(part, name)) for name in part.__slots__ if name != "_since")
        for word in (b"wrap", b"Ardbeg", b"1815"):
            assert word not in raw


def test_a_repeated_prompt_does_not_feed_the_wrappers():
    sketch = Sketch()
    for _ in range(10):
        sketch.add(read("the very same question, again and again, word for word and letter for letter"))
    assert max(sketch.heads._counts) == max(sketch.tails._counts) == 1


def test_a_request_without_text_leaves_no_trace():
    sketch = Sketch()
    sketch.add(read("", prompt=77))
    assert not sketch.prompts.holds(77)
    assert max(sketch.heads._counts) == 0
