"""`gateway watermark detect` and `reproduce`: exit statuses, roles, the ledger, evidence that runs again."""

import io
import json
import shutil
import subprocess
import sys

import pytest

from tests.support.needs import needs_numpy

needs_numpy()

from gateway.watermarks.keys import Master  # noqa: E402
from gateway.watermarks.pairs import write_table  # noqa: E402
from tests.support.detecting import detecting  # noqa: E402
from tests.support.forensic_files import (  # noqa: E402
    ACCOUNTS,
    BEGUN,
    FAMILY,
    FORENSIC,
    READER,
    TABLE,
    prose,
    write_forensic,
)
from tests.support.marked_model import table_of  # noqa: E402


@pytest.fixture(scope="module")
def original(tmp_path_factory):
    folder = tmp_path_factory.mktemp("forensic")
    write_forensic(folder)
    (folder / "marked.txt").write_text(prose(1, account="acct-7"))
    (folder / "plain.txt").write_text(prose(2))
    (folder / "short.txt").write_text(prose(3, 40))
    return folder


@pytest.fixture
def place(original, tmp_path):
    """A folder of its own: runs of other tests are not counted here."""
    return shutil.copytree(original, tmp_path / "place")


@pytest.fixture
def detect(place, monkeypatch, capsys):
    """Run the verb: (exit status, standard output, standard error)."""

    return detecting(place, monkeypatch, capsys)


def runs(place):
    path = place / "marks" / "runs.jsonl"
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def test_the_account_of_a_marked_text_is_named(detect, place):
    status, out, err = detect("marked.txt")
    assert (status, err) == (0, "")
    assert out.startswith("verdict    attributed (fired)\naccount    acct-7  p ")
    assert "commitment verified" in out
    (run,) = runs(place)
    assert (run["verdict"], run["accounts"]) == ("attributed", ["acct-7"])
    assert run["by"].startswith("user ")


def test_exit_statuses(detect, place):
    assert [detect(name)[0] for name in ("marked.txt", "plain.txt")] == [0, 0]
    assert detect("marked.txt", "--exit-code")[0] == 10
    (place / "two.txt").write_text(prose(1, account="acct-7") + " " + prose(2, account="acct-8"))
    assert detect("two.txt", "--exit-code")[0] == 10
    assert detect("short.txt", "--exit-code")[0] == 12
    # Of 300 pairs of equal weight, a mark of uplift 0.45 would have shown.
    assert detect("plain.txt", "--exit-code", "--uplift", "0.45")[0] == 13


def test_the_providers_mark_alone(detect, place):
    """An account that is not among those tested: the provider's quarter of the pairs still fires."""
    (place / "others.txt").write_text("acct-1\nacct-2\n")
    (place / "long.txt").write_text(prose(4, 6000, account="acct-7"))
    status, out, _ = detect("long.txt", "--exit-code", "--accounts", "others.txt")
    assert status == 11
    assert out.startswith("verdict    provider marked (fired)\nprovider   p ")
    assert "acct-" not in out


def test_every_run_on_the_same_words_makes_p_larger(detect, place):
    def p():
        return json.loads(detect("marked.txt", "--json")[1])

    first = p()
    (place / "marked.txt").write_text("\n" + (place / "marked.txt").read_text().upper().replace(" ", "  ", 3).lower())
    second = p()
    assert [first["tried"]["runs"], second["tried"]["runs"]] == [1, 2]
    one, two = (report["verdict"]["accounts"][0]["log10_p"] for report in (first, second))
    assert two - one == pytest.approx(0.301, abs=0.0015)
    assert json.loads(detect("marked.txt", "--json", "--runs", "5")[1])["tried"]["runs"] == 8
    assert json.loads(detect("plain.txt", "--json")[1])["tried"]["runs"] == 1
    assert len(runs(place)) == 4


def test_a_ledger_that_cannot_be_counted_stops_the_run(detect, place):
    (place / "marks" / "runs.jsonl").write_text("nonsense\n")
    status, out, err = detect("marked.txt")
    assert (status, out) == (1, "")
    assert "runs.jsonl:1" in err


