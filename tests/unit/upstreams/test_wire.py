"""What the sockets of the contract and chaos suites cannot show for certain."""

import asyncio

import pytest

from gateway.upstreams.wire import Wire


class Line(asyncio.Transport):
    """A transport with a given amount of unsent bytes and no socket."""

    def __init__(self, unsent=0):
        super().__init__()
        self.unsent = unsent
        self.aborted = False

    def get_write_buffer_size(self):
        return self.unsent

    def is_closing(self):
        return self.aborted

    def abort(self):
        self.aborted = True


def wire(transport):
    async def main():
        made = Wire(asyncio.get_running_loop(), first_byte_s=60.0)
        made.connection_made(transport)
        return made

    return asyncio.run(main())


@pytest.mark.parametrize(("unsent", "clean"), [(0, True), (1, False)])
def test_a_request_that_has_not_left_completely_is_a_doubt(unsent, clean):
    made = wire(Line(unsent))
    made.busy = True
    assert made.rest() == clean
    assert not made.busy


def test_a_lost_connection_is_a_doubt():
    made = wire(Line())
    made.transport = None
    assert not made.rest()


def test_a_connection_without_a_socket_is_not_reused():
    assert not wire(Line()).is_connected()


def test_bytes_while_idle_kill_the_connection():
    line = Line()
    made = wire(line)
    made.data_received(b"")
    assert not line.aborted
    made.data_received(b"HTTP/1.1 200 OK\r\n\r\n")
    assert line.aborted
    assert not made.received
