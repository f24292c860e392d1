"""The Dockerfile's steps, carried out in a folder, and what comes out of them: read-only, run by nobody in particular.

There is no container engine in CI. The instructions are followed with the real pip and the real locks; a virtual
environment stands in for the Python of the base image.
"""

import asyncio
import json
import os
import re
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import openai
import pytest

from gateway import __version__
from gateway.cli.simulator import Simulator
from tests.support.dockerfile import Imitation, parse
from tests.support.markdown import ROOT
from tests.support.needs import missing
from tests.support.running import write_files
from tests.support.served import Served

pytestmark = [pytest.mark.deploy, pytest.mark.timeout(1800)]

INSTRUCTIONS = parse((ROOT / "Dockerfile").read_text())
SETPRIV = shutil.which("setpriv") or "setpriv"
USER = [] if os.geteuid() else [SETPRIV, "--reuid=65532", "--regid=65532", "--clear-groups", "--no-new-privs"]
"""Before a command: become the image's user, where we are root; setpriv replaces itself by the command."""
BUILD_TOOLS = re.compile(
    r"(pip|setuptools|wheel|gcc|g\+\+|cc|cc1|ld|make)([-.\d].*)?|_distutils_hack|pkg_resources|ensurepip"
)
"""Names of files and folders, dist-info and versions included."""


def reachable_python() -> str:
    """An interpreter to build on that the image's user may run; root's own may be under /root."""
    for candidate in (getattr(sys, "_base_executable", sys.executable), "/usr/bin/python3"):
        command = [*USER, candidate, "-c", "import sys, ensurepip; sys.exit(sys.version_info < (3, 11))"]
        try:
            if subprocess.run(command, capture_output=True, timeout=30, check=False).returncode == 0:
                return candidate
        except OSError:
            continue
    missing("no Python 3.11 with ensurepip that an unprivileged user may run")
    raise AssertionError


@pytest.fixture(scope="module")
def image() -> Iterator[Imitation]:
    """Built once, then read-only. Not in tmp_path: pytest keeps other users out of there."""
    with tempfile.TemporaryDirectory(prefix="excise-image-") as folder:
        Path(folder).chmod(0o755)
        one = Imitation(Path(folder) / "root", reachable_python())
        one.build(INSTRUCTIONS)
        # As a volume would be mounted there, before the root becomes read-only.
        (one.root / "etc" / "gateway").mkdir(parents=True)
        _set_writable(one.root, writable=False)
        yield one
        _set_writable(one.root, writable=True)


def _set_writable(root: Path, *, writable: bool) -> None:
    for folder, _, files in os.walk(root):
        if Path(folder).is_relative_to(root / "var") or Path(folder).is_relative_to(root / "etc"):
            continue
        for path in (Path(folder), *(Path(folder) / name for name in files)):
            if not path.is_symlink():
                mode = stat.S_IMODE(path.stat().st_mode)
                path.chmod(mode | stat.S_IWUSR if writable else mode & ~0o222)


@pytest.fixture(scope="module")
def simulator() -> Iterator[str]:
    """A simulated model in a thread: 40 words, 20 ms each, so that a stream takes most of a second."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    one = Simulator(delay_s=0.02)
    asyncio.run_coroutine_threadsafe(one.open("127.0.0.1", 0), loop).result(10)
    yield f"http://127.0.0.1:{one.port}/v1"
    asyncio.run_coroutine_threadsafe(one.close(), loop).result(10)
    loop.call_soon_threadsafe(loop.stop)
    thread.join(10)
    loop.close()


def entry_point(image: Imitation) -> list[str]:
    """ENTRYPOINT as the engine resolves it: by the image's PATH."""
    (found,) = (one.words for one in INSTRUCTIONS if one.word == "ENTRYPOINT")
    program = shutil.which(found[0], path=image.env["PATH"])
    assert program is not None
    return [*USER, program, *found[1:]]


def run(image: Imitation, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*entry_point(image), *arguments], env=image.env, cwd=image.root / "var/lib/gateway",
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip


def tree(root: Path) -> dict[str, int]:
    """Every file but those of the store, with the time of its last change."""
    return {
        str(path.relative_to(root)): path.lstat().st_mtime_ns
        for path in sorted(root.rglob("*"))
        if not path.is_relative_to(root / "var")
    }


class Contained(Served):
    """The image's own command as a process; signals and waiting as in Served."""

    def __init__(self, image: Imitation) -> None:
        (arguments,) = (one.words for one in INSTRUCTIONS if one.word == "CMD")
        self.folder = image.root / "etc" / "gateway"
        self.stderr = ""
        self._lines = threading.Event()
        self.process = subprocess.Popen(
            [*entry_point(image), *arguments], env=image.env, cwd=image.root / "var/lib/gateway",
            stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True,
        )  # fmt: skip
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()


