"""`gateway accounts standing|proposals` and `gateway policy off|on|switches`, against a running gateway."""

import argparse
import json
import re

import pytest

from gateway.cli.main import main
from gateway.cli.until import end
from gateway.core.clock import SystemClock
from gateway.scalars import moment_ms
from tests.support.administering import done
from tests.support.talking import ask


def test_a_standing_is_set_shown_and_lifted(gateway, run):
    assert run("accounts", "standing", "globex") == (0, "globex: clear\n", "")
    status, out, err = run(
        "accounts", "standing", "globex", "blocked", "--reason", "case 71, sells its key", "--until", "7d"
    )
    assert (status, err) == (0, "")
    first, second = out.splitlines()
    assert re.fullmatch(r"globex: blocked until \d{4}-\S+Z", first)
    assert re.fullmatch(r"  \S+Z  blocked  until \S+Z  by tester: case 71, sells its key", second)
    assert ask(gateway, key=gateway.keys["globex"]).status == 403
    assert [row.split()[-1] for row in run("accounts", "list")[1].splitlines() if "globex" in row] == ["blocked"]
    shown = json.loads(run("accounts", "standing", "globex", "--json")[1])
    days = (moment_ms(shown["until"]) - moment_ms(shown["since"])) / 86_400_000
    assert 6.9 < days < 7.1
    status, out, _ = run("accounts", "standing", "globex", "clear", "--reason", "appeal granted")
    assert (status, out.splitlines()[0], len(out.splitlines())) == (0, "globex: clear", 3)
    assert ask(gateway, key=gateway.keys["globex"]).status == 200


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("acme", "limited", "--until", "7d"), "a standing needs --reason"),
        (("acme", "limited", "--reason", "case 71"), "limited needs --until"),
        (("acme", "clear", "--reason", "case 71", "--until", "7d"), "a clear standing has no --until"),
        (("acme", "--reason", "case 71"), "--reason and --until need a standing"),
        (("acme", "--until", "7d"), "--reason and --until need a standing"),
    ],
)
def test_half_a_ruling_is_wrong_usage(run, words, said):
    status, out, err = run("accounts", "standing", *words)
    assert (status, out) == (2, "")
    assert err.startswith("gateway accounts standing: ")
    assert said in err


@pytest.mark.parametrize(
    "words",
    [
        ("accounts", "standing", "acme", "suspended", "--reason", "case", "--until", "7d"),
        ("accounts", "standing", "acme", "limited", "--reason", "case", "--until", "soon"),
        ("policy", "off", "open", "--until", "2h"),
        ("policy", "off", "open", "--reason", "case 71"),
        ("policy", "off", "open", "--reason", "case 71", "--until", "-1h"),
    ],
)
def test_words_that_mean_nothing_are_wrong_usage(run, words):
    with pytest.raises(SystemExit, match="2"):
        run(*words)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("standing", "nobody"), "404 unknown_route: no such account"),
        (("standing", "acme", "limited", "--reason", "case", "--until", "2001-01-01"), "expected a moment to come"),
        (("standing", "acme", "limited", "--reason", "case", "--until", "400d"), "at most a year"),
        (("standing", "acme", "limited", "--reason", "a\x1b[2J", "--until", "7d"), "one line of printable text"),
    ],
)
def test_what_the_gateway_refuses_is_said(run, words, said):
    status, out, err = run("accounts", *words)
    assert (status, out) == (1, "")
    assert said in err


def test_proposals_are_listed(gateway, run):
    assert run("accounts", "proposals") == (0, "", "none\n")
    proposals = gateway.runtime.pipeline.rulebook.proposals

    async def note():
        proposals.note("acme", "extraction", "many-prompts", 1_800_000_000_000)

    gateway.call(note())
    status, out, _ = run("accounts", "proposals")
    assert status == 0
    assert out.split() == ["acme", "extraction/many-prompts", "1"] + 2 * ["2027-01-15T08:00:00.000Z"]
    assert json.loads(run("accounts", "proposals", "--json")[1])["proposals"][0]["rule"] == "many-prompts"
    done(gateway, "PUT", "accounts/acme/standing", {"standing": "clear", "reason": "nothing in it"})


def test_a_policy_is_switched_off_and_on(run):
    assert run("policy", "switches") == (0, "", "every policy is in force as its file says\n")
    status, out, err = run("policy", "off", "open", "--reason", "case 71", "--until", "2h")
    assert (status, out) == (0, "")
    assert re.fullmatch(r"open is off until \S+Z\n", err)
    assert re.fullmatch(r"off   open {28}  until \S+Z  by tester: case 71\n", run("policy", "switches")[1])
    assert run("policy", "on", "open") == (0, "", "open is in force again\n")
    status, out, err = run("policy", "switches")
    assert re.fullmatch(r"over  open {28}  lifted by tester \S+Z; by tester: case 71\n", out)
    assert err == "every policy is in force as its file says\n"
    status, _, err = run("policy", "on", "open")
    assert (status, "'open' is not switched off" in err) == (1, True)
    status, _, err = run("policy", "off", "oepn", "--reason", "case 71", "--until", "2h")
    assert (status, "did you mean 'open'?" in err) == (1, True)
    assert json.loads(run("policy", "switches", "--json")[1])["over"][0]["lifted_by"] == "tester"


def test_without_a_token_nothing_is_asked(monkeypatch, capsys):
    monkeypatch.delenv("GATEWAY_ADMIN_TOKEN", raising=False)
    monkeypatch.delenv("GATEWAY_ADMIN_TOKEN_FILE", raising=False)
    assert main(["policy", "switches"]) == main(["accounts", "proposals"]) == 2
    assert "no admin token" in capsys.readouterr().err


@pytest.mark.parametrize(("text", "seconds"), [("90s", 90), ("30m", 1800), ("2h", 7200), ("7d", 604_800)])
def test_a_span_counts_from_now(text, seconds):
    before = SystemClock().now_ms()
    ms = moment_ms(end(text)) - seconds * 1000
    assert before <= ms <= SystemClock().now_ms()


def test_a_date_is_midnight_utc_and_a_time_has_its_offset():
    assert end("2027-01-31") == "2027-01-31T00:00:00.000Z"
    assert end("2027-01-31T12:00:00+01:00") == "2027-01-31T11:00:00.000Z"


@pytest.mark.parametrize("text", ["", "7", "0d", "7 d", "1w", "2027-13-01", "2027-01-31T12:00:00", "999999999d", "٣d"])
def test_what_is_no_end_is_refused(text):
    with pytest.raises(argparse.ArgumentTypeError, match="expected a span such as 2h or 7d"):
        end(text)
