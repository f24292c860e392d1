"""The text of a request, by who is said to have written it: what rules on words look at.

Nothing is left out for being unknown: a string is text unless it is a plain word in a place that holds labels (a type,
a role, an id) or base64 in a place that holds media. What the model can be told in any field is therefore seen.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Any, Final

from gateway.core.jsonio import JsonError, loads
from gateway.dialects.content import is_media
from gateway.dialects.no_text import is_word, no_text

SYSTEM: Final = "system"
USER: Final = "user"
ASSISTANT: Final = "assistant"
TOOL: Final = "tool"
DEFINITIONS: Final = "definitions"
PARTS: Final = (SYSTEM, USER, ASSISTANT, TOOL, DEFINITIONS)

_ROLES: Final = {"system": SYSTEM, "developer": SYSTEM, "assistant": ASSISTANT, "tool": TOOL, "function": TOOL}
_PLAIN: Final = (*_ROLES, USER)
_MAIN: Final = frozenset(
    {
        "content", "text", "prompt", "arguments", "input", "output", "thinking", "refusal", "reasoning",
        "reasoning_content", "transcript", "data", "code", "patch", "diff", "stdout", "stderr",
    }
)  # fmt: skip
_DOCUMENTS: Final = frozenset(
    {"input", "arguments", "parameters", "action", "operation", "schema", "input_schema", "json_schema", "attributes"}
)
_TOOLS: Final = frozenset({"tools", "tool", "tool_changes"})
_RESULTS: Final = frozenset({"output", "outputs", "results"})
_ANSWERS: Final = frozenset({"reasoning", "compaction", "mcp_approval_request", "program"})
_KEYWORDS: Final = frozenset(
    {
        "type", "function", "name", "description", "parameters", "strict", "properties", "required", "items", "enum",
        "additionalProperties", "title", "default", "format", "anyOf", "oneOf", "allOf", "$ref", "$defs", "schema",
        "json_schema", "input_schema",
    }
)  # fmt: skip
_TYPES: Final = frozenset(
    {"object", "string", "number", "integer", "boolean", "array", "null", "function", "custom", "text", "json_schema"}
)


class Field(Enum):
    """How a top-level field is read."""

    MESSAGES = auto()
    """Messages or input items: each belongs to its role, or to what its type says."""
    SYSTEM = auto()
    USER = auto()
    ASSISTANT = auto()
    DOCUMENT = auto()
    """All of it is text, its keys too. So is every field that no table names."""
    SETTING = auto()
    """Words that choose something; anything longer than a word is text."""
    REPLACED = auto()
    """Never forwarded as the caller wrote it: the gateway writes its own value there, or none."""
    METADATA = auto()
    """A document but for `user_id`, which is replaced."""


_WRITERS: Final = {Field.SYSTEM: SYSTEM, Field.USER: USER, Field.ASSISTANT: ASSISTANT}


@dataclass(frozen=True, slots=True)
class Texts:
    """Pieces of text as written, in their order; nothing is joined, and nothing of them is ever shown.

    In each group what the model surely reads comes first, strings of other fields behind it: a field that some
    servers ignore cannot stand between two halves of a sentence.
    """

    system: tuple[str, ...] = field(default=(), repr=False)
    """System and developer messages, instructions."""
    user: tuple[str, ...] = field(default=(), repr=False)
    assistant: tuple[str, ...] = field(default=(), repr=False)
    """Earlier answers with their tool calls and reasoning, prefill, prediction."""
    tool: tuple[str, ...] = field(default=(), repr=False)
    """What tools returned."""
    definitions: tuple[str, ...] = field(default=(), repr=False)
    """Tools, schemas, stop sequences, metadata and any other field that can hold text."""
    unread: tuple[str, ...] = ()
    """Kinds of content that cannot be read as text here: `media`, `token_ids`. A text rule did not see these."""


def read_texts(body: Mapping[str, Any], fields: Mapping[str, Field]) -> Texts:
    """All text of a request body. Costs time in proportion to its size: asked for only by rules that look at text."""
    reader = _Reader()
    for name, value in body.items():
        how = fields.get(name, Field.DOCUMENT)
        if value is None or how is Field.REPLACED:
            continue
        if how is Field.MESSAGES:
            reader.messages(value)
        elif how is Field.SETTING:
            reader.setting(value)
        elif how is Field.METADATA and type(value) is dict:
            reader.document({key: below for key, below in value.items() if key != "user_id"}, DEFINITIONS)
        elif how in _WRITERS:
            reader.content(value, _WRITERS[how], "content", None)
        else:
            reader.document(value, DEFINITIONS)
        if name not in fields and not is_word(name):
            reader.aside[DEFINITIONS].append(name)
    return reader.texts()


class _Reader:
    """Collects strings. The body's depth is bounded where it is parsed, so that recursion is."""

    __slots__ = ("aside", "main", "unread")

    def __init__(self) -> None:
        self.main: dict[str, list[str]] = {part: [] for part in PARTS}
        self.aside: dict[str, list[str]] = {part: [] for part in PARTS}
        self.unread: set[str] = set()

    def texts(self) -> Texts:
        groups = {part: tuple(self.main[part] + self.aside[part]) for part in PARTS}
        return Texts(**groups, unread=tuple(sorted(self.unread)))

    def messages(self, value: Any) -> None:
        for message in value if type(value) is list else (value,):
            if type(message) is not dict:
                self.content(message, USER, "content", None)
                continue
            group = writer(message)
            text = message.get("content")
            if len(message) == 2 and type(text) is str and message.get("role") in _PLAIN:  # nearly every message
                self.main[group].append(text)
            else:
                self.content(message, group, "content", None)

    def content(self, value: Any, group: str, key: str, owner: Mapping[str, Any] | None) -> None:
        """A message, an item, a part, or what is in one; `key` is where it stands in `owner`."""
        if type(value) is str:
            self._string(value, group, key, owner)
        elif type(value) is list:
            for item in value:
                if type(item) is int:
                    if key == "content":
                        self.unread.add("token_ids")
                else:
                    self.content(item, group, key, owner)
        elif type(value) is dict:
            group = _narrower(value, group)
            for name, below in value.items():
                if name in _TOOLS:
                    self.document(below, DEFINITIONS)
                elif name in _DOCUMENTS and type(below) is not str:
                    self.document(below, group)
                else:
                    if below is not None and is_media(name, below, value):
                        self.unread.add("media")
                    self.content(below, TOOL if name in _RESULTS and group == ASSISTANT else group, name, value)
                if name not in _MAIN and not is_word(name):
                    self.aside[group].append(name)

    def document(self, value: Any, group: str, key: str = "") -> None:
        """Something that the model is shown as a document: all strings, and all keys but the words of JSON Schema."""
        if type(value) is str:
            if value and not (key == "type" and value in _TYPES):
                self.main[group].append(value)
        elif type(value) is list:
            for item in value:
                self.document(item, group)
        elif type(value) is dict:
            for name, below in value.items():
                if name and name not in _KEYWORDS:
                    self.aside[group].append(name)
                self.document(below, group, name)

    def setting(self, value: Any) -> None:
        if type(value) is str:
            if not is_word(value):
                self.aside[DEFINITIONS].append(value)
        elif type(value) is list:
            for item in value:
                self.setting(item)
        elif type(value) is dict:
            for name, below in value.items():
                self.setting(name)
                self.setting(below)

    def _string(self, value: str, group: str, key: str, owner: Mapping[str, Any] | None) -> None:
        if not value or no_text(value, key, None if owner is None else owner.get("type")):
            return
        (self.main if key in _MAIN else self.aside)[group].append(value)
        if key == "arguments" and "\\" in value:
            self._escaped(value, group)

    def _escaped(self, value: str, group: str) -> None:
        """A tool call's arguments are JSON in a string. Servers parse it, so its escapes hide nothing from them."""
        try:
            self.document(loads(value.encode()), group)
        except JsonError:
            return


def writer(message: Mapping[str, Any]) -> str:
    """Who wrote a message or an input item: its type where that says so, else its role; the user where neither does."""
    kind = message.get("type")
    if type(kind) is str and kind != "message":
        if kind.endswith("_output"):
            return TOOL
        if kind in ("mcp_list_tools", "additional_tools"):
            return DEFINITIONS
        if kind.endswith("_call") or kind in _ANSWERS:
            return ASSISTANT
    role = message.get("role")
    return _ROLES.get(role, USER) if type(role) is str else USER


def _narrower(part: Mapping[str, Any], group: str) -> str:
    """A tool's result within a message is the tool's, whoever sends it on."""
    kind = part.get("type")
    return TOOL if type(kind) is str and kind.endswith("tool_result") else group
