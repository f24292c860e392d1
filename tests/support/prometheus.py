"""A real Prometheus server on loopback, started for one test and ended with it.

    with prometheus(tmp_path, {"gateway": f"127.0.0.1:{ops_port}"}, rules=[Path("rules.yaml")]) as watching:
        watching.until_scraped("gateway", 3)
        watching.query("sum(rate(gateway_requests_total[10s]))")

It scrapes and evaluates rules every second, keeps its data in the test's folder and listens on a free port.
`data` may name a folder of blocks made by `promtool tsdb create-blocks-from openmetrics`: history without waiting.
"""

import contextlib
import json
import re
import shutil
import subprocess
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from tests.support.needs import missing

INTERVAL_S = 1
"""Between two scrapes, and between two evaluations of a rule."""
PATIENCE_S = 60.0
_LISTENS = re.compile(r'msg="Listening on" address=\S+:(\d+)')
_READY = "Server is ready to receive web requests."


def need_prometheus() -> None:
    """Without the programs there is nothing to test: a skip that shows in the count, in CI a failure."""
    absent = [name for name in ("prometheus", "promtool") if shutil.which(name) is None]
    if absent:
        missing(f"needs {' and '.join(absent)} (Debian package prometheus)")


class Refused(Exception):  # noqa: N818 - named for what happened
    """Prometheus would not evaluate a query; its words."""


class Prometheus:
    """A started server. `log` collects what it says."""

    def __init__(self, config: Path, data: Path) -> None:
        self.log = ""
        self.port = 0
        self._ready = threading.Event()
        command = ["prometheus", f"--config.file={config}", f"--storage.tsdb.path={data}"]
        # Blocks of a test may be older than the retention, and must not be deleted under it.
        more = ["--web.listen-address=127.0.0.1:0", "--storage.tsdb.retention.time=10y"]
        self._process = subprocess.Popen(
            [*command, *more], stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True, cwd=config.parent
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        for line in self._process.stderr:
            self.log += line
            if found := _LISTENS.search(line):
                self.port = int(found[1])
            if self.port and _READY in self.log:
                self._ready.set()
        self._ready.set()

    def wait_ready(self) -> None:
        self._ready.wait(PATIENCE_S)
        assert self.port, self.log[-4000:]
        assert _READY in self.log, self.log[-4000:]

    def end(self) -> None:
        """Its data is not wanted any more, so it need not end in good order."""
        self._process.kill()
        self._process.wait(PATIENCE_S)
        self._reader.join(5)
        self._process.stderr.close()

    def api(self, path: str, **parameters: Any) -> Any:
        """What `/api/v1/PATH` answers under `data`. Raises Refused for its errors."""
        form = urllib.parse.urlencode(parameters)
        address = f"http://127.0.0.1:{self.port}/api/v1/{path}?{form}"
        try:
            with urllib.request.urlopen(address, timeout=PATIENCE_S) as answer:
                return json.load(answer)["data"]
        except urllib.error.HTTPError as error:
            with error:
                raise Refused(json.load(error)["error"]) from None

    def query(self, expr: str, at: float | None = None) -> list[dict[str, Any]]:
        """The series an instant query finds (`metric`, `value`), now or at a Unix time in seconds."""
        when = {} if at is None else {"time": at}
        found = self.api("query", query=expr, **when)
        one_number = {"metric": {}, "value": found["result"]}
        return [one_number] if found["resultType"] == "scalar" else found["result"]

    def value(self, expr: str, at: float | None = None) -> float | None:
        """The number an expression of at most one series has; None for no series."""
        found = self.query(expr, at)
        assert len(found) <= 1, found
        return float(found[0]["value"][1]) if found else None

    def query_range(self, expr: str, start: float, end: float, step: float) -> list[dict[str, Any]]:
        """The series of a range query (`metric`, `values`); times in Unix seconds."""
        return self.api("query_range", query=expr, start=start, end=end, step=step)["result"]

    def rules(self) -> list[dict[str, Any]]:
        """Every loaded rule, with its `health` and `lastError`."""
        return [rule for group in self.api("rules")["groups"] for rule in group["rules"]]

    def until(self, check: Callable[[], Any], what: str, patience_s: float = PATIENCE_S) -> Any:
        """Poll until `check()` is truthy, and return that."""
        deadline = time.monotonic() + patience_s
        while time.monotonic() < deadline:
            if found := check():
                return found
            threading.Event().wait(0.05)
        targets = [(one["scrapeUrl"], one["lastError"]) for one in self.api("targets")["activeTargets"]]
        raise AssertionError(f"never happened: {what}\n{targets}\n{self.log[-2000:]}")

    def scrapes(self, job: str) -> int:
        """How many good scrapes of a job there are, of all its instances together."""
        return int(self.value(f'sum(sum_over_time(up{{job="{job}"}}[1h]))') or 0)

    def until_scraped(self, job: str, times: int = 1) -> None:
        """Wait for so many further scrapes."""
        wanted = self.scrapes(job) + times
        self.until(lambda: self.scrapes(job) >= wanted, f"{times} more scrapes of {job}")


@contextlib.contextmanager
def prometheus(
    folder: Path,
    targets: Mapping[str, str | Sequence[str]],
    *,
    rules: Sequence[Path] = (),
    data: Path | None = None,
) -> Iterator[Prometheus]:
    """Start one: `targets` are host:port (or several) by job name. Its files lie in `folder`."""
    need_prometheus()
    folder.mkdir(parents=True, exist_ok=True)
    jobs = [
        {"job_name": job, "static_configs": [{"targets": [found] if isinstance(found, str) else [*found]}]}
        for job, found in targets.items()
    ]
    document = {
        "global": {"scrape_interval": f"{INTERVAL_S}s", "evaluation_interval": f"{INTERVAL_S}s"},
        "rule_files": [str(path.absolute()) for path in rules],
        "scrape_configs": jobs,
    }
    config = folder / "prometheus.yaml"
    config.write_text(yaml.safe_dump(document, sort_keys=False))
    server = Prometheus(config, data or folder / "prometheus-data")
    try:
        server.wait_ready()
        yield server
    finally:
        server.end()
