"""Receipts of a running gateway: in heads, in streams, asked for again, and unnoticed by the official clients."""

import json
from pathlib import Path

import anthropic
import openai
import pytest

from gateway.cli.main import main
from tests.support import transcripts
from tests.support.receipts import EPOCH, public_key, read, settings, sha256, taken_out
from tests.support.recording import recording
from tests.support.running import running
from tests.support.talking import HELLO, PATHS, STREAMED, ask, code, fresh_bridge, get, policy
from tests.support.upstream import answer, close, ok
from tests.support.witnessed import in_chunks

POLICIES = {
    **policy(name="receipts", match="{account: [acme, globex]}", more="watermark: {scheme: none, receipts: true}\n"),
    **policy(name="trial", mode="audit", match="{account: ada}", more="watermark: {scheme: none, receipts: true}\n"),
    **policy("r: {unit: requests, per: account, amount: 1000000, window: 1m}", name="everyone"),
}


@pytest.fixture(scope="module")
def gateway(tmp_path_factory):
    folder = tmp_path_factory.mktemp("gateway")
    with running(folder, policies=POLICIES, settings=settings(folder)) as one:
        yield one


@pytest.fixture(scope="module")
def scripted(tmp_path_factory):
    folder = tmp_path_factory.mktemp("scripted")
    with (
        recording() as upstream,
        running(folder, upstream=upstream.url + "/v1", policies=POLICIES, settings=settings(folder)) as one,
    ):
        one.upstream = upstream
        yield one


def look_up(gateway, receipt_id, account="acme", headers=()):
    return get(gateway.gateway.data_port, f"/v1/receipts/{receipt_id}", gateway.keys[account], headers)


@pytest.mark.parametrize("dialect", PATHS)
def test_an_answer_in_one_piece_has_it_in_its_head(gateway, dialect):
    model = "sim-embed" if dialect == "embeddings" else "sim-small"
    answered = ask(gateway, dialect, model=model)
    assert answered.status == 200
    header, claims = read(answered.header("x-gateway-receipt"), public_key(gateway))
    assert header == {"alg": "EdDSA", "kid": EPOCH, "typ": "receipt+jwt"}
    assert claims["digest"] == sha256(answered.body)
    assert (claims["sub"], claims["model"], claims["over"]) == ("acme", model, "body")
    assert claims["jti"] == answered.header("x-gateway-receipt-id") == answered.header("x-request-id")


def test_it_names_the_decision_record(gateway):
    """Also where the caller sent a request id of its own."""
    answered = ask(gateway, headers=(b"x-request-id: mine",))
    name = answered.header("x-gateway-receipt-id")
    assert answered.header("x-request-id") == "mine"
    assert name == answered.header("x-gateway-decision-id")
    gateway.settled()
    assert gateway.records()[0].id == name


@pytest.mark.parametrize("how", ["whole", "events", "bytes", 1])
@pytest.mark.parametrize("dialect", STREAMED)
def test_a_stream_has_it_right_before_its_ending(scripted, dialect, how):
    words = ["Hello", " wörld", " end"]
    stream = {
        "chat": transcripts.chat(words, with_usage=False),
        "completions": transcripts.completions(words, with_usage=False),
        "responses": transcripts.responses(words),
        "messages": transcripts.messages(words),
    }[dialect]
    scripted.upstream.play(in_chunks(stream, how))
    answered = ask(scripted, dialect, stream=True)
    rest, (before, name, jws) = taken_out(answered.body)
    assert rest == stream
    claims = read(jws, public_key(scripted))[1]
    assert (claims["digest"], claims["over"]) == (sha256(before), "stream")
    assert claims["jti"] == name == answered.header("x-request-id")
    assert answered.header("x-gateway-receipt") is None
    found = look_up(scripted, name)
    assert found.json()["receipt"] == jws


