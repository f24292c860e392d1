import pytest

from gateway.core.units import Unit
from gateway.engine.reservation import Reservation
from gateway.engine.slots import Slots
from gateway.engine.spec import RateSpec, SlotSpec


def holder(name):
    return Reservation(name, [], {}, 0, 1000)


def test_a_lease_is_freed_by_its_owner_once():
    slots = Slots("k", SlotSpec("k", 2))
    one, two = holder("one"), holder("two")
    for owner in (one, two):
        assert slots.fit(1, 0) == 0
        slots.take(1, 0, owner)
    assert slots.fit(1, 0) == 1000
    slots.settle(1, 0, 0, one)
    slots.settle(1, 0, 0, one)
    assert slots.reading(slots.spec, 0, 0).remaining == 1
    assert not slots.idle(0)


def test_no_slots_means_never():
    assert Slots("k", SlotSpec("k", 0)).fit(1, 0) is None


def test_a_smaller_size_counts_the_leases_that_are_there():
    slots = Slots("k", SlotSpec("k", 2))
    slots.take(1, 0, holder("one"))
    slots.take(1, 0, holder("two"))
    slots.place(SlotSpec("k", 1), 0)
    assert slots.fit(1, 0) == 1000
    assert slots.reading(slots.spec, 0, 0).remaining == -1
    assert slots.peek(SlotSpec("k", 5), 0).remaining == 3


def test_a_key_of_another_kind_is_refused():
    rate = RateSpec("k", Unit.REQUESTS, 1, 1, 1)
    slots = Slots("k", SlotSpec("k", 2))
    for ask in (slots.place, slots.peek):
        with pytest.raises(TypeError, match="is concurrency"):
            ask(rate, 0)
