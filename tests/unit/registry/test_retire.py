"""Forgetting: the salt goes first, and without it neither search nor secret makes anything of the rest."""

import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path
from random import Random

import pytest

from gateway.registry.retire import retire, shred
from gateway.registry.shelf import About, RegistryUnavailable, Shelf
from gateway.registry.sketch import Sketch
from gateway.registry.writer import Writer
from tests.support.registries import DAY_MS, ROOT, UNTIL_MS, answer, kept, prose, traced, traced_all

TEXT = " ".join(prose(Random(4), 300))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    place = tmp_path / "registry" / "replica-1" / "2026-q4"
    kept(place, [(answer(1, "acct-a"), TEXT)])
    return place


def test_after_shredding_nothing_is_found(folder):
    registry = folder.parents[1]
    assert len(traced(registry, TEXT).holders) == 1
    shred(Shelf(folder))
    trace, searched = traced_all(registry, TEXT)
    assert trace.holders == ()
    assert searched.shredded == ["replica-1/2026-q4"]
    assert sorted(path.name for path in folder.iterdir()) == [".compacting", ".writing", "about.json"]
    assert Shelf(folder).about() == About("2026-q4", UNTIL_MS, shredded=True)


def test_files_that_outlive_the_salt_are_useless(folder, tmp_path):
    """As in a backup of everything but the salts: a new salt and the right secret find nothing."""
    registry = folder.parents[1]
    (stem,) = Shelf(folder).stems()
    data = Shelf(folder).path(stem, "log").read_bytes()
    shred(Shelf(folder))
    copy = tmp_path / "copy" / "replica-1" / "2026-q4"
    copy.parent.parent.mkdir()
    Writer(copy, UNTIL_MS, ROOT).close()
    Shelf(copy).path(stem, "log").write_bytes(data)
    assert traced(tmp_path / "copy", TEXT).holders == ()
    assert traced(tmp_path / "copy", TEXT).below == 0
    assert traced(registry, TEXT).below == 0


def test_a_salt_that_is_gone_is_enough(folder):
    (folder / "salt").unlink()
    trace, searched = traced_all(folder.parents[1], TEXT)
    assert trace.holders == ()
    assert searched.shredded == ["replica-1/2026-q4"]
    shred(Shelf(folder))
    assert Shelf(folder).stems() == []


def test_the_salt_is_gone_before_anything_else_is(folder):
    """A process that dies at the first file of the rest leaves noise."""
    code = """
        import os, signal, sys
        from pathlib import Path
        from gateway.registry.retire import shred
        from gateway.registry.shelf import Shelf

        def hook(event, args):
            if event == "os.remove" and not str(args[0]).endswith("salt"):
                os.kill(os.getpid(), signal.SIGKILL)
        sys.addaudithook(hook)
        shred(Shelf(Path(sys.argv[1])))
    """
    salt = (folder / "salt").read_bytes()
    os.link(folder / "salt", folder.parent / "block")  # stands for the block on disk
    root = Path(__file__).parents[3]
    command = [sys.executable, "-c", textwrap.dedent(code), str(folder)]
    assert subprocess.run(command, check=False, timeout=60, cwd=root).returncode == -signal.SIGKILL
    assert not (folder / "salt").exists()
    assert (folder.parent / "block").read_bytes() != salt, "it was overwritten"
    assert len(Shelf(folder).stems()) == 1
    assert traced_all(folder.parents[1], TEXT)[1].shredded == ["replica-1/2026-q4"]
    shred(Shelf(folder))
    assert Shelf(folder).stems() == []


def test_nothing_is_added_to_what_was_shredded(folder):
    shred(Shelf(folder))
    with pytest.raises(RegistryUnavailable, match="was shredded"):
        Writer(folder, UNTIL_MS, ROOT)
    assert not (folder / "salt").exists()


def test_what_a_gateway_writes_to_is_not_shredded(folder):
    writer = Writer(folder, UNTIL_MS, ROOT)
    with pytest.raises(RegistryUnavailable, match="running gateway"):
        shred(Shelf(folder))
    writer.append(answer(2), Sketch(1, b"12345"))
    writer.close()
    assert len(traced(folder.parents[1], TEXT).holders) == 1
    shred(Shelf(folder))


def test_epochs_retire_when_retention_is_over_and_not_before(folder):
    registry = folder.parents[1]
    later = registry / "replica-2" / "2027-q1"
    kept(later, [(answer(2, "acct-b"), TEXT)])
    Shelf(later).describe(About("2027-q1", UNTIL_MS + 90 * DAY_MS))
    retention = 90 * DAY_MS
    assert retire(registry, UNTIL_MS + retention - 1, retention) == ([], [])
    assert len(traced(registry, TEXT).holders) == 2
    assert retire(registry, UNTIL_MS + retention, retention) == (["replica-1/2026-q4"], [])
    trace, _ = traced_all(registry, TEXT)
    assert [holder.account for holder in trace.holders] == ["acct-b"]
    assert retire(registry, UNTIL_MS + retention, retention) == ([], []), "once is enough"


def test_what_cannot_retire_is_a_problem_and_the_next_one_does(folder):
    registry = folder.parents[1]
    kept(registry / "replica-2" / "2026-q4", [(answer(2, "acct-b"), TEXT)])
    (folder / "about.json").write_text("{}")
    done, problems = retire(registry, UNTIL_MS + DAY_MS, DAY_MS)
    assert done == ["replica-2/2026-q4"]
    assert len(problems) == 1
    assert "about.json" in problems[0]


def test_a_longer_epoch_is_remembered(folder):
    Writer(folder, UNTIL_MS + DAY_MS, ROOT).close()
    Writer(folder, UNTIL_MS, ROOT).close()
    assert Shelf(folder).about() == About("2026-q4", UNTIL_MS + DAY_MS)
