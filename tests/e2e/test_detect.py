"""From a caller's answer to a name: what a running gateway issued is found by the verb, from what it left on disk."""

import json
import time

import openai

from tests.support.needs import needs_numpy

needs_numpy()

from gateway.cli.main import main  # noqa: E402
from gateway.watermarks.account_log import log_folder  # noqa: E402
from gateway.watermarks.account_notes import read_logs  # noqa: E402
from tests.support.marking import EPOCH, FAMILY, marking  # noqa: E402


def answers(gateway, account, count):
    with openai.OpenAI(base_url=gateway.url + "/v1", api_key=gateway.keys[account], max_retries=0) as client:
        asked = [{"role": "user", "content": "write"}]
        made = [client.chat.completions.create(model="toy", messages=asked) for _ in range(count)]
    return [one.choices[0].message.content for one in made]


def logged(folder, accounts):
    """The account log is written behind the answers."""
    until = time.monotonic() + 10
    while {account for account, _ in read_logs(log_folder(folder / "marks")).issued(EPOCH, FAMILY)} < accounts:
        assert time.monotonic() < until, "the accounts were never noted"
        time.sleep(0.02)


def test_issued_answers_are_traced_to_their_account(tmp_path, capsys):
    with marking(tmp_path, block="{scheme: pairs, strength: 2.0, registry: true}") as (gateway, _):
        texts = {account: answers(gateway, account, 3) for account in ("ada", "acme")}
        logged(tmp_path, set(texts))
        gateway.settled()
    keys = ["--secret-file", tmp_path / "watermark.key", "--directory", tmp_path / "marks"]
    keys += ["--table", f"{FAMILY}={tmp_path / 'toy.json'}", "--epoch", EPOCH]
    for account, written in texts.items():
        (tmp_path / "found.txt").write_text("\n\n".join(written))
        words = ["watermark", "detect", tmp_path / "found.txt", *keys, "--json", "--exit-code", "--scores"]
        assert main([str(word) for word in words]) == 10
        report = json.loads(capsys.readouterr().out)
        assert [one["account"] for one in report["verdict"]["accounts"]] == [account]
        assert report["tested"][0]["commitment"]["check"] == "verified"
        assert report["tested"][0]["accounts"] == 2
        assert report["verdict"]["provider"] is not None
        # The gateway that marked the answers kept their fingerprints too: two kinds of evidence, one account.
        assert report["registry"]["searched"]["answers"] == 6
        assert report["registry"]["accounts"] == [{"account": account, "corroborated": True}]
        assert [one["answers"] for one in report["registry"]["holders"]] == [3]


def test_answers_of_a_gateway_that_only_watches_name_nobody(tmp_path, capsys):
    with marking(tmp_path, mode="audit") as (gateway, _):
        (tmp_path / "found.txt").write_text("\n\n".join(answers(gateway, "ada", 3)))
    (tmp_path / "who.txt").write_text("ada\nacme\n")
    words = ["watermark", "detect", tmp_path / "found.txt", "--accounts", tmp_path / "who.txt", "--exit-code"]
    words += ["--secret-file", tmp_path / "watermark.key", "--directory", tmp_path / "marks"]
    words += ["--table", f"{FAMILY}={tmp_path / 'toy.json'}", "--epoch", EPOCH]
    assert main([str(word) for word in words]) in (12, 13)
    assert "account    " not in capsys.readouterr().out
