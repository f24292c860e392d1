"""Which connections the door cuts because their peer does not read."""

import asyncio

import pytest
from aiohttp import web

from gateway.server.door import Door, DoorLimits

PATIENCE_S = 10.0


class Wire(asyncio.Transport):
    """A transport whose peer reads when the test says so."""

    def __init__(self):
        super().__init__()
        self.waiting = 0
        self.aborted = False

    def get_write_buffer_size(self):
        return self.waiting

    def abort(self):
        self.aborted = True

    def close(self):
        pass


def cut_at(waiting_by_second):
    """The first second at which the connection was cut, given how many bytes wait for its peer at each."""

    async def handler(_):
        return web.Response()

    async def walk():
        door = Door(handler, DoorLimits(), lambda status: web.Response(status=status))
        protocol = door()
        wire = Wire()
        protocol.connection_made(wire)
        try:
            for second, waiting in enumerate(waiting_by_second):
                wire.waiting = waiting
                door.cut_slow_readers(float(second), PATIENCE_S)
                if wire.aborted:
                    return second
            return None
        finally:
            protocol.connection_lost(None)
            await asyncio.sleep(0)

    return asyncio.run(walk())


@pytest.mark.parametrize(
    ("waiting", "cut"),
    [
        ([0] * 100, None),
        ([500] * 100, 10),
        ([0] * 50 + [500] * 50, 60),
        (list(range(100, 0, -1)), None),  # one byte a second is progress
        ([500] * 9 + [499] * 9 + [498] * 9, None),
        ([500] * 9 + [499] * 30, 19),
        (list(range(1, 100)), 10),  # only ever more to read, so nothing was read
        ([500] * 9 + [0] + [500] * 9 + [0], None),
    ],
)
def test_a_connection_is_cut_when_nothing_was_read_for_too_long(waiting, cut):
    assert cut_at(waiting) == cut
