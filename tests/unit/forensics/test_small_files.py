"""Lists of accounts, declared clusters and the ledger of runs: read strictly, with the place of what is wrong."""

import json
import threading

import pytest

from gateway.forensics.clusters import BadClusters, read_clusters
from gateway.forensics.eras import Suspect
from gateway.forensics.identity import set_digest, text_digest, words_digest
from gateway.forensics.runs import BadLedger, Ledger, Run
from gateway.forensics.suspects import BadAccounts, read_suspects
from gateway.watermarks.words import read_words


def written(tmp_path, text):
    path = tmp_path / "file.yaml"
    path.write_text(text)
    return path


def test_accounts(tmp_path):
    path = written(tmp_path, "# who\nada\ngrace 2 # rolled\n\nada\n alan\n")
    assert read_suspects(path, {"alan": 3}) == [Suspect("ada"), Suspect("grace", 2), Suspect("alan", 3)]


@pytest.mark.parametrize(
    ("text", "message"),
    [("", "names no account"), ("ada\na b c\n", "file.yaml:2"), ("ada -1\n", "file.yaml:1"), ("ada ²\n", ":1")],
)
def test_bad_accounts(tmp_path, text, message):
    with pytest.raises(BadAccounts, match=message):
        read_suspects(written(tmp_path, text), {})


def test_clusters(tmp_path):
    path = written(tmp_path, "declared: 2026-11-01\nclusters:\n  proxy: [a, b]\n  ring: [c, d, e]\n")
    declared = read_clusters(path)
    assert [(one.name, len(one.members)) for one in declared.clusters] == [("proxy", 2), ("ring", 3)]
    assert declared.declared == "2026-11-01"
    assert declared.sha256 == text_digest(path.read_text())
    assert read_clusters(written(tmp_path, '{"declared": "2026-11-01", "clusters": {"x": ["a", "b"]}}')).clusters


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("clusters: {a: [b, c]}", "expected the keys"),
        ("declared: soon\nclusters: {a: [b, c]}", "soon"),
        ("declared: 2026-11-01\nclusters: {}", "1 to 100"),
        ("declared: 2026-11-01\nclusters: {a: [b]}", "clusters.a: expected a list of two"),
        ("declared: 2026-11-01\nclusters: {a: [b, b]}", "none of them twice"),
        ("declared: 2026-11-01\nclusters: {a: [b, 3]}", "expected account ids"),
        ("declared: [", "file.yaml"),
    ],
)
def test_bad_clusters(tmp_path, text, message):
    with pytest.raises(BadClusters, match=message):
        read_clusters(written(tmp_path, text))


def test_digests():
    one, same, two, other = (
        words_digest(read_words(text).words)
        for text in ("One, two\n three", "**one,**   TWO three", "one two", "one twofold")
    )
    assert one == same
    assert two != other
    assert text_digest("a") != text_digest("a ")
    assert set_digest(["b", "a"]) == set_digest(["a", "b"]) != set_digest(["a"])


def run(digest="d", keys=("k1",)):
    return Run("2026-11-01T00:00:00.000Z", "ada", digest, tuple(keys), {"runs": 1}, "none", ())


def test_the_ledger_counts_the_same_words_with_any_of_the_keys(tmp_path):
    ledger = Ledger(tmp_path / "new")
    assert ledger.earlier("d", {"k1"}) == 0
    for one in (run(), run(keys=("k1", "k2")), run(keys=("k3",)), run("other")):
        ledger.add(one, ledger.earlier(one.input, one.keys))
    assert ledger.earlier("d", {"k1"}) == 2
    assert ledger.earlier("d", {"k2", "k3"}) == 2
    assert ledger.earlier("d", {"k9"}) == 0
    assert ledger.path.stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "new").stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("cut", [1, 5, 60])
def test_a_line_that_a_crash_cut_short_is_dropped(tmp_path, cut):
    ledger = Ledger(tmp_path)
    ledger.add(run(), 0)
    ledger.add(run(), 1)
    data = ledger.path.read_bytes()
    ledger.path.write_bytes(data[:-cut])
    assert ledger.earlier("d", {"k1"}) == 1
    ledger.add(run(), 1)
    assert ledger.earlier("d", {"k1"}) == 2
    assert all(json.loads(line) for line in ledger.path.read_text().splitlines())


@pytest.mark.parametrize("line", ["nonsense", "{}", '{"input": "d", "keys": "k1"}', '{"input": "d", "keys": [1]}'])
def test_a_ledger_that_cannot_be_counted_stops_the_run(tmp_path, line):
    ledger = Ledger(tmp_path)
    ledger.path.write_text(line + "\n")
    with pytest.raises(BadLedger, match=r"runs\.jsonl:1"):
        ledger.earlier("d", {"k1"})
    with pytest.raises(BadLedger, match=r"runs\.jsonl:1"):
        ledger.add(run(), 0)


def test_a_run_that_another_one_overtook_is_not_written(tmp_path):
    ledger = Ledger(tmp_path)
    ledger.add(run(), 0)
    with pytest.raises(BadLedger, match="run it again"):
        ledger.add(run(), 0)
    ledger.add(run("other"), 0)
    assert ledger.earlier("d", {"k1"}) == 1


def test_writers_at_once_lose_nothing(tmp_path):
    def write(number):
        for at in range(10):
            Ledger(tmp_path).add(run(f"text {number}"), at)

    threads = [threading.Thread(target=write, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [Ledger(tmp_path).earlier(f"text {number}", {"k1"}) for number in range(4)] == [10] * 4
