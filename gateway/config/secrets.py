"""Credentials of upstreams, read from where the settings say, at start and again when they rotate."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from gateway.config.upstream import UpstreamEntry

MAX_BYTES: Final = 16_384


class SecretMissing(ValueError):  # noqa: N818 - a state of the world, not a mistake
    """A credential cannot be read. The message names the place and never the value."""


def upstream_key(name: str, upstream: UpstreamEntry, env: Mapping[str, str]) -> str:
    """The upstream's API key, empty when it has none. Raises SecretMissing."""
    if upstream.api_key_file is not None:
        try:
            return read_secret(upstream.api_key_file)
        except SecretMissing as error:
            raise SecretMissing(f"upstreams.{name}.api_key_file: {error}") from None
    if upstream.api_key_env is None:
        return ""
    value = env.get(upstream.api_key_env, "").strip()
    if not value:
        raise SecretMissing(f"upstreams.{name}.api_key_env: the variable {upstream.api_key_env} is not set")
    return _header_safe(value, f"the variable {upstream.api_key_env}")


def read_secret(path: Path) -> str:
    """One line of text from a file. Raises SecretMissing."""
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise SecretMissing(f"{path}: cannot be read: {error.strerror}") from None
    if not data.strip() or len(data) > MAX_BYTES:
        raise SecretMissing(f"{path}: expected a secret of at most {MAX_BYTES} bytes, found {len(data)} bytes")
    return _header_safe(data.strip().decode("latin-1"), str(path))


def _header_safe(value: str, place: str) -> str:
    # It goes into a header: a line break in it would be a second header.
    if not (value.isascii() and value.isprintable()):
        raise SecretMissing(f"{place}: expected one line of printable ASCII")
    return value
