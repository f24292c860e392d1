"""Open reservations of all homes, for operators: a walk over the keys, not for a request's path."""

from typing import Final

from gateway.engine.verdict import Held
from gateway.stores.base import LedgerReport, Mismatch, StoreUnavailable
from gateway.stores.redis import answers
from gateway.stores.redis.asking import Asking, explain
from gateway.stores.redis.calls import Calls
from gateway.stores.redis.link import Full, Lost
from gateway.stores.redis.resp import Refused, Reply, command
from gateway.stores.redis.servers import slot_of

MAX_HOMES: Final = 10_000
MAX_SCANS: Final = 2000
"""Rounds of SCAN, of 1000 keys each: beyond two million keys the list is not whole."""


async def held(asking: Asking, calls: Calls, limit: int) -> list[Held]:
    """At most `limit`, the oldest first. Raises StoreUnavailable."""
    found: list[tuple[int, int, Held]] = []
    for tag in await _tags(asking, "t"):
        reply = await asking.ask(slot_of(tag), calls.held(tag, limit))
        try:
            found += [(one.reserved_at_ms, seq, one) for seq, one in answers.held(reply)]
        except (answers.Misread, ValueError, KeyError) as error:
            raise StoreUnavailable("the reservations in Redis cannot be read") from error
    found.sort(key=lambda entry: entry[:2])
    return [one for _, _, one in found[:limit]]


async def verify(asking: Asking, calls: Calls) -> LedgerReport:
    """Whether the ledger explains every budget, home by home; `last` is the largest sequence number of any.

    Raises StoreUnavailable.
    """
    counters = entries = last = 0
    mismatches: list[Mismatch] = []
    for tag in await _tags(asking, "s"):
        reply = await asking.ask(slot_of(tag), calls.verify(tag))
        try:
            found = answers.report(reply)
        except (answers.Misread, ValueError) as error:
            raise StoreUnavailable("the ledger in Redis cannot be read") from error
        counters, entries, last = counters + found.counters, entries + found.entries, max(last, found.last)
        mismatches += found.mismatches
    return LedgerReport(counters, entries, last, tuple(mismatches))


async def _tags(asking: Asking, key: str) -> list[bytes]:
    """Hash tags of the homes that have this key, on every server: `t` while something is open, `s` anything at all."""
    tags: dict[bytes, None] = {}
    try:
        for endpoint in await asking.servers.all():
            cursor = b"0"
            for _ in range(MAX_SCANS):
                link = await endpoint.link()
                reply = await link.send(command("SCAN", cursor, "MATCH", f"gw1:{{*}}:{key}", "COUNT", "1000"))
                cursor, keys = _scanned(reply)
                tags.update(dict.fromkeys(key[5:-3] for key in keys))
                if cursor == b"0" or len(tags) >= MAX_HOMES:
                    break
    except (Lost, Full) as error:
        raise StoreUnavailable(str(error) or "too many requests wait for Redis") from error
    return list(tags)[:MAX_HOMES]


def _scanned(reply: Reply) -> tuple[bytes, list[bytes]]:
    if isinstance(reply, Refused):
        raise explain(reply)
    if isinstance(reply, list) and len(reply) == 2:
        cursor, keys = reply
        if isinstance(cursor, bytes) and isinstance(keys, list):
            return cursor, [key for key in keys if isinstance(key, bytes)]
    raise StoreUnavailable("the keys in Redis cannot be listed")
