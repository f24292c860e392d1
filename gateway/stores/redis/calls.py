"""What the script is asked, as bytes. Everything about a limit that does not change is put together once."""

from collections.abc import Iterable, Sequence
from typing import Final

from gateway.core.units import Amounts, Unit, prompt_and_tokens
from gateway.engine.spec import BudgetSpec, DistinctSpec, RateSpec, SlotSpec, Spec
from gateway.engine.states import state_key
from gateway.engine.validate import EXACT
from gateway.stores.redis.resp import bulk, number
from gateway.stores.redis.script import KEYS, sha
from gateway.stores.redis.spans import Spans

UNIT_CODES: Final = {
    Unit.REQUESTS: "r",
    Unit.INPUT_TOKENS: "i",
    Unit.OUTPUT_TOKENS: "o",
    Unit.TOTAL_TOKENS: "t",
    Unit.USD: "u",
    Unit.CONCURRENT: "c",
    Unit.REASONING_TOKENS: "e",
    Unit.LOGPROB_REQUESTS: "l",
    Unit.DISTINCT_PROMPTS: "p",
    Unit.UNIQUE_OUTPUT_TOKENS: "q",
}
"""How a unit is called in Redis; never to be changed, since state outlives versions. The script knows `r` and `q`."""
UNITS: Final = {code: unit for unit, code in UNIT_CODES.items()}
_NOTHING: Final = bulk(b"")
_LIMIT_ARGS: Final = 9
_BEFORE_LIMITS: Final = 4
"""Now, looks, and two more; the operation itself is not counted."""


def slot_tag(home: str) -> bytes:
    """What Redis hashes of the keys of a home: all between the first pair of braces, so that none may be inside."""
    safe = home.replace("%", "%25").replace("{", "%7B").replace("}", "%7D").replace("\0", "%00")
    return safe.encode() or b"%"


