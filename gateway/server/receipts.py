"""Receipts on the wire: in the head of an answer in one piece, and asked for again by id. Streams: see `sent.py`."""

import asyncio
from typing import Final

from gateway.core import reasons
from gateway.core.jsonio import dumps
from gateway.core.refusal import Refusal
from gateway.exchange import Exchange
from gateway.pipeline import Pipeline
from gateway.receipts.claims import Over, digest_of
from gateway.receipts.receipts import Receipts
from gateway.receipts.store import Receipt
from gateway.stores.base import StoreUnavailable

RECEIPT_ID: Final = "x-gateway-receipt-id"
RECEIPT: Final = "x-gateway-receipt"
_LONG: Final = 1 << 18
"""Bytes that take a fraction of a millisecond to sum up; more of them are summed up in a thread."""


def receipts_for(pipeline: Pipeline, x: Exchange) -> Receipts | None:
    """Who signs this answer; None where no policy asks for a receipt of it."""
    if pipeline.receipts is None or x.plan is None or x.plan.watermark is None or not x.plan.watermark.receipts:
        return None
    return pipeline.receipts


def issue(receipts: Receipts, x: Exchange, digest: str, over: Over) -> Receipt | None:
    """The receipt of this exchange's answer."""
    assert x.principal is not None
    assert x.ask is not None
    return receipts.issue(x.id, x.principal.account.id, x.ask.model, digest, over)


async def receipt_headers(pipeline: Pipeline, x: Exchange) -> dict[str, str]:
    """The headers that an answer in one piece gets: none without a receipt, and at a time that no epoch covers."""
    receipts = receipts_for(pipeline, x)
    if receipts is None:
        return {}
    digest = digest_of(x.answer) if len(x.answer) <= _LONG else await asyncio.to_thread(digest_of, x.answer)
    receipt = issue(receipts, x, digest, "body")
    return {} if receipt is None else {RECEIPT_ID: receipt.claims.id, RECEIPT: receipt.jws}


async def find_receipt(pipeline: Pipeline, x: Exchange, receipt_id: str) -> bytes | Refusal:
    """A receipt of the caller's own account. Whose another one is, or whether it exists, is not told."""
    assert x.principal is not None
    receipt = None
    if pipeline.receipts is not None:
        try:
            receipt = await pipeline.receipts.find(receipt_id, x.principal.account.id)
        except StoreUnavailable:
            return Refusal(reasons.OVERLOADED, "receipts cannot be read right now", retry_after_ms=1000)
    if receipt is None:
        return Refusal(reasons.RECEIPT_NOT_FOUND, "no such receipt for this account")
    claims = receipt.claims
    return dumps(
        {
            "object": "receipt",
            "id": claims.id,
            "account": claims.account,
            "model": claims.model,
            "issued_at": claims.issued_at,
            "digest": claims.digest,
            "over": claims.over,
            "receipt": receipt.jws,
        }
    )


def receipt_keys(pipeline: Pipeline) -> bytes:
    """The public keys, with which anybody can check a receipt; an empty set where receipts are off."""
    return dumps({"keys": []} if pipeline.receipts is None else pipeline.receipts.public_keys())
