"""Settings of marks: safe defaults, epochs that fit each other, and mistakes with their place."""

import re
from pathlib import Path

import pytest

from gateway.config import load_config
from gateway.config.show import rows
from gateway.sources import upstream_settings
from gateway.yamlio import YamlProblems

UPSTREAM = "upstreams:\n  main: {base_url: http://127.0.0.1:8000/v1%s}\n"
EPOCHS = "{id: q4, from: 2026-10-01, until: 2027-01-01}"
WATERMARK = "watermark:\n  secret_file: key\n  directory: marks\n  epochs: [%s]\n"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "gateway.yaml"


def load(path, epochs=EPOCHS, more="", env=None):
    path.write_text(UPSTREAM % "" + WATERMARK % epochs + more)
    return load_config(path, env or {})


def marks(path, epochs=EPOCHS, more="", env=None):
    return load(path, epochs, more, env).settings.watermark


def complaints(path, epochs=EPOCHS, more=""):
    with pytest.raises(YamlProblems) as caught:
        load(path, epochs, more)
    return str(caught.value).replace(str(path), "g.yaml")


def test_absent_is_off(path):
    path.write_text(UPSTREAM % "")
    assert load_config(path, {}).settings.watermark is None


def test_defaults(path):
    entry = marks(path)
    assert (entry.secret_file, entry.directory) == (path.parent / "key", path.parent / "marks")
    assert (entry.tables, entry.rolls, entry.lists, entry.provider_quarters) == ({}, {}, 1, 1)
    assert (entry.retention, entry.queue_bytes, entry.probe_s) == (90 * 86_400, 64 << 20, 3600)


def test_everything_can_be_said(path):
    entry = marks(path, more="  instance: pod-1\n  tables: {gemma-3: tables/g.json}\n  lists: 4\n  rolls: {acct-a: 1}\n"
                  "  provider_quarters: 0\n  retention: 30d\n  queue_bytes: 1MiB\n  probe_s: 0\n")  # fmt: skip
    assert entry.tables == {"gemma-3": path.parent / "tables/g.json"}
    assert (entry.instance_name, entry.lists, entry.rolls, entry.provider_quarters) == ("pod-1", 4, {"acct-a": 1}, 0)
    assert (entry.retention, entry.queue_bytes, entry.probe_s) == (30 * 86_400, 1 << 20, 0)


def test_it_can_be_set_from_outside(path):
    env = {"GATEWAY_WATERMARK__SECRET_FILE": "/run/key", "GATEWAY_WATERMARK__INSTANCE": "b"}
    env["GATEWAY_WATERMARK__EPOCHS"] = "[{id: x, from: 2026-01-01, until: 2026-02-01}]"
    entry = marks(path, env=env)
    assert (entry.secret_file, entry.instance_name) == (Path("/run/key"), "b")
    assert [epoch.id for epoch in entry.epochs] == ["x"]


@pytest.mark.parametrize(
    ("host", "name"),
    [("gateway-7f9c-x2", "gateway-7f9c-x2"), ("a b/../c", "a-b-..-c"), ("..", "gateway"), ("", "gateway"),
     ("x" * 100, "x" * 64)],
)  # fmt: skip
def test_an_instance_without_a_name_has_that_of_its_host_as_a_file_name(path, monkeypatch, host, name):
    monkeypatch.setattr("socket.gethostname", lambda: host)
    assert marks(path).instance_name == name


def test_epochs_are_moments(path):
    first, second = marks(
        path,
        "{id: a, from: 2026-10-01, until: '2026-12-01T12:00:00+01:00'}, {id: b, from: 2026-12-01, until: 2027-01-01}",
    ).epochs
    assert (first.from_ms, first.until_ms) == (1_790_812_800_000, 1_796_122_800_000)
    assert second.from_ms == 1_796_083_200_000


def test_a_gap_is_warned_of(path):
    text = "{id: a, from: 2026-10-01, until: 2026-11-01}, {id: b, from: 2026-11-02, until: 2026-12-01}"
    assert "watermark.epochs: nothing is marked between a and b" in load(path, text).warnings
    assert "nothing is marked" not in str(load(path, text.replace("11-02", "11-01")).warnings)


def epoch(name, start, end):
    return f"{{id: {name}, from: {start}, until: {end}}}"


