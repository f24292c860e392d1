"""What loads and can hardly be meant is warned of, by `config check` and by `doctor`, and stops nothing."""

from pathlib import Path

import pytest
import yaml

from gateway.cli.check import check
from gateway.cli.doctor import examine
from gateway.core.clock import ManualClock
from tests.support.config_dir import POLICY, write_config
from tests.support.marks_on_disk import MARKS, write_marks
from tests.support.mmdb import countries

NOW = 1_800_000_000_000


def hints(path: Path) -> list[str]:
    checked = check(path, {}, NOW)
    assert checked.problems == []
    return checked.hints


def test_a_good_configuration_has_none(tmp_path: Path):
    assert hints(write_config(tmp_path)) == []


def test_an_account_that_no_policy_covers_is_named(tmp_path: Path):
    path = write_config(tmp_path)
    (tmp_path / "policies" / "everyone.yaml").write_text(POLICY.replace("match: all", "match: {tier: team}"))
    (tmp_path / "accounts.yaml").write_text("accounts: {acme: {tier: team}, ada: {tier: tema}}\n")
    assert hints(path) == ["accounts: no policy covers ada (tier tema): without limits, without budgets"]
    lines = [line for line in examine(path, {}, ManualClock(NOW), online=False) if line.name == "config"]
    assert [line.level for line in lines] == ["ok", "warn"]


def test_only_the_first_of_many_are_named(tmp_path: Path):
    path = write_config(tmp_path)
    (tmp_path / "policies" / "everyone.yaml").write_text(POLICY.replace("match: all", "match: {tier: team}"))
    (tmp_path / "accounts.yaml").write_text("accounts:\n" + "".join(f"  a{n}: {{tier: x}}\n" for n in range(9)))
    (hint,) = hints(path)
    assert "a4 (tier x) and 4 more" in hint
    assert "a5" not in hint


def test_dollars_per_token_are_suspected(tmp_path: Path):
    path = write_config(tmp_path)
    entry = "  {0}: {{upstreams: [main], context: 100, max_output: 50, prices: {{input: {1}, output: {2}}}}}\n"
    models = entry.format("a", "0.0000006", "0.5") + entry.format("b", "0", "0") + entry.format("c", "0.15", "0.6")
    (tmp_path / "models.yaml").write_text("models:\n" + models)
    (hint,) = hints(path)
    assert hint.startswith("models.a.prices: $0.001 or less per million tokens")


def test_policies_that_are_not_read_are_named(tmp_path: Path):
    path = write_config(tmp_path)
    (tmp_path / "policies" / "team.yml").write_text(POLICY)
    (tmp_path / "policies" / "old").mkdir()
    (tmp_path / "policies" / "old" / "x.yaml").write_text(POLICY)
    (tmp_path / "policies" / "..data").mkdir()
    (tmp_path / "policies" / "..data" / "x.yaml").write_text(POLICY)
    assert [hint.partition(" is not read")[0].rsplit("/", 1)[1] for hint in hints(path)] == ["x.yaml", "team.yml"]


def test_records_without_a_place_to_go_are_told_before_they_are_lost(tmp_path: Path):
    path = write_config(tmp_path)
    text = path.read_text()
    path.write_text(f"{text}decision_log: logs/decisions.jsonl\n")
    (hint,) = hints(path)
    assert (
        hint == f"decision_log: the folder {tmp_path / 'logs'} is not there or cannot be written: records will be lost"
    )
    (tmp_path / "logs").mkdir()
    assert hints(path) == []


def test_a_limit_of_an_upstream_on_models_that_it_does_not_serve(tmp_path: Path):
    path = write_config(tmp_path)
    text, model = path.read_text(), (tmp_path / "models.yaml").read_text()
    name = next(iter(yaml.safe_load(model)["models"]))
    upstream = next(iter(yaml.safe_load(text)["upstreams"]))
    document = yaml.safe_load(text)
    limit = {"unit": "requests", "amount": 5, "window": "1m"}
    document["upstreams"][upstream]["limits"] = {
        "right": {**limit, "models": [name]},
        "each": {**limit, "models": "each"},
        "wrong": {**limit, "models": ["smal", "other-*"]},
    }
    path.write_text(yaml.safe_dump(document))
    expected = f"upstreams.{upstream}: the limit 'wrong' is on smal, other-*, none of which it serves"
    assert hints(path) == [expected]


