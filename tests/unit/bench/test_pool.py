"""The bench of the clients runs: every figure is there, and each client heard its answers."""

import asyncio
import re

from bench.mock_upstream import Paced
from bench.nginx import ANSWER
from bench.pool import NAMES, measure


class Answering(asyncio.Protocol):
    """Says the same to every request, which come in one read each."""

    def connection_made(self, transport):
        self.transport = transport

    def data_received(self, data):
        self.transport.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(ANSWER), ANSWER.encode()))


def test_every_figure_is_measured():
    async def main():
        loop = asyncio.get_running_loop()
        answers = await loop.create_server(Answering, "127.0.0.1", 0)
        streams = await loop.create_server(lambda: Paced(loop), "127.0.0.1", 0)
        ports = [server.sockets[0].getsockname()[1] for server in (answers, streams)]
        try:
            return await measure(*ports, windows=1, seconds=0.1)
        finally:
            answers.close()
            streams.close()

    shown = asyncio.run(main())
    rows = re.findall(r"^\| (\w[^|]+?) +\| +([0-9./ ]+) \| +([0-9.]+)× \|$", shown, re.MULTILINE)
    assert [name for name, _, _ in rows] == [*NAMES, *NAMES]
    assert all(float(value) > 0 for _, values, _ in rows for value in values.split("/"))
