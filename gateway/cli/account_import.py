"""Files in the form of accounts.yaml, one after the other, into a running gateway."""

import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from gateway.cli.admin_client import AdminClient, AdminFailed
from gateway.identity.directory import AccountsFile
from gateway.validate import build
from gateway.yamlio import load_file

_PATIENCE_S: Final = 1.0
"""After so long a person at a terminal is told how far it is."""
_COUNTS: Final = ("orgs", "accounts", "keys", "changed", "in_file")


def import_files(client: AdminClient, files: Sequence[Path]) -> dict[str, Any]:
    """Check each file here, where its lines are, and send it. The sums of the answers.

    Raises YamlProblems or AdminFailed; files before the one at fault are imported, and may be imported again.
    """
    total: dict[str, Any] = dict.fromkeys(_COUNTS, 0) | {"first_in_file": []}
    began = time.monotonic()
    try:
        for done, path in enumerate(files):
            if sys.stderr.isatty() and time.monotonic() - began > _PATIENCE_S:
                print(f"\r{done}/{len(files)} files, {total['keys']} keys ", end="", file=sys.stderr, flush=True)
            loaded = load_file(path)
            build(loaded, AccountsFile)
            try:
                answer = client.call("POST", "import", body=loaded.value)
            except AdminFailed as error:
                raise AdminFailed(f"{path}: {error}") from None
            for name in _COUNTS:
                total[name] += answer[name]
            total["first_in_file"] = (total["first_in_file"] + answer["first_in_file"])[:10]
    finally:
        if sys.stderr.isatty() and time.monotonic() - began > _PATIENCE_S:
            print(file=sys.stderr)
    return total
