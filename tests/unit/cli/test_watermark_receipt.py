"""Checking a receipt at the command line, with public keys and with the master secret."""

import argparse
import json

import pytest

from gateway.cli import watermark_receipt
from gateway.receipts.claims import Claims, digest_of
from gateway.receipts.jwks import jwks
from gateway.receipts.jws import Ed25519Signer
from gateway.watermarks.keys import KeyPath
from gateway.watermarks.secret import read_master, write_secret
from tests.support.receipts import KID, PUBLIC, SEED

BODY = b'{"choices":[]}'
BEFORE, AFTER = b'data: {"choices":[]}\n\n', b"data: [DONE]\n\n"


def claims(over="body", data=BODY):
    return Claims("req-1", "acme", "sim-small", 1_800_000_000, digest_of(data), over)


def signed(over="body", data=BODY, seed=SEED):
    return Ed25519Signer(KID, seed).sign(claims(over, data).payload())


STREAM = BEFORE + b": receipt req-1 " + signed("stream", BEFORE).encode() + b"\n\n" + AFTER


@pytest.fixture
def keys(tmp_path):
    (tmp_path / "keys.json").write_text(json.dumps(jwks({KID: PUBLIC})))
    return tmp_path / "keys.json"


@pytest.fixture
def at(tmp_path):
    def write(name, data):
        (tmp_path / name).write_bytes(data)
        return str(tmp_path / name)

    return write


def check(*arguments):
    parser = argparse.ArgumentParser()
    watermark_receipt.add_parser(parser.add_subparsers())
    return watermark_receipt.run(parser.parse_args(["receipt", *map(str, arguments)]))


def test_a_genuine_receipt(keys, capsys):
    assert check(signed(), "--jwks", keys) == 0
    out = capsys.readouterr().out
    assert out.startswith("genuine\n")
    assert "acme" in out
    assert "2027-01-15T08:00:00Z" in out
    assert "not looked at" in out


@pytest.mark.parametrize(("data", "status"), [(BODY, 0), (BODY + b"\n", 1), (b"", 1)])
def test_the_body_it_is_of(keys, at, data, status, capsys):
    assert check(signed(), "--jwks", keys, "--body", at("body", data)) == status
    assert ("are those" if status == 0 else "are not those") in capsys.readouterr().out


@pytest.mark.parametrize(
    "written", [signed().encode(), signed().encode() + b"\n", json.dumps({"receipt": signed()}).encode()]
)
def test_a_receipt_in_a_file(keys, at, written):
    assert check(at("receipt", written), "--jwks", keys) == 0


def test_a_stream_has_its_receipt_in_it(keys, at, capsys):
    assert check(at("answer.sse", STREAM), "--jwks", keys) == 0
    assert "are those" in capsys.readouterr().out
    assert check(at("answer.sse", STREAM.replace(b"choices", b"Choices", 1)), "--jwks", keys) == 1
    assert "before the receipt's own comment" in capsys.readouterr().out
    crlf = BEFORE + b": receipt req-1 " + signed("stream", BEFORE).encode() + b"\r\n\r\n" + AFTER
    assert check(at("answer.sse", crlf), "--jwks", keys) == 0
    assert check(signed("stream", BEFORE), "--jwks", keys, "--body", at("before", BEFORE)) == 0
    assert check(signed("stream", BEFORE), "--jwks", keys, "--body", at("all", STREAM)) == 0
    assert check(at("two.sse", STREAM + STREAM), "--jwks", keys) == 2


def test_a_forged_one(keys, capsys):
    assert check(signed(seed=b"f" * 32), "--jwks", keys) == 1
    assert capsys.readouterr().out.startswith("not genuine: ")


def test_as_json(keys, at, capsys):
    assert check(signed(), "--jwks", keys, "--body", at("body", BODY), "--json") == 0
    report = json.loads(capsys.readouterr().out)
    assert (report["genuine"], report["match"], report["problem"]) == (True, True, "")
    assert report["claims"]["account"] == "acme"
    assert check(signed(seed=b"f" * 32), "--jwks", keys, "--json") == 1
    report = json.loads(capsys.readouterr().out)
    assert (report["genuine"], report["match"], report["claims"]) == (False, None, None)


def test_with_the_master_secret(tmp_path, capsys):
    write_secret(tmp_path / "secret")
    master = read_master(tmp_path / "secret")
    seed = master.root(KeyPath("receipt", 1, "", KID, "provider"))
    assert check(signed(seed=seed), "--secret-file", tmp_path / "secret") == 0
    assert check(signed(), "--secret-file", tmp_path / "secret") == 1
    assert master.secret.hex() not in capsys.readouterr().out
    (tmp_path / "secret").chmod(0o644)
    assert check(signed(seed=seed), "--secret-file", tmp_path / "secret") == 2
    assert "0600" in capsys.readouterr().err


@pytest.mark.parametrize(
    "written", [b'{"receipt"', b'{"object":"receipt"}', b"", b"\xff\xfe", b'{"receipt":7}'], ids=range(5)
)
def test_files_that_hold_no_receipt(keys, at, written):
    assert check(at("receipt", written), "--jwks", keys) in (1, 2)


def test_files_that_cannot_be_read(keys, tmp_path, at, monkeypatch, capsys):
    assert check(tmp_path / "nothing", "--jwks", keys) == 2
    assert check(signed(), "--jwks", tmp_path / "nothing") == 2
    assert check(signed(), "--jwks", at("bad", b"[]")) == 2
    assert check(signed(), "--jwks", keys, "--body", tmp_path) == 2
    monkeypatch.setattr(watermark_receipt, "MOST_BYTES", 1)
    assert check(signed(), "--jwks", keys) == 2
    assert "larger than" in capsys.readouterr().err


def test_one_kind_of_key_is_needed(keys):
    with pytest.raises(SystemExit):
        check(signed())
    with pytest.raises(SystemExit):
        check(signed(), "--jwks", keys, "--secret-file", keys)
