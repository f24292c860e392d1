"""Receipts with a key that tests know, and reading them the way a caller would, without the gateway's own code."""

import base64
import hashlib
import json
import re
from datetime import UTC, datetime, timedelta

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from gateway.core.clock import ManualClock
from gateway.receipts.receipts import Receipts
from gateway.receipts.signers import Period, signers_of
from gateway.receipts.store import MemoryReceipts
from gateway.watermarks.secret import write_secret
from tests.support.talking import get

SEED = bytes.fromhex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60")
"""Of RFC 8032, section 7.1, test 1; so is PUBLIC."""
PUBLIC = bytes.fromhex("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a")
KID = "2026-q4"
ALWAYS = Period(KID, 0, 1 << 53, SEED)
_COMMENT = re.compile(rb": receipt (\S+) (\S+)\n\n")
EPOCH = "this-one"
_DAY = timedelta(days=1)


def settings(folder, **more):
    """Of a gateway that can sign, in an epoch of its own around the present moment; to be given to `running`."""
    folder.mkdir(parents=True, exist_ok=True)
    write_secret(folder / "watermark.key")
    (folder / "provenance").mkdir(mode=0o700)
    now = datetime.now(UTC)
    epoch = {"id": EPOCH, "from": f"{now - _DAY:%Y-%m-%d}", "until": f"{now + 30 * _DAY:%Y-%m-%d}"}
    entry = {"secret_file": "watermark.key", "directory": "provenance", "instance": "test", "epochs": [epoch], **more}
    return {"watermark": entry}


def public_key(gateway, kid=EPOCH):
    """As a caller gets it."""
    keys = get(gateway.gateway.data_port, "/v1/receipts/keys", gateway.keys["acme"]).json()["keys"]
    return next(_bytes(key["x"]) for key in keys if key["kid"] == kid)


def receipts(clock=None, *, periods=(ALWAYS,), store=None):
    clock = clock or ManualClock()
    return Receipts(signers_of(periods), store or MemoryReceipts(clock, retention_s=86_400), clock)


def read(jws, public=PUBLIC):
    """The header and the claims of a receipt whose signature is good; raises InvalidSignature."""
    head, payload, signature = jws.split(".")
    Ed25519PublicKey.from_public_bytes(public).verify(_bytes(signature), f"{head}.{payload}".encode())
    return json.loads(_bytes(head)), json.loads(_bytes(payload))


def _bytes(text):
    return base64.urlsafe_b64decode(text + "==")


def sha256(data):
    return "sha-256:" + hashlib.sha256(data).hexdigest()


def taken_out(stream):
    """A stream without its receipt's comment; what came before the comment, the id and the receipt, if it has one."""
    found = _COMMENT.findall(stream)
    if not found:
        return stream, None
    assert len(found) == 1
    before, name, jws, after = _COMMENT.split(stream)
    return before + after, (before, name.decode(), jws.decode())
