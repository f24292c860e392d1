"""In which order reservations have their turn."""

from hypothesis import given
from hypothesis import strategies as st

from gateway.engine.expiries import Expiries


def taken(expiries, now_ms):
    out = []
    while expiries.due(now_ms):
        out.append(expiries.pop())
    return out


@given(st.lists(st.integers(0, 50), max_size=40), st.integers(0, 50))
def test_what_is_due_comes_soonest_first_whatever_it_was_given_in(times, now_ms):
    expiries = Expiries()
    for serial, at_ms in enumerate(times):
        expiries.add(at_ms, f"r{serial:02}")
    assert [at_ms for at_ms, _ in taken(expiries, now_ms)] == sorted(at_ms for at_ms in times if at_ms <= now_ms)
    assert len(taken(expiries, 50)) == len([at_ms for at_ms in times if at_ms > now_ms])


def test_what_is_due_at_once_comes_in_the_order_it_was_given_in():
    expiries = Expiries()
    for name in ("b", "a", "c"):
        expiries.add(7, name)
    assert taken(expiries, 7) == [(7, "b"), (7, "a"), (7, "c")]


def test_ended_ones_are_thrown_out_at_the_head_two_at_a_time_and_open_ones_never():
    expiries = Expiries()
    for serial in range(6):
        expiries.add(serial, f"r{serial}")
    expiries.forget({"r5"})
    assert [name for _, name in expiries._queue] == ["r2", "r3", "r4", "r5"]
    expiries.forget({"r3"})
    expiries.forget({"r3"})
    assert [name for _, name in expiries._queue] == ["r3", "r4", "r5"]
