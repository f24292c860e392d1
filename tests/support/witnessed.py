"""A gateway before an upstream that sends literal bytes and records what reaches it.

`public-name` is served by an upstream that is asked for usage in streams, `bare` by one that does not know how; both
are the same scripted server.
"""

import contextlib
import random
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

from tests.support.recording import Recording, recording
from tests.support.running import DIALECTS, PRICES, Running, running
from tests.support.upstream import EVENTS, Step, chunk, trickle

SECRET = "sk-upstream-of-the-operator"
UPSTREAM_NAME = "internal/name:7b"


@contextlib.contextmanager
def witnessed(folder: Path) -> Iterator[tuple[Running, Recording]]:
    """Start both."""
    (folder / "upstream-key").write_text(SECRET + "\n")
    size = {"context": 32768, "max_output": 4096, "prices": PRICES}
    models = {
        "public-name": {"upstreams": ["main"], "upstream_name": UPSTREAM_NAME, **size},
        "bare": {"upstreams": ["bare"], **size},
    }
    with recording() as upstream:
        entry = {"base_url": upstream.url + "/v1", "dialects": DIALECTS, "api_key_file": "upstream-key"}
        upstreams = {
            "main": {"kind": "openai", "stream_usage": True, **entry},
            "bare": {"kind": "llamacpp", **entry},
        }
        with running(folder, settings={"upstreams": upstreams}, models=models) as gateway:
            yield gateway, upstream


def in_chunks(stream: bytes, how: str | int) -> list[Step]:
    """Steps of an upstream that sends `stream` in HTTP chunks: whole, by events, by bytes, or cut by a seed."""
    if how == "bytes":
        framed = b"".join(chunk(stream[i : i + 1]) for i in range(len(stream)))
        return [EVENTS, trickle(framed, 6), b"0\r\n\r\n"]
    cuts = {0, len(stream)}
    if how == "events":
        cuts |= {i + 2 for i in range(len(stream)) if stream.startswith(b"\n\n", i)}
    elif how != "whole":
        picks = random.Random(how)
        cuts |= {picks.randrange(len(stream)) for _ in range(25)}
    pieces = [chunk(stream[a:b]) for a, b in pairwise(sorted(cuts))]
    return [EVENTS, *(trickle(piece, len(piece)) for piece in pieces), b"0\r\n\r\n"]
