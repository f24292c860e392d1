"""Where a request ends: any requests behind each other, cut into any pieces, are the same requests on both lanes."""

import asyncio
import re
from itertools import pairwise
from random import Random

import pytest

from tests.support.lane_wire import PATH, Written, lanes, plain, say, wire

LAST = b"GET /last HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
BROKEN = (
    b"BROKEN\r\n\r\n",
    b"POST /v1/messages HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
    b"POST /v1/messages HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
)


def any_request(random):
    """Its bytes, and (target, body) as they are meant."""
    body = random.choice(
        (b"", b"{}", b"\r\n\r\n", plain(b"inner"), LAST, bytes(random.randbytes(random.randrange(90))))
    )
    if random.random() < 0.1:
        body = random.randbytes(random.choice((70_000, 300_000)))
    kind = random.randrange(8)
    if kind == 0:
        head = b"POST %b HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n" % PATH.encode()
        chunks = [body[at : at + 4096] for at in range(0, len(body), 4096)]
        return head + b"".join(b"%x\r\n%b\r\n" % (len(one), one) for one in chunks) + b"0\r\n\r\n", (PATH, body)
    if kind == 1:
        return b"GET /v1/models HTTP/1.1\r\nHost: a\r\n\r\n", ("/v1/models", b"")
    if kind == 2:
        return plain(body, b"X-A: 1", b"X-A: 2"), (PATH, body)
    if kind == 3:
        return plain(body, path=PATH + "?beta=true"), (PATH + "?beta=true", body)
    if kind == 4:
        return plain(body, b"X-A: " + b"a" * random.choice((10, 7_000, 8_000))), (PATH, body)
    return plain(body), (PATH, body)


def cut(random, data):
    """Into pieces, few or many, and rather often at the edges of lines."""
    cuts = {random.randrange(len(data)) for _ in range(random.choice((0, 1, 2, 5, 20)))}
    lines = [at + 2 for at in range(len(data) - 2) if data[at : at + 2] == b"\r\n"] if len(data) < 5_000 else []
    cuts |= set(random.sample(lines, min(len(lines), random.choice((0, 0, 1, 3)))))
    edges = sorted({0, *cuts, len(data)})
    return [data[start:end] for start, end in pairwise(edges)]


async def served(pieces, *, hot):
    written = Written()
    async with lanes(written) as (lane, door), wire(lane if hot else door) as end:
        answers = await say(end, pieces)
    return written.requests, answers.count(b"HTTP/1.1 200"), len(re.findall(rb"HTTP/1\.[01] 4", answers))


async def compare(random, *, broken):
    made = [any_request(random) for _ in range(random.randrange(1, 7))]
    meant = [one for _, one in made]
    ending = random.choice(BROKEN) if broken else LAST
    pieces = cut(random, b"".join(data for data, _ in made) + ending)
    hot, hot_good, hot_bad = await served(pieces, hot=True)
    other, good, bad = await served(pieces, hot=False)
    shown = [(target, body) for target, _, body in hot]
    if not broken:
        assert shown == [*meant, ("/last", b"")], pieces
        assert hot == other, pieces
        assert (hot_good, hot_bad) == (good, bad) == (len(hot), 0), pieces
        return
    # What aiohttp is given together with the broken one it forgets: nothing else may be missing, nothing be added.
    assert shown == meant[: len(shown)], pieces
    assert [(target, body) for target, _, body in other] == meant[: len(other)], pieces
    assert (hot_bad, bad) == (1, 1), pieces
    assert (hot_good, good) == (len(hot), len(other)), pieces


def search(seed, count, *, broken):
    random = Random(seed)

    async def all_of_them():
        for _ in range(count):
            await compare(random, broken=broken)

    asyncio.run(all_of_them())


@pytest.mark.parametrize("broken", [False, True])
@pytest.mark.parametrize("seed", range(2))
def test_requests_in_any_pieces_are_the_same_requests(seed, broken):
    search(seed, 60, broken=broken)


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("broken", [False, True])
@pytest.mark.parametrize("seed", range(100, 102))
def test_very_many_requests_in_any_pieces_are_the_same_requests(seed, broken):
    search(seed, 3_000, broken=broken)
