"""What a request's content points at: stored files, hosted tools, URLs. None of it may slip past the tables.

Only structure is looked at; text, tool arguments and schemas are never searched.
"""

from collections.abc import Iterable, Iterator
from typing import Any, Final

from gateway.core.refusal import Refusal
from gateway.dialects.field_tables import SELF_HOSTED
from gateway.dialects.fields import unsupported

_NO_STATE: Final = "is not supported: it refers to something stored at the upstream."
_NO_TOOL: Final = "is not supported: only tools that the caller runs itself are served."
_NO_URL: Final = "must be a data: URL: this model's server may not fetch addresses."
_NO_ENGINE: Final = "is not accepted: media are sent as data, not as engine tensors."
_TENSORS: Final = ("image_embeds", "audio_embeds", "video_embeds", "prompt_embeds", "image_pil")
_PLAIN_MESSAGE: Final = frozenset({"role", "content", "name", "type"})
_URL_KEYS: Final = ("image_url", "audio_url", "video_url", "file_url")
_POINTING: Final = frozenset({"tool", "tool_changes", "id", "file_id", "uuid", "file", "audio", *_TENSORS, *_URL_KEYS})
_INNER: Final = ("content", "output", "source")
_POINTING_TYPES: Final = ("item_reference", "container_upload", "url")
_OPENAI_TOOLS: Final = frozenset(
    {"function", "custom", "local_shell", "apply_patch", "computer", "computer_use_preview", "namespace"}
)
_ANTHROPIC_TOOLS: Final = ("custom", "bash_", "text_editor_", "memory_", "computer_", "browser_")

Located = tuple[str, dict[str, Any]]


def parts(value: Any, path: str) -> Iterator[Located]:
    """Every content part under a message or item, with its dotted path: nested results included, tool input not."""
    if type(value) is list:
        for index, item in enumerate(value):
            yield from parts(item, f"{path}.{index}")
    elif type(value) is dict:
        yield path, value
        for key in _INNER:
            below = value.get(key)
            if type(below) is list or type(below) is dict:
                yield from parts(below, f"{path}.{key}")


def check_parts(items: Iterable[tuple[int, Any]], path: str, kind: str) -> Refusal | None:
    """Refuse stored references and raw tensors everywhere, fetched URLs towards self-hosted servers. The items of a
    list at `path`, each with its index.
    """
    fetch = kind not in SELF_HOSTED
    for index, item in items:
        if type(item) is dict and type(item.get("content")) is str and _PLAIN_MESSAGE.issuperset(item):
            continue  # nearly every message: nothing in it can point anywhere
        refusal = _check_item(item, f"{path}.{index}", fetch=fetch) if _may_point(item) else None
        if refusal is not None:
            return refusal
    return None


def _may_point(item: Any) -> bool:
    """Whether any of its parts, the same as `parts` gives, has a key or a type that a check looks at."""
    left = [item]
    for value in left:
        if type(value) is dict:
            if not _POINTING.isdisjoint(value) or value.get("type") in _POINTING_TYPES:
                return True
            left += [value[key] for key in _INNER if key in value]
        elif type(value) is list:
            left += value
    return False


def _check_item(item: Any, path: str, *, fetch: bool) -> Refusal | None:
    for where, part in parts(item, path):
        refusal = _check_tool_changes(part, where)
        if refusal is not None:
            return refusal
        stored = _stored(part)
        if stored:
            return unsupported(f"{where}.{stored}", _NO_STATE)
        for key in _TENSORS:
            if key in part:
                return unsupported(f"{where}.{key}", _NO_ENGINE)
        if not fetch:
            fetched = _fetched(part)
            if fetched:
                return unsupported(f"{where}.{fetched}", _NO_URL)
    return None


def _check_tool_changes(part: dict[str, Any], path: str) -> Refusal | None:
    """Refuse tools that a conversation brings along: Anthropic's beta lets messages add tools by value."""
    if part.get("tool_changes") is None and type(part.get("tool")) is not dict:
        return None
    changes = part.get("tool_changes")
    for change in (part, *(changes if type(changes) is list else ())):
        tool = change.get("tool") if type(change) is dict else None
        definition = tool.get("definition") if type(tool) is dict else None
        if definition is not None and check_anthropic_tools([definition]) is not None:
            return unsupported(f"{path}.tool.definition.type", _NO_TOOL)
    return None


def _stored(part: dict[str, Any]) -> str | None:
    kind = part.get("type")
    if kind == "item_reference" or (kind is None and "id" in part and "content" not in part and "role" not in part):
        return "id"
    if kind == "container_upload":
        return "type"
    for key in ("file_id", "uuid"):  # a uuid names media in a cache that all callers of a server share
        if part.get(key) is not None:
            return key
    for key, ref in (("file", "file_id"), ("audio", "id")):
        below = part.get(key)
        if type(below) is dict and below.get(ref) is not None:
            return f"{key}.{ref}"
    return None


def _fetched(part: dict[str, Any]) -> str | None:
    for key in _URL_KEYS:
        value = part.get(key)
        if type(value) is dict:
            key, value = f"{key}.url", value.get("url")
        if value is not None and not _is_data(value):
            return key
    if part.get("type") == "url" and not _is_data(part.get("url")):
        return "url"
    return None


def _is_data(value: Any) -> bool:
    return type(value) is str and value[:5].lower() == "data:"


def check_openai_tools(tools: Any, path: str = "tools") -> Refusal | None:
    """Refuse hosted tools; a namespace is as good as what is in it."""
    if type(tools) is not list:
        return None
    for index, tool in enumerate(tools):
        kind = tool.get("type") if type(tool) is dict else None
        if type(kind) is not str or kind not in _OPENAI_TOOLS:
            return unsupported(f"{path}.{index}.type", _NO_TOOL)
        if kind == "namespace":
            refusal = check_openai_tools(tool.get("tools"), f"{path}.{index}.tools")
            if refusal is not None:
                return refusal
    return None


def check_anthropic_tools(tools: Any) -> Refusal | None:
    """Refuse tools that run at the provider."""
    if type(tools) is not list:
        return None
    for index, tool in enumerate(tools):
        kind = tool.get("type") if type(tool) is dict else None
        if kind is not None and not (type(kind) is str and kind.startswith(_ANTHROPIC_TOOLS)):
            return unsupported(f"tools.{index}.type", _NO_TOOL)
    return None
