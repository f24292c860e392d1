"""What a folder of the registry holds, without looking anything up."""

from contextlib import suppress
from dataclasses import dataclass, field

from gateway.registry.records import Scan
from gateway.registry.segment import Segment
from gateway.registry.shelf import RegistryUnavailable, Shelf, Suffix, unavailable

_LIFE: tuple[Suffix, ...] = ("seg", "log", "open")


@dataclass(slots=True)
class Survey:
    """Counts of one replica and epoch."""

    instance: str
    epoch: str
    until_ms: int
    shredded: bool
    """Its salt is gone: nothing in it can be looked up ever again."""
    answers: int = 0
    size: int = 0
    """Bytes of its logs and segments."""
    segments: int = 0
    logs: int = 0
    """Closed and not sorted yet, and the one that is being written."""
    problems: list[str] = field(default_factory=list)


def survey(shelf: Shelf, *, verify: bool = False) -> Survey:
    """Count; with `verify` every byte of the segments is checked too. Raises RegistryUnavailable."""
    about = shelf.about()
    found = Survey(shelf.instance, shelf.epoch, about.until_ms if about else 0, not shelf.has_salt())
    try:
        for stem in shelf.stems():
            _count(shelf, stem, found, verify=verify)
    except OSError as error:
        raise unavailable(shelf.folder, error) from error
    return found


def _count(shelf: Shelf, stem: str, found: Survey, *, verify: bool) -> None:
    for suffix in _LIFE:
        path = shelf.path(stem, suffix)
        with suppress(FileNotFoundError):
            size = path.stat().st_size
            try:
                if suffix == "seg":
                    with Segment(path) as segment:
                        found.answers += segment.documents
                        if verify:
                            segment.check()
                else:
                    scan = Scan(path.read_bytes())
                    found.answers += sum(1 for _ in scan)
                    if scan.torn and suffix == "log":
                        found.problems.append(f"registry {path}: damaged from byte {scan.end} on")
            except (RegistryUnavailable, ValueError) as error:
                known = isinstance(error, RegistryUnavailable)
                found.problems.append(str(error) if known else f"registry {path}: {error}")
            found.size += size
            found.segments += suffix == "seg"
            found.logs += suffix != "seg"
            return
