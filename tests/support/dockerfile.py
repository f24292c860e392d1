"""Reads our Dockerfile and does what it says without a container engine: in a folder, with paths moved below it."""

import fnmatch
import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.support.markdown import ROOT

_ABSOLUTE = re.compile(r"(?<![\w./-])/(?=(?:opt|src|usr|var|etc)\b)")


@dataclass(frozen=True)
class Instruction:
    """One instruction: its word, the rest with continued lines joined, and the stage it stands in (-1: before all)."""

    word: str
    text: str
    stage: int

    @property
    def words(self) -> list[str]:
        """The list of an exec form. Raises ValueError for a shell form."""
        found = json.loads(self.text)
        assert isinstance(found, list)
        return found


def parse(text: str) -> list[Instruction]:
    """All instructions, without comments."""
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("#")]
    joined = re.sub(r"\\\n\s*", " ", "\n".join(lines))
    found: list[Instruction] = []
    stage = -1
    for line in filter(None, map(str.strip, joined.splitlines())):
        word, _, rest = line.partition(" ")
        stage += word == "FROM"
        found.append(Instruction(word, re.sub(r"\s+", " ", rest).strip(), stage))
    return found


def ignored(path: str) -> bool:
    """Whether .dockerignore keeps this path of the repository from the builder; the last pattern that fits decides."""
    verdict = False
    for line in (ROOT / ".dockerignore").read_text().splitlines():
        pattern = line.strip()
        if not pattern or pattern.startswith("#"):
            continue
        kept = pattern.startswith("!")
        parts = pattern.lstrip("!").removeprefix("**/").split("/")
        steps = path.split("/")
        starts = range(len(steps)) if "**/" in pattern else [0]
        if any(_fits(steps[start:], parts) for start in starts):
            verdict = not kept
    return verdict


def _fits(steps: list[str], parts: list[str]) -> bool:
    """A pattern also covers everything below what it names."""
    return len(steps) >= len(parts) and all(fnmatch.fnmatch(*pair) for pair in zip(steps, parts, strict=False))


class Imitation:
    """The root of an image under `root`, made by following the instructions of one stage after the other."""

    def __init__(self, root: Path, python: str) -> None:
        self.root = root
        self._python = python
        self._earlier = root.with_name(root.name + "-build")
        self.env: dict[str, str] = {}

    def build(self, instructions: list[Instruction]) -> None:
        for one in instructions:
            match one.word:
                case "FROM":
                    self._base()
                case "RUN":
                    self._run(one.text)
                case "COPY":
                    self._copy(one.text.split())
                case "ENV":
                    for pair in one.text.split():
                        name, _, value = pair.partition("=")
                        self.env[name] = self.moved(value).replace("$PATH", str(self.root / "usr/local/bin"))

    def moved(self, text: str) -> str:
        """The text with absolute paths below our root."""
        return _ABSOLUTE.sub(f"{self.root}/", text)

    def _base(self) -> None:
        """A fresh virtual environment stands in for the base image's /usr/local: it has pip, and is ours to change."""
        if self.root.exists():
            self.root.rename(self._earlier)
        local = self.root / "usr" / "local"
        subprocess.run([self._python, "-m", "venv", local], check=True, capture_output=True, timeout=100)
        (library,) = (local / "lib").glob("python3.*")
        (library / "ensurepip").mkdir()

    def _run(self, command: str) -> None:
        moved = self.moved(command)
        if os.geteuid() != 0:
            moved = moved.replace("-o 65532 -g 65532 ", "")
        # A path that was not moved would change the machine that runs the tests.
        assert all(word.startswith(f"{self.root}/") for word in re.findall(r"(?<![\w./-])/[^\s\"']*", moved)), moved
        env = {name: value for name, value in os.environ.items() if not name.startswith(("GATEWAY_", "PYTHON"))}
        env["PATH"] = f"{self.root}/usr/local/bin{os.pathsep}{os.defpath}"
        env.pop("VIRTUAL_ENV", None)
        done = subprocess.run(
            ["/bin/sh", "-c", moved], env=env, cwd="/", capture_output=True, text=True, timeout=1500, check=False
        )
        assert done.returncode == 0, f"{moved}\n{done.stdout}\n{done.stderr}"

    def _copy(self, words: list[str]) -> None:
        earlier = any(word.startswith("--from=") for word in words)
        *sources, target = (word for word in words if not word.startswith("--"))
        for source in sources:
            origin = self._earlier / source.lstrip("/") if earlier else ROOT / source
            where = self.root / target.lstrip("/")
            where = where / origin.name if target.endswith("/") else where
            if origin.is_dir():
                skip = None if earlier else self._skip
                shutil.copytree(origin, where, symlinks=True, ignore=skip)
            else:
                where.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(origin, where)

    @staticmethod
    def _skip(folder: str, names: list[str]) -> Iterator[str]:
        inside = Path(folder).relative_to(ROOT)
        return [name for name in names if ignored(str(inside / name))]
