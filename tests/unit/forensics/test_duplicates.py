"""Near-duplicates: copies and light edits are found, other texts are not."""

from random import Random

from gateway.forensics import duplicates
from gateway.forensics.duplicates import Duplicates, likeness
from gateway.watermarks.words import read_words
from tests.support.forensic import text


def sketch(written):
    return duplicates.sketch(read_words(written).words)


def test_a_copy_dressed_otherwise_is_the_same():
    one = text(Random(1), 300)
    assert sketch(one) == sketch("**" + one.upper().replace(" ", "\n") + "**")


def test_a_light_edit_is_found_and_a_stranger_is_not():
    rng = Random(2)
    known = Duplicates()
    found = strangers = 0
    for number in range(100):
        one = text(rng, 300)
        edited = one.split()
        edited[100] = edited[200] = "zebra"
        strangers += known.original_of(2 * number, sketch(one)) is not None
        found += known.original_of(2 * number + 1, sketch(" ".join(edited))) == 2 * number
    assert strangers == 0
    assert found >= 97


def test_texts_that_share_half_are_different():
    rng = Random(3)
    shared = text(rng, 150)
    one, two = (sketch(f"{shared} {text(rng, 150)}") for _ in range(2))
    assert 0.05 < likeness(one, two) < 0.7


def test_a_template_with_another_name_is_found():
    template = "Dear {}, your order has left our house and will reach you on the day that you named. " + text(
        Random(4), 80
    )
    known = Duplicates()
    assert known.original_of(0, sketch(template.format("Ada"))) is None
    assert known.original_of(1, sketch(template.format("Grace"))) == 0


def test_short_and_empty_texts():
    known = Duplicates()
    assert known.original_of(0, sketch("three small words")) is None
    assert known.original_of(1, sketch("three small words")) == 0
    assert known.original_of(2, sketch("three other words")) is None
    assert known.original_of(3, sketch("")) is None
    assert known.original_of(4, sketch("")) in (None, 3)
