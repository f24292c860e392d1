"""The text of an upstream's refusal, within bounds."""

import asyncio
from typing import Final

from gateway.upstreams.base import Answer, UpstreamFailed

_ERROR_BODY_S: Final = 5.0
_ERROR_BODY_BYTES: Final = 64 * 1024
"""An error's body is short and there at once; nobody waits long for the explanation of a refusal."""


async def error_body(answer: Answer) -> bytes:
    """The text of a refusal, or nothing when it is too long, too slow or cut."""
    body = b""
    try:
        async with asyncio.timeout(_ERROR_BODY_S):
            async for chunk in answer.chunks():
                body += chunk
                if len(body) > _ERROR_BODY_BYTES:
                    answer.abort()
                    return b""
    except (UpstreamFailed, TimeoutError):
        answer.abort()
        return b""
    except BaseException:
        answer.abort()
        raise
    answer.finish()
    return body


def unread(answer: Answer) -> bytes:
    answer.abort()
    return b""
