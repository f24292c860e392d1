"""What the Dockerfile says: linted, and held to a list of rules."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from gateway.config.listeners import AdminListener, DataListener, OpsListener
from tests.support.dockerfile import Instruction, ignored, parse
from tests.support.markdown import ROOT
from tests.support.needs import missing

pytestmark = pytest.mark.deploy

TEXT = (ROOT / "Dockerfile").read_text()
ALL = parse(TEXT)
RUNTIME = [one for one in ALL if one.stage == 1]


def only(word: str) -> Instruction:
    (one,) = (one for one in RUNTIME if one.word == word)
    return one


def test_hadolint_finds_nothing():
    program = shutil.which("hadolint", path=str(Path(sys.executable).parent))
    if program is None:
        missing("hadolint is not installed: make test-all installs requirements/deploy.txt")
    command = [program, "--no-color", "--failure-threshold", "style", ROOT / "Dockerfile"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (done.stdout, done.returncode) == ("", 0)


def test_the_bases_are_one_python_slim_and_whole_and_both_can_be_pinned():
    defaults = dict(one.text.split("=") for one in ALL if one.word == "ARG" and one.stage == -1)
    assert re.fullmatch(r"python:3\.\d+-slim", defaults["PYTHON_IMAGE"])
    assert defaults["BUILD_IMAGE"] == defaults["PYTHON_IMAGE"].removesuffix("-slim")
    assert [one.text for one in ALL if one.word == "FROM"] == ["${BUILD_IMAGE} AS build", "${PYTHON_IMAGE}"]
    for name, default in defaults.items():
        assert f"--build-arg {name}={default}@sha256:" in TEXT


def test_it_is_started_without_a_shell_and_stopped_by_sigterm():
    assert only("ENTRYPOINT").words == ["gateway"]
    assert only("CMD").words == ["serve"]
    assert only("STOPSIGNAL").text == "SIGTERM"
    assert not {one.word for one in ALL} & {"HEALTHCHECK", "SHELL", "ADD", "VOLUME", "ONBUILD"}


def test_the_user_is_a_number_and_comes_after_all_that_needs_root():
    assert only("USER").text == "65532:65532"
    words = [one.word for one in RUNTIME]
    assert words.index("USER") > max(place for place, word in enumerate(words) if word in ("RUN", "COPY"))


def test_the_ports_are_those_of_the_settings():
    defaults = [model.model_fields["port"].default for model in (DataListener, OpsListener, AdminListener)]
    assert only("EXPOSE").text.split() == [str(port) for port in defaults]


def test_the_environment_suits_a_root_that_is_read_only():
    env = dict(pair.partition("=")[::2] for pair in only("ENV").text.split())
    assert env["PYTHONDONTWRITEBYTECODE"] == env["PYTHONUNBUFFERED"] == "1"
    assert env["GATEWAY_CONFIG"] == "/etc/gateway/gateway.yaml"
    assert env["PATH"].startswith("/opt/gateway/bin:")


def test_every_installation_is_from_hashes_and_of_wheels():
    runs = " && ".join(one.text for one in ALL if one.word == "RUN").split(" && ")
    installs = [run for run in runs if " install " in run and "pip" in run]
    assert len(installs) == 3
    for install in installs:
        offline = "--no-index" in install and "--no-deps" in install
        assert offline or ("--require-hashes" in install and "--only-binary :all:" in install)
    assert not re.search(r"\b(apt|apt-get|apk|gcc|curl|wget)\b", TEXT)


def test_the_request_path_is_compiled_and_nothing_else_is():
    compiled = [one for one in ALL if "GATEWAY_COMPILE" in one.text]
    assert [(one.word, one.stage) for one in compiled] == [("RUN", 0)]
    assert compiled[0].text.startswith("GATEWAY_COMPILE=1 /opt/build/bin/python -m pip wheel ")


def test_the_lock_of_the_build_is_the_one_of_the_tests():
    lock = (ROOT / "requirements" / "build.txt").read_text().splitlines()
    assert [line.partition("==")[0] for line in lock if "==" in line] == [
        "ast-serialize", "librt", "mypy", "mypy-extensions", "pathspec", "setuptools", "typing-extensions",
    ]  # fmt: skip
    assert set(lock) <= set((ROOT / "requirements" / "dev.txt").read_text().splitlines())
    assert all("--hash=sha256:" in line for line in lock if "==" not in line)


def test_dependencies_are_a_layer_below_the_source():
    copies = [one for one in ALL if one.word == "COPY" and one.stage == 0]
    assert "requirements/runtime.txt" in copies[0].text
    assert "gateway" in copies[-1].text.split()
    between = ALL[ALL.index(copies[0]) : ALL.index(copies[-1])]
    assert any(one.word == "RUN" and "runtime.txt" in one.text for one in between)


def test_the_running_image_gets_the_environment_and_the_policies_only():
    assert [one.text for one in RUNTIME if one.word == "COPY"] == [
        "--from=build /opt/gateway /opt/gateway",
        "policies /usr/share/gateway/policies",
    ]


def test_the_builder_sees_what_is_copied_and_nothing_else():
    sources = {word for one in ALL if one.word == "COPY" and "--from" not in one.text for word in one.text.split()[:-1]}
    assert all((ROOT / source).exists() and not ignored(source) for source in sources)
    tops = {path.name for path in ROOT.iterdir()}
    assert {top for top in tops if not ignored(top)} == {source for source in sources if "/" not in source}
    for hidden in (".git/config", ".venv/bin/python", "tests/conftest.py", "requirements/dev.txt", "helm/values.yaml"):
        assert ignored(hidden)
    assert ignored("gateway/core/__pycache__/units.cpython-311.pyc")
    assert not ignored("gateway/core/units.py")


def test_labels_say_what_it_is():
    labels = dict(re.findall(r'org\.opencontainers\.image\.(\w+)="([^"]+)"', only("LABEL").text))
    assert set(labels) == {"title", "description", "licenses", "version", "revision"}
    assert (labels["title"], labels["licenses"], labels["version"]) == ("excise-gateway", "Apache-2.0", "${VERSION}")


def test_the_parser_joins_lines_and_knows_a_shell_form():
    one, two = parse('FROM a\n# no\nCMD ["x", \\\n  # inside\n  "y"]')
    assert (one.stage, two.words) == (0, ["x", "y"])
    with pytest.raises(ValueError, match="Expecting value"):
        _ = Instruction("CMD", "gateway serve", 0).words
