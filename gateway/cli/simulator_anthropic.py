"""The simulated model in Anthropic's dialects: messages, whole and as named events, and count_tokens."""

from collections.abc import Iterator
from typing import Any, Final

from gateway.cli.simulator_openai import named
from gateway.cli.simulator_talk import Talk

Event = dict[str, Any]

_TYPES: Final = {
    400: "invalid_request_error", 401: "authentication_error", 403: "permission_error", 404: "not_found_error",
    413: "request_too_large", 429: "rate_limit_error", 504: "timeout_error", 529: "overloaded_error",
}  # fmt: skip


def _stop(talk: Talk) -> Event:
    return {"stop_reason": "max_tokens" if talk.capped else "end_turn", "stop_sequence": None}


def _usage(talk: Talk, output_tokens: int) -> Event:
    cached = {"cache_creation_input_tokens": 0, "cache_read_input_tokens": 0}
    return {"input_tokens": talk.input_tokens, **cached, "output_tokens": output_tokens}


def _message(talk: Talk) -> Event:
    return {"id": f"msg_{talk.id}", "type": "message", "role": "assistant", "model": talk.model}


def messages(talk: Talk, _body: Event) -> Event:
    content = [{"type": "text", "text": talk.text}]
    return {**_message(talk), "content": content, **_stop(talk), "usage": _usage(talk, len(talk.words))}


def messages_stream(talk: Talk, _body: Event) -> Iterator[bytes]:
    for event in _events(talk):
        if talk.fault == "no-usage":
            event.pop("usage", None)
            event.get("message", {}).pop("usage", None)
        yield named(event)


def _events(talk: Talk) -> Iterator[Event]:
    begun = {**_message(talk), "content": [], "stop_reason": None, "stop_sequence": None, "usage": _usage(talk, 1)}
    yield {"type": "message_start", "message": begun}
    yield {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}
    yield {"type": "ping"}
    for word in talk.words:
        yield {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": word}}
    yield {"type": "content_block_stop", "index": 0}
    yield {"type": "message_delta", "delta": _stop(talk), "usage": {"output_tokens": len(talk.words)}}
    yield {"type": "message_stop"}


def count_tokens(talk: Talk, _body: Event) -> Event:
    return {"input_tokens": talk.input_tokens}


def error(status: int, message: str) -> Event:
    return {"type": "error", "error": {"type": _TYPES.get(status, "api_error"), "message": message}}
