"""Marks end to end: what is sent upstream, what is never touched, and what is written down."""

import json
import time
from dataclasses import replace

import openai
import pytest

from gateway.watermarks.account_log import log_folder
from gateway.watermarks.account_notes import read_logs
from gateway.watermarks.keys import seed_of
from gateway.watermarks.layout import WIDTH
from gateway.watermarks.pairs import PairTable
from gateway.watermarks.scheme import PairScheme
from gateway.watermarks.score import Score
from gateway.watermarks.signs import codeword_bits, is_plus
from tests.support.marked_model import table_of
from tests.support.marking import FAMILY, MASTER, POLICY, codeword_root, marking

TABLE = table_of()


def ask(gateway, account="ada", **more):
    client = openai.OpenAI(base_url=gateway.url + "/v1", api_key=gateway.keys[account], max_retries=0)
    with client:
        answer = client.chat.completions.create(model="toy", messages=[{"role": "user", "content": "write"}], **more)
        return list(answer) if more.get("stream") else answer


def text_of(answer):
    """Of a whole answer, or of the chunks of a stream."""
    if isinstance(answer, list):
        return "".join(chunk.choices[0].delta.content or "" for chunk in answer if chunk.choices)
    return answer.choices[0].message.content


def z_of(text, account):
    """How well a text fits an account, as the detector counts."""
    vector = PairScheme(TABLE).read(text).account[0]
    bits = codeword_bits(seed_of(codeword_root(), account), WIDTH)
    return Score(sum(weight if is_plus(bits, at) else -weight for at, weight in vector.weights), vector.squares).z


def wait_for(what, seconds=10):
    until = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < until, "it never came"
        time.sleep(0.02)


def last(gateway):
    gateway.settled()
    return gateway.records()[0]


def test_an_answer_carries_the_mark_of_its_account_and_of_nobody_else(tmp_path):
    with marking(tmp_path) as (gateway, model):
        ada, acme = (text_of(ask(gateway, account)) for account in ("ada", "acme"))
        assert z_of(ada, "ada") > 5 > 3.5 > abs(z_of(ada, "acme"))
        assert z_of(acme, "acme") > 5 > 3.5 > abs(z_of(acme, "ada"))
        body = model.texts()[-1]
        assert len(body["logit_bias"]) == len(TABLE.pairs)
        assert set(body["logit_bias"].values()) == {2.0}
        mark = last(gateway).mark
        assert (mark.result, mark.why, mark.epoch, mark.family, mark.strength) == ("marked", "", "now", FAMILY, 2.0)


def test_a_stream_carries_it_too(tmp_path):
    with marking(tmp_path) as (gateway, _):
        assert z_of(text_of(ask(gateway, stream=True)), "ada") > 5


def test_without_a_policy_that_asks_the_bytes_upstream_are_the_same(tmp_path):
    """Byte for byte, whatever the settings are; and audit mode changes nothing either."""
    sent = []
    shapes = ({}, {"logit_bias": {"7": 1}}, {"stream": True}, {"n": 2, "temperature": 0.5}, {"tools": [TOOL]})
    for number, (mode, block) in enumerate(
        (("off", "{scheme: pairs, strength: 2}"), ("audit", "{scheme: pairs, strength: 2}"))
    ):
        with marking(tmp_path / str(number), mode=mode, block=block) as (gateway, model):
            for shape in shapes:
                ask(gateway, **shape)
            sent.append([raw for _, raw in model.bodies if b'"max_tokens":4,' not in raw])
            records = [record.mark for record in gateway.records()]
            assert all(mark is None for mark in records) == (mode == "off")
    assert len(sent[0]) == len(shapes)
    # The two gateways have different key peppers' pseudonyms only where an end user is named: nowhere here.
    assert sent[0] == sent[1]
    assert not any(b"logit_bias" in raw for raw in sent[0] if b'"7"' not in raw)


TOOL = {"type": "function", "function": {"name": "look", "parameters": {"type": "object", "properties": {}}}}


@pytest.mark.parametrize(
    ("shape", "why"),
    [
        ({"tools": [TOOL]}, "tools"),
        ({"response_format": {"type": "json_object"}}, "format"),
        ({"logprobs": True}, "logprobs"),
    ],
)
def test_what_must_not_be_marked_is_not(tmp_path, shape, why):
    with marking(tmp_path) as (gateway, model):
        ask(gateway, **shape)
        assert "logit_bias" not in model.texts()[-1]
        mark = last(gateway).mark
        assert (mark.result, mark.why) == ("skipped", why)


def test_a_model_that_writes_code_is_never_marked(tmp_path):
    with marking(tmp_path, model={"tags": ["code"]}) as (gateway, model):
        ask(gateway)
        assert "logit_bias" not in model.texts()[-1]


def test_keys_that_nobody_promised_mark_nothing(tmp_path):
    with marking(tmp_path, committed=False) as (gateway, model):
        ask(gateway)
        assert "logit_bias" not in model.texts()[-1]
        assert last(gateway).mark.why == "uncommitted"


