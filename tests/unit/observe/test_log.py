import io
import json
import logging
import sys

import pytest

from gateway.observe.log import MAX_FIELD, JsonFormatter, RateLimit, install, redact

NAUGHTY = [
    "line\nbreak\r\n",
    "\x1b[31mred\x1b[0m",
    "\u202eright to left",
    "\u2028separator\u2029",
    '"},{"level":"error"',
    "\x00\x07\ud800",
    "%s %d {} ${jndi:x}",
    "ü漢字🙂",
]


def formatted(message="hello", *, args=(), **extra) -> str:
    record = logging.LogRecord("gateway.test", logging.WARNING, __file__, 1, message, args, None)
    for name, value in extra.items():
        setattr(record, name, value)
    return JsonFormatter().format(record)


@pytest.mark.parametrize("text", NAUGHTY)
def test_naughty_text_stays_in_its_field(text):
    line = formatted("got %s", args=(text,), fields={"value": text, text: 1})
    assert line.isascii()
    assert line.isprintable()
    read = json.loads(line)
    assert read["message"] == f"got {text}"
    assert read["value"] == text
    assert read[text] == 1
    assert read["level"] == "warning"


def test_fields_cannot_replace_the_lines_own_members():
    assert json.loads(formatted(fields={"level": "debug", "message": "x"}))["level"] == "warning"


def test_huge_fields_are_cut_and_many_are_left_out():
    read = json.loads(formatted("x" * 10**6, fields={f"f{index}": "y" * 10**6 for index in range(1000)}))
    assert len(read["message"]) == MAX_FIELD + 1
    assert sum(len(str(value)) for value in read.values()) < 40 * (MAX_FIELD + 1)


def test_values_that_json_lacks_are_written_as_text():
    read = json.loads(
        formatted(fields={"a": float("inf"), "b": float("nan"), "c": None, "d": [1], "e": True, "f": 0.5})
    )
    assert [read[name] for name in "abcdef"] == ["inf", "nan", None, "[1]", True, 0.5]


def test_arguments_that_do_not_fit_lose_no_line():
    assert json.loads(formatted("%d apples", args=("many",)))["message"] == "%d apples"


@pytest.mark.parametrize("key", ["sk-ex-abc123_SECRETSECRET", "sk-adm-SECRETSECRET", "SK-EX-abc_SECRETSECRET"])
def test_keys_are_redacted_wherever_they_stand(key):
    try:
        int(f"bad key {key}")
    except ValueError:
        line = formatted(f"saw {key}", fields={"key": key, key: 1, "nested": {"k": key}}, exc_info=sys.exc_info())
    assert "SECRET" not in line
    assert "abc" not in line
    assert json.loads(line)["error"] == "ValueError"
    assert "bad key" in json.loads(line)["traceback"]


def test_cutting_never_bares_a_key_that_redaction_missed():
    for padding in range(MAX_FIELD - 60, MAX_FIELD + 10):
        assert "SECRET" not in redact("x" * padding + "sk-ex-abc_SECRETSECRETSECRET")


def test_a_storm_of_one_message_is_thinned_and_counted():
    now = [0.0]
    limit = RateLimit(burst=10, window_s=1.0, monotonic=lambda: now[0])
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonFormatter())
    handler.addFilter(limit)
    for index in range(10_000):
        handler.handle(logging.LogRecord("g", logging.WARNING, "", 1, "bad request %d", (index,), None))
    handler.handle(logging.LogRecord("g", logging.ERROR, "", 1, "something else", (), None))
    now[0] = 1.0
    handler.handle(logging.LogRecord("g", logging.WARNING, "", 1, "bad request %d", (1,), None))
    lines = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert len(lines) == 12
    assert lines[10]["message"] == "something else"
    assert lines[11]["suppressed"] == 9990


def test_no_line_is_left_out_that_must_be_there():
    limit = RateLimit(burst=10, monotonic=lambda: 0.0)
    record = logging.makeLogRecord({"msg": "admin call", "every": True})
    assert all(limit.filter(record) for _ in range(1000))
    assert not hasattr(record, "suppressed")


def test_a_storm_of_different_messages_is_bounded_in_memory():
    limit = RateLimit(burst=10, monotonic=lambda: 0.0)
    passed = sum(
        limit.filter(logging.LogRecord("g", logging.WARNING, "", 1, f"message {index}", (), None))
        for index in range(10_000)
    )
    assert passed == RateLimit.MAX_TEMPLATES + 10
    assert len(limit._seen) == RateLimit.MAX_TEMPLATES + 1


def test_installing_replaces_what_was_there():
    root = logging.getLogger()
    before, level = list(root.handlers), root.level
    stream = io.StringIO()
    try:
        install(io.StringIO())
        install(stream)
        logging.getLogger("any.library").info("hello", extra={"fields": {"port": 8080}})
        logging.getLogger("any.library").debug("not this")
    finally:
        root.handlers[:] = before
        root.setLevel(level)
    (line,) = stream.getvalue().splitlines()
    assert json.loads(line)["port"] == 8080
    assert json.loads(line)["logger"] == "any.library"
