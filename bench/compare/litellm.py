"""The LiteLLM proxy without a database: its limits come with the key, from a `custom_auth` function of ours.

That arms its own limiter in memory: requests and tokens per minute, and requests in flight, of each key.
"""

import secrets
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from bench.process import child, wait_listening

_START_S: Final = 90.0

_CONFIG: Final = """\
model_list:
  - model_name: bench
    litellm_params: {{model: openai/bench, api_base: "http://127.0.0.1:{upstream}/v1", api_key: none}}
litellm_settings: {{telemetry: false}}
general_settings: {{custom_auth: bench_auth.who}}
"""

_AUTH: Final = """\
from fastapi import HTTPException, Request
from litellm.proxy._types import UserAPIKeyAuth


async def who(request: Request, api_key: str) -> UserAPIKeyAuth:
    if api_key != {key!r}:
        raise HTTPException(401, "unknown key")
    return UserAPIKeyAuth(api_key=api_key, rpm_limit=10**9, tpm_limit=10**12, max_parallel_requests=10**6)
"""


@contextmanager
def litellm(
    program: Path, folder: Path, port: int, upstream: int, key: str, where: set[int]
) -> Iterator[subprocess.Popen[bytes]]:
    """Listening while the block runs: one worker."""
    folder.mkdir()
    (folder / "config.yaml").write_text(_CONFIG.format(upstream=upstream))
    (folder / "bench_auth.py").write_text(_AUTH.format(key=key))
    environment = {
        "HOME": str(folder),
        "PATH": "/usr/bin:/bin",
        "LITELLM_MASTER_KEY": "sk-" + secrets.token_hex(32),
        "LITELLM_LOCAL_MODEL_COST_MAP": "True",
        "LITELLM_LOG": "ERROR",
        "NO_PROXY": "*",
    }
    command = [str(program), "--config", "config.yaml", "--host", "127.0.0.1", "--port", f"{port}"]
    log = folder / "log"
    with child([*command, "--num_workers", "1", "--telemetry", "False"], where, log, environment) as process:
        wait_listening(process, log, port, _START_S)
        yield process
