"""Marks with a real model: the self-test knows a right table from a wrong one, and answers lean their account's way."""

import argparse
import time
from dataclasses import replace

import openai
import pytest

from gateway.cli import watermark_pairs
from gateway.watermarks.keys import seed_of
from gateway.watermarks.layout import WIDTH
from gateway.watermarks.pairs import PairTable, read_table
from gateway.watermarks.scheme import PairScheme
from gateway.watermarks.score import Score
from gateway.watermarks.signs import codeword_bits, is_plus
from tests.support.markdown import ROOT
from tests.support.marking import FAMILY, POLICY, codeword_root, write_book
from tests.support.real_model import MODEL
from tests.support.running import PRICES, running

pytestmark = [pytest.mark.model, pytest.mark.timeout(300)]

PROMPTS = (
    "The old harbour town was",
    "My grandmother told me that",
    "In the spring the farmers",
    "He opened the letter and",
)
ANSWERS, TOKENS = 8, 160


@pytest.fixture(scope="module")
def table(model_url, tmp_path_factory):
    parser = argparse.ArgumentParser()
    watermark_pairs.add_parser(parser.add_subparsers(dest="verb"))
    made = tmp_path_factory.mktemp("table") / "gemma.json"
    sample = sorted(map(str, (ROOT / "docs").glob("*.md")))
    words = ["pairs", "--sample", *sample, "--model", FAMILY, "--upstream", f"{model_url}/v1", "-o", str(made)]
    assert watermark_pairs.run(parser.parse_args(words)) == 0
    return read_table(made)


def serving(folder, model_url, table):
    models = {
        "toy": {"upstreams": ["main"], "upstream_name": MODEL, "context": 1024, "max_output": 512, "prices": PRICES,
                "family": FAMILY}
    }  # fmt: skip
    return running(
        folder,
        upstream=f"{model_url}/v1",
        upstream_settings={"kind": "llamacpp", "dialects": ["chat", "completions"]},
        models=models,
        policies={"marks": POLICY.format(mode="enforce", block="{scheme: pairs, strength: 3}")},
        settings={"watermark": write_book(folder, table)},
    )


def self_test(gateway):
    """What the self-test said, once it has."""
    until = time.monotonic() + 120
    name = 'gateway_watermark_probe_ok{upstream="main"} '
    while time.monotonic() < until:
        for line in gateway.runtime.metrics.render().decode().splitlines():
            if line.startswith(name):
                return float(line.removeprefix(name)) == 1
        time.sleep(0.1)
    raise AssertionError("the self-test did not end")


def z_of(reading, account):
    bits = codeword_bits(seed_of(codeword_root(), account), WIDTH)
    vector = reading.account[0]
    return Score(sum(weight if is_plus(bits, at) else -weight for at, weight in vector.weights), vector.squares).z


def test_an_accounts_answers_lean_its_way_and_no_other(tmp_path, model_url, table):
    with serving(tmp_path, model_url, table) as gateway:
        assert self_test(gateway)
        with openai.OpenAI(base_url=gateway.url + "/v1", api_key=gateway.keys["ada"], max_retries=0) as client:
            texts = [
                client.completions.create(model="toy", prompt=PROMPTS[n % 4], max_tokens=TOKENS, seed=n).choices[0].text
                for n in range(ANSWERS)
            ]
        gateway.settled()
        assert {record.mark.result for record in gateway.records()} == {"marked"}
    reading = PairScheme(table, provider_quarters=1).read("\n".join(texts))
    others = sorted(z_of(reading, f"stranger-{n}") for n in range(500))
    assert z_of(reading, "ada") > max(3, others[-1])
    assert abs(others[250]) < 0.3


def test_a_table_of_another_tokenizer_is_found_out(tmp_path, model_url, table):
    """The same words with each other's tokens, as a table that was made with another model's tokenizer would be."""
    tokens = [token for pair in table.pairs for token in (pair.first_token, pair.second_token)]
    tokens = tokens[101:] + tokens[:101]
    wrong = PairTable(
        table.model,
        tuple(
            replace(pair, first_token=tokens[2 * at], second_token=tokens[2 * at + 1])
            for at, pair in enumerate(table.pairs)
        ),
    )
    with serving(tmp_path, model_url, wrong) as gateway:
        assert not self_test(gateway)
        with openai.OpenAI(base_url=gateway.url + "/v1", api_key=gateway.keys["ada"], max_retries=0) as client:
            client.completions.create(model="toy", prompt="One", max_tokens=3)
        gateway.settled()
        assert gateway.records()[0].mark.why == "upstream"
