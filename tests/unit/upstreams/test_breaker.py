import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.upstreams.breaker import (
    FIRST_BACKOFF_S,
    MAX_BACKOFF_S,
    MAX_PAUSE_S,
    SUSPECT_S,
    THRESHOLD,
    Breaker,
)


def breaker(jitter=0.0):
    return Breaker(lambda: jitter)


def fail(it, times, now=0.0):
    for _ in range(times):
        it.claim()
        it.failed(now)


def test_opens_after_failures_in_a_row_only():
    it = breaker()
    fail(it, THRESHOLD - 1)
    it.succeeded()
    fail(it, THRESHOLD - 1)
    assert not it.open
    assert it.wait(0.0) == 0
    fail(it, 1)
    assert it.open
    assert it.wait(0.0) == FIRST_BACKOFF_S


def test_one_probe_at_a_time_and_a_good_answer_closes():
    it = breaker()
    fail(it, THRESHOLD)
    assert it.wait(0.999) == pytest.approx(0.001)
    assert it.wait(1.0) == 0
    it.claim()
    assert it.wait(1.0) is None
    it.answered()
    assert not it.open
    assert it.wait(1.0) == 0


def test_a_failed_probe_doubles_the_backoff_up_to_its_bound():
    it = breaker()
    fail(it, THRESHOLD)
    waits, now = [], 0.0
    for _ in range(8):
        waits.append(it.wait(now))
        now += waits[-1]
        fail(it, 1, now)
    assert waits == [1, 2, 4, 8, 16, 30, 30, 30]
    assert max(waits) == MAX_BACKOFF_S


def test_the_backoff_starts_over_after_a_recovery():
    it = breaker()
    fail(it, THRESHOLD)
    fail(it, 1, 1.0)
    assert it.wait(1.0) == 2
    it.claim()
    it.answered()
    fail(it, THRESHOLD, 5.0)
    assert it.wait(5.0) == FIRST_BACKOFF_S


def test_failures_of_requests_that_left_before_it_opened_change_nothing():
    it = breaker()
    fail(it, THRESHOLD)
    it.failed(0.5)
    assert it.wait(0.5) == 0.5


def test_an_abandoned_probe_frees_its_place():
    it = breaker()
    fail(it, THRESHOLD)
    it.claim()
    it.forget()
    assert it.wait(2.0) == 0
    assert it.open


def test_jitter_shortens_by_at_most_a_fifth():
    it = breaker(0.999999)
    fail(it, THRESHOLD)
    assert it.wait(0.0) == pytest.approx(0.8, abs=1e-5)


def test_a_pause_is_no_failure_and_has_a_bound():
    it = breaker()
    it.pause(10.0, 5.0)
    assert (it.open, it.paused(10.0), it.wait(10.0)) == (False, True, 5.0)
    it.pause(10.0, 1.0)
    assert it.wait(10.0) == 5.0
    it.pause(10.0, 99999.0)
    assert it.wait(10.0) == MAX_PAUSE_S
    assert not it.paused(10.0 + MAX_PAUSE_S)


def test_a_probe_that_hears_a_pause_has_found_it_alive():
    it = breaker()
    fail(it, THRESHOLD)
    it.claim()
    it.pause(1.0, 3.0)
    assert not it.open
    assert it.wait(1.0) == 3.0


def test_a_refused_credential_makes_it_suspect_for_a_while():
    it = breaker()
    it.doubt(1.0)
    assert (it.open, it.wait(1.0)) == (False, 0)
    assert it.suspect(1.0 + SUSPECT_S - 0.1)
    assert not it.suspect(1.0 + SUSPECT_S)


@given(st.lists(st.sampled_from(["claim", "ok", "answered", "fail", "forget", "pause", "doubt", "tick"]), max_size=60))
def test_whatever_happens_it_can_be_asked_again_in_bounded_time(steps):
    it, now = breaker(), 0.0
    for step in steps:
        if step == "claim" and it.wait(now) == 0:
            it.claim()
        elif step == "ok":
            it.succeeded()
        elif step == "answered":
            it.answered()
        elif step == "fail":
            it.failed(now)
        elif step == "forget":
            it.forget()
        elif step == "pause":
            it.pause(now, 1e9)
        elif step == "doubt":
            it.doubt(now)
        else:
            now += 7.0
    it.forget()
    assert 0 <= it.wait(now) <= max(MAX_BACKOFF_S, MAX_PAUSE_S)
    it.claim()
    it.succeeded()
    assert not it.open


def test_failures_during_a_pause_do_not_shorten_it():
    it = breaker()
    it.pause(0.0, 30.0)
    for _ in range(THRESHOLD):
        it.failed(0.0)
    assert it.open
    assert it.wait(0.0) == 30.0
