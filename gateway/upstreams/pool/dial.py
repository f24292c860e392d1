"""Opening one connection: look the name up, try its addresses in turn, TLS."""

import asyncio
import ipaddress
import os
import socket
import ssl
from collections.abc import Callable
from typing import Final
from urllib.parse import SplitResult

from gateway.upstreams.base import UpstreamFailed
from gateway.upstreams.pool.connection import Connection
from gateway.upstreams.pool.request import ascii_host

_KEEP_S: Final = 10.0
"""How long looked-up addresses are believed. Connections are kept much longer."""
_TRY_S: Final = 1.0
"""For an address that is not the last one to try. Name look-up, all tries and TLS share `connect_s`."""


class Dial:
    """The way to one host. However many connections are opened at once, its name is looked up once."""

    def __init__(self, loop: asyncio.AbstractEventLoop, root: SplitResult, tls: ssl.SSLContext | None) -> None:
        self._loop = loop
        self._host = ascii_host(root)
        self._port = root.port or (443 if root.scheme == "https" else 80)
        self._tls = tls
        self._server_name = self._host.rstrip(".") if tls is not None else None
        self._literal = _is_literal(self._host)
        self._found: list[str] = [self._host] if self._literal else []
        self._until = 0.0
        self._looking: asyncio.Task[OSError | None] | None = None

    async def __call__(self, make: Callable[[], Connection]) -> Connection:
        """Raises UpstreamFailed with what went wrong, but never an address; a name look-up counts, too."""
        try:
            return await self._any(await self._addresses(), make)
        except TimeoutError:
            raise UpstreamFailed("connect", "connecting to the upstream timed out", timeout=True, sent=False) from None
        except OSError as error:
            raise UpstreamFailed("connect", f"the upstream could not be reached: {_why(error)}", sent=False) from None

    async def close(self) -> None:
        if self._looking is not None:
            self._looking.cancel()
            await asyncio.gather(self._looking, return_exceptions=True)

    async def _any(self, addresses: list[str], make: Callable[[], Connection]) -> Connection:
        """The first address that answers. One that swallows packets must leave time for the others."""
        for address in addresses[:-1]:
            try:
                async with asyncio.timeout(_TRY_S):
                    return await self._one(address, make)
            except OSError:
                continue
        return await self._one(addresses[-1], make)

    async def _one(self, address: str, make: Callable[[], Connection]) -> Connection:
        _, connection = await self._loop.create_connection(
            make, address, self._port, ssl=self._tls, server_hostname=self._server_name
        )
        return connection

    async def _addresses(self) -> list[str]:
        """In turn a different one first, so that connections spread over what a name stands for."""
        if not self._literal and self._loop.time() >= self._until:
            if self._looking is None:
                self._looking = self._loop.create_task(self._look_up())
            error = await self._looked_up(self._looking)
            if error is not None:
                raise error
        found = self._found
        found.append(found.pop(0))
        return list(found)

    @staticmethod
    async def _looked_up(looking: "asyncio.Task[OSError | None]") -> OSError | None:
        try:
            return await asyncio.shield(looking)
        except asyncio.CancelledError:
            ourselves = asyncio.current_task()
            if ourselves is None or ourselves.cancelling():
                raise
            return OSError("closed meanwhile")

    async def _look_up(self) -> OSError | None:
        """Never raises an OSError: if everybody who asked has left, nobody would hear of it."""
        try:
            infos = await self._loop.getaddrinfo(self._host, self._port, type=socket.SOCK_STREAM)
        except OSError as error:
            return error
        finally:
            self._looking = None
        found = list(dict.fromkeys(str(info[4][0]) for info in infos))
        if not found:
            return OSError("no address")
        self._found, self._until = found, self._loop.time() + _KEEP_S
        return None


def _is_literal(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _why(error: OSError) -> str:
    """Without the words of the error itself, which name addresses."""
    if isinstance(error, socket.gaierror):
        return "its name cannot be looked up"
    if isinstance(error, ssl.SSLError):
        return f"TLS failed ({type(error).__name__})"
    return os.strerror(error.errno) if error.errno else type(error).__name__
