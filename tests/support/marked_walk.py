"""A runtime that listens nowhere and marks: `walking.Walk` with a secret, an epoch around its clock, and one policy."""

import asyncio
import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from gateway.watermarks.pairs import PairTable
from tests.support.marked_model import table_of
from tests.support.marking import EPOCH, FAMILY, POLICY, STRONG, write_book
from tests.support.running import DIALECTS, PRICES
from tests.support.walking import Walk


def marked_walk(
    folder: Path,
    *,
    block: str = STRONG,
    mode: str = "enforce",
    table: PairTable | None = None,
    upstreams: dict[str, dict[str, Any]] | None = None,
    model: dict[str, Any] | None = None,
    **book: Any,
) -> Walk:
    """`upstreams` are laid over one of llama.cpp that takes 1,024 entries; `book` over the `watermark:` settings."""
    epochs = [{"id": EPOCH, "from": "2027-01-01", "until": "2027-02-01"}]
    settings = write_book(folder, table or table_of()) | {"epochs": epochs} | book
    usual = {"kind": "llamacpp", "base_url": "http://127.0.0.1:9/v1", "dialects": DIALECTS, "logit_bias_entries": 1024}
    servers = {name: usual | more for name, more in (upstreams or {"main": {}}).items()}
    sim = {"upstreams": [*servers], "context": 32768, "max_output": 4096, "prices": PRICES, "family": FAMILY}
    walk = Walk(
        folder,
        models={"sim-small": sim | (model or {})},
        policies={"marks": POLICY.format(mode=mode, block=block)},
        settings={"watermark": settings, "upstreams": servers},
    )
    walk.pipeline.marks.book.refresh(walk.clock.now_ms())
    return walk


@contextlib.contextmanager
def closing_walks() -> Iterator[Callable[..., Walk]]:
    """`marked_walk`, and all files closed at the end."""
    walks: list[Walk] = []

    def make(*args: Any, **more: Any) -> Walk:
        walks.append(marked_walk(*args, **more))
        return walks[-1]

    try:
        yield make
    finally:
        for walk in walks:
            asyncio.run(walk.runtime.provenance.close())
