"""What the model read and wrote, for what looks at an answer afterwards."""

from collections.abc import Generator, Sequence
from typing import Any, Final

from gateway.core.sse import EventFramer, EventTooLarge
from gateway.dialects.base import Dialect

MOST_PROMPT: Final = 1 << 18
"""Characters of a prompt whose own phrases are left out of the answer's fingerprints."""
EVENTS_AT_ONCE: Final = 16


def prompt_of(dialect: Dialect, body: dict[str, Any]) -> str:
    """The beginning of all texts of a request, the caller's own first."""
    pieces, room = [], MOST_PROMPT
    texts = dialect.texts(body)
    for piece in (*texts.user, *texts.system, *texts.tool, *texts.assistant):
        pieces.append(piece[:room])
        room -= len(pieces[-1])
        if room <= 0:
            break
    return "\n".join(pieces)


def text_of(dialect: Dialect, data: Sequence[bytes], *, stream: bool) -> Generator[None, None, str]:
    """All running texts of the bytes that went out, one after the other, in pieces so that nobody waits for it.

    Of a stream that was cut, what came whole.
    """
    reader = dialect.output_texts()
    if reader is None:
        return ""
    lanes: dict[int, list[str]] = {}
    if not stream:
        for lane, text in reader.whole(b"".join(data)) or ():
            lanes.setdefault(lane, []).append(text)
        yield
        return "\n\n".join("".join(lane) for lane in lanes.values())
    framer, seen = EventFramer(), 0
    for chunk in data:
        try:
            events = framer.feed(chunk)
        except EventTooLarge:
            break
        for event in events:
            for lane, text in reader.read(event) or ():
                lanes.setdefault(lane, []).append(text)
            seen += 1
            if seen % EVENTS_AT_ONCE == 0:
                yield
    return "\n\n".join("".join(lane) for lane in lanes.values())
