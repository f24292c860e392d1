import pytest

from gateway.core.units import Unit
from gateway.engine.bucket import Bucket
from gateway.engine.reservation import Reservation
from gateway.engine.spec import BudgetSpec, Period, RateSpec

T0 = 1_800_000_000_000
NOBODY = Reservation("r", [], {}, T0, 0)


def rate(amount=60, window_s=60, burst=100):
    return RateSpec("k", Unit.TOTAL_TOKENS, amount, window_s, burst)


def take(bucket, amount, now=T0):
    assert bucket.fit(amount, now) == 0
    bucket.take(amount, now, NOBODY)


def left(bucket, now=T0):
    return bucket.reading(bucket.spec, now, 0).remaining


def test_refill_is_exact_to_the_millisecond():
    bucket = Bucket("k", rate(amount=7, window_s=60, burst=7), T0)
    take(bucket, 7)
    bucket.settle(7, 7, T0, NOBODY)
    # One of seven a minute takes 8,571.43 ms.
    assert (left(bucket, T0 + 8571), left(bucket, T0 + 8572)) == (0, 1)
    assert bucket.fit(1, T0 + 8000) == 572
    assert bucket.fit(1, T0 + 8572) == 0
    assert left(bucket, T0 + 60_000) == 7


def test_many_small_steps_refill_as_much_as_one_long_one():
    stepped, leapt = Bucket("k", rate(amount=7), T0), Bucket("k", rate(amount=7), T0)
    for bucket in (stepped, leapt):
        take(bucket, 100)
        bucket.settle(100, 100, T0, NOBODY)
    for now in range(T0, T0 + 5000, 13):
        take(stepped, 0, now)
    take(stepped, 0, T0 + 5000)
    take(leapt, 0, T0 + 5000)
    assert stepped.level == leapt.level == 7 * 5000


@pytest.mark.parametrize(("window_s", "tick_ms"), [(3599, 1), (3600, 1000)])
def test_windows_of_an_hour_count_seconds(window_s, tick_ms):
    bucket = Bucket("k", rate(amount=window_s, window_s=window_s, burst=1), T0)
    take(bucket, 1)
    bucket.settle(1, 1, T0, NOBODY)
    assert bucket.tick_ms == tick_ms
    assert bucket.fit(1, T0 + 1) == 999
    assert bucket.fit(1, T0 + 999) == 1
    assert bucket.fit(1, T0 + 1000) == 0


def test_nothing_refills_into_the_room_a_reservation_occupies():
    bucket = Bucket("k", rate(amount=100, burst=100), T0)
    take(bucket, 100)
    later = T0 + 60_000
    # A plain bucket would be full again here, and full once more after the refund: 200 at one instant.
    assert left(bucket, later) == 0
    bucket.settle(100, 10, later, NOBODY)
    assert left(bucket, later) == 90
    assert left(bucket, later + 60_000) == 100


def test_too_much_for_ever_and_too_much_for_now():
    bucket = Bucket("k", rate(), T0)
    assert bucket.fit(101, T0) is None
    take(bucket, 60)
    assert bucket.fit(41, T0) == 1000
    assert bucket.fit(0, T0) == 0


def test_debt_is_paid_before_the_next_admission_and_is_capped():
    bucket = Bucket("k", rate(), T0)
    take(bucket, 10)
    bucket.settle(10, 150, T0, NOBODY)
    assert left(bucket) == -50
    assert bucket.fit(1, T0) == 51_000
    take(bucket, 0)
    bucket.settle(0, 1000, T0, NOBODY)
    assert left(bucket) == -200
    assert bucket.forget_forgiven() == 850
    assert bucket.forget_forgiven() == 0


def test_a_lower_burst_clamps_and_a_higher_one_does_not_raise():
    bucket = Bucket("k", rate(burst=100), T0)
    take(bucket, 70)
    bucket.place(rate(burst=20), T0)
    assert left(bucket) == 20
    bucket.place(rate(burst=500), T0)
    assert left(bucket) == 20
    assert left(bucket, T0 + 1000) == 21
    bucket.settle(70, 0, T0 + 1000, NOBODY)
    assert left(bucket, T0 + 1000) == 91


def test_a_refund_after_the_burst_was_lowered_stays_within_it():
    bucket = Bucket("k", rate(burst=100), T0)
    take(bucket, 70)
    bucket.place(rate(burst=50), T0)
    bucket.settle(70, 0, T0, NOBODY)
    assert left(bucket) == 50


def test_lowering_and_raising_does_not_wipe_out_usage():
    bucket = Bucket("k", rate(burst=100), T0)
    take(bucket, 90)
    bucket.settle(90, 90, T0, NOBODY)
    bucket.place(rate(burst=10), T0)
    assert not bucket.idle(T0)
    bucket.place(rate(burst=100), T0 + 1)
    assert left(bucket, T0 + 1) == 10
    assert bucket.idle(T0 + 200_000)