def test_the_callers_entries_stay_where_they_do_not_collide(tmp_path):
    with marking(tmp_path, block="{scheme: pairs, strength: 2, entries: 100}", entries=102) as (gateway, model):
        free = {"5000": -3, "5001": 4}
        ask(gateway, logit_bias=free)
        sent = model.texts()[-1]["logit_bias"]
        assert {key: sent[key] for key in free} == free
        assert len(sent) == 102
        taken = {str(TABLE.pairs[0].first_token): -100, str(TABLE.pairs[0].second_token): -100, "5000": 1}
        raw = ask_raw(gateway, logit_bias={**taken, "5001": 1, "5002": 1})
        assert raw.headers["x-gateway-reduced"] == "logit_bias"
        sent = model.texts()[-1]["logit_bias"]
        assert {key for key, value in sent.items() if value != 2} == {"5000", "5001"}


def ask_raw(gateway, **more):
    with openai.OpenAI(base_url=gateway.url + "/v1", api_key=gateway.keys["ada"], max_retries=0) as client:
        create = client.chat.completions.with_raw_response.create
        return create(model="toy", messages=[{"role": "user", "content": "write"}], **more)


def test_a_policy_may_refuse_them_and_tells_no_sign(tmp_path):
    """Both words of a pair are refused alike: who asks about all tokens learns which words are paired, and no side."""
    block = "{scheme: pairs, strength: 2, entries: 100, caller_bias: refuse}"
    with marking(tmp_path, block=block) as (gateway, model):
        ask(gateway, logit_bias={"5000": 1})
        for pair in TABLE.pairs[:3]:
            said = []
            for token in (pair.first_token, pair.second_token):
                with pytest.raises(openai.PermissionDeniedError) as refused:
                    ask(gateway, logit_bias={str(token): 1})
                assert refused.value.body["param"] == "logit_bias"
                said.append(refused.value.body["message"])
            assert said[0] == said[1]
        assert len(model.texts()) == 1


def test_an_upstream_that_rejects_the_field_is_asked_again_without(tmp_path):
    with marking(tmp_path, fault="rejects") as (gateway, model):
        wait_for(lambda: gateway.runtime.pipeline.marks.refusing)
        ask(gateway)
        assert "logit_bias" not in model.texts()[-1]
        assert last(gateway).mark.why == "upstream"
        gateway.runtime.pipeline.marks.refusing.clear()  # as before the self-test found out
        asked = len(model.bodies)
        assert ask(gateway).usage.total_tokens == 12
        assert len(model.bodies) == asked + 2
        assert last(gateway).mark.why == "rejected"
        assert not gateway.runtime.pipeline.marks.refusing, "a caller's request switched the mark off"


def test_a_request_that_is_rejected_either_way_is_the_callers_fault(tmp_path):
    with marking(tmp_path, fault="rejects_all") as (gateway, model):
        wait_for(lambda: gateway.runtime.pipeline.marks.refusing)
        gateway.runtime.pipeline.marks.refusing.clear()
        asked = len(model.bodies)
        with pytest.raises(openai.BadRequestError):
            ask(gateway)
        assert len(model.bodies) == asked + 2
        assert not gateway.runtime.pipeline.marks.refusing


@pytest.mark.parametrize("fault", ["ignores", "rejects", "other_tokens", "swapped"])
def test_the_self_test_finds_a_server_that_breaks_the_mark(tmp_path, fault):
    with marking(tmp_path, fault=fault) as (gateway, model):
        wait_for(lambda: 'gateway_watermark_probe_ok{upstream="main"} 0' in metrics(gateway))
        assert gateway.runtime.pipeline.marks.refusing == {("main", "toy")}
        ask(gateway)
        assert "logit_bias" not in model.texts()[-1]


def test_it_finds_nothing_where_all_is_well(tmp_path):
    with marking(tmp_path) as (gateway, _):
        wait_for(lambda: 'gateway_watermark_probe_ok{upstream="main"} 1' in metrics(gateway))
        assert not gateway.runtime.pipeline.marks.refusing


def test_keys_that_are_not_the_promised_ones_mark_nothing(tmp_path):
    from gateway.watermarks.keys import Master

    with marking(tmp_path, master=Master(bytes(32))) as (gateway, model):
        ask(gateway)
        assert "logit_bias" not in model.texts()[-1]
        assert last(gateway).mark.why == "uncommitted"


def metrics(gateway):
    return gateway.runtime.metrics.render().decode()


def test_who_is_marked_is_written_down_and_whether_it_shows_is_counted(tmp_path):
    with marking(tmp_path) as (gateway, _):
        # One answer in sixteen is looked at, by chance: of 60 none would be once in fifty runs.
        for _ in range(40):
            for _ in range(10):
                ask(gateway)
            gateway.settled()
            if _count(gateway, "agree") > 100:
                break
        agree, disagree = _count(gateway, "agree"), _count(gateway, "disagree")
        assert agree / (agree + disagree) > 0.7
        wait_for(lambda: read_logs(log_folder(tmp_path / "marks")).issued("now", FAMILY))
    logs = read_logs(log_folder(tmp_path / "marks"))
    assert [*logs.issued("now", FAMILY)] == [("ada", 0)]
    assert not logs.broken


