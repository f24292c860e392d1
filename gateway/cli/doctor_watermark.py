"""Whether marks could be made, and would prove something later: secret, folder, epochs, commitments, account logs."""

import os
import stat
from collections.abc import Iterator
from typing import Final

from gateway.cli.doctor_checks import Line
from gateway.config import Settings
from gateway.config.watermark import DAY_MS, WatermarkEntry
from gateway.core.clock import Clock
from gateway.mark_files import MarkFiles, load_mark_files
from gateway.watermarks.account_log import log_folder
from gateway.watermarks.account_notes import read_logs
from gateway.watermarks.epochs import (
    BadCommitment,
    Epoch,
    check,
    commitment_path,
    epoch_after,
    epoch_at,
    read_commitment,
)
from gateway.yamlio import YamlProblems

_AHEAD_DAYS: Final = 7
"""The next epoch should be promised, and the promise published, before the present one ends."""
_COMMIT: Final = "gateway watermark commit, then publish what it prints"


def watermark(settings: Settings, clock: Clock) -> Iterator[Line]:
    """Nothing where the settings have no marks. A secret or table that cannot be read is what `config` says."""
    entry = settings.watermark
    if entry is None:
        return
    yield from _folder(entry)
    try:
        files = load_mark_files(entry)
    except YamlProblems:
        return
    yield Line("ok", "watermark secret", f"{entry.secret_file} can be read by this user and not by everybody")
    now_ms = clock.now_ms()
    current, following = epoch_at(files.epochs, now_ms), epoch_after(files.epochs, now_ms)
    yield _epoch(current, following, now_ms)
    for epoch in (current, following):
        if epoch is not None:
            yield from (_commitment(entry, files, epoch, family, now_ms) for family in files.tables)
    yield from _widths(settings, files)
    yield from _logs(entry)


def _widths(settings: Settings, files: MarkFiles) -> Iterator[Line]:
    """Pairs that no upstream has room for carry no mark, and the detector counts them all the same."""
    for name, upstream in settings.upstreams.items():
        entries = upstream.bias_entries
        for family, table in files.tables.items():
            if 0 < entries < len(table.pairs):
                message = f"upstream {name} takes {entries} entries, and the table has {len(table.pairs)} pairs"
                remedy = f"for an epoch to come, make a table with `gateway watermark pairs --pairs {entries}`"
                yield Line("warn", f"pair table {family}", f"{message}: the rest only blurs the mark", remedy)


def _folder(entry: WatermarkEntry) -> Iterator[Line]:
    path = entry.directory
    if not path.exists():
        if path.parent.is_dir() and os.access(path.parent, os.W_OK):
            yield Line("ok", "watermark folder", f"{path} will be made")
        else:
            yield Line("fail", "watermark folder", f"{path} does not exist", f"mkdir -m 700 -p {path}")
    elif not path.is_dir() or not os.access(path, os.R_OK | os.W_OK | os.X_OK):
        yield Line("fail", "watermark folder", f"{path} is no folder that this user can write", "give it permission")
    elif path.stat().st_mode & stat.S_IRWXO:
        yield Line("warn", "watermark folder", f"{path} is open to everybody", f"chmod 700 {path}")
    else:
        yield Line("ok", "watermark folder", f"{path} can be written, and is closed to everybody else")


def _epoch(current: Epoch | None, following: Epoch | None, now_ms: int) -> Line:
    add = "add an epoch to watermark.epochs"
    if current is None:
        after = "" if following is None else f" before {following.id} begins"
        return Line("fail", "watermark epoch", f"none is under way: nothing is marked{after}", add)
    left = (current.until_ms - now_ms) // DAY_MS
    if following is None and left < _AHEAD_DAYS:
        return Line("warn", "watermark epoch", f"{current.id} ends in {left} days and none follows", add)
    if following is not None and following.from_ms > current.until_ms:
        message = f"nothing is marked between the end of {current.id} and {following.id}"
        return Line("warn", "watermark epoch", message, f"let {following.id} begin earlier")
    return Line("ok", "watermark epoch", f"{current.id}, for another {left} days")


def _commitment(entry: WatermarkEntry, files: MarkFiles, epoch: Epoch, family: str, now_ms: int) -> Line:
    name = f"commitment {epoch.id} {family}"
    path = commitment_path(entry.directory, epoch.id, family)
    begun = epoch.from_ms <= now_ms
    try:
        commitment = read_commitment(path)
    except FileNotFoundError:
        soon = begun or epoch.from_ms - now_ms < _AHEAD_DAYS * DAY_MS
        if begun:
            return Line("fail", name, "none: no text of this family is marked", _COMMIT)
        return Line("warn" if soon else "ok", name, "none yet", _COMMIT if soon else "")
    except OSError as error:
        return Line("fail", name, f"{path}: {error.strerror}", "let this user read it")
    except BadCommitment as error:
        return Line("fail", name, str(error), "put the published file back")
    if check(files.master, commitment, files.tables[family].digest) != "verified":
        message = f"{path} promises other keys or another pair table: nothing is marked"
        return Line("fail", name, message, "put the secret and the table back that it was made with")
    if commitment.made_ms > epoch.from_ms:
        message = "verified, but made after the epoch began: texts from before are not covered"
        return Line("warn", name, message, "commit to the next epoch before it begins")
    return Line("ok", name, "verified")


def _logs(entry: WatermarkEntry) -> Iterator[Line]:
    try:
        logs = read_logs(log_folder(entry.directory))
    except OSError as error:
        yield Line("fail", "account logs", f"{error.filename}: {error.strerror}", "let this user read them")
        return
    own = f"{entry.instance_name}.jsonl"
    for file in logs.files:
        if file.broken and file.path.name == own:
            remedy = "put a whole copy back, or rename it to another name that ends in .jsonl: both are still read"
            yield Line("fail", "account logs", file.broken[0], remedy)
        elif file.broken:
            yield Line("warn", "account logs", file.broken[0], "put a whole copy back; a report names the break")
    if logs.files and not logs.broken:
        notes = sum(len(file.notes) for file in logs.files)
        yield Line("ok", "account logs", f"{notes} entries in {len(logs.files)} files, every chain holds")
