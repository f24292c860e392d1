"""`gateway watermark detect` and the registry: who sees what, evidence that is looked up again, and what is wrong."""

import json
import shutil

import pytest

from tests.support.needs import needs_numpy

needs_numpy()

from gateway.registry.records import Document  # noqa: E402
from gateway.registry.sketch import sketch  # noqa: E402
from gateway.registry.writer import Writer  # noqa: E402
from gateway.watermarks.keys import KeyPath  # noqa: E402
from tests.support.detecting import detecting  # noqa: E402
from tests.support.forensic_files import (  # noqa: E402
    BEGUN,
    FAMILY,
    FORENSIC,
    MASTER,
    NOW_MS,
    READER,
    prose,
    write_forensic,
)

DAY_MS = 86_400_000
MARKED = prose(1, account="acct-7")


def keep(place, answers, *, issued_ms=NOW_MS - DAY_MS, instance="one"):
    """What a replica keeps of answers: (account, text)."""
    root = MASTER.root(KeyPath("registry", 1, "", BEGUN, "provider"))
    writer = Writer(place / "marks" / "registry" / instance / BEGUN, NOW_MS + 40 * DAY_MS, root)
    for number, (account, text) in enumerate(answers):
        found = sketch(text, writer.hasher)
        writer.append(Document(f"req_{number}", account, FAMILY, "toy-1", issued_ms + number, found.words), found)
    writer.close()


@pytest.fixture(scope="module")
def original(tmp_path_factory):
    folder = tmp_path_factory.mktemp("fingerprints")
    write_forensic(folder)
    (folder / "marked.txt").write_text(MARKED)
    (folder / "plain.txt").write_text(prose(2))
    return folder


@pytest.fixture
def place(original, tmp_path):
    return shutil.copytree(original, tmp_path / "place")


@pytest.fixture
def detect(place, monkeypatch, capsys):
    """Run the verb: (exit status, standard output, standard error)."""

    return detecting(place, monkeypatch, capsys)


def one_line(text):
    return " ".join(text.split())


def test_a_mark_that_the_registry_corroborates(detect, place):
    keep(place, [("acct-7", MARKED), ("acct-8", prose(3))])
    status, out, err = detect("marked.txt")
    assert (status, err) == (0, "")
    assert "registry   2 answers searched: acct-7 corroborated\n" in out
    assert "Corroborated by fingerprints: acct-7" in one_line(out)
    registry = json.loads(detect("marked.txt", "--json")[1])["registry"]
    assert registry == {
        "searched": {"answers": 2, "folders": [f"one/{BEGUN}"], "shredded": [], "unreadable": 0},
        "corroborated": True,
        "accounts": [{"account": "acct-7", "corroborated": True}],
        "others_hold": False,
    }


def test_a_mark_that_it_does_not(detect, place):
    keep(place, [("acct-8", prose(3))])
    _, out, _ = detect("marked.txt")
    assert "registry   1 answers searched: acct-7 not corroborated\n" in out
    assert "Not corroborated by fingerprints: of the 1 answers" in one_line(out)


def test_p_is_the_same_with_and_without(detect, place):
    plain = json.loads(detect("marked.txt", "--json")[1])
    keep(place, [("acct-7", MARKED), ("acct-9", MARKED)])
    (place / "marks" / "runs.jsonl").unlink()
    searched = json.loads(detect("marked.txt", "--json")[1])
    assert (plain["registry"], searched["registry"]["others_hold"]) == (None, True)
    assert plain["verdict"] == searched["verdict"]
    assert plain["tried"] == searched["tried"]


