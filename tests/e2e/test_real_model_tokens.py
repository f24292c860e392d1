"""A pair table made with a real model's own tokenizer: every word of it is the one token that the table says."""

import argparse
import json
import urllib.request

import pytest

from gateway.cli import watermark_pairs
from gateway.watermarks.pairs import read_table
from tests.support.markdown import ROOT

pytestmark = [pytest.mark.model, pytest.mark.timeout(120)]

SAMPLE = sorted(map(str, (ROOT / "docs").glob("*.md")))


def ask(url, path, **body):
    request = urllib.request.Request(url + path, json.dumps(body).encode(), {"content-type": "application/json"})
    with urllib.request.urlopen(request, timeout=60) as answer:
        return json.load(answer)


def make(*words):
    parser = argparse.ArgumentParser()
    watermark_pairs.add_parser(parser.add_subparsers(dest="verb"))
    given = ["pairs", "--sample", *SAMPLE, "--model", "gemma-3", *map(str, words)]
    return watermark_pairs.run(parser.parse_args(given))


def test_a_table_of_a_real_model(model_url, tmp_path, capsys):
    assert make("--upstream", f"{model_url}/v1", "-o", tmp_path / "table.json") == 0
    said = capsys.readouterr().err
    assert "all tokens came back as their words" in said
    table = read_table(tmp_path / "table.json")
    assert len(table.pairs) > 200, said
    for pair in table.pairs[::20]:
        for word, token in ((pair.first, pair.first_token), (pair.second, pair.second_token)):
            assert ask(model_url, "/tokenize", content=f" {word}", add_special=False)["tokens"] == [token]
            assert ask(model_url, "/detokenize", tokens=[token])["content"] == f" {word}"
    again = tmp_path / "again.json"
    assert make("--upstream", model_url, "-o", again, "--cache", tmp_path / "table.json.tokens") == 0
    assert read_table(again).digest == table.digest
