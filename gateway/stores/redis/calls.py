"""What the script is asked, as bytes. Everything about a limit that does not change is put together once."""

from collections.abc import Iterable, Sequence
from typing import Final

from gateway.core.units import Amounts, Unit, prompt_and_tokens
from gateway.engine.calendar import Span, span_at
from gateway.engine.spec import BudgetSpec, RateSpec, SlotSpec, Spec
from gateway.engine.states import state_key
from gateway.engine.validate import EXACT
from gateway.stores.redis.plans import ByPlan
from gateway.stores.redis.resp import bulk, number, numbers
from gateway.stores.redis.script import KEYS, sha

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
_CODE_WORDS: Final = {unit: bulk(code.encode()) for unit, code in UNIT_CODES.items()}
_CONCURRENT: Final = Unit.CONCURRENT
_NEW: Final = frozenset({Unit.DISTINCT_PROMPTS, Unit.UNIQUE_OUTPUT_TOKENS})
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
        self._limits = ByPlan(lambda specs: [_Limit(spec) for spec in specs])
        self._heads: dict[tuple[str, str, int], bytes] = {}

    def reserve(  # noqa: PLR0917 - the contract's order, then the times
        self, home: str, reservation_id: str, specs: Sequence[Spec], amounts: Amounts, on_expiry: Amounts, ttl_ms: int,
        now_ms: int, script_now: int | None, looks: int,
    ) -> bytes:  # fmt: skip
        parts = [
            self._head(home, "reserve", _BEFORE_LIMITS + _LIMIT_ARGS * len(specs)),
            _clock(script_now), number(looks), bulk(reservation_id.encode()), number(ttl_ms),
        ]  # fmt: skip
        said: dict[Unit, bytes] = {}
        for limit in self._limits.of(specs):
            unit = limit.unit
            if unit not in said:
                said[unit] = _wanted(unit, amounts, on_expiry)
            parts += (limit.words(now_ms), said[unit])
        return b"".join(parts)

    def peek(self, home: str, specs: Sequence[Spec], now_ms: int, script_now: int | None) -> bytes:
        parts = [
            self._head(home, "peek", _BEFORE_LIMITS + _LIMIT_ARGS * len(specs)),
            _clock(script_now), number(0), _NOTHING, _NOTHING,
        ]  # fmt: skip
        for limit in self._limits.of(specs):
            parts += (limit.words(now_ms), _NOTHING, _NOTHING)
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


class _Limit:
    """All of a limit's arguments but the two amounts; a budget's period is put in when it has changed."""

    __slots__ = ("_budget", "_fixed", "_span", "_words", "unit")

    def __init__(self, spec: Spec) -> None:
        self.unit = spec.unit
        self._budget = spec if isinstance(spec, BudgetSpec) else None
        self._fixed = self._words = _fixed(spec)
        self._span: Span | None = None

    def words(self, now_ms: int) -> bytes:
        if self._budget is not None:
            span = span_at(now_ms, self._budget.period, self._budget.zone, self._budget.anchor_day)
            if span is not self._span:
                self._span = span
                self._words = self._fixed + bulk(span.label.encode()) + number(span.start_ms) + number(span.end_ms)
        return self._words


def _wanted(unit: Unit, amounts: Amounts, on_expiry: Amounts) -> bytes:
    """The two amounts of every limit on a unit."""
    amount = 1 if unit is _CONCURRENT else amounts.get(unit, 0)
    if unit in _NEW:
        prompt, tokens = prompt_and_tokens(amount)
        return numbers(tokens, prompt)
    return numbers(min(amount, EXACT), min(on_expiry.get(unit, 0), EXACT))


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
        code = _CODE_WORDS.get(unit)
        if code is not None:
            if unit in _NEW:
                amount = prompt_and_tokens(amount)[1]
            words += (code, number(min(amount, EXACT)))
    return words


def _clock(script_now: int | None) -> bytes:
    return _NOTHING if script_now is None else number(script_now)
