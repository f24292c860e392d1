"""Puts a key into accounts.yaml and leaves every other line of the file as it is."""

import os
import tempfile
from pathlib import Path
from typing import Any

from gateway import yamlio
from gateway.identity.directory import AccountsFile
from gateway.validate import build, nearest
from gateway.yamlio import Problem, YamlProblems


def entry_lines(key_id: str, entry: dict[str, Any], indent: int) -> list[str]:
    """The entry as lines of YAML, below a `keys:`."""
    return [" " * indent + line for line in yamlio.dump({key_id: entry}).splitlines()]


def insert(text: str, source: str, key_id: str, entry: dict[str, Any]) -> str:
    """The text of accounts.yaml with one more key. Raises YamlProblems.

    The result is read back and compared, so a layout this does not understand is refused, never damaged.
    """
    loaded = yamlio.load(text, source)
    accounts = build(loaded, AccountsFile).accounts
    if entry["account"] not in accounts:
        place = loaded.place(("accounts",), key=True)
        message = f"no account '{entry['account']}'{nearest(entry['account'], accounts)}"
        raise YamlProblems([Problem(source, place.line, place.column, message)])
    end = "\r\n" if "\r\n" in text else "\n"
    lines = text.splitlines(keepends=True)
    if lines and not lines[-1].endswith(end):
        lines[-1] += end
    keys = loaded.value.get("keys")
    if "keys" not in loaded.value:
        at, new = len(lines), ["keys:", *entry_lines(key_id, entry, 2)]
    else:
        at = loaded.place(("keys",), key=True).line
        first = next(iter(keys or ()), None)
        indent = 2 if first is None else loaded.place(("keys", first), key=True).column - 1
        new = entry_lines(key_id, entry, indent)
        if keys == {}:
            lines[at - 1] = f"keys:{end}"
    lines[at:at] = [line + end for line in new]
    result = "".join(lines)
    expected = loaded.value | {"keys": {key_id: entry} | (keys or {})}
    if _read(result, source) != expected:
        place = loaded.place(("keys",), key=True)
        message = "keys: expected one key below the other, each on lines of its own; add the entry by hand"
        raise YamlProblems([Problem(source, place.line, place.column, message)])
    return result


def _read(text: str, source: str) -> Any:
    try:
        return yamlio.load(text, source).value
    except YamlProblems:
        return None


def replace_file(path: Path, text: str) -> None:
    """Write a file as a whole or not at all, with the mode it had. Raises OSError."""
    target = path.resolve()
    handle, temporary = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="") as file:
            os.fchmod(file.fileno(), target.stat().st_mode & 0o7777)
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).replace(target)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