def test_another_window_rescales_with_floor():
    bucket = Bucket("k", rate(amount=60, window_s=60, burst=100), T0)
    take(bucket, 50)
    bucket.settle(50, 50, T0, NOBODY)
    bucket.fit(0, T0 + 1)
    bucket.place(rate(amount=7, window_s=7200, burst=100), T0 + 1)
    assert left(bucket, T0 + 1) == 50
    assert bucket.p == 7200
    assert bucket.level == (50 * 60_000 + 60) * 7200 // 60_000
    assert bucket.at_ms == T0 + 1000  # rounded up: no time is refilled twice


def test_a_clock_that_went_back_refills_nothing_until_it_has_caught_up():
    bucket = Bucket("k", rate(), T0)
    take(bucket, 100)
    bucket.settle(100, 100, T0, NOBODY)
    assert left(bucket, T0 - 30_000) == 0
    assert bucket.fit(1, T0 - 30_000) == 31_000
    assert left(bucket, T0 + 1000) == 1


def test_a_clock_further_back_than_the_window_starts_over():
    bucket = Bucket("k", rate(), T0)
    take(bucket, 100)
    bucket.settle(100, 100, T0, NOBODY)
    back = T0 - 3_600_000
    assert bucket.fit(1, back) == 1000
    assert bucket.fit(1, back + 1000) == 0


def test_a_clock_that_leapt_ahead_gives_at_most_the_burst():
    bucket = Bucket("k", rate(), T0)
    take(bucket, 100)
    bucket.settle(100, 100, T0, NOBODY)
    assert left(bucket, T0 + 10**15) == 100


@pytest.mark.parametrize(
    ("actual", "after_ms", "remaining"), [(10, 0, 90), (10, 5000, 90), (70, 0, 30), (0, 50_000, 100)]
)
def test_a_late_settle_gives_back_only_what_has_not_refilled(actual, after_ms, remaining):
    bucket = Bucket("k", rate(), T0)
    take(bucket, 80)
    bucket.settle(80, 30, T0, NOBODY)  # expiry commits 30
    bucket.correct(30, actual, T0, T0 + after_ms)
    assert left(bucket, T0 + after_ms) == remaining


def test_reset_says_when_it_is_full():
    bucket = Bucket("k", rate(), T0)
    assert bucket.reading(bucket.spec, T0, 0).reset_ms == 0
    take(bucket, 30)
    assert bucket.reading(bucket.spec, T0, 0).reset_ms == 30_000


def test_a_key_of_another_kind_is_refused():
    with pytest.raises(TypeError, match="is a rate"):
        Bucket("k", rate(), T0).place(BudgetSpec("k", Unit.USD, 1, Period.DAY), T0)


def test_a_shadow_is_promoted_without_its_debt():
    shadow = Bucket("k|audit", rate(), T0)
    take(shadow, 10)
    shadow.settle(10, 150, T0, NOBODY)
    assert left(shadow.promoted("k", rate(), T0)) == 0
    assert left(shadow.promoted("k", rate(), T0 + 70_000), T0 + 70_000) == 20


def test_a_hold_lasts_one_window_and_then_its_room_refills():
    bucket = Bucket("k", rate(amount=60, burst=100), T0)
    take(bucket, 100)
    window = T0 + 60_000
    assert left(bucket, window) == 0
    assert left(bucket, window + 30_000) == 30
    # Of 90 units not used, 30 have refilled since the hold ended: only the other 60 are still there to give back.
    bucket.settle(100, 10, window + 30_000, NOBODY)
    assert left(bucket, window + 30_000) == 90


def test_requests_are_not_held_so_long_streams_do_not_stop_the_next_ones():
    spec = RateSpec("k", Unit.REQUESTS, 2, 60, 2)
    bucket = Bucket("k", spec, T0)
    take(bucket, 2)
    assert bucket.fit(1, T0) == 30_000
    assert left(bucket, T0 + 30_000) == 1
    bucket.settle(2, 2, T0 + 50_000, NOBODY)
    assert left(bucket, T0 + 60_000) == 2


def test_a_request_given_back_at_once_is_given_back_whole_and_later_less():
    spec = RateSpec("k", Unit.REQUESTS, 60, 60, 60)
    for after_ms, expected in ((0, 60), (500, 60), (1000, 60)):
        bucket = Bucket("k", spec, T0)
        take(bucket, 1)
        bucket.settle(1, 0, T0 + after_ms, NOBODY)
        assert left(bucket, T0 + after_ms) == expected
        assert bucket.level <= bucket.cap


def test_an_idle_bucket_is_full_under_a_wider_window():
    bucket = Bucket("k", RateSpec("k", Unit.TOTAL_TOKENS, 60, 60, 10), 0)
    wide = RateSpec("k", Unit.TOTAL_TOKENS, 60, 7200, 10)
    assert bucket.peek(wide, 61_000).remaining == 10


def test_a_refusal_lets_holds_go_that_have_had_their_window():
    bucket = Bucket("k", RateSpec("k", Unit.TOTAL_TOKENS, 1, 60, 10), 0)
    owners = [Reservation(f"r{i}", [], {}, 0, 600_000) for i in range(10)]
    for owner in owners:
        assert bucket.fit(1, 0) == 0
        bucket.take(1, 0, owner)
    assert bucket.fit(9, 60_000) > 0
    assert not bucket.holds
    assert bucket.spent == set(owners)
    assert bucket.held == 0
