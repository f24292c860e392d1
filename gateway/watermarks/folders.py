"""Folders for evidence: nobody but the gateway's user looks into them."""

from pathlib import Path


def make_private(folder: Path) -> None:
    """Make it and the folders above it where they are absent, each with mode 0700. Raises OSError."""
    for each in (*reversed(folder.parents), folder):
        each.mkdir(mode=0o700, exist_ok=True)
