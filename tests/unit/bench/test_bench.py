"""The pure parts of the bench: what it reads from tools and how it sums up."""

import re

import pytest

from bench import __main__ as command
from bench.gateway_proc import SHIPPED, roomy
from bench.measure import cpu_ns, parse_pss, parse_schedstat, pss_kib
from bench.mock_upstream import ending, framed
from bench.nginx import ANSWER, mock_server, proxy_servers
from bench.plan import BenchFailed
from bench.report import ratio, spread, table
from bench.statistics import lower_quartile, median, percentile
from bench.wrk import Counted, parse, script
from gateway.core.jsonio import loads


@pytest.mark.parametrize(
    ("values", "share", "expected"),
    [
        ([5.0], 0.25, 5.0),
        ([4.0, 1.0, 3.0, 2.0], 0.25, 1.0),
        ([4.0, 1.0, 3.0, 2.0], 0.5, 2.0),
        ([4.0, 1.0, 3.0, 2.0], 0.51, 3.0),
        ([4.0, 1.0, 3.0, 2.0], 1.0, 4.0),
        (list(map(float, range(100))), 0.99, 98.0),
        ([1.0, 2.0], 0.0, 1.0),
    ],
)
def test_a_percentile_is_one_of_the_values(values, share, expected):
    assert percentile(values, share) == expected


def test_the_lower_quartile_forgets_disturbed_windows():
    calm, disturbed = [10.0, 10.5, 11.0], [40.0, 50.0, 60.0, 70.0, 80.0]
    assert lower_quartile(calm + disturbed) == 10.5
    assert median(calm + disturbed) == 40.0


def test_what_wrk_counted():
    output = "Running 1s test\n  1 threads\nBENCH 2100 1050000 7 2\nTransfer/sec: 1MB\n"
    assert parse(output) == Counted(requests=2100, seconds=1.05, refused=7, broken=2)


def test_wrk_without_its_line_is_a_failure():
    with pytest.raises(BenchFailed, match="what it counted"):
        parse("unable to connect\n")


def test_the_script_of_a_request_holds_its_body_and_key(tmp_path):
    text = script(tmp_path, "one", {"text": 'a "quoted" [[word]]\n'}, "sk-1").read_text()
    assert r'wrk.body = [==[{"text": "a \"quoted\" [[word]]\n"}]==]' in text
    assert "[==[Bearer sk-1]==]" in text


def test_proc_files():
    assert parse_schedstat("157351871 5848024 31\n") == 157351871
    assert parse_pss("Rss:   1764 kB\nPss:    264 kB\nPss_Dirty:  112 kB\n") == 264
    with pytest.raises(ValueError, match="Pss"):
        parse_pss("Rss: 1 kB\n")


def test_a_process_that_is_gone_used_nothing():
    assert (cpu_ns(2**22 + 1), pss_kib(2**22 + 1)) == (0, 0)


def test_a_table_is_aligned_markdown():
    text = table("Title", ("target", "µs"), [["nginx", "15.0"], ["a gateway", "480.1"]])
    assert text.splitlines() == [
        "Title",
        "",
        "| target    |    µs |",
        "|-----------|------:|",
        "| nginx     |  15.0 |",
        "| a gateway | 480.1 |",
    ]


def test_ratios_are_those_of_the_calm_quarter():
    assert ratio([20.0, 21.0, 22.0, 90.0], [10.0, 11.0, 12.0, 80.0]) == "2.00×"
    assert spread([12.0, 11.0, 10.0, 80.0]) == "10.0 / 10.0 / 11.0"


def test_the_mock_ends_a_stream_as_it_was_asked_to():
    assert framed(b"0123456789abcdef") == b"10\r\n0123456789abcdef\r\n"
    assert ending(3, usage=False).count(b"data: ") == 2
    with_usage = ending(3, usage=True)
    assert b'"completion_tokens":3,"total_tokens":215' in with_usage
    assert with_usage.index(b'"usage":{') < with_usage.index(b"[DONE]")
    assert with_usage.endswith(b"\r\n0\r\n\r\n")


def test_the_mock_answer_is_json_that_nginx_can_quote():
    usage = loads(ANSWER.encode())["usage"]
    assert usage["prompt_tokens"] + usage["completion_tokens"] == usage["total_tokens"]
    assert not set("'$\\") & set(ANSWER)
    assert f"return 200 '{ANSWER}'" in mock_server(1)


def test_each_proxy_has_its_upstream():
    servers = proxy_servers({8001: 9001, 8002: 9002})
    assert re.findall(r"listen 127\.0\.0\.1:(\d+).*?proxy_pass http://to_(\d+);", servers, re.DOTALL) == [
        ("8001", "9001"),
        ("8002", "9002"),
    ]


def test_a_roomy_policy_keeps_everything_but_amounts():
    shipped = (SHIPPED / "enterprise.yaml").read_text()
    roomier = roomy(shipped)
    amounts = re.compile(r"amount: (\d+)")
    before, after = (list(map(int, amounts.findall(text))) for text in (shipped, roomier))
    assert amounts.sub("", shipped) == amounts.sub("", roomier)
    assert after[:-1] == [amount * 1000 for amount in before[:-1]]
    assert after[-1] == before[-1], "money keeps its amount"


def test_a_missing_tool_is_said_and_nothing_starts(monkeypatch, capsys, tmp_path):
    monkeypatch.setattr("bench.stage.shutil.which", lambda name, **_: None if name == "wrk" else f"/usr/sbin/{name}")
    assert command.main(["--quick"]) == 1
    assert "bench: wrk not found; on Debian: apt-get install nginx wrk" in capsys.readouterr().err