def test_keys_that_were_not_promised_name_nobody(detect, place, tmp_path):
    (tmp_path / "other").mkdir()
    write_forensic(tmp_path / "other", promised=Master(bytes(32)))
    shutil.copytree(tmp_path / "other" / "marks" / "commitments", place / "marks" / "commitments", dirs_exist_ok=True)
    status, out, _ = detect("marked.txt", "--exit-code")
    assert status == 12
    assert "commitment mismatch" in out
    assert "acct-7" not in out


def test_a_changed_pair_table_names_nobody(detect, place):
    write_table(place / "toy.json", table_of(399, FAMILY))
    assert detect("marked.txt", "--exit-code")[0] == 12


def test_without_a_commitment_the_report_says_so(detect, place):
    shutil.rmtree(place / "marks" / "commitments")
    status, out, _ = detect("marked.txt", "--exit-code")
    assert status == 10
    assert "no commitment was found" in out.replace("\n", " ")


def test_a_broken_account_log_is_said(detect, place):
    log = place / "marks" / "accounts" / "one.jsonl"
    log.write_text(log.read_text().replace("acct-3", "acct-x"))
    assert "chain is broken" in detect("marked.txt")[1].replace("\n", " ")


@pytest.mark.parametrize("flag", [["--scores"], ["--bundle", "evidence"]], ids=lambda flag: flag[0])
@pytest.mark.parametrize("token", [None, READER])
def test_scores_are_for_the_forensic_role(detect, place, flag, token):
    status, out, err = detect("marked.txt", *flag, token=token)
    assert (status, out) == (2, "")
    assert "role forensic" in err
    assert not (place / "evidence").exists()
    assert runs(place) == []


def test_an_unknown_token_is_refused_even_without_scores(detect, place):
    status, _, err = detect("marked.txt", token=FORENSIC + "x")
    assert status == 2
    assert "not known" in err
    assert FORENSIC[:-1] not in err


def test_the_forensic_role_sees_scores_and_is_named_in_the_ledger(detect, place):
    status, out, _ = detect("marked.txt", "--scores", "--json", "--windows", token=FORENSIC)
    report = json.loads(out)
    assert status == 0
    assert report["scores"]["looks"][0]["leaders"][0]["account"] == "acct-7"
    assert report["scores"]["windows"]
    assert (report["by"], runs(place)[0]["by"]) == ("ada", "ada")
    assert "scores" not in json.loads(detect("marked.txt", "--json", token=READER)[1])


def test_the_secret_alone_is_enough(detect):
    keys = ["--secret-file", "watermark.key", "--directory", "marks", "--table", f"{FAMILY}=toy.json"]
    status, out, _ = detect("marked.txt", *keys, "--epoch", BEGUN, "--scores", config=False)
    assert status == 0
    assert "acct-7  z " in out


