"""The master secret in its file: 64 hex digits that only its owner may read. No message and no log shows any of it."""

import os
import re
import secrets
import stat
from pathlib import Path
from typing import Final

from gateway.watermarks.keys import MASTER_BYTES, Master

_MOST_BYTES: Final = 256
_DIGITS: Final = re.compile(rb"[0-9a-fA-F]{%d}" % (2 * MASTER_BYTES))


class BadSecret(ValueError):  # noqa: N818 - a state of the world, not a mistake
    """A file that cannot be the master secret. The message names the file and what to do, never the content."""


def read_master(path: Path) -> Master:
    """Read the secret. Raises BadSecret, also where others than its owner may read it.

    A group may read a file that belongs to another user: that is how Kubernetes hands a secret to a pod (root's file,
    mode 0440, the pod's fsGroup). A file of our own is for us alone.
    """
    try:
        with path.open("rb") as file:
            status = os.fstat(file.fileno())
            data = file.read(_MOST_BYTES)
    except OSError as error:
        raise BadSecret(f"{path}: cannot be read: {error.strerror}") from None
    too_much = stat.S_IRWXO | stat.S_IWGRP | stat.S_IXGRP
    if status.st_uid == os.geteuid():
        too_much |= stat.S_IRGRP
    if status.st_mode & too_much:
        raise BadSecret(f"{path}: others can read or change it: expected mode 0600 or 0400: chmod 600 {path}")
    if _DIGITS.fullmatch(data.strip()) is None:
        raise BadSecret(f"{path}: expected {2 * MASTER_BYTES} hex digits: make it with `gateway watermark keygen`")
    return Master(bytes.fromhex(data.decode().strip()))


def write_secret(path: Path) -> None:
    """Make a new secret. Raises FileExistsError rather than to overwrite one, OSError where it cannot be written."""
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w", encoding="ascii") as file:
        file.write(secrets.token_hex(MASTER_BYTES) + "\n")
        file.flush()
        os.fsync(file.fileno())
