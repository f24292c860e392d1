"""Forgetting an epoch: its salt first, for without it all that remains is noise, then its files."""

import contextlib
import os
import secrets
from pathlib import Path

from gateway.registry.shelf import (
    ABOUT,
    COMPACTING,
    SALT,
    SALT_BYTES,
    WRITING,
    About,
    RegistryUnavailable,
    Shelf,
    shelves,
    sync_folder,
    unavailable,
)


def shred(shelf: Shelf) -> None:
    """Forget one replica's epoch. A second call finishes what a crash left. Raises RegistryUnavailable.

    Not while a gateway writes to it or its logs are sorted. The salt is overwritten before its name is taken away; file
    systems and disks that never write in place may keep the old blocks, and so may backups: keep salts out of those.
    """
    with (
        shelf.lock(WRITING, "a running gateway writes to it: stop that, or wait until its epoch is over"),
        shelf.lock(COMPACTING, "it is being sorted"),
    ):
        try:
            _forget_salt(shelf.folder / SALT)
            about = shelf.about()
            shelf.describe(About(shelf.epoch, about.until_ms if about else 0, shredded=True))
            for path in sorted(shelf.folder.iterdir()):
                if path.name not in {ABOUT, WRITING, COMPACTING}:
                    path.unlink(missing_ok=True)
            sync_folder(shelf.folder)
        except OSError as error:
            raise unavailable(shelf.folder, error) from error


def retire(registry: Path, now_ms: int, retention_ms: int) -> tuple[list[str], list[str]]:
    """Shred every epoch, of all replicas, that ended longer ago than `retention_ms`: their names, and what went wrong.

    Raises RegistryUnavailable where there is no registry.
    """
    done: list[str] = []
    problems: list[str] = []
    for shelf in shelves(registry):
        try:
            about = shelf.about()
            if about is None or about.until_ms + retention_ms > now_ms:
                continue
            if about.shredded and not shelf.has_salt() and not shelf.stems():
                continue
            shred(shelf)
            done.append(shelf.name)
        except (RegistryUnavailable, OSError) as error:
            problems.append(str(error))
    return done, problems


def _forget_salt(path: Path) -> None:
    """Raises OSError."""
    with contextlib.suppress(FileNotFoundError):
        with path.open("r+b", buffering=0) as file:
            file.write(secrets.token_bytes(SALT_BYTES))
            os.fsync(file.fileno())
        path.unlink()
        sync_folder(path.parent)
