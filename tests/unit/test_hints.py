"""What loads and can hardly be meant is warned of, by `config check` and by `doctor`, and stops nothing."""

from pathlib import Path

from gateway.cli.check import check
from gateway.cli.doctor import examine
from gateway.core.clock import ManualClock
from tests.support.config_dir import POLICY, write_config

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
