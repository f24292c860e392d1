"""A switch reaches the policies in force, the gauge and the log; so does its end, whoever brings it about."""

import asyncio

from gateway.accounts import Accounts
from gateway.core.clock import ManualClock
from gateway.observe.events import MetricEvents
from gateway.observe.metrics import Metrics
from gateway.policy.compile import PolicySet
from gateway.stores.book.base import Drop, Kind, Put
from gateway.stores.book.memory import MemoryBook
from tests.support.books import HeldBook, switch
from tests.support.people import NOW, directory


class Scene:
    """Accounts over a book, with everybody who hears of switches."""

    def __init__(self) -> None:
        self.book = HeldBook(MemoryBook())
        self.clock = ManualClock(NOW)
        self.policies = PolicySet(())
        self.metrics = Metrics("1", [])
        self.accounts = Accounts(self.book, self.clock, directory, most_keys=9, stale_s=60)
        self.accounts.report_to(lambda: self.policies, self.metrics, MetricEvents(self.metrics, self.clock))

    @property
    def off(self) -> list[str]:
        return [one.policy for one in self.policies.switches]

    @property
    def gauge(self) -> list[str]:
        lines = self.metrics.render().decode().splitlines()
        return [line for line in lines if line.startswith("gateway_policy_switches{")]

    async def poll(self) -> None:
        await self.accounts.lookup.poll()


def play(body, caplog) -> list[tuple[str, dict]]:
    """Run `body(scene)`; what was logged."""
    with caplog.at_level("INFO", "gateway"):
        asyncio.run(body(Scene()))
    return [(record.message, getattr(record, "fields", {})) for record in caplog.records]


UNTIL = "2027-01-15T08:01:00.000Z"
OFF = ("a policy is switched off", {"policy": "free", "by": "ada", "until": UNTIL})


def test_off_and_lifted(caplog):
    async def body(scene):
        await scene.book.write([Put(switch("free"))])
        await scene.poll()
        assert scene.off == ["free"]
        assert scene.gauge == ['gateway_policy_switches{policy="free"} 1.0']
        await scene.poll()
        await scene.book.write([Put(switch("free", lifted_by="bob", until_ms=NOW + 10))])
        await scene.poll()
        assert (scene.off, scene.gauge) == ([], [])

    assert play(body, caplog) == [OFF, ("a policy is in force again", {"policy": "free", "why": "lifted"})]


def test_it_is_over_without_the_store(caplog):
    async def body(scene):
        await scene.book.write([Put(switch("free"))])
        await scene.poll()
        scene.book.down = True
        scene.clock.advance(59.999)
        await scene.poll()
        assert scene.off == ["free"]
        scene.clock.advance(0.001)
        await scene.poll()
        assert (scene.off, scene.gauge) == ([], [])

    logged = [line for line in play(body, caplog) if line[1].get("policy")]
    assert logged == [OFF, ("a policy is in force again", {"policy": "free", "why": "over"})]


def test_another_end_is_news_and_another_policy_too(caplog):
    async def body(scene):
        await scene.book.write([Put(switch("free"))])
        await scene.poll()
        await scene.book.write([Put(switch("free", by="bob")), Put(switch())])
        await scene.poll()
        assert scene.off == ["all", "free"]
        await scene.book.write([Drop((Kind.SWITCH, "free"))])
        await scene.poll()
        assert scene.off == ["all"]

    logged = play(body, caplog)
    assert [(text, fields["policy"], fields.get("by")) for text, fields in logged] == [
        ("a policy is switched off", "free", "ada"), ("a policy is switched off", "all", "ada"),
        ("a policy is switched off", "free", "bob"), ("a policy is in force again", "free", None),
    ]  # fmt: skip


def test_the_reason_is_not_logged(caplog):
    async def body(scene):
        await scene.book.write([Put(switch("free", reason="customer acme complained"))])
        await scene.poll()

    assert "acme" not in str(play(body, caplog))


def test_what_is_off_when_it_starts_is_told(caplog):
    async def body(scene):
        await scene.book.write([Put(switch("free"))])
        await scene.accounts.start()
        assert scene.off == ["free"]
        await scene.accounts.close()

    assert play(body, caplog) == [OFF]
