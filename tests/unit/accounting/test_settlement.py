import pytest

from gateway.accounting.amounts import Reservation, Work
from gateway.accounting.outcome import Outcome
from gateway.accounting.settlement import MAX_REPORTED, Reach, Seen, settlement
from gateway.core.model import Prices
from gateway.core.units import Unit
from gateway.core.usage import Usage

PRICES = Prices(input=10, output=100, cache_read=1, cache_write=20)
CUT_SHORT = [
    Outcome.CLIENT_GONE,
    Outcome.UPSTREAM_CUT,
    Outcome.TIMED_OUT,
    Outcome.BUDGET_ENDED,
    Outcome.POLICY_ENDED,
    Outcome.SHUTDOWN,
    Outcome.INTERNAL_ERROR,
    Outcome.REFUSED,
]
NOBODYS_GAIN = [
    Outcome.REFUSED,
    Outcome.UPSTREAM_FAILED,
    Outcome.UPSTREAM_CUT,
    Outcome.TIMED_OUT,
    Outcome.SHUTDOWN,
    Outcome.INTERNAL_ERROR,
]


def settle(outcome, reach=Reach.ANSWERED, *, reported=None, counted=0, ended=False, work=Work.GENERATE, prices=PRICES):
    held = Reservation(work, {}, {}, input_tokens=50, output_tokens=500)
    return settlement(outcome, held, prices, Seen(reach, reported, counted, ended))


def charged(read, written, money):
    return {
        Unit.REQUESTS: 1,
        Unit.INPUT_TOKENS: read,
        Unit.OUTPUT_TOKENS: written,
        Unit.TOTAL_TOKENS: read + written,
        Unit.USD: money,
    }


@pytest.mark.parametrize("outcome", NOBODYS_GAIN)
@pytest.mark.parametrize("reach", [Reach.UNSENT, Reach.SENT])
def test_without_an_answer_nothing_is_charged(outcome, reach):
    done = settle(outcome, reach, counted=3)
    assert done.amounts == {}
    assert done.cost_nano_usd == 0


def test_an_upstreams_error_head_is_no_answer():
    assert settle(Outcome.UPSTREAM_FAILED, Reach.ANSWERED).amounts == {}


def test_hanging_up_early_is_no_free_try():
    assert settle(Outcome.CLIENT_GONE, Reach.UNSENT).amounts == {Unit.REQUESTS: 1}
    done = settle(Outcome.CLIENT_GONE, Reach.SENT)
    assert done.amounts == charged(50, 0, 500)
    assert done.usage.estimated


def test_a_rejected_request_counts_but_costs_nothing_unless_reported():
    for reach in (Reach.SENT, Reach.ANSWERED):
        assert settle(Outcome.UPSTREAM_REJECTED, reach, counted=4).amounts == charged(0, 0, 0)
    assert settle(Outcome.UPSTREAM_REJECTED, reported=Usage(7, 0)).amounts == charged(7, 0, 70)


def test_reported_usage_is_the_truth_for_a_complete_answer():
    reported = Usage(40, 20, cache_read_tokens=30)
    done = settle(Outcome.COMPLETE, reported=reported, counted=25)
    assert done.amounts == charged(40, 20, 10 * 10 + 30 * 1 + 20 * 100)
    assert done.usage == reported
    assert not done.contradicted


@pytest.mark.parametrize("reach", Reach)
def test_complete_counts_as_answered_whatever_the_reach_says(reach):
    assert settle(Outcome.COMPLETE, reach, reported=Usage(40, 20)).amounts == charged(40, 20, 2400)


def test_missing_usage_is_estimated():
    done = settle(Outcome.COMPLETE, counted=25)
    assert done.amounts == charged(50, 25, 3000)
    assert done.usage == Usage(50, 25, estimated=True)


def test_explicit_zero_without_text_is_zero():
    done = settle(Outcome.COMPLETE, reported=Usage(0, 0))
    assert done.amounts == charged(0, 0, 0)
    assert not done.usage.estimated
    assert not done.contradicted


