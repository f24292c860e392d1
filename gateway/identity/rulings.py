"""What people make of accounts: their standing, why, until when, and what it was before. Only a person calls this.

A standing is kept by the account's id, so it holds for accounts of the file too, and outlives the account's deletion:
whoever is made again under the same name has it still.
"""

from dataclasses import dataclass
from typing import Annotated, Any, Final, Literal

from pydantic import Field

from gateway.core import reasons
from gateway.core.account import CLEAR
from gateway.core.clock import Clock
from gateway.core.refusal import Refusal
from gateway.identity.entries import checked, moment_text
from gateway.identity.register import Register
from gateway.identity.standings import Standings
from gateway.scalars import Line, Moment
from gateway.stores.book.base import Kind, Put, Ruling, StoredStanding
from gateway.validate import Strict

LONGEST_MS: Final = 366 * 86_400_000
"""A year, also one with a 29th of February in it."""
MOST: Final = 100_000
"""Accounts that are not clear at the same time: every process has them in memory, some 300 bytes each."""
Why = Annotated[Line, Field(min_length=3)]
"""A reason that says something, on one line."""


class RulingBody(Strict):
    """A standing as it is sent to the admin API."""

    standing: Literal["clear", "watched", "limited", "blocked"]
    reason: Why
    until: Moment | None = Field(default=None, description="Its end; required, but not of a clear standing.")


@dataclass(frozen=True, slots=True)
class Shown:
    """The newest ruling on an account, None where there never was one, and those before it, newest first."""

    account: str
    newest: Ruling | None
    before: tuple[Ruling, ...]
    version: int


class Rulings:
    """Each operation raises StoreUnavailable when the book does not answer."""

    def __init__(self, register: Register, standings: Standings, clock: Clock) -> None:
        self._register = register
        self._standings = standings
        self._clock = clock

    async def show(self, account_id: str) -> Shown | Refusal:
        fault = await self._register.known(account_id)
        if fault is not None:
            return fault
        ref = Kind.STANDING, account_id
        found = (await self._register.book.get([ref])).get(ref)
        if isinstance(found, StoredStanding):
            return Shown(account_id, found.ruling, found.before, found.version)
        return Shown(account_id, None, (), 0)

    async def put(self, account_id: str, body: Any, by: str) -> Shown | Refusal:
        """A new ruling in the name of an admin. Those before it stay on record."""
        wanted = checked(body, RulingBody)
        if isinstance(wanted, Refusal):
            return wanted
        fault = await self._register.known(account_id)
        if fault is not None:
            return fault
        now_ms = self._clock.now_ms()
        until_ms = _end(wanted, now_ms)
        if isinstance(until_ms, Refusal):
            return until_ms
        one_more = wanted.standing != CLEAR and self._standings.standing(account_id, now_ms) == CLEAR
        if one_more and len(self._standings) >= MOST:
            return Refusal(reasons.INVALID_REQUEST, f"{MOST} accounts are not clear already: suspend orgs instead")
        ruling = Ruling(wanted.standing, wanted.reason, by, now_ms, until_ms)
        written = await self._register.write([Put(StoredStanding(account_id, ruling))])
        return written if isinstance(written, Refusal) else await self.show(account_id)


def _end(wanted: RulingBody, now_ms: int) -> int | Refusal:
    if wanted.standing == CLEAR:
        fault = None if wanted.until is None else "until: a clear standing has no end"
    else:
        fault = bad_end(wanted.until, now_ms, LONGEST_MS, "a year")
    return Refusal(reasons.INVALID_FIELD, fault, param="until") if fault else wanted.until or 0


def bad_end(until_ms: int | None, now_ms: int, longest_ms: int, longest: str) -> str | None:
    """What is wrong with the end of something that must have one, in a sentence."""
    if until_ms is None:
        return "missing key 'until': expected when it ends"
    if until_ms <= now_ms:
        return "until: expected a moment to come"
    return None if until_ms - now_ms <= longest_ms else f"until: expected at most {longest} from now"


def ruling_shown(ruling: Ruling) -> dict[str, Any]:
    """A ruling as the admin API shows it."""
    return {
        "standing": ruling.standing,
        "reason": ruling.reason,
        "by": ruling.by,
        "since": moment_text(ruling.since_ms),
        "until": moment_text(ruling.until_ms or None),
    }


def standing_shown(shown: Shown, appeal: str, now_ms: int) -> dict[str, Any]:
    """An account's standing as the admin API shows it: in force, and all rulings, the newest first."""
    rulings = [] if shown.newest is None else [shown.newest, *shown.before]
    in_force = rulings and (rulings[0].standing == CLEAR or now_ms < rulings[0].until_ms)
    newest = ruling_shown(rulings[0] if in_force else Ruling(CLEAR, "", "", 0, 0))
    if not in_force:
        newest["since"] = moment_text(rulings[0].until_ms) if rulings else None
    return {
        "account": shown.account,
        **newest,
        "appeal": appeal or None,
        "version": shown.version,
        "history": [ruling_shown(ruling) for ruling in rulings],
    }
