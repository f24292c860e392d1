"""Reading on for a caller who left: some upstreams bill the whole generation anyway, so its usage is worth having."""

import asyncio
from collections.abc import Callable

from gateway.upstreams.base import Answer, UpstreamFailed


async def drain(answer: Answer, feed: Callable[[bytes], object], *, max_s: float, max_bytes: int) -> bool:
    """Feed the rest of a stream to `feed` within both bounds; True when it came to its end.

    Goes on where an interrupted iteration of `answer.chunks()` stopped, and finishes or aborts the answer
    itself. To be run in a task that the caller's cancellation does not reach.
    """
    left = max_bytes
    try:
        async with asyncio.timeout(max_s):
            async for chunk in answer.chunks():
                feed(chunk)
                left -= len(chunk)
                if left < 0:
                    answer.abort()
                    return False
    except (UpstreamFailed, TimeoutError):
        answer.abort()
        return False
    except BaseException:
        answer.abort()
        raise
    answer.finish()
    return True
