"""Streams as upstreams send them: recorded from a real server, and built for what that server does not do."""

import json
from pathlib import Path

RECORDED = Path(__file__).parent.parent / "golden" / "dialects" / "recorded"
HEAD = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1_700_000_000, "model": "m"}
USAGE = {
    "prompt_tokens": 20,
    "completion_tokens": 3,
    "total_tokens": 23,
    "prompt_tokens_details": {"cached_tokens": 8},
    "completion_tokens_details": {"reasoning_tokens": 1},
}
DONE = b"data: [DONE]\n\n"


def recorded(name):
    return (RECORDED / name).read_bytes()


def line(document, *, event=None, spaced=False, ascii_only=False, end="\n"):
    separators = (", ", ": ") if spaced else (",", ":")
    text = json.dumps(document, separators=separators, ensure_ascii=ascii_only)
    head = f"event: {event}{end}" if event else ""
    return f"{head}data: {text}{end}{end}".encode()


def chat_chunk(delta, *, index=0, finish=None, usage="absent", **extra):
    chunk = {**HEAD, "choices": [{"index": index, "delta": delta, "finish_reason": finish}], **extra}
    if usage != "absent":
        chunk["usage"] = usage
    return chunk


def chat(texts, *, with_usage, spaced=False, ascii_only=False, end="\n", finish="stop"):
    """A chat stream in OpenAI's manner: null usage everywhere and a usage chunk when it was asked for."""
    nothing = None if with_usage else "absent"
    deltas = [({"role": "assistant", "content": ""}, None)]
    deltas += [({"content": text}, None) for text in texts]
    deltas += [({}, finish)]
    chunks = [chat_chunk(delta, finish=done, usage=nothing) for delta, done in deltas]
    if with_usage:
        chunks.append({**HEAD, "choices": [], "usage": USAGE})
    style = {"spaced": spaced, "ascii_only": ascii_only, "end": end}
    return b"".join(line(chunk, **style) for chunk in chunks) + DONE.replace(b"\n", end.encode())


def completions(texts, *, with_usage):
    head = {**HEAD, "object": "text_completion"}
    nothing = {"usage": None} if with_usage else {}
    out = b""
    for number, text in enumerate(texts):
        finish = "stop" if number == len(texts) - 1 else None
        choice = {"index": 0, "text": text, "logprobs": None, "finish_reason": finish}
        out += line({**head, "choices": [choice], **nothing})
    if with_usage:
        out += line({**head, "choices": [], "usage": USAGE})
    return out + DONE


def messages(texts, *, thinking=(), tool=()):
    usage = {"input_tokens": 5, "cache_creation_input_tokens": 7, "cache_read_input_tokens": 11, "output_tokens": 1}
    start = {"id": "msg_1", "type": "message", "role": "assistant", "content": [], "model": "m", "usage": usage}
    events = [{"type": "message_start", "message": start}, {"type": "ping"}]
    blocks = (
        ("thinking", "thinking_delta", "thinking", thinking),
        ("text", "text_delta", "text", texts),
        ("tool_use", "input_json_delta", "partial_json", tool),
    )
    index = 0
    for kind, delta_kind, key, pieces in blocks:
        if pieces:
            block = {"type": kind} if kind == "tool_use" else {"type": kind, key: ""}
            events.append({"type": "content_block_start", "index": index, "content_block": block})
            for piece in pieces:
                delta = {"type": delta_kind, key: piece}
                events.append({"type": "content_block_delta", "index": index, "delta": delta})
            events.append({"type": "content_block_stop", "index": index})
            index += 1
    delta = {"stop_reason": "end_turn", "stop_sequence": None}
    events.append({"type": "message_delta", "delta": delta, "usage": {"output_tokens": 42}})
    events.append({"type": "message_stop"})
    return b"".join(line(event, event=event["type"]) for event in events)


def responses(texts):
    response = {"id": "resp_1", "object": "response", "created_at": 1, "model": "m", "output": [], "usage": None}
    events = [{"type": "response.created", "response": {**response, "status": "in_progress"}}]
    events += [
        {"type": "response.output_text.delta", "item_id": "i", "output_index": 0, "content_index": 0, "delta": text}
        for text in texts
    ]
    events.append({"type": "response.output_text.done", "item_id": "i", "text": "".join(texts)})
    usage = {
        "input_tokens": 9,
        "input_tokens_details": {"cached_tokens": 4},
        "output_tokens": 5,
        "output_tokens_details": {"reasoning_tokens": 2},
        "total_tokens": 14,
    }
    events.append({"type": "response.completed", "response": {**response, "status": "completed", "usage": usage}})
    numbered = [{**event, "sequence_number": number} for number, event in enumerate(events)]
    return b"".join(line(event, event=event["type"]) for event in numbered)


def payloads(stream):
    """What a client's decoder hands to its JSON parser, by the plain reading of the standard."""
    out = []
    for event in stream.replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n\n"):
        data = [row[5:].removeprefix(b" ") for row in event.split(b"\n") if row.startswith(b"data:")]
        if data:
            out.append(b"\n".join(data))
    return out


def run(meter, chunks):
    """Everything a meter forwards of a stream."""
    return b"".join([meter.feed(chunk) for chunk in chunks]) + meter.flush()


def counts(meter):
    return (meter.usage, meter.delta_events, meter.text_bytes, meter.finished, meter.failed)
