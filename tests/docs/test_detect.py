"""docs/detect.md knows every exit status, every field of the report and every reason, and its limits are the code's."""

import re
from random import Random

from tests.support.markdown import ROOT
from tests.support.needs import needs_numpy

needs_numpy()

from gateway.cli.watermark_run import EXITS  # noqa: E402
from gateway.forensics import clusters, corpus, duplicates, inputs, pool, portions, windows  # noqa: E402
from gateway.forensics.corpus import examine_corpus  # noqa: E402
from gateway.forensics.corroboration import section  # noqa: E402
from gateway.forensics.document import examine  # noqa: E402
from gateway.forensics.fingerprints import Fingerprints  # noqa: E402
from gateway.forensics.inputs import Document  # noqa: E402
from gateway.forensics.question import Question  # noqa: E402
from gateway.forensics.report import FORMAT, Context, report_of  # noqa: E402
from gateway.registry.search import Searched  # noqa: E402
from tests.support.forensic import era, text  # noqa: E402

PAGE = (ROOT / "docs" / "detect.md").read_text()


def test_every_exit_status():
    listed = dict(re.findall(r"^\| (\d+) \| with `--exit-code`: (.*) \|$", PAGE, re.MULTILINE))
    assert {(verdict, str(status)) for verdict, status in EXITS.items()} == {
        (verdict, status) for status, verdicts in listed.items() for verdict in re.findall(r"`(\w+)`", verdicts)
    }


def test_every_field_of_the_report():
    one = text(Random(1), 300)
    question, context = Question((era(),)), Context("now", "ada", {})
    single = report_of(examine("a", one, question, lambda _: 1), question, context, scores=True)
    many = examine_corpus([Document("a", one, one)], question, lambda _: 1)
    table = PAGE[PAGE.index("| field | meaning |") :].partition("\n\n")[0]
    rows = re.findall(r"^\| (`[^|]+) \|", table, re.MULTILINE)
    listed = {name for row in rows for name in re.findall(r"`(\w+)`", row)}
    assert listed | {"format"} == set(single) | set(report_of(many, question, context, scores=True))
    assert f"(`format` {FORMAT})" in PAGE


def test_every_field_of_what_the_registry_says():
    found = Fingerprints(Searched(), (), (), 0, 0)
    row = next(line for line in PAGE.splitlines() if line.startswith("| `registry` | null"))
    made = section(found, ["a"], details=True, corpus=True)
    assert set(re.findall(r"`(\w+)`", row)) == {"registry", *made}


def test_the_limits():
    assert f"{inputs.MOST_BYTES >> 20} MiB a text" in PAGE
    assert f"{inputs.MOST_DOCUMENTS:,} documents" in PAGE
    assert f"At most {clusters.MOST} sets" in PAGE
    assert f"to {windows.LEAST_WORDS} words and at most {windows.MOST} of them" in PAGE
    assert f"at most {pool.MOST_CHARACTERS >> 20} MiB of it" in PAGE
    assert f"q ≤ {corpus.SHARE_Q}" in PAGE
    assert f"{portions.AT_ONCE} documents, or {portions.CHARS_AT_ONCE >> 20} MiB of text, are one pass" in PAGE
    assert f"estimated at {duplicates.ALIKE:.0%}".replace("%", " %") in PAGE
    assert all(f"`{suffix}`" in PAGE for suffix in (*inputs.CORPUS_SUFFIXES, *inputs.TEXT_SUFFIXES))


def test_every_check_that_silences():
    for reason in ("commitment_mismatch", "decoys_disagree", "decoy_fired"):
        assert f"`{reason}`" in PAGE
