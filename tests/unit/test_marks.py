"""The mark of one answer, decided on by hand: which requests get one, and what an upstream is sent."""

import asyncio
import json

import pytest

from gateway.core import reasons
from gateway.identity.authenticate import claim
from gateway.watermarks.keys import Master
from gateway.watermarks.marking import Marker
from tests.support.marked_model import table_of
from tests.support.marked_walk import closing_walks
from tests.support.walking import FakeAnswer

OK = b'{"choices": [], "usage": {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}}'
SAYS = b'{"error": {"message": "logit_bias: token 7 is none of this model\'s"}}'


@pytest.fixture
def marked_walk():
    with closing_walks() as make:
        yield make


def sent(walk, *answers, **more):
    """The bodies that a request brings to upstreams, and its exchange."""

    async def go():
        x = walk.ruled(**more)
        assert await walk.pipeline.reserve(x) is None
        walk.transport.answers = [*answers] or [FakeAnswer(OK)]
        x.refusal = await walk.pipeline.forward(x)
        return x

    before = len(walk.transport.sent)
    x = asyncio.run(go())
    return [json.loads(call.body) for call in walk.transport.sent[before:]], x


# what is sent


def test_a_request_gets_the_mark_of_its_account(marked_walk, tmp_path):
    walk = marked_walk(tmp_path)
    (ada,), x = sent(walk, account="ada")
    (acme,), _ = sent(walk, account="acme")
    assert len(ada["logit_bias"]) == len(acme["logit_bias"]) == 200
    differ = ada["logit_bias"].keys() ^ acme["logit_bias"].keys()
    assert 100 < len(differ) < 200, "the provider's quarter is the same, of the rest about half"
    assert (x.marking.result, x.marking.sent_to, x.marking.skip) == ("marked", "main", None)


@pytest.mark.parametrize(
    ("shape", "block"),
    [
        ({}, "{scheme: pairs, layers: [provider]}"),
        ({"logit_bias": {"5000": 1}}, "{scheme: pairs, layers: [provider]}"),
    ],
    ids=["alone", "with the caller's entries"],
)
def test_without_pairs_of_the_layers_nothing_is_sent_and_nothing_claimed(marked_walk, tmp_path, shape, block):
    """An empty mark beside a caller's entries was no JSON at all."""
    walk = marked_walk(tmp_path, block=block, provider_quarters=0)
    (body,), x = sent(walk, **shape)
    assert body.get("logit_bias") == shape.get("logit_bias")
    assert (x.marking.result, x.marking.skip) == ("skipped", "table")


def test_what_the_table_does_not_use_is_the_callers(marked_walk, tmp_path):
    """An upstream of 300 entries and a table of 200 pairs leave 100; of the provider's pairs alone there are 50."""
    own = {str(5000 + number): 1 for number in range(260)}
    for block, room in (("{scheme: pairs}", 100), ("{scheme: pairs, layers: [provider]}", 250)):
        walk = marked_walk(tmp_path / str(room), block=block, upstreams={"main": {"logit_bias_entries": 300}})
        (body,), x = sent(walk, logit_bias=own)
        assert len(body["logit_bias"]) == 300
        assert len(own.keys() & body["logit_bias"].keys()) == room
        assert x.notes["x-gateway-reduced"] == "logit_bias"


def test_several_upstreams_get_what_each_accepts_and_the_callers_entries_fit_into_all(marked_walk, tmp_path):
    servers = {"wide": {"logit_bias_entries": 202}, "narrow": {"logit_bias_entries": 60}, "none": {"kind": "generic"}}
    servers["none"]["logit_bias_entries"] = 0
    walk = marked_walk(tmp_path, block="{scheme: pairs, entries: 50}", upstreams=servers)
    own = {str(5000 + number): 1 for number in range(20)}
    seen = {}
    for _ in range(12):  # upstreams take turns
        (body,), x = sent(walk, logit_bias=own)
        x.forwarded.release(True)
        seen[x.forwarded.upstream] = (len(body["logit_bias"]), x.marking.result)
    assert seen == {"wide": (60, "marked"), "narrow": (60, "marked"), "none": (20, "skipped")}


@pytest.mark.parametrize("odd", [[], [[7, 1]], "7", 7, True, {}, None], ids=str)
def test_an_odd_logit_bias_keeps_no_mark_away(marked_walk, tmp_path, odd):
    walk = marked_walk(tmp_path)
    (body,), x = sent(walk, logit_bias=odd)
    assert len(body["logit_bias"]) == 200
    assert x.marking.result == "marked"
    assert ("x-gateway-reduced" in x.notes) == (odd not in ({}, None))


@pytest.mark.parametrize("key", ["7", "07", "0000007", "+7", " 7", "7 ", "-7", "7.0", "٧", "7_0", "the", "", "9" * 10])
def test_a_key_that_may_name_a_word_of_the_pairs_is_left_out(marked_walk, tmp_path, key):
    walk = marked_walk(tmp_path)
    (body,), x = sent(walk, logit_bias={key: -100, "5000": [1]})
    assert body["logit_bias"]["5000"] == [1]  # whatever the upstream makes of it, it makes of it without a mark too
    assert len(body["logit_bias"]) == 201
    assert x.notes["x-gateway-reduced"] == "logit_bias"
    assert set(map(str, body["logit_bias"].values())) == {"2", "[1]"}