DIRECT = ["--secret-file", "watermark.key"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (DIRECT, "--secret-file needs --directory"),
        ([*DIRECT, "--directory", "nowhere"], "--secret-file needs --directory"),
        ([*DIRECT, "--directory", "marks", "--lists", "5"], "--lists is 1 to 4"),
        ([*DIRECT, "--directory", "marks", "--table", "toy"], "expected FAMILY=FILE"),
        ([*DIRECT, "--directory", "marks", "--table", "toy=gateway.yaml"], "gateway.yaml"),
        ([*DIRECT, "--directory", "marks", "--table", "toy=toy.json"], "needs --epoch"),
        ([*DIRECT, "--directory", "marks", "--epoch", BEGUN], "no pair table"),
        ([*DIRECT, "--directory", "marks", "--table", "toy=toy.json", "--epoch", "1999"], "name nobody"),
        (["--config", "nothing.yaml"], "no such file"),
        ([], "no settings"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_what_the_keys_need(detect, place, words, message):
    status, out, err = detect("marked.txt", *words, config=False)
    assert (status, out) == (2, "")
    assert message in err
    assert runs(place) == []


def test_the_token_may_lie_in_a_file(detect, place, monkeypatch):
    (place / "token").write_text(FORENSIC + "\n")
    call = detect
    monkeypatch.setattr("gateway.cli.forensic_access.TOKEN_FILE", "TOKEN_FILE_OF_THE_TEST")
    monkeypatch.setenv("TOKEN_FILE_OF_THE_TEST", str(place / "token"))
    assert call("short.txt", "--scores")[0] == 0
    (place / "token").unlink()
    status, _, err = call("short.txt", "--scores")
    assert status == 2
    assert "cannot be read" in err


def test_an_account_in_no_log_can_be_given(detect, place):
    shutil.rmtree(place / "marks" / "accounts")
    assert "name nobody" in detect("marked.txt")[2]
    (place / "who.txt").write_text("acct-7\nacct-8\n")
    report = json.loads(detect("marked.txt", "--accounts", "who.txt", "--json")[1])
    assert report["accounts_from"] == "list"
    assert report["verdict"]["accounts"][0]["account"] == "acct-7"


def test_standard_input(detect, monkeypatch):
    class Stdin:
        buffer = io.BytesIO(prose(5, account="acct-2").encode())

    monkeypatch.setattr(sys, "stdin", Stdin)
    assert "account    acct-2" in detect("-")[1]


def test_what_the_prompt_had_is_not_counted(detect, place):
    status, out, _ = detect("marked.txt", "--prompt", "marked.txt", "--json")
    report = json.loads(out)
    assert report["verdict"]["name"] == "inconclusive"
    assert report["input"]["dropped_as_prompt"] == 1200
    assert status == 0


def test_a_corpus(detect, place):
    rows = [prose(number, 900, "acct-9" if number % 4 == 0 else None) for number in range(12)]
    (place / "c.jsonl").write_text("".join(json.dumps({"answer": row}) + "\n" for row in rows))
    status, out, err = detect("c.jsonl", "--field", "answer", "--exit-code")
    assert (status, err) == (10, "")
    assert "account    acct-9" in out
    assert "12 documents, 0 near-duplicates" in out
    assert runs(place)[0]["tried"]["windows"] == 24
    folder = place / "folder"
    folder.mkdir()
    for number, row in enumerate(rows):
        (folder / f"{number:02}.txt").write_text(row)
    # The same texts are the same corpus, and this is another run on it.
    assert json.loads(detect("folder", "--json")[1])["tried"]["runs"] == 2


def test_text_that_is_no_unicode_is_tested_all_the_same(detect, place):
    """JSON can say half of a surrogate pair, and files may have names that are no text."""
    (place / "c.jsonl").write_text('{"text": "half \\ud800 of it"}\n{"text": "\\u202e\\u0000"}\n{"text": ""}\n')
    for more in ([], ["--json"], ["--html", "p.html", "--scores", "--bundle", "e.zip"]):
        status, out, _ = detect("c.jsonl", *more, token=FORENSIC)
        assert status == 0
        assert "inconclusive" in out


def test_declared_clusters(detect, place):
    (place / "sets.yaml").write_text("declared: 2026-11-01\nclusters: {ring: [acct-1, acct-2]}\n")
    both = prose(6, 500, "acct-1") + " " + prose(7, 500, "acct-2")
    (place / "both.txt").write_text(both)
    report = json.loads(detect("both.txt", "--clusters", "sets.yaml", "--json")[1])
    assert report["clusters"]["members"] == {"ring": 2}
    assert report["tried"]["clusters"] == 1
    (place / "sets.yaml").write_text("declared: 2026-11-01\nclusters: {ring: [acct-1, nobody]}\n")
    status, _, err = detect("both.txt", "--clusters", "sets.yaml")
    assert status == 2
    assert "nobody" in err


def test_the_page_as_html(detect, place):
    assert detect("marked.txt", "--html", "page.html")[0] == 0
    assert "<svg" not in (place / "page.html").read_text()
    assert detect("marked.txt", "--html", "page.html", "--scores", token=FORENSIC)[0] == 0
    assert "<svg" in (place / "page.html").read_text()


@pytest.mark.parametrize(
    ("words", "status", "message"),
    [
        (["nothing.txt"], 1, "cannot be read"),
        (["marked.txt", "--epoch", "1999"], 2, "no epoch 1999"),
        (["marked.txt", "--family", "other"], 2, "no pair table for the model family other"),
        (["marked.txt", "--alpha", "2"], 2, "alpha"),
        (["marked.txt", "--runs", "-1"], 2, "--runs"),
        (["marked.txt", "plain.txt", "--windows"], 2, "--windows is for one text"),
        (["marked.txt", "--include-text"], 2, "--include-text belongs to --bundle"),
        (["marked.txt", "--html", "no/where.html"], 2, "folder does not exist"),
        (["marked.txt", "--accounts", "toy.json"], 1, "toy.json:1: expected an account id"),
        (["marked.txt", "--clusters", "toy.json"], 1, "expected the keys"),
        (["marked.txt", "--prompt", "nothing"], 1, "cannot be read"),
        (["marked.txt", "--directory", "marks"], 2, "belong to --secret-file"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_what_is_wrong_is_said_and_no_run_is_counted(detect, place, words, status, message):
    found, out, err = detect(*words)
    assert (found, out) == (status, "")
    assert message in err
    assert runs(place) == []


def test_an_epoch_that_has_not_begun_is_not_tested(detect):
    tested = json.loads(detect("plain.txt", "--json")[1])["tested"]
    assert [(era["epoch"], era["accounts"]) for era in tested] == [(BEGUN, len(ACCOUNTS))]


def test_settings_without_marks(detect, place):
    text = (place / "gateway.yaml").read_text()
    (place / "gateway.yaml").write_text(text[: text.index("watermark:")])
    assert "no watermark" in detect("marked.txt")[2]


def test_a_secret_that_others_may_read_is_refused(detect, place):
    (place / "watermark.key").chmod(0o644)
    status, out, err = detect("marked.txt")
    assert (status, out) == (1, "")
    assert "chmod 600" in err


def test_without_numpy_the_extra_is_named(place):
    code = (
        "import sys; sys.modules['numpy'] = None; from gateway.cli.main import main; "
        f"sys.exit(main(['watermark', 'detect', 'x', '--config', {str(place / 'gateway.yaml')!r}]))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 2
    assert done.stderr.strip().endswith("needs numpy: pip install 'excise-gateway[watermark]'")


class TestEvidence:
    """Bundles, and running them again."""

    @pytest.mark.parametrize("name", ["evidence", "evidence.zip"])
    def test_it_runs_again_and_says_the_same(self, detect, place, name):
        assert detect("marked.txt", "--bundle", name, "--windows", token=FORENSIC)[0] == 0
        status, out, err = detect(name, "--text", "marked.txt", verb="reproduce", token=FORENSIC)
        assert (status, err) == (0, "")
        assert out.startswith("the same: attributed, made 2026-11-18")
        # The same test again is not another look.
        assert len(runs(place)) == 1

    def test_it_holds_what_it_was_made_from(self, detect, place):
        detect("marked.txt", "--bundle", "evidence", token=FORENSIC)
        names = {
            str(path.relative_to(place / "evidence")) for path in (place / "evidence").rglob("*") if path.is_file()
        }
        assert names == {
            "accounts.json", "config.json", "report.json", "report.txt", "report.html", "manifest.json", "manifest.jws",
            "manifest.key", f"tables/{FAMILY}.json", f"commitments/{BEGUN}-{FAMILY}.json",
            f"decoys/{BEGUN}-{FAMILY}-list-0.csv",
        }  # fmt: skip
        rows = (place / "evidence" / "decoys" / f"{BEGUN}-{FAMILY}-list-0.csv").read_text().splitlines()
        assert len(rows) == 10_001
        everything = b"".join(path.read_bytes() for path in (place / "evidence").rglob("*") if path.is_file())
        assert (place / "marked.txt").read_bytes()[:60] not in everything
        assert (place / "watermark.key").read_bytes()[:32] not in everything

    def test_with_the_text_it_needs_nothing_else(self, detect, place):
        words = ["marked.txt", "--prompt", "short.txt", "--bundle", "e.zip", "--include-text"]
        assert detect(*words, token=FORENSIC)[0] == 0
        assert detect("e.zip", verb="reproduce", token=FORENSIC)[0] == 0
        # An expert needs the bundle and the secret, and no settings.
        (place / "marks").rename(place / "elsewhere")
        assert detect("e.zip", "--secret-file", "watermark.key", verb="reproduce", config=False)[0] == 0

    def test_clusters_and_accounts_go_with_it(self, detect, place):
        (place / "sets.yaml").write_text("declared: 2026-11-01\nclusters: {ring: [acct-1, acct-7]}\n")
        (place / "some.txt").write_text("acct-7\nacct-1 2\nacct-1\n")
        words = ["--clusters", "sets.yaml", "--accounts", "some.txt", "--bundle", "e"]
        assert detect("marked.txt", *words, token=FORENSIC)[0] == 0
        (place / "sets.yaml").unlink()
        assert detect("e", "--text", "marked.txt", verb="reproduce", token=FORENSIC)[0] == 0

    def test_a_corpus_runs_again(self, detect, place):
        rows = [prose(number, 300, "acct-9" if number % 2 else None) for number in range(4)]
        (place / "c.jsonl").write_text("".join(json.dumps({"text": row}) + "\n" for row in rows))
        assert detect("c.jsonl", "--bundle", "e.zip", token=FORENSIC)[0] == 0
        assert detect("e.zip", "--text", "c.jsonl", verb="reproduce", token=FORENSIC)[0] == 0

    def test_another_text_is_refused(self, detect, place):
        detect("marked.txt", "--bundle", "e.zip", token=FORENSIC)
        status, _, err = detect("e.zip", "--text", "plain.txt", verb="reproduce", token=FORENSIC)
        assert status == 1
        assert "not the one that was tested" in err
        assert detect("e.zip", verb="reproduce", token=FORENSIC)[0] == 2

    def test_another_prompt_is_refused(self, detect):
        detect("marked.txt", "--prompt", "short.txt", "--bundle", "e.zip", token=FORENSIC)
        for more in ([], ["--prompt", "plain.txt"]):
            status, _, err = detect("e.zip", "--text", "marked.txt", *more, verb="reproduce", token=FORENSIC)
            assert status == 1
            assert "--prompt FILE" in err

    def test_one_text_is_one_text(self, detect):
        detect("marked.txt", "--bundle", "e.zip", token=FORENSIC)
        words = ["--text", "marked.txt", "--text", "plain.txt"]
        assert "expected one" in detect("e.zip", *words, verb="reproduce", token=FORENSIC)[2]

    def test_a_changed_report_is_found(self, detect, place):
        detect("marked.txt", "--bundle", "e", token=FORENSIC)
        report = place / "e" / "report.json"
        report.write_text(report.read_text().replace("acct-7", "acct-8"))
        status, _, err = detect("e", "--text", "marked.txt", verb="reproduce", token=FORENSIC)
        assert status == 1
        assert "report.json: changed" in err

    def test_a_signed_lie_is_found_by_running_it_again(self, detect, place):
        """Whoever has the secret can sign anything; the numbers still have to come out."""
        from gateway.forensics.bundle import read_bundle, write_bundle
        from tests.support.forensic_files import MASTER

        detect("marked.txt", "--bundle", "e", token=FORENSIC)
        bundle = read_bundle(place / "e", MASTER)
        files = {name: bundle.files[name] for name in bundle.manifest["files"]}
        files["report.json"] = files["report.json"].replace(b"acct-7", b"acct-8")
        write_bundle(place / "lie", files, MASTER, {"made_at": "now", "by": "eve"})
        status, out, _ = detect("lie", "--text", "marked.txt", verb="reproduce", token=FORENSIC)
        assert status == 1
        assert "verdict.accounts.0.account" in out

    def test_roles_and_overwriting(self, detect, place):
        detect("marked.txt", "--bundle", "e", token=FORENSIC)
        assert "exists" in detect("marked.txt", "--bundle", "e", token=FORENSIC)[2]
        assert len(runs(place)) == 1
        status, _, err = detect("e", "--text", "marked.txt", verb="reproduce", token=READER)
        assert status == 2
        assert "role forensic" in err


def test_the_table_of_the_tests_is_what_it_seems():
    assert len(TABLE.pairs) == 400
