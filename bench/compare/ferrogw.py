"""The Ferro Labs gateway, a compiled (Go) gateway for model APIs, with its rate-limit plugin.

Its own limit per address and its plugin's limits are far above the load. It has no setting for the address that it
listens on: it is on all of the machine's for the minutes of a run, behind a key that is made for the run.
"""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from bench.process import child, wait_listening

MODEL: Final = "gpt-4o-mini"
"""It serves models that its catalogue knows."""

_CONFIG: Final = """\
strategy: {mode: single}
targets:
  - virtual_key: openai
plugins:
  - name: rate-limit
    type: ratelimit
    stage: before_request
    enabled: true
    config: {requests_per_second: 1000000, burst: 1000000, key_rpm: 60000000}
"""


@contextmanager
def ferrogw(
    program: Path, folder: Path, port: int, upstream: int, key: str, where: set[int]
) -> Iterator[subprocess.Popen[bytes]]:
    """Listening while the block runs; `key` is its master key."""
    folder.mkdir()
    (folder / "config.yaml").write_text(_CONFIG)
    environment = {
        "HOME": str(folder),
        "PORT": f"{port}",
        "GATEWAY_CONFIG": str(folder / "config.yaml"),
        "MASTER_KEY": key,
        "OPENAI_API_KEY": "none",
        "OPENAI_BASE_URL": f"http://127.0.0.1:{upstream}",
        "RATE_LIMIT_RPS": "1000000",
        "RATE_LIMIT_BURST": "1000000",
        "LOG_LEVEL": "error",
        "GOMAXPROCS": "1",
    }
    log = folder / "log"
    with child([str(program), "serve"], where, log, environment) as process:
        wait_listening(process, log, port)
        yield process
