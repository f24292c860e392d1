"""What crosses the bridge in heads: two short allowlists. Everything else stays on its own side."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Final

from gateway.core.ids import valid_inbound_id
from gateway.upstreams.settings import ANTHROPIC_DIALECTS, UpstreamSettings

USER_AGENT: Final = "excise-gateway"

# Only these of the caller's: they choose the API's shape. openai-beta is not among them: it switches on
# stateful features that are not served. Credentials, cookies, forwarding and x-stainless-* headers never cross.
_CALLER: Final = ("anthropic-version", "anthropic-beta")
_MAX_VALUE: Final = 512

# Harmless and useful to a caller. Not: organization ids (whose account pays), rate limits (the wrong bucket),
# server, via, cf-* and set-cookie (infrastructure), request ids (renamed below), hop-by-hop and framing (ours).
_ANSWER: Final = ("openai-processing-ms", "openai-version", "openai-model")
_SHOWN: Final = frozenset(_ANSWER)
_MEDIA_TYPES: Final = ("application/json", "text/event-stream")
UPSTREAM_ID: Final = "x-gateway-upstream-request-id"


def request_template(settings: UpstreamSettings, dialect: str, *, stream: bool = False) -> dict[str, str]:
    """What every request of a dialect to an upstream carries; made once, copied per request."""
    headers = {"content-type": "application/json", "user-agent": USER_AGENT, "accept-encoding": "identity"}
    headers["accept"] = "text/event-stream" if stream else "application/json"
    if settings.api_key:
        anthropic = dialect in ANTHROPIC_DIALECTS
        auth = settings.auth or ("x-api-key" if anthropic else "bearer")
        if auth == "bearer":
            headers["authorization"] = f"Bearer {settings.api_key}"
        else:
            headers[auth] = settings.api_key
    return headers


def request_headers(template: Mapping[str, str], caller: Mapping[str, str], request_id: str) -> dict[str, str]:
    """The head of one request: the template first, then its own. `caller` has lower-case names or ignores case."""
    headers = {**template, "x-request-id": request_id}
    for name in _CALLER:
        if name in caller and _plain(caller[name]):
            headers[name] = caller[name]
    return headers


def answer_headers(answer: Mapping[str, str]) -> list[tuple[str, str]]:
    """What the caller sees of an answer's head, whose names are lower-case."""
    headers = [("content-type", media_type(answer) or "application/octet-stream")]
    if not _SHOWN.isdisjoint(answer):
        headers += [(name, answer[name]) for name in _ANSWER if name in answer and _plain(answer[name])]
    upstream_id = answer.get("x-request-id") or answer.get("request-id")
    if upstream_id is not None and valid_inbound_id(upstream_id):
        headers.append((UPSTREAM_ID, upstream_id))
    return headers


def media_type(answer: Mapping[str, str]) -> str | None:
    """The content type when it is one an API answers in, with its parameters; else None."""
    return _known(answer.get("content-type", ""))


def is_stream(answer: Mapping[str, str]) -> bool:
    """Whether the head announces server-sent events."""
    return _bare(answer.get("content-type", "")) == "text/event-stream"


# An upstream sends the same few types again and again.


@lru_cache(maxsize=64)
def _known(value: str) -> str | None:
    return value if _bare(value) in _MEDIA_TYPES and _plain(value) else None


@lru_cache(maxsize=64)
def _bare(value: str) -> str:
    """A content type without its parameters."""
    return value.partition(";")[0].strip().lower()


def _plain(value: str) -> bool:
    """Printable ASCII of a sane length: it cannot split a head or flood it."""
    return 0 < len(value) <= _MAX_VALUE and value.isascii() and value.isprintable()
