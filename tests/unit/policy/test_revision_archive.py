"""Revisions on disk: written once, read back as what they were, bounded in number, never half a file."""

import json
import os

import pytest

from gateway.policy import archive
from gateway.policy.archive import Documents, keep, read, read_file, revisions
from gateway.policy.compile import compile_files
from gateway.policy.definitions import read_definitions
from gateway.policy.load import read_directory
from gateway.yamlio import YamlProblems
from tests.support.markdown import ROOT

POLICY = {
    "version": 1,
    "id": "p",
    "title": "Policy p",
    "status": "stable",
    "match": {"tier": ["free"], "not": {"verified": True}},
    "limits": {"rpm": {"unit": "requests", "per": "account", "amount": 10, "window": "1m"}},
    "rules": {"odd": {"when": {"use": "asks"}, "then": {"slow": "2s"}, "until": "2030-01-31"}},
}
SHARED = {"version": 1, "fragments": {"asks": {"logprobs": True, "account_age": {"below": "7d"}}}}
DOCUMENTS = Documents((POLICY,), SHARED)


def put(folder, revision, documents=DOCUMENTS, age_s=0, most=archive.MOST):
    written = keep(folder, revision, documents, most)
    os.utime(folder / f"{revision}.json", (1_700_000_000 - age_s,) * 2)
    return written


@pytest.mark.parametrize("folder", ["policies"])
def test_the_shipped_set_is_read_back_as_the_same_revision(folder, tmp_path):
    files, definitions = read_directory(ROOT / folder), read_definitions(ROOT / folder)
    policies = compile_files(files, definitions)
    shared = definitions.loaded.value if definitions.loaded else None
    assert keep(tmp_path, policies.revision, Documents(tuple(file.loaded.value for file in files), shared))
    again = read(tmp_path, policies.revision)
    assert again.revision == policies.revision
    assert again.policies == policies.policies
    assert again.definitions.terms == definitions.terms


def test_durations_moments_and_fragments_survive(tmp_path):
    keep(tmp_path, "0123456789ab", DOCUMENTS)
    [policy] = read(tmp_path, "0123456789ab").policies
    assert policy.limits["rpm"].window == 60
    assert policy.rules["odd"].then.slow == 2
    assert policy.rules["odd"].until == 1_896_134_400_000


def test_a_revision_is_written_once_and_only_for_its_owner(tmp_path):
    folder = tmp_path / "made" / "here"
    assert keep(folder, "0123456789ab", DOCUMENTS)
    path = folder / "0123456789ab.json"
    before = path.read_bytes()
    os.utime(path, (1, 1))
    assert not keep(folder, "0123456789ab", Documents((POLICY | {"title": "Other"},)))
    assert path.read_bytes() == before
    assert path.stat().st_mtime > 1, "it is in force again, so that it is not the oldest any more"
    assert path.stat().st_mode & 0o777 == 0o600
    assert [one.name for one in folder.iterdir()] == [path.name]


def test_a_set_without_files_is_not_kept(tmp_path):
    assert not keep(tmp_path / "none", "0123456789ab", Documents())
    assert not (tmp_path / "none").exists()


def test_those_longest_out_of_force_go_first(tmp_path):
    names = [f"{number:012x}" for number in range(5)]
    for age, name in enumerate(names):
        put(tmp_path, name, age_s=age)
    put(tmp_path, names[4], age_s=-1)  # the oldest is in force again
    assert revisions(tmp_path) == [names[4], *names[:4]]
    put(tmp_path, "ffffffffffff", age_s=-2, most=3)
    assert revisions(tmp_path) == ["ffffffffffff", names[4], names[0]]


def test_files_of_others_are_left_alone(tmp_path):
    for name in ("notes.json", "0123456789ab.txt", "0123456789abc.json"):
        (tmp_path / name).write_text("{}")
    put(tmp_path, "ffffffffffff", most=1)
    put(tmp_path, "eeeeeeeeeeee", age_s=-1, most=1)
    assert revisions(tmp_path) == ["eeeeeeeeeeee"]
    assert len(list(tmp_path.iterdir())) == 4


def test_what_a_killed_process_left_behind_goes_too(tmp_path):
    for name, age_s in ((".new-old", 7200), (".new-young", 60)):
        (tmp_path / name).write_text("half")
        at = (tmp_path / name).stat().st_mtime - age_s
        os.utime(tmp_path / name, (at, at))
    keep(tmp_path, "0123456789ab", DOCUMENTS)
    assert {path.name for path in tmp_path.iterdir()} == {".new-young", "0123456789ab.json"}


def test_what_cannot_be_written_leaves_nothing_behind(tmp_path, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        keep(tmp_path, "0123456789ab", DOCUMENTS)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "not JSON"),
        ("[]", "expected an archived revision"),
        ('{"format": 2, "policies": [], "definitions": null}', "expected an archived revision"),
        ('{"format": 1, "policies": [], "definitions": null}', "expected an archived revision"),
        ('{"format": 1, "policies": ["x"], "definitions": null}', "expected a mapping"),
        ('{"format": 1, "policies": [{"id": "p"}], "definitions": null}', "missing key"),
        (json.dumps({"format": 1, "policies": [POLICY], "definitions": None}), "unknown fragment 'asks'"),
        ("[" * 100_000, "not JSON"),
    ],
)
def test_a_damaged_file_is_a_problem_with_its_name(text, says, tmp_path):
    path = tmp_path / "0123456789ab.json"
    path.write_text(text)
    with pytest.raises(YamlProblems, match=says) as caught:
        read_file(path)
    assert {problem.source for problem in caught.value.problems} == {str(path)}


def test_what_is_not_there_is_a_problem(tmp_path):
    with pytest.raises(YamlProblems, match="not in the archive"):
        read(tmp_path, "0123456789ab")
    with pytest.raises(YamlProblems, match="twelve"):
        read(tmp_path, "../../secret")


def test_a_file_that_is_too_large_is_not_read(tmp_path, monkeypatch):
    keep(tmp_path, "0123456789ab", DOCUMENTS)
    monkeypatch.setattr(archive, "MAX_BYTES", 10)
    with pytest.raises(YamlProblems, match="larger than"):
        read(tmp_path, "0123456789ab")
