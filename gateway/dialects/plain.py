"""Conversations of nothing but roles and texts, as nearly all are: all that is asked about one, in a single pass.

Whatever else a message may hold (parts, tool calls, names) is left to the rooms that know it; they say the same of a
plain one, only slower.
"""

from typing import Any, NamedTuple

from gateway.dialects.reading import MAX_ROLE_CHARS


class Plain(NamedTuple):
    """What decisions need to know of a plain conversation."""

    text_bytes: int
    user_turns: int
    last_user_text: str


def plain(messages: Any) -> Plain | None:
    """None where any message has more or less than a role and a text."""
    if type(messages) is not list or not messages:
        return None
    size = turns = 0
    last = ""
    for message in messages:
        if type(message) is not dict or len(message) != 2:
            return None
        role, text = message.get("role"), message.get("content")
        if type(text) is not str:
            return None
        if role == "user":
            turns += 1
            last = text
        elif type(role) is not str or len(role) > MAX_ROLE_CHARS:
            return None
        size += len(text) if text.isascii() else len(text.encode())
    return Plain(size, turns, last)