@pytest.mark.parametrize("reported", [Usage(50, 0), Usage(0, 0), Usage(50, 1)])
def test_a_report_that_the_text_contradicts_is_not_believed(reported):
    done = settle(Outcome.COMPLETE, reported=reported, counted=25)
    assert done.amounts == charged(50, 25, 3000)
    assert done.usage.estimated
    assert done.contradicted


def test_text_out_of_no_input_is_not_believed():
    done = settle(Outcome.COMPLETE, reported=Usage(0, 25), counted=25)
    assert done.amounts == charged(50, 25, 3000)
    assert done.contradicted


def test_an_over_count_within_the_estimators_bounds_is_no_contradiction():
    done = settle(Outcome.COMPLETE, reported=Usage(50, 2), counted=32)
    assert done.usage.output_tokens == 2
    assert not done.contradicted


@pytest.mark.parametrize("outcome", CUT_SHORT)
def test_a_cut_answer_costs_the_larger_of_reported_and_counted(outcome):
    # A message_start: input known, output a placeholder.
    done = settle(outcome, reported=Usage(40, 1), counted=25)
    assert done.amounts == charged(40, 25, 2900)
    assert done.usage.estimated
    done = settle(outcome, reported=Usage(40, 30), counted=25)
    assert done.amounts == charged(40, 30, 3400)
    assert not done.usage.estimated
    done = settle(outcome, counted=25)
    assert done.amounts == charged(50, 25, 3000)
    # Nothing came but the head: the model has read the input.
    assert settle(outcome).amounts == charged(50, 0, 500)
    assert settle(outcome, reported=Usage(0, 0)).amounts == charged(50, 0, 500)


@pytest.mark.parametrize("outcome", CUT_SHORT)
def test_an_answer_that_ended_without_its_caller_costs_what_was_reported(outcome):
    done = settle(outcome, reported=Usage(40, 20), counted=25, ended=True)
    assert done.amounts == charged(40, 20, 2400)
    assert not done.usage.estimated
    assert settle(outcome, reported=Usage(40, 1), counted=25, ended=True).contradicted


def test_a_report_on_a_part_of_the_answer_is_a_lower_bound():
    done = settle(Outcome.COMPLETE, reported=Usage(40, 20, estimated=True), counted=25)
    assert done.amounts == charged(40, 25, 2900)
    assert not done.contradicted
    assert settle(Outcome.COMPLETE, reported=Usage(40, 30, estimated=True), counted=25).usage.output_tokens == 30


def test_embeddings_have_no_output_whatever_is_reported():
    done = settle(Outcome.COMPLETE, reported=Usage(40, 9), counted=3, work=Work.EMBED)
    assert done.amounts == charged(40, 0, 400)
    assert not done.contradicted
    assert settle(Outcome.COMPLETE, work=Work.EMBED, counted=3).amounts == charged(50, 0, 500)


def test_counting_tokens_costs_a_request_only():
    done = settle(Outcome.COMPLETE, reported=Usage(40, 9), work=Work.COUNT)
    assert done.amounts == {Unit.REQUESTS: 1}
    assert done.usage == Usage()


def test_absurd_reports_are_bounded_and_flagged():
    done = settle(Outcome.COMPLETE, reported=Usage(10**30, -4, cache_read_tokens=10**31, reasoning_tokens=5))
    assert done.contradicted
    assert done.usage == Usage(MAX_REPORTED, 0, cache_read_tokens=MAX_REPORTED)


def test_parts_larger_than_their_whole_are_cut_and_flagged():
    done = settle(Outcome.COMPLETE, reported=Usage(40, 20, cache_read_tokens=30, cache_write_tokens=30))
    assert done.contradicted
    assert done.usage == Usage(40, 20, cache_read_tokens=30, cache_write_tokens=10)


def test_the_reported_object_is_not_changed():
    reported = Usage(40, 1)
    settle(Outcome.CLIENT_GONE, reported=reported, counted=25)
    assert reported == Usage(40, 1)


def test_an_unknown_price_settles_no_money():
    done = settle(Outcome.COMPLETE, reported=Usage(40, 20), prices=None)
    assert Unit.USD not in done.amounts
    assert done.cost_nano_usd == 0
