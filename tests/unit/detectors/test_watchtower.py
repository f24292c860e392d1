"""The detectors at work: bounds, faults, and the turn that others get."""

import asyncio
import json
import logging
from itertools import pairwise

import pytest

from gateway.core.clock import ManualClock
from gateway.detectors import SIGNALS, watchtower
from gateway.detectors.facts import EXCERPT, ends
from gateway.detectors.report import Report
from gateway.detectors.said import folded
from gateway.detectors.signal import Signal
from gateway.detectors.sketch import Sketch
from gateway.detectors.watchtower import QUEUE_LIMIT, QUIET_MS, Watchtower
from gateway.observe.log import JsonFormatter
from gateway.observe.metrics import Metrics
from tests.support.some_facts import facts


class Heard:
    """A report that remembers what it was told."""

    def __init__(self):
        self.signals, self.ratios, self.spreads, self.times = [], [], [], []

    def looked(self, tier, signals, present, *, ratio, spread, seconds):
        told = zip(signals, present, strict=True)
        self.signals += [(signal, tier, there) for signal, there in told if there is not None]
        self.ratios += [] if ratio is None else [(tier, ratio)]
        self.spreads += [] if spread is None else [spread]
        self.times.append(seconds)


def _tower(max_accounts=100, report=None):
    heard, clock = report or Heard(), ManualClock()
    return Watchtower(heard, clock.now_ms, max_accounts), heard, clock


def test_one_request_is_reported_whole():
    tower, heard, _ = _tower()
    tower.see(facts("Think step by step: how heavy is a still?", logprobs=True, choices=3, account_age_s=5))
    assert not heard.signals, "seeing is not looking"
    tower.drain()
    assert {name: present for name, tier, present in heard.signals if tier == "free"} == {
        "distinct_prompt": True, "single_turn": True, "repeated_wrapper": False, "reasoning_elicitation": True,
        "rubric": False, "logprobs": True, "multiple_choices": True, "new_account": True,
    }  # fmt: skip
    assert heard.ratios == [("free", 2.0)]
    assert heard.spreads == [(1, 1)]
    assert len(heard.times) == 1
    assert heard.times[0] >= 0


def test_a_request_is_compared_with_those_before_it_of_its_own_account():
    tower, heard, _ = _tower()
    for account in ("a", "a", "b"):
        tower.see(facts("The same question", account=account))
    tower.drain()
    assert [present for name, _, present in heard.signals if name == "distinct_prompt"] == [True, False, True]


def test_what_is_not_known_is_not_reported():
    tower, heard, _ = _tower()
    tower.see(facts(key_id="", input_tokens=0))
    tower.drain()
    assert (heard.ratios, heard.spreads) == ([], [])


def test_the_report_of_the_gateway_fits():
    metrics = Metrics("1.2.3", ["chat"])
    fitting: Report = metrics
    tower, _, _ = _tower(report=fitting)
    tower.see(facts(stream=True, account_age_s=1, model_age_s=1))
    tower.drain()
    text = metrics.render().decode()
    for signal in SIGNALS:
        assert f'signal="{signal.name}"' in text


def test_a_full_queue_drops_and_counts():
    tower, heard, _ = _tower()
    for _ in range(QUEUE_LIMIT + 7):
        tower.see(facts())
    assert tower.dropped == 7
    tower.drain()
    assert len(heard.times) == QUEUE_LIMIT
    tower.see(facts())
    assert tower.dropped == 7


def test_accounts_and_keys_are_bounded():
    tower, heard, _ = _tower(max_accounts=3)
    for number in range(10):
        tower.see(facts(account=f"a{number}", key_id=f"k{number}", network="n"))
    tower.drain()
    assert tower.accounts == 3
    assert len(tower._keys) == 3
    tower.see(facts(account="a0"))
    tower.drain()
    assert heard.signals[-7:][0] == ("distinct_prompt", "free", True), "its sketch had made room"


def _broken(_facts, _sketch):
    raise ValueError("the caller wrote: my secret")


@pytest.mark.interpreted
def test_a_broken_feature_loses_only_itself_and_says_so_once_a_minute(monkeypatch, caplog):
    signals = (SIGNALS[0], Signal("rubric", _broken), SIGNALS[1])
    monkeypatch.setattr(watchtower, "SIGNALS", signals)
    tower, heard, clock = _tower()
    with caplog.at_level(logging.ERROR):
        for _ in range(5):
            tower.see(facts())
        tower.drain()
        assert len(caplog.records) == 1
        clock.advance(QUIET_MS / 1000)
        tower.see(facts())
        tower.drain()
    assert [name for name, _, _ in heard.signals] == ["distinct_prompt", "single_turn"] * 6
    assert len(heard.ratios) == len(heard.spreads) == len(heard.times) == 6
    assert len(caplog.records) == 2
    line = JsonFormatter().format(caplog.records[0])
    assert json.loads(line)["detector"] == "rubric"
    assert json.loads(line)["error"] == "ValueError"
    assert "secret" not in line


def _deaf(*_, **__):
    raise ValueError("the caller wrote: my secret")


