"""Many alarms behind one timer: each rings once, in order, and cancelled ones take no room for long."""

from random import Random

import pytest

from gateway.upstreams.pool.alarms import Alarms
from tests.unit.upstreams.test_watch import Loop


@pytest.mark.parametrize("seed", range(20))
def test_each_rings_once_at_its_time_unless_it_was_cancelled(seed):
    """Beside a list of all that was set, looked through again and again."""
    chance, loop = Random(seed), Loop()
    alarms, rung, expected, live = Alarms(loop), [], [], {}
    for number in range(500):
        if live and chance.random() < 0.4:
            alarms.cancel(live.pop(chance.choice([*live]))[0])
        else:
            at = loop.time() + chance.choice([0.0, 0.5, 1.0, 60.0]) + chance.random()
            live[number] = alarms.set(at, lambda number=number: rung.append(number)), at
        if chance.random() < 0.2:
            loop.advance(chance.random())
            due = sorted((at, number) for number, (_, at) in live.items() if at <= loop.time())
            expected += [live.pop(number) and number for _, number in due]
            assert rung == expected
    loop.advance(100.0)
    assert rung[len(expected) :] == [number for _, number in sorted((at, number) for number, (_, at) in live.items())]
    assert alarms._timer is None


def test_one_that_rang_can_be_cancelled_and_one_that_fails_stops_no_other(caplog):
    loop, rung = Loop(), []
    alarms = Alarms(loop)
    first = alarms.set(loop.time() + 1.0, lambda: 1 / 0)
    alarms.set(loop.time() + 1.0, lambda: rung.append(alarms.set(loop.time() + 2.0, lambda: rung.append("again"))))
    loop.advance(2.0)
    assert len(rung) == 1
    alarms.cancel(first)
    loop.advance(2.0)
    assert rung[1:] == ["again"]
    assert "fault in an alarm" in caplog.text


def test_cancelled_ones_take_no_room_for_long():
    """As with connections that break off, whose alarms would be an hour away."""
    loop = Loop()
    alarms = Alarms(loop)
    kept = [alarms.set(3600.0 + number, lambda: None) for number in range(10)]
    for number in range(10_000):
        alarms.cancel(alarms.set(3600.0 + number, lambda: None))
        assert len(alarms._heap) < 100
    for alarm in kept:
        alarms.cancel(alarm)
    assert (alarms._heap, alarms._timer) == ([], None)
