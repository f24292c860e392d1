"""Kill switches: a person takes a policy out of force at once, for a stated reason and a stated time.

A switch is not an edit: the files stay as they are, reviewed, and are in force again when the switch is over. It is
kept in the book of accounts, so that every replica obeys it within a second and a restart does not forget it.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any, Final

from pydantic import Field

from gateway.core import reasons
from gateway.core.clock import Clock
from gateway.core.refusal import Refusal
from gateway.identity.entries import checked, moment_text
from gateway.identity.register import TRIES, Register, contended
from gateway.identity.rulings import Why, bad_end
from gateway.scalars import Moment
from gateway.stores.book.base import Change, Drop, Kind, Put, StoredSwitch, Written
from gateway.validate import Strict, nearest

ALL: Final = "all"
"""Stands for every policy."""
LONGEST_MS: Final = 30 * 86_400_000
MOST: Final = 500
"""Switches in the book, those that are over included; `all` is one too."""
_KEPT_OVER: Final = 100
"""Switches that are over, the newest, are kept to look at."""


@dataclass(frozen=True, slots=True)
class Switch:
    """A policy that is off, or `all` of them, until just before `until_ms`. Times are Unix milliseconds."""

    policy: str
    reason: str
    by: str
    since_ms: int
    until_ms: int

    def covers(self, policy_id: str, now_ms: int) -> bool:
        """Whether that policy is out of force now. `since_ms` is by another machine's clock and does not count."""
        return self.policy in (ALL, policy_id) and now_ms < self.until_ms


class SwitchBody(Strict):
    """A switch as it is sent to the admin API."""

    reason: Why
    until: Moment | None = Field(default=None, description="Its end; required.")


def running(rows: Iterable[StoredSwitch], now_ms: int) -> tuple[Switch, ...]:
    """Those in force, by policy."""
    return tuple(
        Switch(row.policy, row.reason, row.by, row.since_ms, row.until_ms)
        for row in sorted(rows, key=lambda row: row.policy)
        if row.runs(now_ms)
    )


class Switchboard:
    """What operators do. Each operation raises StoreUnavailable when the book does not answer."""

    def __init__(self, register: Register, clock: Clock, known: Callable[[], Iterable[str]]) -> None:
        """`known` names the policies that there are."""
        self._register = register
        self._clock = clock
        self._known = known

    async def list(self) -> list[StoredSwitch]:
        """All that the book has, those that are over too."""
        rows = await self._register.book.rows(Kind.SWITCH, "", MOST + 1)
        return [row for row in rows if isinstance(row, StoredSwitch)]

    async def show(self, policy: str) -> StoredSwitch | Refusal:
        """The switch of a policy that is in force."""
        found = (await self._register.book.get([(Kind.SWITCH, policy)])).get((Kind.SWITCH, policy))
        if isinstance(found, StoredSwitch) and found.runs(self._clock.now_ms()):
            return found
        on = [row.policy for row in await self.list() if row.runs(self._clock.now_ms())]
        return Refusal(reasons.UNKNOWN_ROUTE, f"'{_short(policy)}' is not switched off{nearest(_short(policy), on)}")

    async def off(self, policy: str, body: Any, by: str) -> StoredSwitch | Refusal:
        """Take a policy out of force. One that is off already gets the new reason and end."""
        known = {*self._known(), ALL}
        if policy not in known:
            wrong = _short(policy)
            return Refusal(reasons.INVALID_FIELD, f"there is no policy '{wrong}'{nearest(wrong, known)}")
        wanted = checked(body, SwitchBody)
        if isinstance(wanted, Refusal):
            return wanted
        now_ms = self._clock.now_ms()
        fault = bad_end(wanted.until, now_ms, LONGEST_MS, "30 days")
        if fault is not None or wanted.until is None:
            return Refusal(reasons.INVALID_FIELD, fault or "", param="until")
        rows = await self.list()
        if len(rows) >= MOST and policy not in {row.policy for row in rows}:
            return Refusal(reasons.INVALID_REQUEST, f"{MOST} switches are set already: switch '{ALL}' off instead")
        changes: list[Change] = [Put(StoredSwitch(policy, wanted.reason, by, now_ms, wanted.until))]
        changes += [Drop(row.ref, row.version) for row in _long_over(rows, now_ms) if row.policy != policy]
        written = await self._register.write(changes)
        return written if isinstance(written, Refusal) else await self.show(policy)

    async def on(self, policy: str, by: str) -> StoredSwitch | Refusal:
        """End a switch before its time. Who did is kept with it."""
        for _ in range(TRIES):
            found = await self.show(policy)
            if isinstance(found, Refusal):
                return found
            lifted = replace(found, until_ms=self._clock.now_ms(), lifted_by=by)
            if isinstance(await self._register.write([Put(lifted, found.version)]), Written):
                return lifted
        return contended()


def _long_over(rows: Iterable[StoredSwitch], now_ms: int) -> list[StoredSwitch]:
    over = sorted((row for row in rows if not row.runs(now_ms)), key=lambda row: row.until_ms, reverse=True)
    return over[_KEPT_OVER:]


def _short(policy: str) -> str:
    """What a refusal may repeat."""
    return policy if len(policy) <= 64 and policy.isprintable() else "…"


def switch_shown(row: StoredSwitch) -> dict[str, Any]:
    """A switch as the admin API shows it."""
    return {
        "policy": row.policy,
        "reason": row.reason,
        "by": row.by,
        "since": moment_text(row.since_ms),
        "until": moment_text(row.until_ms),
        "lifted_by": row.lifted_by or None,
    }
