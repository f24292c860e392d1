"""What the user said last: the text that detectors look at while it is still there."""

from collections.abc import Sequence
from typing import Any

_TEXT_PARTS = ("text", "input_text")


def user_turns(messages: Sequence[Any]) -> tuple[int, str]:
    """How many messages (or input items) a user wrote, and the text of the last one.

    Its text parts are joined by newlines; pictures and files are no text. A message of nothing but tool results is the
    caller's program at work, not a turn of the user.
    """
    turns = [
        message
        for message in messages
        if type(message) is dict and message.get("role") == "user" and not _only_results(message.get("content"))
    ]
    return len(turns), _text(turns[-1].get("content")) if turns else ""


def _only_results(content: Any) -> bool:
    parts = content if type(content) is list else ()
    return bool(parts) and all(type(part) is dict and part.get("type") == "tool_result" for part in parts)


def _text(content: Any) -> str:
    if type(content) is str:
        return content
    found = [
        part["text"]
        for part in (content if type(content) is list else ())
        if type(part) is dict and part.get("type") in _TEXT_PARTS and type(part.get("text")) is str
    ]
    return found[0] if len(found) == 1 else "\n".join(found)


def prompts(prompt: Any) -> tuple[int, str]:
    """The same of a completion: each of its prompts is a turn; one of token ids has no text here."""
    if type(prompt) is str:
        return 1, prompt
    if type(prompt) is not list or not prompt or type(prompt[0]) is int:
        return 1, ""
    last = prompt[-1]
    return len(prompt), last if type(last) is str else ""