@pytest.mark.parametrize("dialect", STREAMED)
def test_a_stream_of_the_simulator_is_the_same_but_for_the_receipt(gateway, dialect):
    answered = ask(gateway, dialect, stream=True)
    rest, (before, _, jws) = taken_out(answered.body)
    assert read(jws, public_key(gateway))[1]["digest"] == sha256(before)
    ending = rest[len(before) :]
    assert ending.count(b"\n\n") == 1, "nothing but the ending comes after it"


def test_who_is_under_no_such_policy_in_force_gets_none(gateway):
    key = gateway.keys["ada"]
    answered = ask(gateway, key=key)
    assert answered.status == 200
    assert answered.header("x-gateway-receipt") is None
    assert answered.header("x-gateway-receipt-id") is None
    assert taken_out(ask(gateway, key=key, stream=True).body)[1] is None


@pytest.mark.parametrize("script", [answer(400), answer(500), [ok(b"x" * 10)[0], b"\r\n\r\nhalf", close]])
def test_what_is_no_answer_has_none(scripted, script):
    fresh_bridge(scripted)
    scripted.upstream.play(script)
    refused = ask(scripted)
    assert refused.status >= 400
    assert refused.header("x-gateway-receipt") is None
    fresh_bridge(scripted)


def test_a_long_answer(scripted):
    body = json.dumps({"choices": [], "text": "ä" * 400_000}, ensure_ascii=False).encode()
    scripted.upstream.play(ok(body))
    answered = ask(scripted)
    assert answered.body == body
    assert read(answered.header("x-gateway-receipt"), public_key(scripted))[1]["digest"] == sha256(body)


# asked for again


def test_its_owner_can_ask_for_it_again(gateway):
    answered = ask(gateway)
    name, jws = answered.header("x-gateway-receipt-id"), answered.header("x-gateway-receipt")
    found = look_up(gateway, name)
    claims = read(jws, public_key(gateway))[1]
    assert found.status == 200
    assert found.json() == {
        "object": "receipt", "id": name, "account": "acme", "model": "sim-small", "issued_at": claims["iat"],
        "digest": sha256(answered.body), "over": "body", "receipt": jws,
    }  # fmt: skip


ANTHROPIC = (b"anthropic-version: 2023-06-01",)


@pytest.mark.parametrize("headers", [(), ANTHROPIC], ids=["openai", "anthropic"])
def test_another_account_hears_the_same_as_of_one_that_is_not(gateway, headers):
    name = ask(gateway).header("x-gateway-receipt-id")
    assert look_up(gateway, name, "acme", headers).status == 200
    foreign = look_up(gateway, name, "globex", headers)
    unknown = look_up(gateway, "req-" + "0" * 24, "globex", headers)
    assert foreign.status == unknown.status == 404
    assert code(foreign) == code(unknown) == "receipt_not_found"
    without_id = [{**one.json(), "request_id": ""} if headers else one.json() for one in (foreign, unknown)]
    assert without_id[0] == without_id[1]
    kind = foreign.json()["error"]["type"]
    assert kind == ("not_found_error" if headers else "invalid_request_error")


@pytest.mark.parametrize("path", ["x", "%2e%2e", "req-1/2", "'; DROP TABLE receipt; --", "é", "a" * 3000])
def test_odd_ids_are_not_found(gateway, path):
    with_escapes = path.replace(" ", "%20").encode("ascii", "ignore").decode() or "x"
    assert look_up(gateway, with_escapes).status == 404


def test_a_key_is_needed(gateway):
    name = ask(gateway).header("x-gateway-receipt-id")
    assert get(gateway.gateway.data_port, f"/v1/receipts/{name}").status == 401
    assert get(gateway.gateway.data_port, "/v1/receipts/keys").status == 401


def test_the_public_keys(gateway):
    found = get(gateway.gateway.data_port, "/v1/receipts/keys", gateway.keys["ada"]).json()
    assert [key["kid"] for key in found["keys"]] == [EPOCH]
    assert set(found["keys"][0]) == {"kty", "crv", "use", "alg", "kid", "x"}


