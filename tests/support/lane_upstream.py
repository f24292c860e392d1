"""The upstream of both lanes: what it answers, the request's own text says."""

import re
from collections.abc import Sequence
from typing import Any

from tests.support import transcripts
from tests.support.recording import ANSWER
from tests.support.upstream import EVENTS, answer, chunk

_FIRST = transcripts.line(transcripts.chat_chunk({"content": "word"}))
_WHOLE_STREAM = transcripts.chat(["one ", "two ", "three"], with_usage=True)


async def by_text(peer: Any) -> None:
    """The upstream's answer, as the request's text asks for it."""
    _, body = peer.requests[-1]
    asked = re.search(rb"upstream: (\w+)", body)
    word = asked[1].decode() if asked else "answers"
    if word.isdigit():
        await _all(peer, answer(int(word), b'{"error":{"message":"no"}}', head=b"Retry-After: 3\r\n"))
    elif word == "stalls":
        await _gone(peer)
    elif word == "begins":
        await _all(peer, [EVENTS, chunk(_FIRST)])
        await _gone(peer)
    elif word == "breaks":
        await _all(peer, [EVENTS, chunk(_FIRST)])
        peer.writer.close()
    elif b'"stream":true' in body.replace(b" ", b""):
        await _all(peer, [EVENTS, chunk(_WHOLE_STREAM), b"0\r\n\r\n"])
    else:
        await _all(peer, ANSWER)


async def _all(peer: Any, pieces: Sequence[bytes]) -> None:
    for piece in pieces:
        await peer.send(piece)


async def _gone(peer: Any) -> None:
    """Until the gateway has closed the connection."""
    while await peer.more():
        pass
