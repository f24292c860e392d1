"""Walks through the README as a newcomer would: every block in order, against a demo and a served gateway.

Commands run as they stand there, but for the ports: those of the README are replaced by the free ones that were taken.
`make` lines are not run (they would fetch packages); what make would do is looked at instead.
"""

import contextlib
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

from tests.support.markdown import ROOT, Block


class Child:
    """A command in the foreground of a terminal of its own, until it has said what was waited for."""

    def __init__(self, command: list[str], ready: str, env: dict[str, str], folder: Path) -> None:
        self.said = ""
        self._ready = re.compile(ready, re.DOTALL)
        self._seen = threading.Event()
        self._process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=env, cwd=folder
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        for line in self._process.stdout:
            self.said += line
            if self._ready.search(self.said):
                self._seen.set()
        self._seen.set()

    def wait(self) -> re.Match[str]:
        self._seen.wait(30)
        found = self._ready.search(self.said)
        assert found, self.said
        return found

    def stop(self) -> int:
        self._process.terminate()
        status = self._process.wait(20)
        self._reader.join(20)
        self._process.stdout.close()
        return status


class Walk:
    """What has been done so far: the folder, the variables, the ports, and what the last block printed."""

    def __init__(self, folder: Path, upstream_port: int) -> None:
        self.folder = folder
        self.output = ""
        self.ports = {"8000": str(upstream_port)}
        self.children: list[Child] = []
        self.env = {name: value for name, value in os.environ.items() if not name.startswith("GATEWAY_")}
        command = folder.parent / "bin"
        command.mkdir()
        (command / "gateway").write_text(f'#!/bin/sh\nexec {sys.executable} -m gateway "$@"\n')
        (command / "gateway").chmod(0o755)
        self.env |= {"PATH": f"{command}:{self.env['PATH']}", "PYTHONPATH": str(ROOT), "no_proxy": "*"}
        # Whatever else runs on this machine may have the ports of the README.
        self.env |= {f"GATEWAY_{name}__PORT": "0" for name in ("DATA", "OPS", "ADMIN")}

    def step(self, block: Block) -> None:
        """Execute one block, or fail: nothing in the README is for show."""
        kinds = {"sh": self._shell, "python": self._python, "yaml": self._files, "text": self._compare}
        assert block.language in kinds, f"{block.place}: nothing executes a block of {block.language!r}"
        kinds[block.language](block)

    def _local(self, text: str) -> str:
        return re.sub(r"127\.0\.0\.1:(\d+)", lambda found: f"127.0.0.1:{self.ports.get(found[1], found[1])}", text)

    def _shell(self, block: Block) -> None:
        rest = []
        for line in block.text.splitlines():
            if line.startswith("make "):
                self._make(line.partition("#")[0].split()[1:])
            elif line.startswith("gateway serve "):
                self._flush(rest, block)
                self._serve(line.split())
            else:
                rest.append(line)
        self._flush(rest, block)

    def _flush(self, lines: list[str], block: Block) -> None:
        script = self._local("\n".join(lines))
        lines.clear()
        if script.strip():
            self._run(["bash", "-euo", "pipefail", "-c", script], block)

    def _run(self, command: list[str], block: Block) -> None:
        done = subprocess.run(
            command, capture_output=True, text=True, env=self.env, cwd=self.folder, timeout=60, check=False
        )
        assert done.returncode == 0, f"{block.place}: exit {done.returncode}\n{done.stdout}\n{done.stderr}"
        self.output = done.stdout

    def _make(self, targets: list[str]) -> None:
        done = subprocess.run(["make", "-n", *targets], capture_output=True, text=True, cwd=ROOT, check=True)
        assert targets == ["run"], "only the demo is followed further"
        assert "-m gateway demo" in done.stdout
        ready = r":(\d+)/v1,.*?:(\d+)/metrics.*?:(\d+)/admin/v1\n.*^export ([^\n]*)\n.*Ctrl-C stops it"
        ports = ["--port", "0", "--ops-port", "0", "--admin-port", "0"]
        demo = Child([sys.executable, "-m", "gateway", "demo", *ports], f"(?m){ready}", self.env, ROOT)
        self.children.append(demo)
        data, ops, admin, exports = demo.wait().groups()
        self.ports |= {"8080": data, "9091": ops, "9092": admin}
        self.env |= dict(word.split("=", 1) for word in exports.split())

    def _serve(self, command: list[str]) -> None:
        ready = r"gateway ready: data \S+:(\d+), ops \S+:(\d+), admin \S+:(\d+)"
        served = Child(command, ready, self.env, self.folder)
        self.children.append(served)
        self.ports |= dict(zip(("8080", "9091", "9092"), served.wait().groups(), strict=True))

    def _python(self, block: Block) -> None:
        self._run([sys.executable, "-W", "error", "-c", self._local(block.text)], block)
        assert self.output.strip(), f"{block.place}: printed nothing"

    def _files(self, block: Block) -> None:
        """Files whose first line is a comment with their name."""
        for part in block.text.split("---\n"):
            named = re.match(r"# ([\w./-]+\.yaml)\n", part)
            assert named, f"{block.place}: expected a first line like `# gateway.yaml`"
            path = self.folder / named[1]
            path.parent.mkdir(exist_ok=True)
            path.write_text(self._local(part))

    def _compare(self, block: Block) -> None:
        """Each line stands in the output of the block before, in this order; … is anything."""
        at = 0
        # A line that is indented continues the one above: long JSON is folded for the reader.
        for line in block.text.replace("\n  ", "").splitlines():
            pattern = ".*?".join(re.escape(part) for part in line.split("…"))
            found = re.compile(pattern).search(self.output, at)
            assert found, f"{block.place}: not in the output: {line}\n{self.output[at:]}"
            at = found.end()


@contextlib.contextmanager
def walking(folder: Path, upstream_port: int) -> Iterator[Walk]:
    folder.mkdir()
    walk = Walk(folder, upstream_port)
    try:
        yield walk
    finally:
        statuses = [child.stop() for child in walk.children]
    assert statuses == [0] * len(statuses), [child.said for child in walk.children]