def test_where_receipts_are_off_there_are_none(tmp_path):
    with running(tmp_path) as one:
        assert code(look_up(one, "req-1")) == "receipt_not_found"
        assert get(one.gateway.data_port, "/v1/receipts/keys", one.keys["acme"]).json() == {"keys": []}
        assert ask(one).header("x-gateway-receipt") is None


def test_a_store_that_cannot_be_read_is_no_404(tmp_path):
    with running(tmp_path, policies=POLICIES, settings=settings(tmp_path)) as one:
        one.call(one.runtime.pipeline.receipts.close())
        refused = look_up(one, "req-1")
        assert (refused.status, code(refused)) == (503, "overloaded")
        assert ask(one).header("x-gateway-receipt"), "answers do not wait for it"
        assert one.runtime.pipeline.receipts.dropped == 1


def test_after_a_restart_it_is_still_there(tmp_path):
    own = settings(tmp_path)
    with running(tmp_path, policies=POLICIES, settings=own) as one:
        first = ask(one)
    with running(tmp_path, policies=POLICIES, settings=own) as one:
        found = look_up(one, first.header("x-gateway-receipt-id"))
        assert found.json()["receipt"] == first.header("x-gateway-receipt")
        read(found.json()["receipt"], public_key(one))


def test_what_was_recorded_is_checked_at_the_command_line(gateway, tmp_path, capsys):
    found = get(gateway.gateway.data_port, "/v1/receipts/keys", gateway.keys["acme"])
    (tmp_path / "keys.json").write_bytes(found.body)
    (tmp_path / "answer.sse").write_bytes(ask(gateway, "messages", stream=True).body)
    whole = ask(gateway)
    (tmp_path / "answer.json").write_bytes(whole.body)
    keys = ["--jwks", str(tmp_path / "keys.json")]
    assert main(["watermark", "receipt", str(tmp_path / "answer.sse"), *keys]) == 0
    again = [whole.header("x-gateway-receipt"), "--body", str(tmp_path / "answer.json")]
    assert main(["watermark", "receipt", *again, *keys]) == 0
    assert capsys.readouterr().out.count("the bytes are those of the answer") == 2
    assert main(["watermark", "receipt", again[0], "--body", str(tmp_path / "answer.sse"), *keys]) == 1
    secret = ["--secret-file", str(Path(gateway.runtime.settings.watermark.secret_file))]
    assert main(["watermark", "receipt", *again, *secret]) == 0


# official clients


@pytest.fixture
def acme(gateway):
    with openai.OpenAI(base_url=gateway.url + "/v1", api_key=gateway.keys["acme"], max_retries=0) as client:
        yield client


@pytest.fixture
def claude(gateway):
    with anthropic.Anthropic(base_url=gateway.url, api_key=gateway.keys["acme"], max_retries=0) as client:
        yield client


def test_the_openai_client_notices_nothing(acme, gateway):
    chunks = list(acme.chat.completions.create(model="sim-small", messages=HELLO, stream=True))
    assert all(chunk.choices for chunk in chunks)
    assert chunks[-1].choices[0].finish_reason
    assert list(acme.completions.create(model="sim-small", prompt="Once", max_tokens=8, stream=True))
    events = list(acme.responses.create(model="sim-small", input="Hello", stream=True))
    assert events[-1].type == "response.completed"
    assert events[-1].response.output_text
    raw = acme.chat.completions.with_raw_response.create(model="sim-small", messages=HELLO)
    assert raw.parse().choices[0].message.content
    assert raw.headers["x-gateway-receipt-id"]


def test_the_anthropic_client_notices_nothing(claude):
    with claude.messages.stream(model="sim-small", max_tokens=20, messages=HELLO) as stream:
        assert "".join(stream.text_stream)
        assert stream.get_final_message().stop_reason
    events = list(claude.messages.create(model="sim-small", max_tokens=20, messages=HELLO, stream=True))
    assert events[-1].type == "message_stop"
    raw = claude.messages.with_raw_response.create(model="sim-small", max_tokens=20, messages=HELLO)
    assert raw.headers["x-gateway-receipt-id"]
