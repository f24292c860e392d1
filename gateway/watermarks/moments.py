"""Moments as files of evidence hold them: UTC, to the millisecond, `2026-10-01T00:00:00.000Z`."""

from datetime import UTC, datetime


def moment_text(ms: int) -> str:
    """The text of Unix milliseconds."""
    return datetime.fromtimestamp(ms / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def moment_of(text: str) -> int:
    """Unix milliseconds of what `moment_text` wrote. Raises ValueError for any other form."""
    ms = round(datetime.fromisoformat(text).timestamp() * 1000)
    if moment_text(ms) != text:
        raise ValueError("expected a moment like 2026-10-01T00:00:00.000Z")
    return ms
