"""What only a running gateway knows and `gateway policy explain` asks it: standing, switches, where limits stand."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from gateway.cli.admin_client import AdminClient
from gateway.core.account import CLEAR, Account
from gateway.core.units import Unit
from gateway.policy.explain.limits import Stand
from gateway.policy.recent import AccountMemory, Used
from gateway.policy.switches import Switch
from gateway.scalars import moment_ms

_FOREVER: Final = 1 << 53
_UNITS: Final = {"nano_usd": Unit.USD} | {unit.value: unit for unit in Unit}


def people_said(client: AdminClient, account: Account) -> tuple[Account, tuple[Switch, ...]]:
    """The account with its standing, and the switches in force. Raises AdminFailed."""
    standing = client.call("GET", "accounts", account.id, "standing")
    if standing["standing"] != CLEAR:
        until = standing.get("until")
        end = _FOREVER if until is None else moment_ms(until)
        account = replace(account, standing=standing["standing"], standing_until_ms=end)
    switches = tuple(
        Switch(one["policy"], one["reason"], one["by"], moment_ms(one["since"]), moment_ms(one["until"]))
        for one in client.call("GET", "switches")["switches"]
    )
    return account, switches


def stands_of(
    entries: Sequence[Mapping[str, Any]], key: str | None
) -> tuple[dict[tuple[str, str], Stand], AccountMemory]:
    """Where limits stand, by policy/limit and mode. Of several counters under one name (`models: each`, keys that
    nobody chose between) none is taken: which one counts cannot be told.
    """
    stands: dict[tuple[str, str], Stand] = {}
    twice: set[tuple[str, str]] = set()
    memory = AccountMemory()
    for entry in entries:
        if key is not None and entry.get("key", key) != key:
            continue
        name = (f"{entry['policy']}/{entry['limit']}", str(entry["mode"]))
        if name in stands:
            twice.add(name)
        stands[name] = Stand(entry["remaining"], entry["reset_ms"])
        unit = _UNITS.get(entry["unit"])
        if unit is not None:
            size = entry.get("burst", entry["amount"])
            memory.used[name[0]] = Used(unit, entry["used"], size)
    for name in twice:
        del stands[name]
        memory.used.pop(name[0], None)
    return stands, memory
