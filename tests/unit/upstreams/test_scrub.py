import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.upstreams.scrub import MAX_MESSAGE, REMOVED, scrub


@pytest.mark.parametrize(
    "secret",
    [
        "https://api.openai.com/v1/x?key=abc",
        "redis://u:p@h:1/0",
        "10.1.2.3",
        "10.1.2.3:8000",
        "[fe80::1%eth0]:443",
        "2001:db8::8a2e:370:7334",
        "localhost:8000",
        "localhost",
        "vllm-0.models.svc.cluster.local",
        "vllm-0.models.svc.cluster.local:8000",
        "gpu7:8000",
        "api.anthropic.com",
        "sk-proj-abcDEF123456",
        "sk-ant-api03-abc_def-123",
        "sk-proj-****abcd",
        "org-AbCdEf123",
        "req_011CSHoEeqs5C35K2UUqR7Fy",
        "Bearer abc.def",
        "eyJhbGciOi.eyJzdWIi.c2ln",
        "0123456789abcdef0123456789abcdef",
        "3f2504e0-4f89-11d3-9a0c-0305e82c3301",
        "ops@example.org",
        "/usr/lib/python3.12/site-packages/vllm/engine.py",
        "C:\\Users\\x\\model.py",
    ],
)
def test_what_a_caller_must_not_learn_is_removed(secret):
    for text in (f"failed at {secret} today", secret, f"({secret})", f'"{secret}"'):
        cleaned = scrub(text)
        assert secret not in cleaned
        assert REMOVED in cleaned
    assert scrub(f"failed at {secret} today").startswith("failed at ")


@pytest.mark.parametrize(
    "text",
    [
        "This model's maximum context length is 4096 tokens. However, you requested 5000 tokens (1000 in them).",
        "messages.0.content: Input should be a valid string",
        "tools.0.function.parameters: invalid and/or broken",
        "`temperature` must be <= 2.0, e.g. 1.0",
        "max_tokens: 100000 > 8192, which is the maximum allowed for claude-sonnet-4-5-20250929",
        "The model `meta-llama/Llama-3.3-70B-Instruct-quantized-FP8-dynamic` does not exist.",
        "Unrecognized request argument supplied: stream_options_include_usage_extra",
        "Überlänge: 12 Zeichen – höchstens 10",
    ],
)
def test_what_helps_the_caller_stays(text):
    assert scrub(text) == text


def test_controls_become_spaces_and_runs_collapse():
    assert scrub("a\x00b\r\nc\x1b[31m\u202ed  e") == "a b c [31m d e"


def test_names_of_ours_become_the_callers():
    assert scrub("model internal-7b is gone, ask gpu-box", {"internal-7b": "small", "gpu-box": REMOVED}) == (
        f"model small is gone, ask {REMOVED}"
    )


@given(st.text(max_size=2000))
def test_always_short_and_printable(text):
    cleaned = scrub(text)
    assert len(cleaned) <= MAX_MESSAGE
    assert all(letter.isprintable() for letter in cleaned)


def test_length_and_hostile_sizes():
    assert len(scrub("word " * 1000)) == MAX_MESSAGE
    assert scrub("a." * 1_000_000) == scrub("a." * 2000)
