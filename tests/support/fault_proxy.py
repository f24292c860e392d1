"""A TCP proxy in the test's own loop that does to a connection what networks do: swallow, cut, stall."""

import asyncio
import contextlib
from typing import Self


class FaultProxy:
    """In front of a port. Set `fault` at any time; it meets the next bytes from the server.

    "" passes everything, "swallow" drops all further replies of the connection but keeps it, "cut" closes the
    connection when a reply comes (so that the call was carried out), "stall" passes nothing in either direction until
    it is taken back. With " once" behind it, a fault is over when it has been met.
    """

    def __init__(self, port: int) -> None:
        self._to = port
        self.fault = ""
        self.faults = 0
        """Bytes from the server met a fault so often."""
        self.connections = 0
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task] = set()

    @property
    def port(self) -> int:
        return self._server.sockets[0].getsockname()[1]

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for writer in list(self._writers):
            writer.transport.abort()
        self.fault = ""
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._tasks.add(asyncio.current_task())
        self.connections += 1
        try:
            back_reader, back = await asyncio.open_connection("127.0.0.1", self._to)
        except OSError:
            writer.transport.abort()
            self._tasks.discard(asyncio.current_task())
            return
        pair = {writer, back}
        self._writers |= pair
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._there(reader, back))
                group.create_task(self._back(back_reader, writer))
        except* (OSError, EOFError):
            pass
        finally:
            for one in pair:
                one.transport.abort()
            self._writers -= pair
            self._tasks.discard(asyncio.current_task())

    async def _there(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(1 << 16):
            while self.fault == "stall":
                await asyncio.sleep(0.005)
            writer.write(data)
            await writer.drain()
        raise EOFError

    async def _back(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        swallowed = False
        while data := await reader.read(1 << 16):
            fault = self.fault
            if fault:
                self.faults += 1
            if fault.endswith(" once"):
                self.fault = ""
            if fault.startswith("cut"):
                break
            swallowed = swallowed or fault.startswith("swallow")
            if swallowed:  # a stream never goes on after a gap
                continue
            while self.fault == "stall":
                await asyncio.sleep(0.005)
            writer.write(data)
            with contextlib.suppress(OSError):
                await writer.drain()
        raise EOFError