def _count(gateway, side):
    name = f'gateway_watermark_pairs_total{{route="chat",side="{side}"}} '
    return sum(float(line.removeprefix(name)) for line in metrics(gateway).splitlines() if line.startswith(name))


@pytest.mark.parametrize("stream", [False, True])
def test_fingerprints_of_what_was_served_are_kept_and_found_again(tmp_path, stream):
    with marking(tmp_path, block="{scheme: none, registry: true}") as (gateway, model):
        text = text_of(ask(gateway, stream=stream))
        assert "logit_bias" not in model.texts()[-1]
        wait_for(lambda: 'gateway_registry_answers_total{result="kept"} 1' in metrics(gateway))
    data = b"".join(path.read_bytes() for path in (tmp_path / "marks").rglob("*") if path.is_file())
    assert not any(word.encode() in data for word in text.split()[:20])


LONG_WORDS = PairTable(
    "toy", tuple(replace(pair, first=2 * pair.first, second=2 * pair.second) for pair in TABLE.pairs)
)
"""A short one stands in a receipt's base64 by chance, once in thirty thousand runs."""


def test_what_is_written_to_disk_names_no_word_and_no_key(tmp_path):
    block = "{scheme: pairs, strength: 2, registry: true, receipts: true}"
    with marking(tmp_path, block=block, table=LONG_WORDS) as (gateway, _):
        text = text_of(ask(gateway))
        gateway.settled()
    data = b"".join(path.read_bytes() for path in (tmp_path / "marks").rglob("*") if path.is_file())
    assert b"ada" in data, "nothing was written: the test proves nothing"
    assert not any(word.encode() in data for word in text.split())
    assert gateway.keys["ada"].encode() not in data
    assert MASTER.secret.hex().encode() not in data
    assert json.dumps(POLICY).encode() not in data


def kept(gateway, result):
    name = f'gateway_registry_answers_total{{result="{result}"}} '
    return sum(float(line.removeprefix(name)) for line in metrics(gateway).splitlines() if line.startswith(name))


REGISTRY = "{scheme: none, registry: true}"


@pytest.mark.parametrize("stream", [False, True])
def test_answers_that_do_not_fit_into_memory_are_left_out_and_counted(tmp_path, stream):
    """A stream of 92 KB may come in one piece or in twenty: it is left out in either case."""
    with marking(tmp_path, block=REGISTRY, queue_bytes=64 << 10) as (gateway, _):
        ask(gateway, stream=stream, max_tokens=12_000 if not stream else 600)
        wait_for(lambda: kept(gateway, "dropped") == 1)
        ask(gateway, max_tokens=30)
        wait_for(lambda: kept(gateway, "kept") == 1)  # the room is given back


def test_memory_is_given_back_when_callers_leave(tmp_path):
    with marking(tmp_path, block=REGISTRY, queue_bytes=1 << 20) as (gateway, _):
        room = gateway.runtime.provenance.scribe._room
        for _ in range(8):
            with openai.OpenAI(base_url=gateway.url + "/v1", api_key=gateway.keys["ada"], max_retries=0) as client:
                messages = [{"role": "user", "content": "write"}]
                stream = client.chat.completions.create(model="toy", messages=messages, stream=True, max_tokens=2000)
                next(iter(stream))
                stream.close()
        gateway.settled()
        wait_for(lambda: room[0] == 1 << 20)
        wait_for(lambda: kept(gateway, "kept") + kept(gateway, "dropped") > 0)


@pytest.mark.parametrize("field", [{"response_format": {}}, {"modalities": ["audio"]}, {"audio": {}}], ids=str)
def test_a_field_that_the_server_ignores_switches_nothing_off(tmp_path, field):
    with marking(tmp_path) as (gateway, model):
        ask(gateway, extra_body=field)
        assert len(model.texts()[-1]["logit_bias"]) == len(TABLE.pairs)
        assert last(gateway).mark.result == "marked"


def test_a_registry_that_cannot_be_written_costs_no_answer(tmp_path):
    (tmp_path / "marks" / "registry" / "one").mkdir(parents=True)
    (tmp_path / "marks" / "registry" / "one" / "now").write_text("a file where a folder should be")
    with marking(tmp_path, block=REGISTRY) as (gateway, _):
        assert ask(gateway).usage.total_tokens == 12
        wait_for(lambda: kept(gateway, "failed") == 1)
        (tmp_path / "marks" / "registry" / "one" / "now").unlink()
        ask(gateway)
        wait_for(lambda: kept(gateway, "kept") == 1)


def test_a_request_that_is_too_large_is_not_asked_again_without_the_mark(tmp_path):
    """Else a caller would pad its requests by just as much as the mark takes."""
    with marking(tmp_path, fault="too_large") as (gateway, model):
        wait_for(lambda: gateway.runtime.pipeline.marks.refusing)
        gateway.runtime.pipeline.marks.refusing.clear()
        asked = len(model.bodies)
        with pytest.raises(openai.APIStatusError) as refused:
            ask(gateway)
        assert len(model.bodies) == asked + 1
        assert "favoured" not in str(refused.value.body), "the server's words about our entries were passed on"
