"""The simulated model in OpenAI's dialects: chat, completions, embeddings and responses, whole and as events."""

from collections.abc import Iterator
from typing import Any, Final

from gateway.cli.simulator_talk import CREATED, Talk, count_words, texts, vector
from gateway.core.jsonio import dumps

Event = dict[str, Any]
DONE: Final = b"data: [DONE]\n\n"


def data(event: Event) -> bytes:
    return b"data: " + dumps(event) + b"\n\n"


def named(event: Event) -> bytes:
    return b"event: " + str(event["type"]).encode() + b"\ndata: " + dumps(event) + b"\n\n"


def _usage(talk: Talk) -> Event:
    total = talk.input_tokens + talk.output_tokens
    return {"prompt_tokens": talk.input_tokens, "completion_tokens": talk.output_tokens, "total_tokens": total}


def _finish(talk: Talk) -> str:
    return "length" if talk.capped else "stop"


def _head(talk: Talk, prefix: str, kind: str) -> Event:
    return {"id": f"{prefix}-{talk.id}", "object": kind, "created": CREATED, "model": talk.model}


def chat(talk: Talk, _body: Event) -> Event:
    choices = [
        {
            "index": index,
            "message": {"role": "assistant", "content": talk.text, "refusal": None},
            "logprobs": None,
            "finish_reason": _finish(talk),
        }
        for index in range(talk.choices)
    ]
    return {**_head(talk, "chatcmpl", "chat.completion"), "choices": choices, "usage": _usage(talk)}


def chat_stream(talk: Talk, body: Event) -> Iterator[bytes]:
    deltas: list[Event] = [{"role": "assistant", "content": ""}, *({"content": word} for word in talk.words)]
    parts = [{"delta": delta, "finish_reason": None} for delta in deltas] + [
        {"delta": {}, "finish_reason": _finish(talk)}
    ]
    yield from _stream(talk, body, _head(talk, "chatcmpl", "chat.completion.chunk"), parts)


def completions(talk: Talk, _body: Event) -> Event:
    choices = [
        {"index": index, "text": talk.text, "logprobs": None, "finish_reason": _finish(talk)}
        for index in range(talk.choices)
    ]
    return {**_head(talk, "cmpl", "text_completion"), "choices": choices, "usage": _usage(talk)}


def completions_stream(talk: Talk, body: Event) -> Iterator[bytes]:
    parts: list[Event] = [{"text": word, "finish_reason": None} for word in talk.words]
    parts.append({"text": "", "finish_reason": _finish(talk)})
    yield from _stream(talk, body, _head(talk, "cmpl", "text_completion"), parts)


def _stream(talk: Talk, body: Event, head: Event, parts: list[Event]) -> Iterator[bytes]:
    asked = bool((body.get("stream_options") or {}).get("include_usage"))
    extra: Event = {"usage": None} if asked else {}
    for part in parts:
        for index in range(talk.choices):
            yield data({**head, "choices": [{"index": index, "logprobs": None, **part}], **extra})
    if asked and talk.fault != "no-usage":
        yield data({**head, "choices": [], "usage": _usage(talk)})
    yield DONE


def embeddings(talk: Talk, body: Event) -> Event:
    given = body.get("input")
    items = given if isinstance(given, list) and not all(isinstance(item, int) for item in given) else [given]
    encoding = str(body.get("encoding_format", "float"))
    rows = [
        {"object": "embedding", "index": index, "embedding": vector(str(item), encoding)}
        for index, item in enumerate(items)
    ]
    # Token ids count as they are; text counts by words.
    tokens = sum(len(item) if isinstance(item, list) else count_words(list(texts(item))) for item in items)
    usage = {"prompt_tokens": tokens, "total_tokens": tokens}
    return {"object": "list", "model": talk.model, "data": rows, "usage": usage}


def responses(talk: Talk, _body: Event) -> Event:
    status = "incomplete" if talk.capped else "completed"
    return _response(talk, status, [_item(talk, status, [_part(talk.text)])])


def _response(talk: Talk, status: str, output: list[Event]) -> Event:
    ended = bool(output)
    usage = {
        "input_tokens": talk.input_tokens,
        "input_tokens_details": {"cached_tokens": 0},
        "output_tokens": talk.output_tokens,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": talk.input_tokens + talk.output_tokens,
    }
    return {
        "id": f"resp_{talk.id}",
        "object": "response",
        "created_at": CREATED,
        "status": status,
        "error": None,
        "incomplete_details": {"reason": "max_output_tokens"} if status == "incomplete" else None,
        "instructions": None,
        "metadata": {},
        "model": talk.model,
        "output": output,
        "parallel_tool_calls": True,
        "store": False,
        "temperature": 1.0,
        "tool_choice": "auto",
        "tools": [],
        "top_p": 1.0,
        "usage": usage if ended else None,
    }


def _item(talk: Talk, status: str, content: list[Event]) -> Event:
    return {"id": f"msg_{talk.id}", "type": "message", "role": "assistant", "status": status, "content": content}


def _part(text: str) -> Event:
    return {"type": "output_text", "text": text, "annotations": [], "logprobs": []}


def responses_stream(talk: Talk, body: Event) -> Iterator[bytes]:
    for number, event in enumerate(_response_events(talk, body)):
        yield named({**event, "sequence_number": number})


def _response_events(talk: Talk, body: Event) -> Iterator[Event]:
    whole = responses(talk, body)
    if talk.fault == "no-usage":
        whole["usage"] = None
    item = {"item_id": f"msg_{talk.id}", "output_index": 0, "content_index": 0}
    yield {"type": "response.created", "response": _response(talk, "in_progress", [])}
    yield {"type": "response.in_progress", "response": _response(talk, "in_progress", [])}
    yield {"type": "response.output_item.added", "output_index": 0, "item": _item(talk, "in_progress", [])}
    yield {"type": "response.content_part.added", **item, "part": _part("")}
    for word in talk.words:
        yield {"type": "response.output_text.delta", **item, "delta": word, "logprobs": []}
    yield {"type": "response.output_text.done", **item, "text": talk.text, "logprobs": []}
    yield {"type": "response.content_part.done", **item, "part": _part(talk.text)}
    yield {"type": "response.output_item.done", "output_index": 0, "item": whole["output"][0]}
    yield {"type": f"response.{whole['status']}", "response": whole}


def error(status: int, message: str) -> Event:
    kind = "rate_limit_exceeded" if status == 429 else "server_error" if status >= 500 else "invalid_request_error"
    return {"error": {"message": message, "type": kind, "param": None, "code": None}}
