"""What is asked about a conversation, in a single pass over what nearly all of it is: roles and texts.

Whatever else a message may hold (pictures, tool calls, names) is left to the rooms that know it; of a plain message
they say the same, only slower.
"""

from dataclasses import dataclass
from typing import Any, Final

from gateway.dialects.turns import only_results, text_of

MAX_ROLE_CHARS: Final = 64
"""Some templates show any role to the model: it must not carry a text that nobody weighed."""
_TEXT_PARTS: Final = frozenset({"text", "input_text", "output_text"})
_OTHER: Final = -1


@dataclass(slots=True, init=False)
class Talk:
    """What decisions need to know of a conversation."""

    text_bytes: int
    """UTF-8 bytes of the plain messages' texts."""
    user_turns: int
    """Messages that a user wrote, tool results not among them."""
    last_user_text: str
    """The text of the last of those."""
    others: list[tuple[int, Any]]
    """Messages that are not plain, each with its index."""

    # Written out, as Exchange is.
    def __init__(self, text_bytes: int, user_turns: int, last_user_text: str, others: list[tuple[int, Any]]) -> None:
        self.text_bytes = text_bytes
        self.user_turns = user_turns
        self.last_user_text = last_user_text
        self.others = others


SILENCE: Final = Talk(0, 0, "", [])


def talk(messages: Any) -> Talk | None:
    """None where it is no list of objects, or an empty one."""
    if type(messages) is not list or not messages:
        return None
    size = turns = 0
    last: Any = ""
    others: list[tuple[int, Any]] = []
    for index, message in enumerate(messages):
        if type(message) is not dict:
            return None
        role, content = message.get("role"), message.get("content")
        plain = len(message) == 2 and type(role) is str and len(role) <= MAX_ROLE_CHARS
        own = _text_bytes(content) if plain else _OTHER
        if own == _OTHER:
            others.append((index, message))
            if role == "user" and only_results(content):
                continue  # the caller's program at work
        else:
            size += own
        if role == "user":
            turns += 1
            last = content
    return Talk(size, turns, text_of(last), others)


def _text_bytes(content: Any) -> int:
    """Of a text, or of parts that are nothing but texts; `_OTHER` of anything else."""
    if type(content) is str:
        return len(content) if content.isascii() else len(content.encode())
    if type(content) is not list:
        return _OTHER
    size = 0
    for part in content:
        if type(part) is not dict:
            return _OTHER
        kind, text = part.get("type"), part.get("text")
        if type(kind) is not str or kind not in _TEXT_PARTS or type(text) is not str:
            return _OTHER
        if len(part) > 2 and (len(part) > 3 or "cache_control" not in part):
            return _OTHER
        size += len(text) if text.isascii() else len(text.encode())
    return size
