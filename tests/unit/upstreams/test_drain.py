import asyncio

import pytest

from gateway.upstreams.base import UpstreamFailed
from gateway.upstreams.drain import drain


class Stream:
    """An answer whose chunks are given; an exception is raised, an event is waited for."""

    def __init__(self, *items):
        self.status = 200
        self.headers = {}
        self.items = items
        self.ends = []

    async def read(self):
        raise AssertionError

    async def chunks(self):
        for item in self.items:
            if isinstance(item, BaseException):
                raise item
            if isinstance(item, asyncio.Event):
                await item.wait()
            else:
                yield item

    def finish(self):
        self.ends.append("finish")

    def abort(self):
        self.ends.append("abort")


def run(stream, max_s=5.0, max_bytes=100):
    fed = []
    complete = asyncio.run(drain(stream, fed.append, max_s=max_s, max_bytes=max_bytes))
    return complete, fed, stream.ends


def test_reads_to_the_end():
    assert run(Stream(b"a", b"b")) == (True, [b"a", b"b"], ["finish"])


def test_stops_at_the_byte_bound():
    assert run(Stream(b"aaa", b"bbb", b"ccc"), max_bytes=5) == (False, [b"aaa", b"bbb"], ["abort"])


def test_stops_at_the_time_bound():
    assert run(Stream(b"a", asyncio.Event()), max_s=0.01) == (False, [b"a"], ["abort"])


def test_stops_when_the_upstream_fails():
    assert run(Stream(b"a", UpstreamFailed("body", "x"))) == (False, [b"a"], ["abort"])


@pytest.mark.parametrize("error", [asyncio.CancelledError(), ValueError("meter")])
def test_anything_else_closes_the_connection_and_goes_on_up(error):
    stream = Stream(b"a", error)
    with pytest.raises(type(error)):
        run(stream)
    assert stream.ends == ["abort"]
