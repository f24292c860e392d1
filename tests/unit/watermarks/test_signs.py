"""The signs of a codeword: frozen, and read bit by bit from the lowest."""

from gateway.watermarks.signs import codeword_bits, flags, is_plus


def test_the_lowest_bit_of_a_byte_is_its_first_bucket():
    bits = bytes([0b0000_0101, 0b1000_0000])
    assert [n for n in range(16) if is_plus(bits, n)] == [0, 2, 15]


def test_the_signs_are_frozen():
    """The first sixteen of the zero seed: another hash would lose every mark ever issued."""
    bits = codeword_bits(bytes(32), 4096)
    assert len(bits) == 512
    assert [1 if is_plus(bits, n) else -1 for n in range(16)] == [
        -1,
        -1,
        -1,
        1,
        1,
        -1,
        -1,
        1,
        -1,
        -1,
        1,
        -1,
        -1,
        1,
        1,
        -1,
    ]


def test_signs_of_two_accounts_agree_in_about_half():
    one, other = (int.from_bytes(codeword_bits(bytes([n]) * 32, 4096)) for n in (1, 2))
    assert 1850 < (one ^ other).bit_count() < 2250  # 2048 ± 6 standard deviations


def test_a_shorter_codeword_is_the_beginning_of_a_longer_one():
    assert codeword_bits(b"s" * 32, 65_536)[:512] == codeword_bits(b"s" * 32, 4096)


def test_flags_are_the_same_signs_a_byte_each():
    bits = codeword_bits(b"f" * 32, 4096)
    assert flags(bits) == bytes(is_plus(bits, n) for n in range(4096))
    assert flags(bytes(2)) == bytes(16)
