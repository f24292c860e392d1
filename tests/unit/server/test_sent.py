"""What is kept of a stream, and which streams get no receipt."""

import asyncio
import json
from dataclasses import replace

import pytest

from gateway.accounting.outcome import Outcome
from gateway.core.clock import ManualClock
from gateway.policy.mark_plan import NOTHING
from gateway.receipts.signers import Period
from gateway.server import sent
from gateway.server.sent import ending_at
from gateway.upstreams.base import UpstreamFailed
from tests.support import transcripts
from tests.support.receipts import SEED, receipts, taken_out
from tests.support.relaying import BY_NAME, GUARDS, exchange, relay

RECEIPTS = replace(NOTHING, receipts=True)
STREAM = transcripts.chat(["one", " two", " three"], with_usage=False)
EVENTS = [event + b"\n\n" for event in STREAM.split(b"\n\n")[:-1]]


def run(x, chunks, signing=None):
    return asyncio.run(relay(x, chunks, signing))


# receipts


@pytest.mark.parametrize("guard", GUARDS)
def test_without_a_policy_that_wants_one_there_is_none(guard):
    signing = receipts()
    caller, outcome = run(exchange("chat", guard=guard), [STREAM], signing)
    assert (caller.body, outcome, signing.issued) == (STREAM, Outcome.COMPLETE, 0)


def test_without_settings_there_is_none():
    caller, _ = run(exchange("chat", wants=RECEIPTS), [STREAM])
    assert caller.body == STREAM


def test_between_epochs_the_answer_comes_all_the_same():
    signing = receipts(ManualClock(10), periods=[Period("over", 0, 5, SEED)])
    caller, outcome = run(exchange("chat", wants=RECEIPTS), [STREAM], signing)
    assert (caller.body, outcome) == (STREAM, Outcome.COMPLETE)
    assert signing.unsigned == 1


ERROR = b'data: {"error":{"message":"no"}}\n\n'


@pytest.mark.parametrize("guard", GUARDS)
@pytest.mark.parametrize(
    ("chunks", "outcome"),
    [
        ([*EVENTS[:3], UpstreamFailed("body", "cut")], Outcome.UPSTREAM_CUT),
        (EVENTS[:3], Outcome.UPSTREAM_CUT),
        ([*EVENTS[:3], ERROR, EVENTS[-1]], Outcome.UPSTREAM_CUT),
        ([EVENTS[0] + ERROR + EVENTS[-1]], Outcome.UPSTREAM_CUT),
    ],
    ids=["cut", "no ending", "error event", "error event in one chunk"],
)
def test_a_stream_that_ends_badly_has_none(guard, chunks, outcome):
    signing = receipts()
    caller, ended = run(exchange("chat", guard=guard, wants=RECEIPTS), chunks, signing)
    assert ended is outcome
    assert taken_out(caller.body)[1] is None
    assert signing.issued == 0


@pytest.mark.parametrize("guard", ["held back", "windowed"])
@pytest.mark.parametrize("last", ["top secret", "top secret and more"])
def test_a_stream_that_a_rule_ends_has_none(guard, last):
    signing = receipts()
    stream = transcripts.chat(["fine ", last], with_usage=False)
    caller, ended = run(exchange("chat", guard=guard, wants=RECEIPTS), [stream], signing)
    assert ended is Outcome.POLICY_ENDED
    assert taken_out(caller.body)[1] is None
    assert signing.issued == 0


def test_a_rule_that_breaks_on_the_very_ending():
    """No finish reason and no blank: only `[DONE]` tells that the last word has ended."""
    signing = receipts()
    stream = transcripts.line(transcripts.chat_chunk({"content": "top secret"})) + transcripts.DONE
    _, ended = run(exchange("chat", guard="windowed", wants=RECEIPTS), [stream], signing)
    assert ended is Outcome.POLICY_ENDED
    assert signing.issued == 0


def test_an_answer_of_nothing_but_its_ending_has_none():
    signing = receipts()
    caller, _ = run(exchange("chat", wants=RECEIPTS), [b"\xef\xbb\xbf", transcripts.DONE], signing)
    assert taken_out(caller.body)[1] is None
    for prefix in (b"", b": hello\n\n"):
        caller, _ = run(exchange("chat", wants=RECEIPTS), [prefix + transcripts.DONE], signing)
        assert (taken_out(caller.body)[1] is None) is (prefix == b"")


def test_a_second_ending_gets_no_second_receipt():
    signing = receipts()
    caller, _ = run(exchange("chat", wants=RECEIPTS), [STREAM, transcripts.DONE], signing)
    assert taken_out(caller.body)[0] == STREAM + transcripts.DONE
    assert signing.issued == 1