def test_who_else_holds_it_is_for_the_forensic_role(detect, place):
    keep(place, [("acct-7", MARKED), ("acct-8", MARKED[: len(MARKED) // 2])])
    for more in ([], ["--json"], ["--html", "page.html"]):
        _, out, _ = detect("marked.txt", *more, token=READER)
        page = (place / "page.html").read_text() if "--html" in more else ""
        assert "acct-8" not in out + page
        assert "others" in out or "other accounts hold passages" in out
    _, out, _ = detect("marked.txt", "--scores", "--json", "--html", "page.html", token=FORENSIC)
    registry = json.loads(out)["registry"]
    assert [(one["account"], one["fired"]) for one in registry["holders"]] == [("acct-7", True), ("acct-8", False)]
    first = registry["holders"][0]
    assert (first["answers"], first["first_served"]) == (1, "2026-11-17T11:06:40.000Z")
    assert first["longest_run_words"] > 1000
    assert first["rare_grams"] > 150
    assert "<td>acct-8</td>" in (place / "page.html").read_text()
    _, out, _ = detect("marked.txt", "--scores", token=FORENSIC)
    assert "           acct-8: 1 answers, " in out


def test_a_text_without_a_mark_that_somebody_was_served(detect, place):
    keep(place, [("acct-3", prose(2))])
    status, out, _ = detect("plain.txt", "--exit-code")
    assert status in {12, 13}, "the verdict is the marks' alone"
    assert "registry   1 answers searched: other accounts hold passages\n" in out
    assert "gateway trace names the accounts" in one_line(out)
    assert "acct-3" not in out


def test_no_registry_no_section(detect, place):
    _, out, _ = detect("marked.txt")
    assert "registry   " not in out
    assert "no registry of fingerprints was searched" in one_line(out)
    keep(place, [("acct-7", MARKED)])
    _, out, _ = detect("marked.txt", "--no-registry", "--json")
    assert json.loads(out)["registry"] is None


def test_other_folders_and_the_secret_alone(detect, place):
    keep(place, [("acct-7", MARKED)])
    (place / "marks" / "registry").rename(place / "copy")
    keys = ["--secret-file", "watermark.key", "--directory", "marks", "--table", f"{FAMILY}=toy.json", "--epoch", BEGUN]
    for words in ([], keys):
        _, out, _ = detect("marked.txt", *words, "--registry", "copy", config=not words)
        assert "acct-7 corroborated" in out
    assert "corroborated\n" not in detect("marked.txt")[1]


def test_what_the_prompt_had_is_no_match(detect, place):
    half = MARKED[: len(MARKED) // 2]
    (place / "prompt.txt").write_text(half)
    keep(place, [("acct-8", half), ("acct-7", MARKED)])
    words = ["marked.txt", "--prompt", "prompt.txt", "--scores", "--json"]
    registry = json.loads(detect(*words, token=FORENSIC)[1])["registry"]
    assert [one["account"] for one in registry["holders"]] == ["acct-7"]


def test_a_corpus_says_who_holds_each_document(detect, place):
    rows = [prose(number, 900, "acct-9" if number % 4 == 0 else None) for number in range(8)]
    keep(place, [("acct-9", rows[0]), ("acct-9", rows[4]), ("acct-2", rows[1])])
    (place / "c.jsonl").write_text("".join(json.dumps({"text": row}) + "\n" for row in rows))
    _, out, _ = detect("c.jsonl")
    assert "registry   3 answers searched: acct-9 corroborated; other accounts hold passages\n" in out
    _, out, _ = detect("c.jsonl", "--scores", "--json", "--html", "page.html", token=FORENSIC)
    registry = json.loads(out)["registry"]
    assert [(one["account"], one["documents"], one["answers"]) for one in registry["holders"]] == [
        ("acct-9", 2, 2), ("acct-2", 1, 1),
    ]  # fmt: skip
    listed = registry["documents"]["listed"]
    assert [(row["document"], row["holders"][0]["account"]) for row in listed] == [
        ("c.jsonl:1", "acct-9"), ("c.jsonl:2", "acct-2"), ("c.jsonl:5", "acct-9"),
    ]  # fmt: skip
    assert "<td>c.jsonl:2</td><td>acct-2</td>" in (place / "page.html").read_text()


def runs(place):
    path = place / "marks" / "runs.jsonl"
    return path.read_text().splitlines() if path.exists() else []


def test_what_is_wrong_is_said_before_a_run_is_counted(detect, place):
    assert detect("marked.txt", "--registry", "a", "--no-registry")[::2] == (
        2, "gateway watermark detect: --registry and --no-registry exclude each other\n",
    )  # fmt: skip
    status, out, err = detect("marked.txt", "--registry", "nowhere")
    assert (status, out) == (1, "")
    assert "--no-registry" in err
    assert runs(place) == []


def test_a_damaged_file_is_said_and_the_rest_is_searched(detect, place):
    keep(place, [("acct-7", MARKED), ("acct-8", prose(3))])
    (log,) = (place / "marks" / "registry").rglob("*.log")
    log.write_bytes(log.read_bytes()[:-3])
    status, out, err = detect("marked.txt")
    assert status == 0
    assert "damaged from byte" in err
    assert "acct-7 corroborated" in out
    assert "could not be read" in one_line(out)


class TestEvidence:
    """The registry's word in a bundle, and the same look-up later."""

    @pytest.fixture(autouse=True)
    def _bundle(self, detect, place):
        keep(place, [("acct-7", MARKED), ("acct-8", MARKED)])
        assert detect("marked.txt", "--bundle", "e.zip", "--include-text", token=FORENSIC)[0] == 0

    def again(self, detect, *words, **more):
        return detect("e.zip", *words, verb="reproduce", token=FORENSIC, **more)

    def test_it_says_the_same_though_the_registry_has_grown(self, detect, place):
        assert self.again(detect)[::2] == (0, "")
        keep(place, [("acct-9", MARKED)], issued_ms=NOW_MS + 1)
        keep(place, [("acct-9", MARKED)], issued_ms=NOW_MS + 1, instance="two")
        assert self.again(detect)[::2] == (0, "")

    def test_what_was_written_into_it_afterwards_shows(self, detect, place):
        keep(place, [("acct-9", MARKED)])
        status, out, err = self.again(detect)
        assert (status, err) == (1, "")
        assert out == "differs:\n  registry.holders\n"

    @pytest.mark.parametrize(
        ("change", "words", "why"),
        [
            ("none", ["--no-registry"], "no registry is at hand"),
            ("move", [], "no registry is at hand"),
            ("shred", [], f"one/{BEGUN} is gone"),
            ("tear", [], "cannot be read"),
        ],
        ids=lambda value: value if isinstance(value, str) else "",
    )
    def test_where_it_is_not_there_any_more_that_is_said(self, detect, place, change, words, why):
        registry = place / "marks" / "registry"
        if change == "move":
            registry.rename(place / "elsewhere")
        if change == "shred":
            (registry / "one" / BEGUN / "salt").unlink()
        if change == "tear":
            (log,) = registry.rglob("*.log")
            log.write_bytes(log.read_bytes()[:-3])
        status, out, err = self.again(detect, *words)
        assert (status, out[:9]) == (0, "the same:")
        assert "fingerprints: not looked up again: " in err
        assert why in err

    def test_an_expert_needs_the_secret_and_the_folder(self, detect, place):
        (place / "marks").rename(place / "elsewhere")
        words = ["--secret-file", "watermark.key"]
        assert "no registry is at hand" in self.again(detect, *words, config=False)[2]
        assert self.again(detect, *words, "--registry", "elsewhere/registry", config=False)[::2] == (0, "")
        assert self.again(detect, "--registry", "x", "--no-registry", *words, config=False)[0] == 2

    def test_a_run_without_a_registry_stays_without(self, detect):
        assert detect("marked.txt", "--bundle", "f.zip", "--no-registry", token=FORENSIC)[0] == 0
        words = ["f.zip", "--text", "marked.txt"]
        assert detect(*words, verb="reproduce", token=FORENSIC)[::2] == (0, "")
