import asyncio

import pytest

from gateway.core.clock import ManualClock
from gateway.receipts.claims import digest_of
from gateway.receipts.signers import Period
from tests.support.receipts import ALWAYS, KID, PUBLIC, SEED, read, receipts

DIGEST = digest_of(b"hello")
DAY_MS = 86_400_000
WHEN = {
    0: "first", 2 * DAY_MS - 1: "first", 2 * DAY_MS: "second", 3 * DAY_MS: "second", 4 * DAY_MS - 1: "second",
}  # fmt: skip


def issue(one, exchange="req-1", account="acme"):
    return one.issue(exchange, account, "sim-small", DIGEST, "body")


def test_a_receipt_says_what_was_answered_when():
    clock = ManualClock(1_800_000_000_999)
    receipt = issue(receipts(clock))
    header, claims = read(receipt.jws)
    assert header["kid"] == KID
    assert (claims["jti"], claims["sub"], claims["model"]) == ("req-1", "acme", "sim-small")
    assert (claims["iat"], claims["digest"]) == (1_800_000_000, DIGEST)


def test_it_is_found_again_by_its_account_alone():
    one = receipts()
    receipt = issue(one)
    assert asyncio.run(one.find("req-1", "acme")) == receipt
    assert asyncio.run(one.find("req-1", "globex")) is None
    assert asyncio.run(one.find("req-2", "acme")) is None
    assert (one.issued, one.unsigned, one.dropped) == (1, 0, 0)


FIRST = Period("first", 0, 3 * DAY_MS, SEED)
SECOND = Period("second", 2 * DAY_MS, 4 * DAY_MS, b"2" * 32)


@pytest.mark.parametrize("periods", [(FIRST, SECOND), (SECOND, FIRST)], ids=["in order", "not in order"])
@pytest.mark.parametrize(
    ("now_ms", "kid"),
    [
        (0, "first"),
        (2 * DAY_MS - 1, "first"),
        (2 * DAY_MS, "second"),
        (3 * DAY_MS, "second"),
        (4 * DAY_MS - 1, "second"),
    ],
)
def test_the_newest_epoch_that_has_begun_signs(periods, now_ms, kid):
    one = receipts(ManualClock(now_ms), periods=periods)
    public = one._signers.public_keys()[kid]
    assert read(issue(one).jws, public)[0]["kid"] == kid


@pytest.mark.parametrize("now_ms", [4 * DAY_MS, -1])
def test_outside_every_epoch_nothing_is_signed_and_that_is_counted(now_ms):
    one = receipts(ManualClock(now_ms), periods=(FIRST, SECOND))
    assert issue(one) is None
    assert (one.issued, one.unsigned) == (0, 1)
    assert asyncio.run(one.find("req-1", "acme")) is None


def test_all_public_keys_are_shown_and_no_seed_is():
    one = receipts(periods=(ALWAYS, SECOND))
    assert [key["kid"] for key in one.public_keys()["keys"]] == [KID, "second"]
    assert set(one._signers.public_keys()) == {KID, "second"}
    assert one._signers.public_keys()[KID] == PUBLIC
    assert all("d" not in key for key in one.public_keys()["keys"])
    assert SEED.hex() not in repr(ALWAYS)
    assert repr(SEED) not in repr(ALWAYS)