@pytest.mark.parametrize(
    ("epochs", "says"),
    [
        ("", "g.yaml:6:3: watermark.epochs: expected at least 1"),
        (epoch("a", "2026-10-01", "2026-10-01"), "g.yaml:6:12: watermark.epochs[0]: expected an epoch of 1 to 92 days"),
        (epoch("a", "2026-10-02", "2026-10-01"), "found -1"),
        (epoch("a", "2026-01-01", "2026-04-04"), "found 93"),
        (epoch("a", "2026-10-01", "'2026-10-01T23:59:59Z'"), "found 0.99"),
        (epoch("a", "soon", "2026-10-01"), "watermark.epochs[0].from: expected a date like 2026-03-01"),
        (epoch("a", "'2026-10-01T00:00:00'", "2026-11-01"), "expected a date like"),
        (epoch("a/b", "2026-10-01", "2026-11-01"), "watermark.epochs[0].id: expected text to match pattern"),
        (epoch(".a", "2026-10-01", "2026-11-01"), "watermark.epochs[0].id: expected text to match pattern"),
        ("{id: a, from_: 2026-10-01, until: 2026-11-01}", "unknown key 'from_', did you mean 'from'?"),
        (epoch("a", "2026-10-01", "2026-11-01") + ", " + epoch("A", "2026-11-01", "2026-12-01"), "have the same id"),
        (epoch("b", "2026-11-01", "2026-12-01") + ", " + epoch("a", "2026-10-01", "2026-11-01"), "expected a to begin"),
        (epoch("a", "2026-10-01", "2026-11-05") + ", " + epoch("b", "2026-10-01", "2026-11-06"), "expected b to begin"),
        (epoch("a", "2026-10-01", "2026-11-05") + ", " + epoch("b", "2026-11-04", "2026-11-05"), "expected b to begin"),
        (epoch("a", "2026-10-01", "2026-11-05") + ", " + epoch("b", "2026-11-03", "2026-12-05"), "at most one day"),
        (epoch("a", "2026-10-01", "2026-11-05") + ", " + epoch("b", "2026-11-04", "'2026-11-05T01:00:00Z'") + ", "
         + epoch("c", "'2026-11-04T02:00:00Z'", "2026-12-05"), "expected a to be over before c begins"),
    ],
)  # fmt: skip
def test_mistakes_in_epochs(path, epochs, says):
    assert says in complaints(path, epochs)


def test_the_longest_epoch_and_overlap(path):
    text = ", ".join([epoch("a", "2026-01-01", "2026-04-03"), epoch("b", "2026-04-02", "2026-07-03")])
    assert [one.id for one in marks(path, text).epochs] == ["a", "b"]


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ("  lists: 0\n", "watermark.lists: expected greater than or equal to 1"),
        ("  lists: 5\n", "watermark.lists: expected less than or equal to 4"),
        ("  provider_quarters: 3\n", "watermark.provider_quarters: expected less than or equal to 2"),
        ("  rolls: {a: -1}\n", "watermark.rolls.a: expected greater than or equal to 0"),
        ("  retention: 90\n", "watermark.retention: expected a duration such as"),
        ("  queue_bytes: 1\n", "watermark.queue_bytes: expected greater than"),
        ("  probe_s: -1\n", "watermark.probe_s: expected greater than"),
        ("  instance: ../x\n", "watermark.instance: expected text to match pattern"),
        ("  tables: {a/b: x}\n", "watermark.tables"),
        ("  tabels: {}\n", "g.yaml:7:3: unknown key 'tabels', did you mean 'tables'?"),
    ],
)
def test_mistakes_elsewhere(path, more, says):
    assert says in complaints(path, more=more)


def test_no_two_commitments_share_a_file(path):
    text = epoch("a", "2026-10-01", "2026-11-01") + ", " + epoch("a-b", "2026-11-01", "2026-12-01")
    assert "share a file name" in complaints(path, text, "  tables: {b-c: x, c: y}\n")
    assert "share a file name" in complaints(path, text, "  tables: {c: x, C: y}\n")
    marks(path, text, "  tables: {c: x, d: y}\n")


def test_what_is_required_is_missed(path):
    path.write_text(UPSTREAM % "" + "watermark: {}\n")
    with pytest.raises(YamlProblems) as caught:
        load_config(path, {})
    for name in ("secret_file", "directory", "epochs"):
        assert f"missing key 'watermark.{name}'" in str(caught.value)


def test_show_prints_dates_and_the_place_of_the_secret_only(path):
    (path.parent / "key").write_text("77" * 32)
    shown = {row.name: row for row in rows(load(path))}
    assert shown["watermark.epochs[0].from"].value == "2026-10-01"
    assert shown["watermark.epochs[0].from"].source == f"{path}:6"
    assert shown["watermark.secret_file"].value == str(path.parent / "key")
    assert not re.search("7777", str(shown))


@pytest.mark.parametrize(
    ("kind", "entries"), [("openai", 300), ("azure", 300), ("vllm", 1024), ("llamacpp", 1024), ("generic", 0)]
)
def test_how_many_entries_of_logit_bias_an_upstream_takes(path, kind, entries):
    path.write_text(UPSTREAM % f", kind: {kind}")
    assert upstream_settings(load_config(path, {}).settings, {})[0].logit_bias_entries == entries
    path.write_text(UPSTREAM % f", kind: {kind}, logit_bias_entries: 7")
    assert upstream_settings(load_config(path, {}).settings, {})[0].logit_bias_entries == 7
    path.write_text(UPSTREAM % f", kind: {kind}, logit_bias_entries: 0")
    assert upstream_settings(load_config(path, {}).settings, {})[0].logit_bias_entries == 0


def test_a_number_of_entries_is_one(path):
    for text in ("-1", "100001", "many"):
        path.write_text(UPSTREAM % f", logit_bias_entries: {text}")
        with pytest.raises(YamlProblems, match="logit_bias_entries: expected"):
            load_config(path, {})
