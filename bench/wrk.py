"""wrk with a POST, for as long as a window lasts, and what it counted."""

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path

from bench.plan import BenchFailed

_SCRIPT = """\
wrk.method = "POST"
wrk.body = %s
wrk.headers["content-type"] = "application/json"
wrk.headers["authorization"] = %s
done = function(summary, latency, requests)
  local e = summary.errors
  io.write(string.format("BENCH %%d %%d %%d %%d\\n", summary.requests, summary.duration, e.status,
    e.connect + e.read + e.write + e.timeout))
end
"""


@dataclass(frozen=True, slots=True)
class Counted:
    """One window. `refused` answers have a status over 399; `broken` ones never came."""

    requests: int
    seconds: float
    refused: int
    broken: int


def script(folder: Path, name: str, body: dict[str, object], key: str) -> Path:
    """Write the Lua file of a request."""
    path = folder / f"{name}.lua"
    path.write_text(_SCRIPT % (_lua(json.dumps(body)), _lua(f"Bearer {key}")))
    return path


def run(program: str, lua: Path, port: int, connections: int) -> Counted:
    """One window of a second (wrk knows no shorter one), closed loop."""
    url = f"http://127.0.0.1:{port}/v1/chat/completions"
    command = [program, "-t1", f"-c{connections}", "-d1s", "-s", str(lua), url]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    if done.returncode != 0:
        raise BenchFailed(f"wrk failed: {done.stderr.strip() or done.stdout.strip()}")
    return parse(done.stdout)


def parse(output: str) -> Counted:
    for line in output.splitlines():
        if line.startswith("BENCH "):
            requests, micros, refused, broken = map(int, line.split()[1:])
            return Counted(requests, micros / 1e6, refused, broken)
    raise BenchFailed(f"wrk did not say what it counted: {output!r}")


def _lua(text: str) -> str:
    """A long string needs no escapes as long as it does not hold its own end."""
    assert "]==]" not in text
    return f"[==[{text}]==]"
