"""The folder of one replica and one epoch: its salt, what it is about, and its files.

    REGISTRY/<instance>/<epoch>/about.json     what this is, and until when the epoch lasts
                                salt           32 random bytes, for the owner only
                                <day>-<n>.open the log that is being written
                                <day>-<n>.log  a closed log
                                <day>-<n>.seg  the same, sorted for look-ups

Fingerprints are made with a key of the master's and the salt's. Without its salt an epoch is noise: that is how it is
forgotten, before its files are.
"""

import contextlib
import fcntl
import json
import os
import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

from gateway.registry.sketch import Hasher
from gateway.registry.units import VERSION

FORMAT: Final = 1
SALT_BYTES: Final = 32
SALT: Final = "salt"
ABOUT: Final = "about.json"
WRITING: Final = ".writing"
COMPACTING: Final = ".compacting"
_ABOUT_BYTES: Final = 4096
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_STEM: Final = re.compile(r"(\d{8}-\d{6})\.(open|log|seg)")

Suffix = Literal["open", "log", "seg"]


class RegistryUnavailable(Exception):  # noqa: N818 - a state of the world, not a mistake
    """The registry cannot be read or written. The message is a sentence an operator can act on."""


class RegistryBusy(RegistryUnavailable):
    """Another process works on the folder."""


@dataclass(frozen=True, slots=True)
class About:
    """What a folder says of itself."""

    epoch: str
    until_ms: int
    """When the epoch ends, ms since 1970. Nothing is issued in it afterwards."""
    shredded: bool = False


class Shelf:
    """One folder. Nothing of it is held open."""

    __slots__ = ("folder",)

    def __init__(self, folder: Path) -> None:
        """`folder` is REGISTRY/<instance>/<epoch>. Raises ValueError for names that are none."""
        if not _NAME.fullmatch(folder.name) or not _NAME.fullmatch(folder.parent.name):
            raise ValueError(
                "instances and epochs are named with letters, digits, dots, dashes and underlines, 64 at most"
            )
        self.folder = folder

    @property
    def instance(self) -> str:
        return self.folder.parent.name

    @property
    def epoch(self) -> str:
        return self.folder.name

    @property
    def name(self) -> str:
        """For people."""
        return f"{self.instance}/{self.epoch}"

    def create(self, until_ms: int) -> None:
        """Make what is missing of it. Raises RegistryUnavailable."""
        try:
            for folder in (self.folder.parent.parent, self.folder.parent, self.folder):
                folder.mkdir(mode=0o700, exist_ok=True)
            about = self.about()
            if about is not None and about.shredded:
                raise RegistryUnavailable(f"registry {self.folder}: the epoch was shredded; nothing is added to it")
            if about is None or about.until_ms < until_ms:
                self.describe(About(self.epoch, until_ms))
            if not self.has_salt():
                if self.stems():
                    raise RegistryUnavailable(
                        f"registry {self.folder}: its salt is gone and its files are not: gateway registry shred "
                        f"{self.epoch} removes them"
                    )
                replace(self.folder / SALT, secrets.token_bytes(SALT_BYTES))
        except OSError as error:
            raise unavailable(self.folder, error) from error

    def about(self) -> About | None:
        """None where nothing was ever written. Raises RegistryUnavailable."""
        path = self.folder / ABOUT
        try:
            with path.open("rb") as file:
                document = json.loads(file.read(_ABOUT_BYTES))
        except FileNotFoundError:
            return None
        except OSError as error:
            raise unavailable(path, error) from error
        except ValueError:
            document = None
        return self._about(path, document)

    def _about(self, path: Path, document: Any) -> About:
        if not isinstance(document, dict) or document.get("epoch") != self.epoch:
            raise RegistryUnavailable(f"{path}: expected what a registry folder says of itself")
        found = (document.get("format"), document.get("fingerprints"))
        if found != (FORMAT, VERSION):
            raise RegistryUnavailable(
                f"{path}: format {found[0]} with fingerprints {found[1]}; this version of the gateway reads format "
                f"{FORMAT} with fingerprints {VERSION}"
            )
        until = document.get("until_ms")
        if not isinstance(until, int):
            raise RegistryUnavailable(f"{path}: until_ms: expected a whole number")
        return About(self.epoch, until, document.get("shredded") is True)

    def describe(self, about: About) -> None:
        """Raises OSError."""
        document = {
            "format": FORMAT,
            "fingerprints": VERSION,
            "epoch": about.epoch,
            "until_ms": about.until_ms,
            "shredded": about.shredded,
        }
        replace(self.folder / ABOUT, json.dumps(document).encode() + b"\n")

    def has_salt(self) -> bool:
        return (self.folder / SALT).exists()

    def hasher(self, root: bytes) -> Hasher | None:
        """What makes this folder's fingerprints; None where its salt is gone. Raises RegistryUnavailable."""
        path = self.folder / SALT
        try:
            salt = path.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise unavailable(path, error) from error
        if len(salt) != SALT_BYTES:
            raise RegistryUnavailable(f"{path}: expected {SALT_BYTES} bytes, found {len(salt)}")
        return Hasher(root, salt)

    def stems(self) -> list[str]:
        """Its logs and segments, oldest first, without their suffixes. Raises OSError."""
        return sorted({match[1] for match in map(_STEM.fullmatch, self._names()) if match})

    def stems_of(self, suffix: Suffix) -> list[str]:
        """Those that have such a file."""
        found = (match for match in map(_STEM.fullmatch, self._names()) if match)
        return sorted(match[1] for match in found if match[2] == suffix)

    def _names(self) -> list[str]:
        return [path.name for path in self.folder.iterdir()]

    def path(self, stem: str, suffix: Suffix) -> Path:
        return self.folder / f"{stem}.{suffix}"

    @contextmanager
    def lock(self, name: str, busy: str) -> Iterator[None]:
        """One holder at a time; the kernel frees the lock of a dead one. Raises RegistryBusy."""
        try:
            descriptor = os.open(self.folder / name, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise unavailable(self.folder, error) from error
        try:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise RegistryBusy(f"registry {self.folder}: {busy}") from None
            yield
        finally:
            os.close(descriptor)


def shelves(registry: Path) -> list[Shelf]:
    """All replicas' folders of all epochs, by name. Raises RegistryUnavailable where there is no such registry."""
    try:
        found = [
            Shelf(folder)
            for instance in sorted(registry.iterdir())
            if instance.is_dir() and _NAME.fullmatch(instance.name)
            for folder in sorted(instance.iterdir())
            if _NAME.fullmatch(folder.name) and (folder / ABOUT).exists()
        ]
    except OSError as error:
        raise unavailable(registry, error) from error
    return found


def unavailable(path: Path, error: OSError) -> RegistryUnavailable:
    """The path, and what the system says."""
    return RegistryUnavailable(f"registry {path}: {error.strerror or error}")


def replace(path: Path, data: bytes) -> None:
    """Whole or not at all, for the owner only, and there when the machine dies the next moment. Raises OSError."""
    temporary = path.with_name(path.name + ".new")
    try:
        with open(temporary, "wb", opener=private) as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise
    sync_folder(path.parent)


def private(path: str, flags: int) -> int:
    """An opener for files that only their owner may read."""
    return os.open(path, flags | os.O_CLOEXEC, 0o600)


def sync_folder(folder: Path) -> None:
    """Names that were given or taken away in it outlive the machine's death. Raises OSError."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