def test_it_says_its_version_and_knows_its_verbs(image: Imitation):
    assert run(image, "--version").stdout == f"gateway {__version__}\n"
    without_settings = run(image, "serve")
    assert without_settings.returncode == 2
    assert "/etc/gateway/gateway.yaml: no such file" in without_settings.stderr


def test_its_request_path_is_compiled(image: Imitation):
    python = image.root / "opt/gateway/bin/python"
    command = [*USER, python, "-c", "from gateway.core.build import COMPILED; print(COMPILED)"]
    done = subprocess.run(command, env=image.env, cwd="/", capture_output=True, text=True, timeout=60, check=False)
    assert (done.stdout, done.stderr) == ("True\n", "")


def test_the_policies_in_it_are_the_shipped_ones(image: Imitation):
    policies = image.root / "usr/share/gateway/policies"
    assert run(image, "policy", "test", str(policies)).returncode == 0
    assert {path.name for path in policies.iterdir()} == {path.name for path in (ROOT / "policies").iterdir()}


def test_nothing_in_it_installs_or_compiles(image: Imitation):
    assert [path for path in image.root.rglob("*") if BUILD_TOOLS.fullmatch(path.name)] == []
    assert all(BUILD_TOOLS.fullmatch(name) for name in ("pip3.11", "setuptools-84.2.1.dist-info", "gcc-12"))


def test_the_user_can_change_nothing_but_the_store(image: Imitation):
    attempt = "import pathlib, sys; pathlib.Path(sys.argv[1], 'x').write_text('x')"
    python = image.root / "opt/gateway/bin/python"

    def write(folder: str) -> subprocess.CompletedProcess[str]:
        command = [*USER, python, "-c", attempt, image.root / folder]
        return subprocess.run(command, env=image.env, capture_output=True, text=True, timeout=60, check=False)

    for folder in ("opt/gateway", "opt/gateway/bin", "usr/share/gateway/policies", "usr/local/bin"):
        assert "Permission" in write(folder).stderr, folder
    assert write("var/lib/gateway").returncode == 0


def test_all_bytecode_is_there_and_is_never_checked(image: Imitation):
    (packages,) = (image.root / "opt/gateway/lib").glob("python3.*/site-packages")
    sources = [*packages.rglob("*.py")]
    assert len(sources) > 500
    tag = next(packages.rglob("*.pyc")).name.split(".")[-2]
    for source in sources:
        compiled = source.parent / "__pycache__" / f"{source.stem}.{tag}.pyc"
        # PEP 552: bit 0, checked by hash and not by time; bit 1, whether the source is looked at.
        assert compiled.read_bytes()[4:8] == b"\x01\0\0\0", source


@pytest.fixture
def config(image: Imitation) -> Iterator[Path]:
    """What would be mounted at /etc/gateway; the image itself has nothing there."""
    folder = image.root / "etc" / "gateway"
    yield folder
    for path in folder.iterdir():
        path.unlink()


def test_it_serves_drains_and_leaves_no_trace(image: Imitation, simulator: str, config: Path):
    keys, _ = write_files(
        config, simulator, policies=image.root / "usr/share/gateway/policies",
        settings={
            "store": f"sqlite:{image.root}/var/lib/gateway/usage.sqlite",
            "decision_log": f"{image.root}/var/lib/gateway/decisions.jsonl",
            "timers": {"drain_s": 20},
        },
    )  # fmt: skip
    before = tree(image.root)
    process = Contained(image)
    try:
        process.wait_ready()
        # Process 1 of a container: the program itself, with no shell between it and the signals, not root.
        facts = Path(f"/proc/{process.process.pid}")
        started = facts.joinpath("cmdline").read_bytes().split(b"\0")
        assert started[0].decode() == str(image.root / "opt/gateway/bin/python")
        assert started[-2] == b"serve"
        if USER:
            assert "\nUid:\t65532\t65532\t65532\t65532\n" in facts.joinpath("status").read_text()
        with openai.OpenAI(
            base_url=f"http://127.0.0.1:{process.port}/v1", api_key=keys["acme"], max_retries=0
        ) as client:
            hello = [{"role": "user", "content": "Say hello"}]
            stream = client.chat.completions.create(model="sim-small", messages=hello, stream=True)
            next(stream)
            process.signal(signal.SIGTERM)
            process.eventually(lambda: process.get("/readyz")[0] == 503, "readiness off")
            words = [chunk.choices[0].delta.content for chunk in stream]
        assert len([word for word in words if word]) >= 38
        assert process.exit_code() == 0
    finally:
        if process.process.poll() is None:
            process.process.kill()
        process.exit_code()
        process.process.stderr.close()
    (record,) = (image.root / "var/lib/gateway/decisions.jsonl").read_text().splitlines()
    assert json.loads(record)["outcome"] == "complete"
    assert tree(image.root) == before
