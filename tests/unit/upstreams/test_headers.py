import pytest

from gateway.upstreams.headers import UPSTREAM_ID, answer_headers, media_type, request_headers, request_template
from gateway.upstreams.settings import DIALECTS, UpstreamSettings


def settings(**changes):
    return UpstreamSettings("up", "generic", "http://h", DIALECTS, **{"api_key": "SECRET", **changes})


@pytest.mark.parametrize(
    ("dialect", "auth", "name", "value"),
    [
        ("chat", None, "authorization", "Bearer SECRET"),
        ("messages", None, "x-api-key", "SECRET"),
        ("count_tokens", None, "x-api-key", "SECRET"),
        ("messages", "bearer", "authorization", "Bearer SECRET"),
        ("chat", "x-api-key", "x-api-key", "SECRET"),
        ("chat", "api-key", "api-key", "SECRET"),
    ],
)
def test_the_credential_goes_where_the_dialect_or_the_operator_says(dialect, auth, name, value):
    template = request_template(settings(auth=auth), dialect)
    assert template[name] == value
    assert sum("SECRET" in held for held in template.values()) == 1


def test_without_a_key_no_credential_is_sent():
    assert not {"authorization", "x-api-key", "api-key"} & set(request_template(settings(api_key=""), "chat"))


def test_of_the_callers_head_only_the_api_shape_crosses():
    caller = {
        "authorization": "Bearer sk-ex-caller",
        "x-api-key": "sk-ex-caller",
        "cookie": "a=b",
        "anthropic-version": "2023-06-01",
        "anthropic-beta": "tools-2024",
        "openai-beta": "assistants=v2",
        "openai-organization": "org-x",
        "x-forwarded-for": "1.2.3.4",
        "host": "evil",
        "connection": "close",
        "transfer-encoding": "chunked",
        "content-length": "1",
        "x-stainless-os": "Linux",
        "user-agent": "curl",
        "accept": "text/html",
        "x-request-id": "theirs",
    }
    sent = request_headers(request_template(settings(), "messages", stream=True), caller, "req_1")
    assert sent == {
        "content-type": "application/json",
        "user-agent": "excise-gateway",
        "accept-encoding": "identity",
        "accept": "text/event-stream",
        "x-api-key": "SECRET",
        "x-request-id": "req_1",
        "anthropic-version": "2023-06-01",
        "anthropic-beta": "tools-2024",
    }


@pytest.mark.parametrize("value", ["", "a\r\nx: y", "a\x00", "é", "x" * 513, "\udc80"])
def test_a_value_that_could_split_or_flood_a_head_is_left_out(value):
    sent = request_headers({}, {"anthropic-beta": value}, "r")
    assert sent == {"x-request-id": "r"}


def test_the_template_is_not_changed():
    template = request_template(settings(), "chat")
    before = dict(template)
    request_headers(template, {"anthropic-version": "x"}, "r")
    assert template == before


def test_of_an_answers_head_a_short_list_crosses():
    shown = answer_headers(
        {
            "content-type": "application/json; charset=utf-8",
            "openai-processing-ms": "12",
            "openai-version": "2020-10-01",
            "openai-organization": "org-ours",
            "anthropic-organization-id": "org-ours",
            "x-ratelimit-limit-requests": "5",
            "anthropic-ratelimit-requests-limit": "5",
            "retry-after": "5",
            "set-cookie": "a=b",
            "server": "uvicorn",
            "via": "1.1 proxy",
            "cf-ray": "x",
            "content-length": "12",
            "transfer-encoding": "chunked",
            "connection": "keep-alive",
            "access-control-allow-origin": "*",
            "x-request-id": "req_up",
        }
    )
    assert shown == [
        ("content-type", "application/json; charset=utf-8"),
        ("openai-processing-ms", "12"),
        ("openai-version", "2020-10-01"),
        (UPSTREAM_ID, "req_up"),
    ]


@pytest.mark.parametrize(
    ("head", "shown"),
    [
        ({"request-id": "a"}, ["a"]),
        ({"x-request-id": "a b"}, []),
        ({"x-request-id": "a\r\n"}, []),
        ({"x-request-id": "a" * 65}, []),
        ({}, []),
    ],
)
def test_the_upstreams_request_id_is_renamed_when_it_is_a_token(head, shown):
    assert [value for name, value in answer_headers(head) if name == UPSTREAM_ID] == shown


@pytest.mark.parametrize(
    ("value", "known"),
    [
        ("application/json", True),
        ("Application/JSON ; charset=utf-8", True),
        ("text/event-stream", True),
        ("text/html", False),
        ("application/jsonp", False),
        ("application/json;\x00", False),
        ("", False),
    ],
)
def test_media_types(value, known):
    assert (media_type({"content-type": value}) == value) == known


def test_secrets_do_not_show_in_a_repr():
    assert "SECRET" not in repr(settings())
