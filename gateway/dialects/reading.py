"""Typed reads from a parsed body: the first wrong field becomes the refusal, the rest reads on harmlessly."""

from typing import Any, Final

from gateway.core.reasons import INVALID_FIELD
from gateway.core.refusal import Refusal
from gateway.dialects.plain import MAX_ROLE_CHARS, SILENCE, Talk, talk

MAX_MODEL_CHARS: Final = 256
MAX_TOKENS: Final = (1 << 31) - 1
MAX_CHOICES: Final = 128


def invalid(param: str, expected: str) -> Refusal:
    """The refusal for a field of the wrong type or value."""
    return Refusal(INVALID_FIELD, f"'{param}' must be {expected}.", param=param)


class FieldReader:
    """Reads what decisions depend on. Null counts as absent, true and 1.0 are no integers."""

    __slots__ = ("_body", "refusal")

    def __init__(self, body: dict[str, Any]) -> None:
        self._body = body
        self.refusal: Refusal | None = None

    def fail(self, param: str, expected: str) -> None:
        if self.refusal is None:
            self.refusal = invalid(param, expected)

    def model(self) -> str:
        value = self._body.get("model")
        if type(value) is str and 0 < len(value) <= MAX_MODEL_CHARS:
            return value
        self.fail("model", f"a string of 1 to {MAX_MODEL_CHARS} characters")
        return ""

    def flag(self, name: str) -> bool:
        value = self._body.get(name)
        if value is not None and type(value) is not bool:
            self.fail(name, "true or false")
        return value is True

    def integer(self, name: str, low: int, high: int) -> int | None:
        value = self._body.get(name)
        if value is None:
            return None
        if type(value) is not int or not low <= value <= high:
            self.fail(name, f"an integer from {low} to {high}")
            return None
        return value

    def tokens(self, name: str) -> int | None:
        value = self._body.get(name)
        if value is None or (type(value) is int and 0 < value <= MAX_TOKENS):
            return value
        return self.integer(name, 1, MAX_TOKENS)

    def choices(self, name: str) -> int:
        return self.integer(name, 1, MAX_CHOICES) or 1

    def logprob_count(self, name: str) -> bool:
        """Whether an integer field asks for log probabilities; 0 asks for none."""
        return bool(self.integer(name, 0, MAX_TOKENS))

    def strings(self, *names: str) -> None:
        """These may be absent, else strings."""
        for name in names:
            value = self._body.get(name)
            if value is not None and type(value) is not str:
                self.fail(name, "a string")

    def objects(self, *names: str) -> None:
        """These may be absent, else objects."""
        for name in names:
            value = self._body.get(name)
            if value is not None and type(value) is not dict:
                self.fail(name, "an object")

    def items(self, name: str) -> list[dict[str, Any]]:
        """A list of objects; may be absent."""
        value = self._body.get(name)
        if value is None:
            return []
        if type(value) is not list:
            self.fail(name, "a list")
            return []
        for index, item in enumerate(value):
            if type(item) is not dict:
                self.fail(f"{name}.{index}", "an object")
                return []
        return value

    def messages(self) -> Talk:
        """The conversation: a list of at least one object, each with a role and a content of a known shape."""
        said = talk(self._body.get("messages"))
        if said is None:
            if not self.items("messages"):
                self.fail("messages", "a list of at least one message")
            return SILENCE
        for index, message in said.others:
            role = message.get("role")
            if type(role) is not str or len(role) > MAX_ROLE_CHARS:
                self.fail(f"messages.{index}.role", f"a string of at most {MAX_ROLE_CHARS} characters")
            content = message.get("content")
            if content is not None and type(content) not in (str, list):
                self.fail(f"messages.{index}.content", "a string or a list of parts")
        return said

    def stream_usage(self) -> bool:
        """Whether the caller itself asked for usage in the stream."""
        options = self._body.get("stream_options")
        if options is None:
            return False
        if type(options) is not dict:
            self.fail("stream_options", "an object")
            return False
        value = options.get("include_usage")
        if value is not None and type(value) is not bool:
            self.fail("stream_options.include_usage", "true or false")
        return value is True
