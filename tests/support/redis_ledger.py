"""The Lua ledger with the manners of the Python one: synchronous, time an argument. For comparing the two."""

import hashlib
import json
from collections import Counter
from dataclasses import dataclass, field

from gateway.engine.bucket import Bucket
from gateway.engine.budget import KEEP_MS, Budget
from gateway.engine.distinct import PAID, SUB_WINDOWS, Distinct, sub_window_ms
from gateway.stores.redis import answers
from gateway.stores.redis.calls import Calls, slot_tag
from gateway.stores.redis.resp import Refused
from gateway.stores.redis.script import KEYS, sha, text
from tests.support.redis_server import RedisServer

DUMP = """
local out = {places = {}, open = {}, holds = redis.call('ZCARD', KEYS[5])}
local raw = redis.call('HGETALL', KEYS[1])
for i = 1, #raw, 2 do
  if raw[i] ~= '\\0' then out.places[raw[i]] = cmsgpack.unpack(raw[i + 1]) end
end
raw = redis.call('HGETALL', KEYS[2])
for i = 1, #raw, 2 do
  local record = cmsgpack.unpack(raw[i + 1])
  if record[1] == 1 then out.open[raw[i]] = {record[2], record[3]} end
end
out.expiries = redis.call('ZCARD', KEYS[3])
out.prompts = redis.call('ZRANGE', KEYS[6], 0, -1, 'WITHSCORES')
return cjson.encode(out)
"""


@dataclass
class RedisLedger:
    """`server` is a RedisServer; `home` names the keys. `sweep_all` drops every idle place, as often as asked."""

    server: RedisServer
    home: str
    script: bytes = field(default_factory=text)
    looks: int = 0
    calls: Calls = field(default_factory=Calls)
    clamped: list = field(default_factory=list)
    last: answers.Answer | None = None
    _top_ups: dict = field(default_factory=dict)
    _specs: dict = field(default_factory=dict)

    def _ask(self, payload):
        """A changed script is asked for by its own SHA."""
        mine = hashlib.sha1(self.script, usedforsecurity=False).hexdigest().encode()
        payload = payload.replace(sha(), mine)
        for _ in range(3):
            reply = self.server.ask(payload)
            if not isinstance(reply, Refused):
                return reply
            if reply.code != "NOSCRIPT":
                raise reply
            self.server.say("SCRIPT", "LOAD", self.script)
        raise AssertionError("the script does not load")

    def _answer(self, payload):
        self.last = answers.read(self._ask(payload))
        self.clamped += self.last.clamped
        return self.last

    def reserve(self, name, specs, amounts, on_expiry, ttl, now):
        payload = self.calls.reserve(self.home, name, specs, amounts, on_expiry, ttl, now, now, self.looks)
        answer = self._answer(payload)
        if answer.kind == "past":
            raise ValueError(name)
        if answer.kind == "mistake":
            raise TypeError(name)
        verdict = answers.verdict(answer, specs)
        if verdict.granted:
            self._specs[name] = tuple(
                spec for spec, reading in zip(specs, verdict.readings, strict=True) if reading.wait_ms == 0
            )
        return verdict

    def top_up(self, name, amounts, now):
        serial = self._top_ups[name] = self._top_ups.get(name, 0) + 1
        answer = self._answer(self.calls.top_up(self.home, name, serial, amounts, now))
        if answer.kind == "gone":
            raise KeyError(name)
        return answers.verdict(answer, self._specs[name])

    def settle(self, name, actual, now):
        self._answer(self.calls.settle(self.home, name, actual, now))

    def cancel(self, name, now, *, bar):
        self._answer(self.calls.cancel(self.home, name, now, bar=bar))

    def renew(self, names, ttl, now):
        self._answer(self.calls.renew(self.home, names, ttl, now, -1))

    def sweep_all(self, now):
        """Drop every idle place; also ends up to 64 reservations, as a renewal does."""
        self._answer(self.calls.renew(self.home, [], 1, now, -1))

    def peek(self, specs, now):
        answer = self._answer(self.calls.peek(self.home, specs, now, now))
        if answer.kind == "mistake":
            raise TypeError
        return answers.verdict(answer, specs).readings

    def held(self, limit=1000):
        return [one for _, one in sorted(answers.held(self._ask(self.calls.held(slot_tag(self.home), limit))),
                                         key=lambda entry: entry[0])]  # fmt: skip

    def verify(self):
        return answers.report(self._ask(self.calls.verify(slot_tag(self.home))))

    def dump(self):
        keys = [b"gw1:{%b}:%b" % (slot_tag(self.home), name.encode()) for name in KEYS]
        return json.loads(self.server.say("EVAL", DUMP, str(len(keys)), *keys))


