"""A recording upstream in a thread of its own, for tests that are synchronous themselves.

with recording() as upstream, running(tmp_path, upstream=upstream.url + "/v1") as gateway:
    ...
    assert upstream.bodies() == []
"""

import asyncio
import contextlib
import json
import threading
from collections.abc import Iterator, Sequence

from tests.support.upstream import ScriptedUpstream, Step, ok

_USAGE = {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5, "input_tokens": 3, "output_tokens": 2}
ANSWER = ok(json.dumps({"id": "r", "object": "any", "choices": [], "usage": _USAGE}).encode())
"""Good enough an answer in every dialect."""


class Recording:
    """What reached the upstream, exactly. Heads and bodies are only ever added."""

    def __init__(self, upstream: ScriptedUpstream) -> None:
        self._upstream = upstream
        self.url: str = upstream.url
        self.port: int = upstream.port

    def play(self, *scripts: Sequence[Step]) -> None:
        """Answer the coming requests with these; forget nothing of what was recorded."""
        self._upstream.scripts, self._upstream._served = scripts, 0

    def count(self) -> int:
        return len(self._upstream.requests)

    def heads(self) -> list[bytes]:
        return [head for head, _ in self._upstream.requests]

    def bodies(self) -> list[bytes]:
        return [body for _, body in self._upstream.requests]


@contextlib.contextmanager
def recording(*scripts: Sequence[Step]) -> Iterator[Recording]:
    """Without scripts it answers everything alike."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="recording-upstream", daemon=True)
    thread.start()

    def call(coroutine):
        return asyncio.run_coroutine_threadsafe(coroutine, loop).result(timeout=30)

    upstream = ScriptedUpstream(*(scripts or (ANSWER,)))
    call(upstream.__aenter__())
    try:
        yield Recording(upstream)
    finally:
        call(upstream.__aexit__(None, None, None))
        loop.call_soon_threadsafe(loop.stop)
        thread.join(timeout=20)
        loop.close()