def test_rules_on_where_callers_are_without_a_file_that_says_it(tmp_path: Path):
    path = write_config(tmp_path)
    away = "away: {when: {any: [{n: {at_least: 2}}, {not: {client_country: NZ}}]}, then: flag}"
    rules = f"rules: {{{away}, two: {{when: {{n: {{at_least: 2}}}}, then: flag}}}}\n"
    (tmp_path / "policies" / "everyone.yaml").write_text(POLICY + rules)
    assert hints(path) == ["data.country_file: not set, so client_country is never known in everyone/away"]
    (tmp_path / "countries.mmdb").write_bytes(countries(NZ="192.0.2.0/24"))
    path.write_text(path.read_text().replace("data: {port: 0}", "data: {port: 0, country_file: countries.mmdb}"))
    assert hints(path) == []


def marking(folder: Path, block: str = "{scheme: pairs}", mode: str = "enforce") -> None:
    head = POLICY.partition("limits:")[0].replace("everyone", "marks").replace("mode: enforce", f"mode: {mode}")
    (folder / "policies" / "marks.yaml").write_text(f"{head}watermark: {block}\n")


def with_marks(folder: Path, marks: str = MARKS, upstream: str = "kind: openai") -> Path:
    path = write_marks(folder, marks)
    path.write_text(path.read_text().replace("connect_s: 5", f"connect_s: 5, {upstream}"))
    return path


def models(folder: Path, **more: str) -> None:
    entry = "  {0}: {{upstreams: [main], context: 100, max_output: 50{1}}}\n"
    (folder / "models.yaml").write_text("models:\n" + "".join(entry.format(*one) for one in more.items()))


def test_marks_that_are_asked_for_and_not_set_up(tmp_path: Path):
    path = write_config(tmp_path)
    marking(tmp_path)
    assert hints(path) == ["watermark: not set, so nothing comes of the block in marks"]
    marking(tmp_path, "{scheme: none, receipts: true}")
    assert hints(path) == ["watermark: not set, so nothing comes of the block in marks"]
    marking(tmp_path, mode="audit")
    assert [hint for hint in hints(path) if "watermark" in hint] == []


def test_models_that_may_be_marked_and_have_no_table(tmp_path: Path):
    path = with_marks(tmp_path)
    marking(tmp_path)
    models(tmp_path, a=", family: gemma-3", b=", family: other", c="", d=", tags: [code]", e=", family: other")
    assert hints(path) == [
        "watermark.tables: none for the family 'other' (b, e), so there is no mark",
        "models.yaml: no family for c, so there is no pair table and no mark",
    ]
    (tmp_path / "policies" / "marks.yaml").write_text(
        (tmp_path / "policies" / "marks.yaml").read_text().replace("match: all", "match: {model: a, tier: free}")
    )
    assert hints(path) == []
    marking(tmp_path, "{scheme: none, registry: true}")
    assert hints(path) == []


def test_the_providers_mark_alone_where_it_has_no_pairs(tmp_path: Path):
    path = with_marks(tmp_path, f"{MARKS}  provider_quarters: 0\n")
    models(tmp_path, a=", family: gemma-3")
    marking(tmp_path, "{scheme: pairs, layers: provider}")
    assert hints(path) == [
        "watermark.provider_quarters: 0, so nothing comes of the provider's mark alone in marks",
    ]
    marking(tmp_path)
    assert hints(path) == []


@pytest.mark.parametrize(
    ("upstream", "takes"),
    [
        ("kind: generic", False),
        ("kind: generic, logit_bias_entries: 50", True),
        ("kind: openai", True),
        ("kind: openai, logit_bias_entries: 0", False),
    ],
)
def test_upstreams_that_take_no_entries(tmp_path: Path, upstream: str, takes: bool):
    path = with_marks(tmp_path, upstream=upstream)
    marking(tmp_path)
    models(tmp_path, a=", family: gemma-3")
    said = ["upstreams.*.logit_bias_entries: 0 wherever a is served, so there is no mark"]
    assert hints(path) == ([] if takes else said)
