"""models.yaml: names, prices to the nano-dollar, and mistakes with their places."""

from decimal import Decimal
from pathlib import Path

import pytest

from gateway import yamlio
from gateway.catalogue import Catalogue, catalogue_of, load_catalogue
from gateway.core.model import CODE, Model, Prices
from gateway.yamlio import YamlProblems

EXAMPLE = Path(__file__).parents[2] / "examples" / "models.yaml"
BASE = "models:\n  m:\n    upstreams: [u]\n    context: 100\n    max_output: 50\n"


def read(text: str, upstreams: tuple[str, ...] | None = ("u",)) -> Catalogue:
    return catalogue_of(yamlio.load(text, "m.yaml"), upstreams)


def model(more: str) -> Model:
    found = read(BASE + more).lookup("m")
    assert found is not None
    return found


def complaints(text: str) -> list[str]:
    with pytest.raises(YamlProblems) as caught:
        read(text)
    return [str(problem) for problem in caught.value.problems]


def test_a_model_answers_to_its_id_and_aliases():
    catalogue = read(BASE + "    aliases: [latest, m-2]\n    upstream_name: real\n    created: 2026-01-02\n")
    found = catalogue.lookup("m")
    assert found is catalogue.lookup("latest") is catalogue.lookup("m-2")
    assert found is not None
    assert (found.id, found.upstream_name, found.created) == ("m", "real", 1_767_312_000)
    assert catalogue.lookup("M") is None
    assert catalogue.models == (found,)


@pytest.mark.parametrize(
    ("written", "nano"),
    [("2.5", 2500), ("'2.5'", 2500), ("0", 0), ("0.15", 150), ("0.0001", 1), ("0.0011", 2), ("1000000", 10**9),
     ("0.075", 75), ("'0.1234567890123456789012345'", 124)],
)  # fmt: skip
def test_prices_are_exact_and_round_up(written: str, nano: int):
    prices = model(f"    prices: {{input: {written}, output: 1}}\n").prices
    assert prices is not None
    assert prices.input == nano
    assert prices.input >= Decimal(written.strip("'")) * 1000


def test_cache_prices_default_to_the_full_input_price():
    assert model("    prices: {input: 3, output: 9, cache_read: 0.3}\n").prices == Prices(3000, 9000, 300, 3000)


def test_unknown_and_free_differ():
    assert model("").prices_at(0) is None
    assert model("    prices: {input: 0, output: 0}\n").prices_at(0) == Prices(0, 0, 0, 0)


def test_a_model_may_be_tagged_and_one_tag_has_a_meaning():
    assert model("").tags == ()
    assert model("    tags: [code, preview]\n").tags == (CODE, "preview")
    assert complaints(BASE + "    tags: code\n") != []


def test_the_price_list_in_force_is_the_last_that_has_begun():
    dated = model(
        "    prices:\n"
        "    - {valid_from: 2026-02-01, input: 2, output: 2}\n"
        "    - {valid_from: 2026-01-01T00:00:00+01:00, input: 1, output: 1}\n"
    )
    january = 1_767_222_000_000
    february = 1_769_904_000_000
    assert dated.prices_at(january - 1) is None
    for moment, input_price in [(january, 1000), (february - 1, 1000), (february, 2000)]:
        prices = dated.prices_at(moment)
        assert prices is not None
        assert prices.input == input_price


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ("    aliases: [m]\n", "m.yaml:6:15: the name 'm' is already that of model 'm'"),
        ("    prices: {input: 1}\n", "m.yaml:6:5: missing key 'models.m.prices.output'"),
        ("    prices: {input: 1, output: -1}\n", "m.yaml:6:32: models.m.prices.output: expected greater than"),
        ("    prices: {input: 1, outptu: 1, output: 1}\n", "m.yaml:6:24: unknown key 'outptu', did you mean 'output'?"),
        ("    prices: [{input: 1, output: 1}]\n", "m.yaml:6:14: missing key 'models.m.prices[0].valid_from'"),
        ("    prices: [{valid_from: soon, input: 1, output: 1}]\n", "expected a date like 2026-03-01"),
        ("    prices: [{valid_from: 2026-01-01T00:00:00, input: 1, output: 1}]\n", "a time with its offset"),
        (
            """    prices:
    - {valid_from: 2026-01-01, input: 1, output: 1}
    - {valid_from: 2026-01-01T00:00:00Z, input: 2, output: 1}
""",
            "m.yaml:6:5: two price lists are valid from the same moment",
        ),
        ("    prices: {input: .nan, output: 1}\n", "m.yaml:6:21: models.m.prices.input: expected"),
        ("    contxt: 1\n", "m.yaml:6:5: unknown key 'contxt', did you mean 'context'?"),
    ],
)  # fmt: skip
def test_mistakes_are_pointed_at(more: str, expected: str):
    found = complaints(BASE + more)
    assert len(found) == 1
    assert expected in found[0]


def test_references_are_checked():
    text = BASE.replace("[u]", "[uu]").replace("max_output: 50", "max_output: 500")
    assert complaints(text) == [
        "m.yaml:3:17: unknown upstream 'uu', did you mean 'u'?",
        "m.yaml:5:17: expected at most context (100), found 500",
    ]
    assert read(BASE, None).lookup("m") is not None


def test_one_name_cannot_be_two_models():
    text = BASE + BASE.removeprefix("models:\n").replace("  m:", "  n:", 1) + "    aliases: [m]\n"
    assert complaints(text) == ["m.yaml:10:15: the name 'm' is already that of model 'm'"]


def test_the_example_is_valid_and_shows_every_setting():
    catalogue = load_catalogue(EXAMPLE, ("demo",))
    assert {one.prices_at(1_800_000_000_000) is None for one in catalogue.models} == {True, False}
    text = EXAMPLE.read_text()
    for word in (
        "aliases",
        "upstream_name",
        "context",
        "max_output",
        "valid_from",
        "cache_write",
        "created",
        "tags: [code]",
    ):
        assert word in text