class Calls:
    """The words of every call but its amounts. `now` of a call is None where Redis' own clock decides."""

    def __init__(self) -> None:
        self.spans = Spans()
        self._limits: dict[Spec, bytes] = {}
        self._heads: dict[tuple[str, str, int], bytes] = {}

    def reserve(  # noqa: PLR0917 - the contract's order, then the times
        self, home: str, reservation_id: str, specs: Sequence[Spec], amounts: Amounts, on_expiry: Amounts, ttl_ms: int,
        now_ms: int, script_now: int | None, looks: int,
    ) -> bytes:  # fmt: skip
        parts = [
            self._head(home, "reserve", _BEFORE_LIMITS + _LIMIT_ARGS * len(specs)),
            _clock(script_now), number(looks), bulk(reservation_id.encode()), number(ttl_ms),
        ]  # fmt: skip
        for spec in specs:
            amount = 1 if spec.unit is Unit.CONCURRENT else amounts.get(spec.unit, 0)
            parts.append(self._limit(spec, now_ms))
            if type(spec) is DistinctSpec:
                prompt, tokens = prompt_and_tokens(amount)
                parts += (number(tokens), number(prompt))
            else:
                parts += (number(min(amount, EXACT)), number(min(on_expiry.get(spec.unit, 0), EXACT)))
        return b"".join(parts)

    def peek(self, home: str, specs: Sequence[Spec], now_ms: int, script_now: int | None) -> bytes:
        parts = [
            self._head(home, "peek", _BEFORE_LIMITS + _LIMIT_ARGS * len(specs)),
            _clock(script_now), number(0), _NOTHING, _NOTHING,
        ]  # fmt: skip
        for spec in specs:
            parts += (self._limit(spec, now_ms), _NOTHING, _NOTHING)
        return b"".join(parts)

    def top_up(self, home: str, reservation_id: str, serial: int, amounts: Amounts, script_now: int | None) -> bytes:
        words = [bulk(reservation_id.encode()), number(serial), *_amounts(amounts)]
        return self._call(home, "top_up", script_now, 0, words)

    def settle(self, home: str, reservation_id: str, actual: Amounts, script_now: int | None) -> bytes:
        return self._call(home, "settle", script_now, 0, [bulk(reservation_id.encode()), *_amounts(actual)])

    def cancel(self, home: str, reservation_id: str, script_now: int | None, *, bar: bool) -> bytes:
        return self._call(home, "cancel", script_now, 0, [bulk(reservation_id.encode()), number(int(bar))])

    def renew(self, home: str, ids: Iterable[str], ttl_ms: int, script_now: int | None, looks: int) -> bytes:
        return self._call(home, "renew", script_now, looks, [number(ttl_ms), *(bulk(one.encode()) for one in ids)])

    def held(self, tag: bytes, limit: int) -> bytes:
        """For a home whose hash tag is all that is known of it."""
        words = [bulk(b"held"), _NOTHING, number(0), number(limit)]
        return b"*%d\r\n%b%b" % (3 + len(KEYS) + len(words), _script(tag), b"".join(words))

    def verify(self, tag: bytes) -> bytes:
        """For a home whose hash tag is all that is known of it."""
        words = [bulk(b"verify"), _NOTHING, number(0)]
        return b"*%d\r\n%b%b" % (3 + len(KEYS) + len(words), _script(tag), b"".join(words))

    def _call(self, home: str, operation: str, script_now: int | None, looks: int, words: list[bytes]) -> bytes:
        return b"".join([self._head(home, operation, 2 + len(words)), _clock(script_now), number(looks), *words])

    def _head(self, home: str, operation: str, args: int) -> bytes:
        key = (home, operation, args)
        head = self._heads.get(key)
        if head is None:
            if len(self._heads) >= 8192:
                self._heads.clear()
            words = _script(slot_tag(home)) + bulk(operation.encode())
            head = self._heads[key] = b"*%d\r\n%b" % (3 + len(KEYS) + 1 + args, words)
        return head

    def _limit(self, spec: Spec, now_ms: int) -> bytes:
        """All of a limit's arguments but the two amounts."""
        known = self._limits.get(spec)
        if known is None:
            if len(self._limits) >= 8192:
                self._limits.clear()
            known = self._limits[spec] = _fixed(spec)
        if type(spec) is not BudgetSpec:
            return known
        span = self.spans.at(spec, now_ms)
        return known + bulk(span.label.encode()) + number(span.start_ms) + number(span.end_ms)


def _script(tag: bytes) -> bytes:
    """The command's words up to and including the keys."""
    keys = [bulk(b"gw1:{%b}:%b" % (tag, name.encode())) for name in KEYS]
    return b"".join([bulk(b"EVALSHA"), bulk(sha()), number(len(KEYS)), *keys])


def _fixed(spec: Spec) -> bytes:
    key = state_key(spec)
    if "\0" in key:
        raise ValueError("a limit's key must not have a NUL")
    if isinstance(spec, RateSpec):
        return _words("r", key, spec) + number(spec.window_s) + number(spec.burst) + _NOTHING
    if isinstance(spec, BudgetSpec):
        return _words("b", key, spec)
    if isinstance(spec, SlotSpec):
        return _words("s", key, spec) + _NOTHING * 3
    return _words("d", key, spec) + number(spec.window_s) + _NOTHING * 2


def _words(kind: str, key: str, spec: Spec) -> bytes:
    return bulk(kind.encode()) + bulk(key.encode()) + bulk(UNIT_CODES[spec.unit].encode()) + number(spec.amount)


def _amounts(amounts: Amounts) -> list[bytes]:
    """Beyond 2^53 nothing is counted exactly; only an upstream's absurd reports get there."""
    words: list[bytes] = []
    for unit, amount in amounts.items():
        code = UNIT_CODES.get(unit)
        if code is not None:
            if unit in {Unit.DISTINCT_PROMPTS, Unit.UNIQUE_OUTPUT_TOKENS}:
                amount = prompt_and_tokens(amount)[1]
            words += (bulk(code.encode()), number(min(amount, EXACT)))
    return words


def _clock(script_now: int | None) -> bytes:
    return _NOTHING if script_now is None else number(script_now)
