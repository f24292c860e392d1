"""Whatever head the hot lane takes, aiohttp's server reads the same in it, and the guards find no fault with it."""

import asyncio
from random import Random

import pytest

from gateway.server.known_heads import KnownHeads
from gateway.server.plain_head import LONGEST, read_plain
from tests.support.heads import LIMITS, PATHS, odd_head, read_by_aiohttp


def fields_of(plain):
    return None if plain is None else (plain.target, plain.length, [*plain.headers.items()])


def read_twice(heads, head):
    """What the hot lane makes of it: the second time it is known, or another that differs in its length and its key."""
    for one in (head, head.replace(b"ength: 5", b"ength: 71").replace(b"sk-1", b"sk-ex-2="), head):
        plain = heads.read(one)
        assert fields_of(plain) == fields_of(read_plain(one, PATHS, LIMITS.headers)), one
    return plain


async def compare(heads, head):
    """Whether the hot lane takes it."""
    plain = read_twice(heads, head) if len(head) <= LONGEST else None
    if plain is None:
        return False
    read = await read_by_aiohttp(head)
    assert read is not None, head
    assert read[:3] == ("POST", plain.target, (1, 1)), head
    fields = [(name.encode("ascii"), value.encode("ascii")) for name, value in plain.headers.items()]
    assert read.fields == fields, head
    assert read.body_bytes == plain.length, head
    assert read[5:] == (True, None, b""), head
    return True


def search(seed, count):
    random, heads = Random(seed), KnownHeads(PATHS, LIMITS.headers)

    async def all_of_them():
        return sum([await compare(heads, odd_head(random)) for _ in range(count)])

    return asyncio.run(all_of_them())


@pytest.mark.parametrize("seed", range(4))
def test_a_head_the_hot_lane_takes_is_read_alike_by_the_other(seed):
    taken = search(seed, 5_000)
    assert 500 < taken < 4_000, "the heads are all odd, or none is"


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("seed", range(100, 104))
def test_of_very_many_heads_none_is_read_otherwise(seed):
    assert search(seed, 250_000) > 25_000
