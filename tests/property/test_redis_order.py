"""Many callers at once: what Redis answered them is what the Python ledger answers in the order of the writes."""

import asyncio
import random
from bisect import bisect_left

import pytest

from gateway.core.redis_target import parse
from gateway.core.units import Unit, prompt_amount
from gateway.engine.ledger import Ledger
from gateway.engine.spec import BudgetSpec, DistinctSpec, Period, RateSpec, SlotSpec
from gateway.stores.redis import answers
from gateway.stores.redis.asking import Asking
from gateway.stores.redis.calls import Calls, slot_tag
from gateway.stores.redis.endpoint import Dial
from gateway.stores.redis.servers import servers, slot_of
from tests.support.redis_server import redis_cluster, redis_server

pytestmark = pytest.mark.redis

LIMITS = (
    RateSpec("requests", Unit.REQUESTS, 60_000, 60, 40),
    RateSpec("tokens", Unit.TOTAL_TOKENS, 600_000, 60, 700),
    BudgetSpec("money", Unit.USD, 20_000, Period.DAY),
    SlotSpec("slots", 12),
    DistinctSpec("new", Unit.DISTINCT_PROMPTS, 300, 3600),
    RateSpec("tokens", Unit.TOTAL_TOKENS, 60_000, 60, 300, shadow=True),
)


class Callers:
    """Two gateways; what they were answered, with the times between which it must have happened."""

    def __init__(self, url):
        self.home, self.calls = "acme", Calls()
        self.askings = [Asking(servers(parse(url), Dial(timeout_s=10))) for _ in range(2)]
        self.seen = []

    async def ask(self, who, payload, replay, specs=()):
        loop = asyncio.get_running_loop()
        began = loop.time()
        answer = answers.read(await self.askings[who].ask(slot_of(slot_tag(self.home)), payload))
        self.seen.append((answer, specs, replay, began, loop.time()))
        return answer

    async def one(self, i, now, pick):
        who, name = i % 2, f"r{i}"
        specs = tuple(pick.sample(LIMITS, pick.randint(1, len(LIMITS))))
        wanted = {Unit.REQUESTS: 1, Unit.TOTAL_TOKENS: pick.randint(0, 60), Unit.USD: pick.randint(0, 90),
                  Unit.DISTINCT_PROMPTS: prompt_amount(pick.randint(1, 400))}  # fmt: skip
        ttl = pick.choice([1, 5, 1000])
        reserve = self.calls.reserve(self.home, name, specs, wanted, wanted, ttl, now, None, 2)
        answer = await self.ask(
            who, reserve, lambda ledger, at: ledger.reserve(name, specs, wanted, wanted, ttl, at), specs
        )
        if answer.words[0] != b"1":
            return
        if i % 5 == 0:
            await self.ask(
                1 - who, reserve, lambda ledger, at: ledger.reserve(name, specs, wanted, wanted, ttl, at), specs
            )
        if i % 7 == 0:
            peek = self.calls.peek(self.home, LIMITS, now, None)
            await self.ask(who, peek, lambda ledger, at: ledger.peek(LIMITS, at), LIMITS)
        if i % 11 == 0:
            await self.ask(who, self.calls.renew(self.home, [name], 500, None, 2),
                           lambda ledger, at: ledger.renew([name], 500, at))  # fmt: skip
        if i % 4:
            used = {unit: pick.randint(0, 2 * amount) if unit is not Unit.DISTINCT_PROMPTS else amount
                    for unit, amount in wanted.items()}  # fmt: skip
            await self.ask(1 - who, self.calls.settle(self.home, name, used, None),
                           lambda ledger, at: ledger.settle(name, used, at))  # fmt: skip


def replayed(seen):
    """Assert that one order, by sequence number, explains every answer."""
    ledger = Ledger()
    for answer, specs, replay, _, _ in sorted(seen, key=lambda one: (one[0].seq, not one[0].wrote, one[0].now_ms)):
        try:
            found = replay(ledger, answer.now_ms)
        except ValueError:
            assert answer.kind == "past"
            continue
        if answer.kind != "verdict":
            continue
        verdict = answers.verdict(answer, specs)
        assert found in (verdict, verdict.readings)


def in_real_time(seen):
    """Assert that what had returned before another began comes no later in that order."""
    finished = sorted((end, answer.seq) for answer, _, _, _, end in seen)
    highest, most = [], 0
    for _, seq in finished:
        most = max(most, seq)
        highest.append(most)
    for answer, _, _, began, _ in seen:
        before = bisect_left(finished, (began,))
        assert before == 0 or highest[before - 1] <= answer.seq


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("kind", ["one", "cluster"])
def test_answers_are_those_of_one_ledger_in_the_order_of_their_numbers(kind, seed):
    async def body(url, now):
        callers, pick = Callers(url), random.Random(seed)
        for first in range(0, 800, 160):
            await asyncio.gather(*(callers.one(i, now, pick) for i in range(first, first + 160)))
        for asking in callers.askings:
            await asking.servers.close()
        return callers.seen

    with redis_server() if kind == "one" else redis_cluster() as started:
        server = started if kind == "one" else started[0]
        url = server.url if kind == "one" else server.url.replace("redis:", "redis+cluster:")
        seen = asyncio.run(body(url, int(server.say("TIME")[0]) * 1000))
    kinds = {answer.kind for answer, *_ in seen}
    assert "verdict" in kinds
    assert any(answer.words[0] == b"0" for answer, *_ in seen if answer.kind == "verdict"), "some were refused"
    assert any(answer.expired for answer, *_ in seen), "some expired"
    in_real_time(seen)
    replayed(seen)