def test_a_report_that_breaks_stops_nothing(caplog):
    heard = Heard()
    told, heard.looked = heard.looked, _deaf
    tower, _, _ = _tower(report=heard)
    tower.see(facts())
    tower.drain()
    assert [record.fields["detector"] for record in caplog.records] == ["report"]
    heard.looked = told
    tower.see(facts())
    tower.drain()
    assert len(heard.times) == 1
    assert ("distinct_prompt", "free", False) in heard.signals, "the first request was looked at"


@pytest.mark.interpreted
@pytest.mark.parametrize("part", ["sketch", "key_spread"])
def test_a_part_that_breaks_loses_only_itself(part, monkeypatch, caplog):
    monkeypatch.setattr(watchtower, "Sketch" if part == "sketch" else "KeySpread", _Fragile)
    tower, heard, _ = _tower()
    tower.see(facts())
    tower.drain()
    assert [record.fields["detector"] for record in caplog.records] == [part]
    assert len(heard.ratios) == len(heard.times) == 1
    assert len(heard.spreads) == (part == "sketch")


def test_a_ratio_that_no_float_holds_costs_nothing_else(caplog):
    tower, heard, _ = _tower()
    tower.see(facts(input_tokens=1, output_tokens=10**400))
    tower.see(facts())
    tower.drain()
    assert [record.fields["detector"] for record in caplog.records] == ["ratio"]
    assert (len(heard.ratios), len(heard.spreads), len(heard.times)) == (1, 2, 2)


class _Fragile(Sketch):
    """A sketch, or a key's spread, to which nothing can be added."""

    def add(self, *_):
        raise ValueError("the caller wrote: my secret")


async def _turns(count):
    for _ in range(count):
        await asyncio.sleep(0)


@pytest.mark.interpreted
def test_what_comes_is_worked_off_and_others_have_their_turn(monkeypatch):
    """With batches of one request, the loop comes round at least once between two of them."""
    monkeypatch.setattr(watchtower, "BATCH_S", 0.0)

    async def scene():
        tower, heard, _ = _tower()
        tower.start()
        rounds = []

        async def other():
            while True:
                rounds.append(len(heard.times))
                await asyncio.sleep(0)

        task = asyncio.create_task(other())
        await _turns(2)
        for number in range(20):
            tower.see(facts(f"question {number}"))
        await _turns(40)
        assert len(heard.times) == 20
        tower.see(facts("one that came to an idle tower"))
        await _turns(5)
        assert len(heard.times) == 21
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        return rounds

    rounds = asyncio.run(scene())
    assert max(after - before for before, after in pairwise(rounds)) == 1


def test_a_batch_takes_what_is_there():
    async def scene():
        tower, heard, _ = _tower()
        tower.start()
        for number in range(3):
            tower.see(facts(f"question {number}"))
        await _turns(2)
        return len(heard.times)

    assert asyncio.run(scene()) == 3


def test_before_its_start_and_after_its_end_it_looks_when_it_is_told_to():
    async def scene():
        tower, heard, _ = _tower()
        tower.see(facts("before"))
        await _turns(5)
        seen = [len(heard.times)]
        tower.start()
        tower.see(facts("the first on the loop takes those before it along"))
        await _turns(5)
        seen.append(len(heard.times))
        tower.see(facts("its batch is called, and finds nothing any more"))
        tower.drain()
        seen.append(len(heard.times))
        await _turns(5)
        tower.see(facts("after"))
        await _turns(5)
        return [*seen, len(heard.times)]

    assert asyncio.run(scene()) == [0, 2, 3, 3]


HOSTILE = {
    "words": "step by step thinking ",
    "criteria": "criteria score 1 judge answer ",
    "tags": "</think",
    "ligatures": "\ufdfa",
    "marks": "a" + "\u0301\u0316" * 200,
    "squares": "\u3316",
    "letters": "intern" * 40,
    "surrogates": "\ud800",
    "invisible": "\u200b",
    "emoji": "👩‍🔬",
    "digits": "from 1 to ",
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_no_text_breaks_a_detector(text, caplog):
    tower, heard, _ = _tower()
    tower.see(facts((text * 5000)[:20_000]))
    tower.drain()
    assert len(heard.times) == 1
    assert not caplog.records


def test_folding_never_makes_an_excerpt_longer():
    head, tail = folded(*ends("\u3316" * 10_000))
    assert len(head) == len(tail) == EXCERPT


@pytest.mark.parametrize("length", [0, 1, EXCERPT, EXCERPT + 1, 2 * EXCERPT - 1, 2 * EXCERPT, 10 * EXCERPT])
def test_the_ends_of_a_text_never_overlap(length):
    text = "".join(chr(0x4E00 + number % 20_000) for number in range(length))
    head, tail = ends(text)
    assert len(head) <= EXCERPT >= len(tail)
    assert text.startswith(head)
    assert text.endswith(tail)
    assert (head + tail == text) == (length <= 2 * EXCERPT)
    assert bool(tail) == (length > EXCERPT)


def test_facts_do_not_show_their_text_where_they_are_printed():
    assert "confidential" not in repr(facts(head="confidential", tail="confidential"))
