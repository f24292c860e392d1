"""What the user said: the text that detectors look at while it is still there."""

from typing import Any, Final

_TEXT_PARTS: Final = ("text", "input_text")


def only_results(content: Any) -> bool:
    """Whether a user's message is nothing but tool results: the caller's program at work, not a turn of the user."""
    parts = content if type(content) is list else ()
    return bool(parts) and all(type(part) is dict and part.get("type") == "tool_result" for part in parts)


def text_of(content: Any) -> str:
    """The text of a message. Its text parts are joined by newlines; pictures and files are no text."""
    if type(content) is str:
        return content
    found = [
        part["text"]
        for part in (content if type(content) is list else ())
        if type(part) is dict and part.get("type") in _TEXT_PARTS and type(part.get("text")) is str
    ]
    return found[0] if len(found) == 1 else "\n".join(found)


def prompts(prompt: Any) -> tuple[int, str]:
    """Turns of a completion, and the text of the last: each prompt is one. One of token ids has no text here."""
    if type(prompt) is str:
        return 1, prompt
    if type(prompt) is not list or not prompt or type(prompt[0]) is int:
        return 1, ""
    last = prompt[-1]
    return len(prompt), last if type(last) is str else ""
