"""When the holds of a rate end, and that nobody looks for them in vain."""

from gateway.core.units import Unit
from gateway.engine.bucket import Bucket
from gateway.engine.reservation import Reservation
from gateway.engine.spec import RateSpec

T0 = 1_800_000_000_000


def rate(window_s=60):
    return RateSpec("k", Unit.TOTAL_TOKENS, window_s, window_s, 100)


def take(bucket, amount, now, owner=None):
    owner = owner or Reservation(f"r{now}", [], {}, now, now + 600_000)
    assert bucket.fit(amount, now) == 0
    bucket.take(amount, now, owner)
    return owner


def test_each_hold_ends_a_window_after_its_own_reservation():
    bucket = Bucket("k", rate(), T0)
    for now in (T0, T0 + 10_000, T0 + 20_000):
        take(bucket, 30, now)
    held = []
    for now in (T0 + 59_999, T0 + 60_000, T0 + 69_999, T0 + 70_000, T0 + 80_000):
        take(bucket, 0, now)
        held.append(bucket.held)
    assert held == [90, 60, 60, 30, 0]


def test_a_narrower_window_ends_older_holds_too():
    bucket = Bucket("k", rate(120), T0)
    take(bucket, 50, T0)
    assert bucket.place(rate(60), T0 + 1) is bucket
    take(bucket, 0, T0 + 60_000)
    assert bucket.held == 0


def test_a_hold_out_of_turn_ends_in_its_own():
    bucket = Bucket("k", rate(), T0)
    take(bucket, 10, T0 + 5000)
    take(bucket, 20, T0 + 1000)  # the clock went back
    take(bucket, 0, T0 + 61_000)
    assert bucket.held == 10


def test_a_refusal_writes_nothing_once_the_oldest_hold_was_settled():
    bucket = Bucket("k", rate(), T0)
    owner = take(bucket, 50, T0)
    bucket.settle(50, 50, T0 + 1, owner)
    assert bucket.fit(101, T0 + 61_000) is None
    assert bucket.tick == T0 + 1


def test_what_is_left_when_a_burst_is_lowered_stays_although_something_is_held():
    bucket = Bucket("k", rate(), T0)
    take(bucket, 30, T0)
    bucket.place(RateSpec("k", Unit.TOTAL_TOKENS, 60, 60, 80), T0)
    for now in (T0, T0 + 1, T0 + 1000):
        take(bucket, 0, now)
        assert bucket.reading(bucket.spec, now + 1, 0).remaining == 70
