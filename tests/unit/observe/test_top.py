"""Which accounts have series of their own."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.usage import Usage
from gateway.observe.metrics import Metrics
from gateway.observe.top import TopAccounts

MINUTE = 60_000
T0 = 1_800_000_000_000


class Board:
    """A TopAccounts and what was counted under each label."""

    def __init__(self, places: int) -> None:
        self.ended: list[str] = []
        self.now_ms = T0
        self.top = TopAccounts(places, self.ended.append)

    def ask(self, account: str, times: int = 1) -> set[str]:
        return {self.top.label(account, self.now_ms) for _ in range(times)}


def test_the_first_ones_get_the_places_and_the_others_are_other():
    board = Board(2)
    assert [board.ask(name) for name in ("a", "b", "c", "a")] == [{"a"}, {"b"}, {"other"}, {"a"}]
    assert board.ended == []


def test_a_clearly_busier_newcomer_takes_the_quietest_place_at_the_minute():
    board = Board(2)
    board.ask("a", 50)
    board.ask("b", 10)
    assert board.ask("c", 200) == {"other"}
    board.now_ms += MINUTE - 1
    assert board.ask("c") == {"other"}
    board.now_ms += 1
    assert board.ask("c") == {"c"}
    assert board.ended == ["b"]
    assert board.ask("b") == {"other"}
    assert board.ask("a") == {"a"}


def test_a_newcomer_that_is_only_a_little_busier_waits():
    board = Board(1)
    board.ask("a", 10)
    board.ask("b", 20)
    board.now_ms += MINUTE
    assert board.ask("b") == {"other"}
    assert board.ended == []


def test_one_place_at_most_changes_hands_in_a_minute():
    board = Board(3)
    for name in ("a", "b", "c"):
        board.ask(name)
    for name in ("x", "y", "z"):
        board.ask(name, 100)
    for minute in range(1, 4):
        board.now_ms += MINUTE
        board.ask("a")
        assert len(board.ended) == minute


def test_the_past_is_forgotten():
    board = Board(1)
    board.ask("a", 1000)
    for _ in range(12):
        board.now_ms += MINUTE
        board.ask("b", 3)
    assert board.ask("b") == {"b"}
    assert board.ended == ["a"]


def test_a_clock_that_steps_back_a_month_stops_nothing():
    board = Board(1)
    board.ask("first")
    board.now_ms -= 30 * 24 * 60 * MINUTE
    for _ in range(4):
        board.ask("busy", 10)
        board.now_ms += MINUTE
    assert board.ended == ["first"]
    assert board.ask("busy") == {"busy"}


def test_many_small_accounts_together_do_not_make_a_busy_one():
    board = Board(1)
    board.ask("a", 20)
    for index in range(5000):
        board.ask(f"small-{index}")
    board.now_ms += MINUTE
    board.ask("a")
    assert board.ended == []
    assert len(board.top._rivals) <= 4


class Scraped:
    """What Prometheus sees: series, and the increase of each since the last scrape."""

    def __init__(self, places: int) -> None:
        self.metrics = Metrics("1", ["chat"])
        self.metrics.name_top_accounts(places)
        self.before: dict[str, float] = {}

    def scrape(self) -> float:
        """Requests since the last scrape, as `sum(increase(...))` without extrapolation finds them."""
        family = self.metrics._counters["gateway_account_requests_total"]
        now = {labels[0]: float(child.value) for labels, child in family.items()}
        grown = 0.0
        for name, value in now.items():
            last = self.before.get(name, 0.0)
            grown += value - last if value >= last else value
        self.before = now
        return grown


@given(st.integers(1, 5), st.lists(st.tuples(st.integers(0, 30), st.integers(0, 40_000)), max_size=200))
def test_sums_stay_right_and_series_stay_few(places, asked):
    scraped = Scraped(places)
    now_ms = T0
    for account, pause_ms in asked:
        now_ms += pause_ms
        scraped.metrics.account(f"account-{account}", Usage(3, 2), now_ms)
        assert scraped.scrape() == 1
        assert len(scraped.before) <= places + 1
        tokens = scraped.metrics._counters["gateway_account_tokens_total"]
        requests = scraped.metrics._counters["gateway_account_requests_total"]
        assert {labels[0] for labels in tokens} == {labels[0] for labels in requests}
        assert all(tokens[label, "input"].value == 3 * child.value for (label,), child in list(requests.items()))
        assert all(tokens[label, "output"].value == 2 * child.value for (label,), child in list(requests.items()))


@pytest.mark.parametrize("most", [0, -1])
def test_off_by_default_and_when_switched_off(most):
    metrics = Metrics("1", ["chat"])
    metrics.account("acme", Usage(1, 1), T0)
    metrics.name_top_accounts(most)
    metrics.account("acme", Usage(1, 1), T0)
    assert b"acme" not in metrics.render()


def test_a_request_without_usage_counts_as_a_request_only():
    metrics = Metrics("1", ["chat"])
    metrics.name_top_accounts(1)
    metrics.account("acme", None, T0)
    text = metrics.render()
    assert b'gateway_account_requests_total{account="acme"} 1.0' in text
    assert b"gateway_account_tokens_total{" not in text