def test_beams_do_not_outrun_the_mark(marked_walk, tmp_path):
    """vLLM's beam search ignores `logit_bias`: it would have been counted as marked."""
    walk = marked_walk(tmp_path, upstreams={"main": {"kind": "vllm"}})
    (body,), x = sent(walk, use_beam_search=True, n=2, logit_bias={"7": 1})
    assert "use_beam_search" not in body
    assert body["n"] == 2
    assert x.notes["x-gateway-reduced"] == "use_beam_search, logit_bias"


@pytest.mark.parametrize("mode", ["audit", "off"])
def test_beams_are_left_alone_where_nothing_is_marked(marked_walk, tmp_path, mode):
    walk = marked_walk(tmp_path, mode=mode, upstreams={"main": {"kind": "vllm"}})
    (body,), x = sent(walk, use_beam_search=True, logit_bias={"7": 1})
    assert body["use_beam_search"] is True
    assert body["logit_bias"] == {"7": 1}
    assert not x.notes


# which list


def test_lists_take_turns_and_their_choice_needs_the_key():
    """A caller sees the ids of its answers; which of them share a list it must not see."""
    markers = [Marker(table_of(8), root * 32, b"p" * 32, lists=4) for root in (b"a", b"b")]
    ids = [f"req-{number:024x}" for number in range(400)]
    one, other = ([marker.list_of(name) for name in ids] for marker in markers)
    assert all(60 < one.count(number) < 140 for number in range(4))
    assert sum(a == b for a, b in zip(one, other, strict=True)) < 160
    assert one == [markers[0].list_of(name) for name in ids]


def test_the_callers_own_request_id_chooses_nothing(marked_walk, tmp_path):
    walk = marked_walk(tmp_path, lists=4)
    lists = set()
    for _ in range(100):  # of 40 one list would be missing once in 25,000 runs
        x = walk.enter()
        x.request_id = "mine"
        asyncio.run(walk.pipeline.identify(x, claim(walk.bearer(), None)))
        assert walk.pipeline.read(x, walk.body()) is None
        assert walk.pipeline.rule(x) is None
        lists.add(x.marking.list_index)
    assert lists == {0, 1, 2, 3}


# rejections


def test_a_rejected_mark_is_taken_back_and_its_words_are_not_shown(marked_walk, tmp_path):
    walk = marked_walk(tmp_path)
    (marked, plain), x = sent(walk, FakeAnswer(SAYS, status=400), FakeAnswer(OK))
    assert "logit_bias" in marked
    assert "logit_bias" not in plain
    assert (x.marking.result, x.marking.skip) == ("skipped", "rejected")
    assert not walk.pipeline.marks.refusing


def test_a_request_that_is_rejected_anyway_is_sent_twice_and_no_more(marked_walk, tmp_path):
    walk = marked_walk(tmp_path)
    other = b'{"error": {"message": "no such thing"}}'
    bodies, x = sent(walk, FakeAnswer(SAYS, status=400), FakeAnswer(other, status=400))
    assert len(bodies) == 2
    assert x.refusal.reason is reasons.UPSTREAM_REJECTED
    assert "7" not in x.refusal.message
    assert x.marking.result is None
    (body,), _ = sent(walk)
    assert "logit_bias" in body, "one caller's mistakes switched the mark off for the next request"


def test_what_nobody_answered_counts_as_no_answer_in_audit_mode_too(marked_walk, tmp_path):
    walk = marked_walk(tmp_path, mode="audit")
    _, refused = sent(walk, FakeAnswer(SAYS, status=400))
    assert refused.marking.result is None
    _, answered = sent(walk)
    assert answered.marking.result == "would_mark"


def test_a_model_of_another_family_and_keys_of_another_secret_are_never_marked(marked_walk, tmp_path):
    (body,), x = sent(marked_walk(tmp_path / "a", model={"family": "other"}))
    assert "logit_bias" not in body
    assert x.marking.skip == "table"
    walk = marked_walk(tmp_path / "b")
    walk.pipeline.marks.book.master = Master(bytes(32))
    walk.pipeline.marks.book._ready.clear()
    assert "promises other keys" in walk.pipeline.marks.book.refresh(walk.clock.now_ms())[0]


def test_a_replaced_seed_is_another_mark(marked_walk, tmp_path):
    (before,), _ = sent(marked_walk(tmp_path / "a"))
    (after,), x = sent(marked_walk(tmp_path / "b", rolls={"acme": 1}))
    assert before["logit_bias"].keys() != after["logit_bias"].keys()
    assert x.marking.roll == 1


def test_markers_of_epochs_that_are_over_go(marked_walk, tmp_path):
    walk = marked_walk(tmp_path)
    book = walk.pipeline.marks.book
    x = walk.ruled()
    book.refresh(walk.clock.now_ms() + 40 * 86_400_000)
    assert book.at("toy", walk.clock.now_ms()) == "uncommitted"
    assert x.marking.marker is not None, "an exchange under way keeps its own"
    assert book.refresh(walk.clock.now_ms()) == []
    assert book.at("toy", walk.clock.now_ms()).epoch == "now"
