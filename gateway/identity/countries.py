"""The country of an address, from a file of the operator's in MaxMind's DB format. Nothing is asked over the network.

The file is read into memory as a whole: one that is written over while it is mapped would end the process. Reading it
takes Python some 20 to 60 µs for an address, so that the answers for the addresses seen last are kept.
"""

import logging
from collections.abc import Mapping
from functools import lru_cache
from io import BytesIO
from ipaddress import IPv6Address
from itertools import islice
from pathlib import Path
from typing import Any, Final

import maxminddb

from gateway.identity.addresses import Address
from gateway.yamlio import Problem, YamlProblems

log = logging.getLogger("gateway")

MAX_BYTES: Final = 512 << 20
KEPT: Final = 20_000
"""Addresses whose country is remembered, some 300 bytes each."""
_TRIED: Final = 2000
"""Networks that are looked at for a country before a file counts as one without."""


class Countries:
    """One file in memory. Replaced, never changed."""

    def __init__(self, data: bytes, name: str = "", stamp: str = "") -> None:
        """Raises maxminddb.InvalidDatabaseError, or another exception, for what is no such file."""
        self._reader = maxminddb.Reader(BytesIO(data), maxminddb.MODE_FD)
        self._name = name
        self.stamp = stamp
        about = self._reader.metadata()
        self.kind: str = about.database_type
        self.built_ms: int = about.build_epoch * 1000
        self._versions = (4, 6) if about.ip_version == 6 else (4,)
        self._of = lru_cache(KEPT)(self._look_up)
        self._broken = False

    def of(self, address: Address) -> str:
        """Two capital letters, "" where the file does not know. Of IPv6 the first 64 bits count. Never raises."""
        if address.version not in self._versions:
            return ""
        return self._of(IPv6Address(int(address) >> 64 << 64) if address.version == 6 else address)

    def has_some(self) -> bool:
        """Whether its first networks have countries: files of providers or of proxies have none."""
        return any(_country(record) for _, record in islice(self._reader, _TRIED))

    def _look_up(self, address: Address) -> str:
        try:
            return _country(self._reader.get(address))
        except Exception as error:  # noqa: BLE001 - whatever stands in the file, nobody's request may fail of it
            if not self._broken:
                self._broken = True
                fields = {"file": self._name, "kind": type(error).__name__}
                # Without the message, which may name the address.
                log.error("the country file cannot be read everywhere", extra={"fields": fields})  # noqa: TRY400
            return ""


def stamp_of(path: Path | None) -> str:
    """What a folder says of a file: another text once it was replaced or written over."""
    if path is None:
        return ""
    try:
        found = path.stat()
    except OSError as error:
        return str(error.errno)
    return f"{found.st_dev} {found.st_ino} {found.st_size} {found.st_mtime_ns}"


def load_countries(path: Path | None, before: Countries | None = None) -> Countries | None:
    """None without a path; `before` where the file is still the one that it was read from.

    Raises YamlProblems for a file that is not there, too large, or without countries.
    """
    if path is None:
        return None
    stamp = stamp_of(path)
    if before is not None and before.stamp == stamp:
        return before
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise _problem(path, f"cannot be read: {error.strerror}") from None
    if len(data) > MAX_BYTES:
        raise _problem(path, f"expected at most {MAX_BYTES >> 20} MiB")
    try:
        countries = Countries(data, str(path), stamp)
        useful = countries.has_some()
    except Exception:  # noqa: BLE001 - the reader raises what it happens to stumble over
        raise _problem(path, "expected a file in MaxMind's DB format (.mmdb)") from None
    if not useful:
        raise _problem(path, f"expected a file with countries, found one of the kind {countries.kind[:64]!r}")
    return countries


def _problem(path: Path, message: str) -> YamlProblems:
    return YamlProblems([Problem(str(path), 1, 1, f"data.country_file: {message}")])


def _country(record: Any) -> str:
    """Where the address is used: `country.iso_code`, or `country_code` or `country` as plain text.

    `registered_country` is where its holder is registered, which says nothing about the caller.
    """
    if not isinstance(record, Mapping):
        return ""
    country = record.get("country")
    found = country.get("iso_code") if isinstance(country, Mapping) else record.get("country_code", country)
    if not isinstance(found, str) or len(found) != 2 or not (found.isascii() and found.isalpha()):
        return ""
    return found.upper()
