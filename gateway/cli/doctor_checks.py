"""What can be wrong with this machine and these files: one small check each, no network."""

import importlib.metadata
import importlib.util
import os
import resource
import shutil
import socket
import sqlite3
import stat
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from gateway.config import Settings
from gateway.core.clock import Clock
from gateway.core.redis_target import is_redis
from gateway.identity.countries import load_countries
from gateway.yamlio import YamlProblems

Level = Literal["ok", "warn", "fail"]

_AIOHTTP_FLOOR: Final = (3, 14, 3)
_EARLIEST_MS: Final = 1_767_225_600_000
"""2026-01-01: a clock before this release is wrong, and budgets and expiries hang on it."""
_LITTLE_MIB: Final = 256
"""Free beside a usage database: it is kept twice for a moment, where it is backed up or migrated."""
_COUNTRY_DAYS: Final = 90
"""Providers of country data bring out a new file every week or month."""


@dataclass(frozen=True, slots=True)
class Line:
    """One result: what was looked at, what was found, and what to do about it."""

    level: Level
    name: str
    message: str
    remedy: str = ""


def ports(settings: Settings) -> Iterator[Line]:
    """Whether each listener can bind."""
    for name, host, port in (
        ("data", settings.data.host, settings.data.port),
        ("ops", settings.ops.host, settings.ops.port),
        ("admin", settings.admin.host, settings.admin.port),
    ):
        try:
            family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
            with socket.socket(family, kind, protocol) as listener:
                listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                listener.bind(address)
            yield Line("ok", f"port {name}", f"{host} port {port} is free")
        except OSError as error:
            remedy = f"stop what uses it (a running gateway?), or set {name}.host and {name}.port"
            yield Line("fail", f"port {name}", f"{host} port {port}: {error.strerror}", remedy)


def secret_files(settings: Settings) -> Iterator[Line]:
    """Whether files that hold secrets can be read, by us and by nobody else."""
    files = {f"key_pepper_files[{index}]": entry.file for index, entry in enumerate(settings.key_pepper_files)}
    for name, upstream in settings.upstreams.items():
        for field in ("api_key_file", "client_key_file"):
            path = getattr(upstream, field)
            if path is not None:
                files[f"upstreams.{name}.{field}"] = path
    if settings.data.tls is not None:
        files["data.tls.key_file"] = settings.data.tls.key_file
    for name, path in files.items():
        yield _secret_file(name, path)


def _secret_file(name: str, path: Path) -> Line:
    try:
        mode = path.stat().st_mode
    except OSError as error:
        return Line("fail", name, f"{path}: {error.strerror}", "put the secret there, or correct the path")
    if not os.access(path, os.R_OK):
        return Line("fail", name, f"{path} cannot be read by this user", "give this user read permission")
    if mode & stat.S_IWOTH:
        return Line("fail", name, f"{path} can be changed by anyone", f"chmod 600 {path}")
    if mode & (stat.S_IRGRP | stat.S_IROTH | stat.S_IWGRP):
        return Line("warn", name, f"{path} can be read or changed by others", f"chmod 600 {path}")
    return Line("ok", name, f"{path} is readable by its owner only")


def pepper(settings: Settings) -> Iterator[Line]:
    """Whether key hashes have a pepper: without one a stolen accounts.yaml could be searched for keys."""
    if settings.key_pepper_files:
        yield Line("ok", "pepper", f"{len(settings.key_pepper_files)} configured")
    else:
        yield Line("fail", "pepper", "none configured", "gateway keys new-pepper FILE, then set key_pepper_files")


def open_files(settings: Settings, path: Path | None) -> Iterator[Line]:
    """Whether strangers could change what the gateway obeys."""
    named = (("settings", path), ("accounts", settings.files.accounts), ("models", settings.files.models))
    for name, file in (*named, ("policies", settings.files.policies), ("countries", settings.data.country_file)):
        if file is None or not file.exists():
            continue
        if file.stat().st_mode & stat.S_IWOTH:
            yield Line("fail", name, f"{file} can be changed by anyone", f"chmod o-w {file}")
        else:
            yield Line("ok", name, f"{file} cannot be changed by everybody")


def store(settings: Settings) -> Iterator[Line]:
    """Whether usage can be kept in a file. It is not opened: it has one owner, who may be running."""
    kind, _, target = settings.store.partition(":")
    if is_redis(settings.store):
        return
    if kind == "memory":
        yield Line("warn", "store", "memory: forgets all usage at exit", "set store: sqlite:PATH")
        return
    path = Path(target)
    writable = path if path.exists() else path.parent
    if path.is_dir():
        yield Line("fail", "store", f"{path} is a folder", f"set store: sqlite:{path / 'usage.sqlite'}")
    elif not writable.exists():
        yield Line("fail", "store", f"{writable} does not exist", f"mkdir -p {writable}")
    elif not os.access(writable, os.W_OK) or not os.access(path.parent, os.W_OK):
        yield Line("fail", "store", f"{writable} cannot be written by this user", "give it write permission")
    elif (free := shutil.disk_usage(path.parent).free >> 20) < _LITTLE_MIB:
        message = f"{free} MiB are free where {path} is"
        yield Line("warn", "store", message, "make room; on a full disk no usage can be written")
    else:
        yield Line("ok", "store", f"{path} can be written (SQLite {sqlite3.sqlite_version})")


def country_file(settings: Settings, clock: Clock) -> Iterator[Line]:
    """Which country data it is, and whether it is too old: networks move. One that cannot be read stops `config`."""
    with suppress(YamlProblems):
        countries = load_countries(settings.data.country_file)
        if countries is None:
            return
        days = (clock.now_ms() - countries.built_ms) // 86_400_000
        what = f"{countries.kind}, made {days} days ago"
        if days > _COUNTRY_DAYS:
            yield Line("warn", "country file", what, "fetch a newer one; networks move between countries")
        else:
            yield Line("ok", "country file", what)


def machine(settings: Settings, clock: Clock) -> Iterator[Line]:
    """Clock, HTTP parser and open files."""
    if clock.now_ms() < _EARLIEST_MS:
        yield Line("fail", "clock", "it shows a time before this release", "set the clock; run a time service")
    else:
        yield Line("ok", "clock", "it shows a plausible time")
    found = importlib.metadata.version("aiohttp")
    if _version(found) < _AIOHTTP_FLOOR:
        yield Line("fail", "aiohttp", f"{found} has known holes", "install aiohttp 3.14.3 or later")
    elif not importlib.util.find_spec("aiohttp._http_parser") or not importlib.util.find_spec("aiohttp._http_writer"):
        yield Line("fail", "aiohttp", f"{found} without its C parser", "install a wheel; unset AIOHTTP_NO_EXTENSIONS")
    else:
        yield Line("ok", "aiohttp", f"{found} with its C parser")
    allowed = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    wanted = 2 * settings.limits.max_inflight_requests + 100
    if allowed < wanted:
        message = f"{allowed} open files, {wanted} needed for limits.max_inflight_requests"
        yield Line("warn", "open files", message, f"ulimit -n {wanted}, or lower the limit")
    else:
        yield Line("ok", "open files", f"{allowed} allowed")


def _version(text: str) -> tuple[int, ...]:
    parts = []
    for part in text.split(".")[:3]:
        digits = "".join(mark for mark in part if mark.isdigit())
        parts.append(int(digits or 0))
    return tuple(parts)