def same_state(ledger, twin, now):
    """Assert that the Lua ledger holds what the Python one holds, number by number."""
    found = twin.dump()
    places = found["places"] or {}
    mine = {}
    for key, state in ledger.states.by_key.items():
        if isinstance(state, Bucket):
            opened = len(set(state.holds) | state.spent)
            mine[key] = ["r", state.level, state.tick, state.held, opened]
        elif isinstance(state, Budget):
            mine[key] = ["b", kept([[r.label, r.start_ms, r.end_ms, r.used, r.held] for r in state.rows.values()], now)]
        elif isinstance(state, Distinct):
            mine[key] = ["d", remembered(state, now), len(state.open)]
        else:
            mine[key] = ["s", len(state.leases)]
    theirs = {}
    for key, place in places.items():
        if place[0] == "r":
            theirs[key] = ["r", *place[5:9]]
        elif place[0] == "b":
            theirs[key] = ["b", kept(place[3] or [], now)]
        elif place[0] == "d":
            theirs[key] = ["d", remembered_by(key, place, found["prompts"] or [], now), place[5]]
        else:
            theirs[key] = ["s", place[2]]
    for key, place in mine.items():
        if key not in theirs and place in (["s", 0], ["b", []], ["d", [{}, {}, {}], 0]):
            continue  # made by a late settle that found nothing to correct
        assert theirs.get(key) == place, (key, theirs.get(key), place)
    for key in theirs.keys() - mine.keys():
        assert idle(places[key], now), (key, places[key])
    open_ones = {r.id: [r.reserved_at_ms, r.expires_at_ms] for r in ledger._live.values()}
    assert (found["open"] or {}) == open_ones
    assert found["expiries"] == len(open_ones), "one expiry for each open reservation"
    held = sum(len(s.holds) for s in ledger.states.by_key.values() if isinstance(s, Bucket))
    assert found["holds"] == held, "one hold in Redis for each in Python"


def remembered(state, now):
    """Of a limit on what is new: prompts and tokens by sub-window, and each prompt's sub-window and tokens paid."""
    last = state._running(now) - SUB_WINDOWS
    known = {prompt: [state.sub_of(mark), state.paid(prompt)] for prompt, mark in state.seen.items()}
    known = {prompt: used for prompt, used in known.items() if used[0] > last}
    tokens = {sub: tokens for sub, tokens in state.tokens.items() if sub > last}
    return [dict(Counter(sub for sub, _ in known.values())), tokens, known]


def remembered_by(key, place, prompts, now):
    """The same of a limit in Redis; `prompts` are all of its home, with their scores."""
    hop, (newest, _, subs) = sub_window_ms(place[2]), place[4:]
    running = now // hop if not newest - SUB_WINDOWS <= now // hop <= newest else newest
    alive = [entry for entry in subs or [] if entry[0] > running - SUB_WINDOWS]
    known = {}
    for member, score in zip(prompts[::2], map(int, prompts[1::2]), strict=True):
        leaves, paid = (score, 0) if score >= 0 else (-score // PAID * 60_000, -score % PAID)
        sub = leaves // hop - SUB_WINDOWS
        if member.startswith(key + "\0") and max(newest, running) - SUB_WINDOWS < sub:
            known[int(member.split("\0")[1])] = [sub, paid]
    return [{s: n for s, n, _ in alive if n}, {s: t for s, _, t in alive if t is not False}, known]


def kept(rows, now):
    """The rows that are not free to be dropped at any time."""
    return sorted(row for row in rows if row[4] or (row[3] and row[2] + KEEP_MS > now))


def idle(place, now):
    if place[0] == "r":
        return place[8] == 0
    if place[0] == "d":
        return place[5] == 0
    if place[0] == "b":
        return not kept(place[3] or [], now)
    return place[2] == 0
