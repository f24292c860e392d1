"""What the script answers, as the ledger's own words."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from gateway.core.units import Unit
from gateway.engine.spec import Spec
from gateway.engine.states import AUDIT
from gateway.engine.verdict import Held, Reading, Verdict
from gateway.stores.base import LedgerReport, Mismatch
from gateway.stores.redis.calls import UNITS
from gateway.stores.redis.resp import Reply

_HEAD: Final = 6
FITS: Final = b"0"
NEVER: Final = b"-1"


@dataclass(slots=True)
class Answer:
    """One line of the script. `seq` counts the writes of a home; `wrote` says whether this call was one."""

    kind: str
    seq: int
    wrote: bool
    now_ms: int
    expired: int
    clamped: list[tuple[Unit, int]]
    words: list[bytes]


class Misread(Exception):  # noqa: N818 - named for what happened
    """The script answered something else than it can: another script, or another Redis."""


def read(reply: Reply) -> Answer:
    """Raises Misread."""
    if not isinstance(reply, bytes):
        raise Misread(f"an answer of type {type(reply).__name__}")
    words = reply.split()
    try:
        kind, seq, wrote, now, expired, clamped = words[:_HEAD]
        debts = [] if clamped == b"-" else [_debt(one) for one in clamped.split(b",")]
        return Answer(kind.decode(), int(seq), wrote == b"1", int(now), int(expired), debts, words[_HEAD:])
    except (ValueError, KeyError) as error:
        raise Misread("an answer that cannot be read") from error


def _debt(text: bytes) -> tuple[Unit, int]:
    code, _, units = text.decode().partition(":")
    return UNITS[code], int(units)


def verdict(answer: Answer, specs: Sequence[Spec]) -> Verdict:
    """The verdict over `specs`, in their order. Raises Misread."""
    words = answer.words
    if len(words) != 1 + 3 * len(specs):
        raise Misread(f"{len(words)} words about {len(specs)} limits")
    readings: list[Reading] = []
    for spec, remaining, reset, wait in zip(specs, words[1::3], words[2::3], words[3::3], strict=True):
        wait_ms = 0 if wait == FITS else None if wait == NEVER else int(wait)
        readings.append(Reading(spec, int(remaining), int(reset), wait_ms))
    unfit = [i for i, reading in enumerate(readings) if reading.wait_ms != 0]
    if not unfit:
        return Verdict(words[0] == b"1", tuple(readings))
    failing = tuple(i for i in unfit if not specs[i].shadow)
    return Verdict(words[0] == b"1", tuple(readings), failing, tuple(i for i in unfit if specs[i].shadow))


def held(reply: Reply) -> list[tuple[int, Held]]:
    """Open reservations with their sequence numbers. Raises Misread."""
    if not isinstance(reply, list):
        raise Misread(f"an answer of type {type(reply).__name__}")
    return [_held(row) for row in reply]


def _held(row: Reply) -> tuple[int, Held]:
    if not isinstance(row, list):
        raise Misread("a reservation that cannot be read")
    words = [word.decode() for word in row if isinstance(word, bytes)]
    seq, name, reserved_at, expires_at, *parts = words
    keys = tuple(key.removesuffix(AUDIT) for key in parts[::3])
    amounts = {str(UNITS[code]): int(amount) for code, amount in zip(parts[1::3], parts[2::3], strict=True)}
    return int(seq), Held(name, keys, amounts, int(reserved_at), int(expires_at))


def report(reply: Reply) -> LedgerReport:
    """What `verify` found in one home. Raises Misread."""
    if not isinstance(reply, list) or len(reply) % 4 != 3:
        raise Misread(f"an answer of type {type(reply).__name__}")
    words = [one.decode() if isinstance(one, bytes) else str(one) for one in reply]
    counters, entries, last = map(int, words[:3])
    wrong = zip(words[3::4], words[4::4], words[5::4], words[6::4], strict=True)
    return LedgerReport(
        counters, entries, last, tuple(Mismatch(key, label, int(had), int(told)) for key, label, had, told in wrong)
    )