def test_a_dialect_that_never_streams_has_no_ending():
    signing = receipts()
    caller, ended = run(exchange("embeddings", wants=RECEIPTS), [b"data: 1\n\n", b"data: 2\n\n"], signing)
    assert (caller.body, ended, signing.issued) == (b"data: 1\n\ndata: 2\n\n", Outcome.COMPLETE, 0)


def test_an_answer_that_was_cut_to_its_length_has_one():
    """The upstream's own ending is an ending, whatever the reason."""
    events = transcripts.responses(["a"]).replace(b"response.completed", b"response.incomplete")
    caller, _ = run(exchange("responses", wants=RECEIPTS), [events], receipts())
    rest, receipt = taken_out(caller.body)
    assert rest == events
    assert events[len(receipt[0]) :].startswith(b"event: response.incomplete")


class Purse:
    """Pays for so many pieces of a stream."""

    def __init__(self, pieces):
        self.pieces = pieces

    def paid(self, _x):
        return False

    async def pay_for(self, _x):
        self.pieces -= 1
        return self.pieces >= 0


@pytest.mark.parametrize("guard", GUARDS)
@pytest.mark.parametrize("pieces", [0, 1, 2, 99])
def test_a_stream_that_is_paid_for_as_it_comes(guard, pieces):
    """Its money ends, or it does; what the caller got is kept in either case."""
    signing = receipts()
    stream = transcripts.chat([" word"] * 60, with_usage=False)
    assert len(stream) > 2 * 4096
    x = exchange("chat", guard=guard, captures=True, wants=RECEIPTS)
    x.pays_as_it_goes = True
    caller, ended = asyncio.run(relay(x, [stream], signing, Purse(pieces)))
    rest, receipt = taken_out(caller.body)
    kept = b"".join(x.captured)
    if pieces == 99:
        assert (ended, rest, kept) == (Outcome.COMPLETE, stream, stream)
        assert stream[len(receipt[0]) :] == transcripts.DONE
    else:
        assert (ended, receipt, signing.issued) == (Outcome.BUDGET_ENDED, None, 0)
        assert rest.startswith(kept)
        assert stream.startswith(kept)
        assert rest.count(b" word") == kept.count(b" word") > 0


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
def test_where_the_ending_is(end):
    stream = STREAM.replace(b"\n", end)
    assert ending_at(BY_NAME["chat"], stream) == stream.index(b"data: [DONE]")
    assert ending_at(BY_NAME["chat"], stream.rstrip(b"\r\n")) == stream.index(b"data: [DONE]")
    assert ending_at(BY_NAME["chat"], stream[: stream.index(b"data: [DONE]")]) == -1
    assert ending_at(BY_NAME["messages"], stream) == -1
    assert ending_at(BY_NAME["chat"], b"") == -1


# what is kept


@pytest.mark.parametrize("guard", GUARDS)
def test_what_the_caller_got_is_kept(guard):
    x = exchange("chat", guard=guard, captures=True)
    caller, _ = run(x, EVENTS)
    assert b"".join(x.captured) == caller.body == STREAM
    assert not x.captured_cut


def test_nothing_is_kept_where_nobody_asks():
    x = exchange("chat", wants=RECEIPTS)
    run(x, EVENTS, receipts())
    assert x.captured == []


@pytest.mark.parametrize("guard", GUARDS)
def test_the_receipt_is_no_part_of_it(guard):
    x = exchange("chat", guard=guard, captures=True, wants=RECEIPTS)
    caller, _ = run(x, [STREAM], receipts())
    assert b"".join(x.captured) == STREAM
    assert caller.body != STREAM


@pytest.mark.parametrize("guard", GUARDS)
def test_what_was_said_before_a_cut_is_kept(guard):
    x = exchange("chat", guard=guard, captures=True)
    caller, _ = run(x, [*EVENTS[:3], UpstreamFailed("body", "cut")])
    assert b"".join(x.captured) == b"".join(EVENTS[:3])
    assert caller.body.startswith(b"".join(EVENTS[:3]))
    assert json.loads(transcripts.payloads(caller.body)[-1])["error"]["code"] == "upstream_error"


def test_a_rule_that_keeps_an_answer_back_keeps_it_from_here_too():
    x = exchange("chat", guard="held back", captures=True)
    caller, _ = run(x, [transcripts.chat(["fine. ", "top secret"], with_usage=False)])
    assert b"top secret" not in b"".join(x.captured)
    assert b"top secret" not in caller.body
    assert b"".join(x.captured) in caller.body


@pytest.mark.parametrize("room", [0, 1, 100, len(STREAM) - 1, len(STREAM)])
def test_no_more_is_kept_than_there_is_room_for(room, monkeypatch):
    monkeypatch.setattr(sent, "MOST_KEPT", room)
    x = exchange("chat", captures=True)
    caller, _ = run(x, EVENTS)
    assert caller.body == STREAM
    assert b"".join(x.captured) == STREAM[:room]
    assert x.captured_cut is (room < len(STREAM))
