"""`gateway serve` as a child process, for what only a process can show: signals, exit codes, kill -9."""

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Sequence
from pathlib import Path

from tests.support.running import write_files

READY = re.compile(r"gateway ready: data \S+:(\d+), ops \S+:(\d+), admin \S+:(\d+)")


class Served:
    """A started process. `stderr` collects what it says."""

    def __init__(self, folder: Path, program: Sequence[str] = ("gateway",)) -> None:
        self.folder = folder
        self.stderr = ""
        self._lines = threading.Event()
        self.process = subprocess.Popen(
            [sys.executable, "-m", *program, "serve", "--config", str(folder / "gateway.yaml")],
            stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True, cwd=Path(__file__).parents[2],
            env={name: value for name, value in os.environ.items() if not name.startswith("GATEWAY_")},
        )  # fmt: skip
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        for line in self.process.stderr:
            self.stderr += line
            if READY.search(line):
                self._lines.set()
        self._lines.set()

    def wait_ready(self) -> "Served":
        self._lines.wait(30)
        found = READY.search(self.stderr)
        assert found, self.stderr
        self.port, self.ops_port, self.admin_port = map(int, found.groups())
        return self

    def signal(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def exit_code(self, timeout: float = 30) -> int:
        code = self.process.wait(timeout)
        self._reader.join(5)
        return code

    def get(self, path: str, port: int | None = None, token: str | None = None) -> tuple[int, str]:
        request = urllib.request.Request(f"http://127.0.0.1:{port or self.ops_port}{path}")
        if token:
            request.add_header("authorization", f"Bearer {token}")
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode()

    def eventually(self, check, what: str):
        """Poll until `check()` is truthy; for things that another process does in its own time."""
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            found = check()
            if found:
                return found
            threading.Event().wait(0.02)
        raise AssertionError(f"never happened: {what}\n{self.stderr}")

    def decisions(self) -> list[dict]:
        path = self.folder / "decisions.jsonl"
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


@contextlib.contextmanager
def served(folder: Path, upstream: str, program: Sequence[str] = ("gateway",), **options):
    """Write the files, start the process, end it whatever happens. Yields (process, keys, admin token).

    `program` is a module, with its first arguments, that serves as `gateway` does.
    """
    settings = {"decision_log": "decisions.jsonl", "reload_poll_s": 0.1, **options.pop("settings", {})}
    keys, token = write_files(folder, upstream, settings=settings, **options)
    process = Served(folder, program)
    try:
        yield process.wait_ready(), keys, token
    finally:
        if process.process.poll() is None:
            process.process.kill()
        process.exit_code()
        process.process.stderr.close()
