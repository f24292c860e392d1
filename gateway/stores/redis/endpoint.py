"""One Redis server that we keep a connection to: made when needed, made again when lost."""

import asyncio
import ssl
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from gateway.core.redis_target import Address
from gateway.stores.redis.breaker import Breaker
from gateway.stores.redis.link import Link, Lost, connect
from gateway.stores.redis.resp import Refused, Reply, command
from gateway.stores.redis.script import text

TIMEOUT_S: Final = 0.1
"""How long a reply may take. A decision takes 0.1 ms; what takes longer is a Redis in trouble."""
CONNECT_S: Final = 0.5
"""How long a new connection may take, TLS, AUTH and loading the script included."""
LOAD: Final = command("SCRIPT", "LOAD", text())


@dataclass(frozen=True, slots=True)
class Dial:
    """How to connect: whom to log in as, and how patient to be. Its repr shows no password."""

    tls: ssl.SSLContext | None = None
    username: str = ""
    password: Callable[[], str] = str
    """Asked at each new connection, so that a rotated password is read again. Empty: none."""
    db: int = 0
    timeout_s: float = TIMEOUT_S
    connect_s: float = CONNECT_S

    async def open(self, address: Address) -> Link:
        """A connection that is logged in. Raises Lost."""
        link = await connect(address, self.timeout_s, self.tls)
        try:
            await self._log_in(link)
        except BaseException:
            link.close()
            raise
        return link

    async def _log_in(self, link: Link) -> None:
        words: list[bytes] = []
        try:
            password = self.password()
        except Exception as error:
            raise Lost(f"the password of Redis cannot be read: {type(error).__name__}") from error
        if password:
            words.append(command("AUTH", *([self.username] if self.username else []), password))
        if self.db:
            words.append(command("SELECT", str(self.db)))
        for reply in await asyncio.gather(*[link.send(word) for word in words]):
            if isinstance(reply, Refused):
                raise Lost(f"Redis refuses the login: {reply.code}")


class Endpoint:
    """`find` names the address at each new connection; for a Sentinel service it may change."""

    def __init__(self, find: Callable[[], Awaitable[Address]], dial: Dial) -> None:
        self._find = find
        self._dial = dial
        self._link: Link | None = None
        self._opening: asyncio.Task[Link] | None = None
        self._closed = False
        self.breaker = Breaker(time.monotonic)

    @property
    def alive(self) -> Link | None:
        """The connection, if there is one."""
        link = self._link
        if link is None or link.lost is None:
            return link
        self._link = None
        if link.lost.late:
            self.breaker.failed()
        return None

    async def link(self) -> Link:
        """The connection, made if there is none. Raises Lost."""
        link = self.alive
        if link is not None:
            return link
        if self._opening is None:
            if self._closed or not self.breaker.allow():
                raise Lost("Redis has not answered lately; it is left alone for a moment", late=True)
            self._opening = asyncio.get_running_loop().create_task(self._open())
            self._opening.add_done_callback(self._opened)
        return await asyncio.shield(self._opening)

    async def _open(self) -> Link:
        try:
            async with asyncio.timeout(self._dial.connect_s):
                link = await self._dial.open(await self._find())
                link.send(LOAD).add_done_callback(_ignore)
                return link
        except TimeoutError:
            raise Lost("Redis cannot be reached in time", late=True) from None

    def _opened(self, task: "asyncio.Task[Link]") -> None:
        self._opening = None
        if task.cancelled() or task.exception() is not None:
            self.breaker.failed()
        else:
            self._link = task.result()

    def drop(self) -> None:
        """Let go of the connection; the next call looks for the server anew."""
        if self._link is not None:
            self._link.close()
            self._link = None

    async def close(self) -> None:
        self._closed = True
        if self._opening is not None:
            self._opening.cancel()
            await asyncio.wait([self._opening])
        self.drop()


def _ignore(future: "asyncio.Future[Reply]") -> None:
    """If the script was not loaded, the next call says NOSCRIPT."""
    if not future.cancelled():
        future.exception()
