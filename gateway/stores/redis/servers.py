"""Which server to ask: the one there is, the one that Sentinel names, or the owner of a hash slot."""

import asyncio
import random
import ssl
from binascii import crc_hqx
from dataclasses import replace
from typing import Final, Protocol

from gateway.core.redis_target import Address, Target
from gateway.stores.redis.endpoint import Dial, Endpoint
from gateway.stores.redis.link import Lost
from gateway.stores.redis.resp import Refused, Reply, command

SLOTS: Final = 16384


def slot_of(tag: bytes) -> int:
    """The hash slot of a hash tag: CRC-16/XMODEM modulo 16384, as the Redis Cluster specification has it."""
    return crc_hqx(tag, 0) % SLOTS


class Servers(Protocol):
    """Endpoints by hash slot."""

    def known(self, slot: int) -> Endpoint | None:
        """The endpoint of a slot, if that is known already."""
        ...

    async def find(self, slot: int) -> Endpoint:
        """The endpoint of a slot. Raises Lost."""
        ...

    def moved(self, slot: int, address: Address) -> Endpoint:
        """A slot is elsewhere, as a server says."""
        ...

    def at(self, address: Address) -> Endpoint:
        """The endpoint of an address, made if it is new."""
        ...

    def doubt(self) -> None:
        """A server was lost: look again who owns what."""
        ...

    async def all(self) -> list[Endpoint]:
        """Every master. Raises Lost."""
        ...

    async def close(self) -> None: ...


class OneServer:
    """A single server, or the master of a Sentinel service."""

    def __init__(self, target: Target, dial: Dial) -> None:
        self._target = target
        self._dial = dial
        self._endpoint = Endpoint(self._master if target.mode == "sentinel" else self._address, dial)

    def known(self, _slot: int) -> Endpoint | None:
        return self._endpoint

    async def find(self, _slot: int) -> Endpoint:
        return self._endpoint

    def moved(self, _slot: int, _address: Address) -> Endpoint:
        return self._endpoint

    def at(self, _address: Address) -> Endpoint:
        return self._endpoint

    def doubt(self) -> None:
        """The endpoint looks for its server at each new connection anyway."""

    async def all(self) -> list[Endpoint]:
        return [self._endpoint]

    async def close(self) -> None:
        await self._endpoint.close()

    async def _address(self) -> Address:
        return self._target.addresses[0]

    async def _master(self) -> Address:
        """What the first Sentinel says that answers. Raises Lost."""
        dial = Dial(self._dial.tls, timeout_s=self._dial.timeout_s)
        for sentinel in random.sample(self._target.addresses, len(self._target.addresses)):
            try:
                return await self._asked(sentinel, dial)
            except Lost:
                continue
        raise Lost(f"no Sentinel of {self._target} knows the master of its service")

    async def _asked(self, sentinel: Address, dial: Dial) -> Address:
        link = await dial.open(sentinel)
        try:
            reply = await link.send(command("SENTINEL", "GET-MASTER-ADDR-BY-NAME", self._target.service))
        finally:
            link.close()
        if not isinstance(reply, list) or len(reply) != 2:
            raise Lost("the Sentinel does not know the service")
        return _address(reply)


class Cluster:
    """The masters of a cluster, by slot. The map is made on first use and again after MOVED or a loss."""

    def __init__(self, target: Target, dial: Dial) -> None:
        self._target = target
        self._dial = dial
        self._endpoints: dict[Address, Endpoint] = {}
        self._owners: list[Address | None] = [None] * SLOTS
        self._stale = True
        self._looking: asyncio.Task[None] | None = None

    def known(self, slot: int) -> Endpoint | None:
        owner = self._owners[slot]
        return None if owner is None or self._stale else self.at(owner)

    async def find(self, slot: int) -> Endpoint:
        if self._looking is None:
            self._looking = asyncio.get_running_loop().create_task(self._look())
            self._looking.add_done_callback(self._looked)
        await asyncio.shield(self._looking)
        owner = self._owners[slot]
        if owner is None:
            raise Lost("the Redis cluster has a hash slot that no server owns")
        return self.at(owner)

    def _looked(self, task: "asyncio.Task[None]") -> None:
        self._looking = None
        if not task.cancelled():
            task.exception()

    def moved(self, slot: int, address: Address) -> Endpoint:
        self._owners[slot] = address
        return self.at(address)

    def at(self, address: Address) -> Endpoint:
        endpoint = self._endpoints.get(address)
        if endpoint is None:

            async def find() -> Address:
                return address

            endpoint = self._endpoints[address] = Endpoint(find, self._dial)
        return endpoint

    def doubt(self) -> None:
        self._stale = True

    async def all(self) -> list[Endpoint]:
        if self._stale:
            await self.find(0)
        return [self.at(address) for address in sorted({owner for owner in self._owners if owner is not None})]

    async def _look(self) -> None:
        """Ask one server after the other for the map. Raises Lost."""
        seeds = [*self._endpoints, *self._target.addresses]
        for address in random.sample(seeds, len(seeds)):
            try:
                link = await self.at(address).link()
                reply = await link.send(command("CLUSTER", "SLOTS"))
            except Lost:
                continue
            if isinstance(reply, list):
                self._take(reply, address)
                return
        raise Lost(f"no server of {self._target} tells the cluster's slots")

    def _take(self, ranges: list[Reply], asked: Address) -> None:
        owners: list[Address | None] = [None] * SLOTS
        for entry in ranges:
            if isinstance(entry, list) and len(entry) >= 3 and isinstance(entry[2], list):
                first, last = entry[0], entry[1]
                if isinstance(first, int) and isinstance(last, int):
                    host, port = _address(entry[2])
                    owners[first : last + 1] = [(host or asked[0], port)] * (last + 1 - first)
        self._owners, self._stale = owners, False

    async def close(self) -> None:
        if self._looking is not None:
            self._looking.cancel()
            await asyncio.wait([self._looking])
        for endpoint in self._endpoints.values():
            await endpoint.close()


def _address(reply: list[Reply]) -> Address:
    host, port = reply[0], reply[1]
    if not isinstance(port, int | bytes):
        raise Lost("Redis names a server that cannot be read")
    return (host.decode() if isinstance(host, bytes) else ""), int(port)


def redirected(refused: Refused) -> tuple[int, Address]:
    """Slot and address of a MOVED or ASK. Raises Lost."""
    try:
        slot, address = refused.rest.split(" ")
        host, _, port = address.rpartition(":")
        return int(slot) % SLOTS, (host, int(port))
    except ValueError:
        raise Lost("Redis moves a slot to where nobody can find it") from None


def servers(target: Target, dial: Dial) -> Servers:
    """Where a target is reached. TLS is never left out because nobody made a context for it."""
    if target.tls and dial.tls is None:
        dial = replace(dial, tls=ssl.create_default_context())
    return Cluster(target, dial) if target.mode == "cluster" else OneServer(target, dial)
