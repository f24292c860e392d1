"""From a loaded YAML document to a checked model, with every problem at its place and in plain words."""

import json
from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from types import UnionType
from typing import Annotated, Any, Final, Literal, Protocol, TypeVar, Union, get_args, get_origin

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic_core import ErrorDetails

from gateway.yamlio import Place, Problem, YamlProblems

M = TypeVar("M", bound=BaseModel)

_SECRET_WORDS: Final = ("key", "secret", "token", "pepper", "password", "hash", "url")


class Strict(BaseModel):
    """What every model of a file should derive from: unknown keys refused, text is not a number, frozen."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class Document(Protocol):
    """A value that knows where its parts stand: a loaded file, or several sources laid over each other."""

    value: Any
    source: str

    def place(self, path: Sequence[str | int], *, key: bool = False) -> Place: ...


def build(loaded: Document, model: type[M], context: Any = None) -> M:
    """Check a document against a model. Raises YamlProblems: the place, what is wrong, what was expected.

    `context` reaches the model's validators.
    """
    if not isinstance(loaded.value, dict):
        place = loaded.place(())
        message = f"expected a mapping of keys, found {found(loaded.value)}"
        raise YamlProblems([Problem(place.source, place.line, place.column, message)])
    try:
        # Through JSON, because strict models then still take "enforce" for an enum and a list for a tuple.
        return model.model_validate_json(json.dumps(loaded.value), context=context)
    except ValidationError as error:
        raise YamlProblems(_problems(loaded, model, error.errors(include_url=False))) from None


def nearest(word: str, known: Iterable[str]) -> str:
    """`, did you mean 'x'?` for the closest known word, else the known words, else nothing."""
    words = sorted(set(known))
    close = get_close_matches(word, words, n=1, cutoff=0.6)
    if close:
        return f", did you mean '{close[0]}'?"
    return f", expected one of: {', '.join(words)}" if 0 < len(words) <= 12 else ""


def found(value: Any, *, show: bool = True) -> str:
    """What stands there, in a few words; short text is quoted unless `show` is false."""
    if value is None:
        return "nothing"
    if isinstance(value, dict):
        return "a mapping" if value else "an empty mapping"
    if isinstance(value, list):
        return "a list" if value else "an empty list"
    if isinstance(value, str):
        return f"the text {value!r}" if show and len(value) <= 40 else "text"
    return json.dumps(value)


def dotted(path: Sequence[str | int]) -> str:
    """`limits[0].amount`, as people write it."""
    text = ""
    for step in path:
        text += f"[{step}]" if isinstance(step, int) else f".{_short(step)}" if text else _short(step)
    return text


def _short(key: str) -> str:
    """A key of a mapping; what is too long for a name may be a secret at the wrong place."""
    return key if len(key) <= 40 else f"{key[:12]}…"


def _problems(loaded: Document, model: type[BaseModel], errors: Sequence[ErrorDetails]) -> list[Problem]:
    """One problem for a place and message; what the members of a union each expected is joined by "or"."""
    kept: list[Problem] = []
    expected: dict[tuple[str | int, ...], list[str]] = {}
    placed = [
        (_real_path(loaded.value, error["loc"], missing=error["type"] in ("missing", "extra_forbidden")), error)
        for error in errors
    ]
    paths = {path for path, _ in placed}
    for path, error in placed:
        if error["type"].endswith("_type") and any(len(other) > len(path) == _shared(other, path) for other in paths):
            continue  # one member of a union has this shape and says what is wrong inside
        if error["type"] == "too_short" and any(len(other) > len(path) == _shared(other, path) for other in paths):
            continue  # its entries are what is wrong: the list itself is long enough
        if error["type"] == "extra_forbidden":
            message = (
                f"unknown key '{_short(str(path[-1]))}'{nearest(str(path[-1]), _known_keys(model, error['loc'][:-1]))}"
            )
        elif error["type"] == "missing":
            message = f"missing key '{dotted(path)}'"
        elif error["type"] == "value_error":
            message = _prefixed(path, str(error["ctx"]["error"]))
        else:
            if error["type"] == "union_tag_invalid":
                here = _value_at(loaded.value, path)
                tag = error["ctx"]["discriminator"].strip("'")
                if isinstance(here, dict) and tag in here:
                    path = (*path, tag)
            expected.setdefault(path, []).append(_expectation(error, path))
            continue
        kept.append(_at(loaded, path, message, key=error["type"] == "extra_forbidden"))
    for path, wishes in expected.items():
        secret = any(word in str(step).lower() for step in path for word in _SECRET_WORDS)
        here = found(_value_at(loaded.value, path), show=not secret)
        message = f"{' or '.join(dict.fromkeys(wishes))}, found {here}"
        kept.append(_at(loaded, path, _prefixed(path, message)))
    return sorted(set(kept), key=lambda problem: (problem.line, problem.column, problem.message))


def _shared(one: Sequence[str | int], other: Sequence[str | int]) -> int:
    """How many leading steps are the same."""
    return next((index for index, pair in enumerate(zip(one, other, strict=False)) if pair[0] != pair[1]), len(other))


def _at(loaded: Document, path: Sequence[str | int], message: str, *, key: bool = False) -> Problem:
    place = loaded.place(path, key=key)
    return Problem(place.source, place.line, place.column, message)


def _prefixed(path: Sequence[str | int], message: str) -> str:
    return f"{dotted(path)}: {message}" if path else message


def _expectation(error: ErrorDetails, path: Sequence[str | int]) -> str:
    """Pydantic's message, turned into what was expected."""
    context = error.get("ctx", {})
    if error["type"] == "float_type" and str(path[-1]).endswith("_s"):
        return "expected a number of seconds, without a unit"
    if error["type"] == "union_tag_not_found":
        return f"expected a key {context['discriminator']}"
    if error["type"] == "union_tag_invalid":
        return f"expected one of {context['expected_tags']}"
    if error["type"] == "too_short":
        return f"expected at least {context['min_length']}"
    if error["type"] == "too_long":
        return f"expected at most {context['max_length']} entries"
    if error["type"] in ("dict_type", "model_type", "dataclass_type", "model_attributes_type"):
        return "expected a mapping"
    message = error["msg"].replace("Input should be a valid ", "expected ").replace("Input should be ", "expected ")
    message = message.replace("Input should have ", "expected ").replace("String should ", "expected text to ")
    for noun, article in (("string", "text"), ("integer", "a whole number"), ("boolean", "true or false")):
        message = message.replace(f"expected {noun}", f"expected {article}")
    for noun in ("number", "list", "array", "tuple", "date", "URL", "decimal"):
        message = message.replace(f"expected {noun}", f"expected a {noun}")
    return message.replace("a array", "a list").replace("a tuple", "a list")


def _real_path(value: Any, loc: Sequence[str | int], *, missing: bool) -> tuple[str | int, ...]:
    """Pydantic's location without the steps that are names of union members; a missing key stays as the last."""
    path: list[str | int] = []
    for index, step in enumerate(loc):
        there = (isinstance(value, dict) and step in value) or (
            isinstance(value, list) and isinstance(step, int) and step < len(value)
        )
        if there:
            value = value[step]
            path.append(step)
        elif missing and index == len(loc) - 1:
            path.append(step)
    return tuple(path)


def _value_at(value: Any, path: Sequence[str | int]) -> Any:
    for step in path:
        value = value[step]
    return value


def types_at(model: type[BaseModel], loc: Sequence[str | int]) -> list[Any]:
    """The types a model allows at a location; a union gives each of its members."""
    here: list[Any] = [model]
    for step in loc:
        here = [below for annotation in here for below in _below(annotation, step)]
    return [member for annotation in here for member in _members(annotation)]


def _known_keys(model: type[BaseModel], loc: Sequence[str | int]) -> list[str]:
    return [
        info.alias or name
        for member in types_at(model, loc)
        if isinstance(member, type) and issubclass(member, BaseModel)
        for name, info in member.model_fields.items()
    ]


def _members(annotation: Any) -> list[Any]:
    origin = get_origin(annotation)
    if origin is Annotated:
        return _members(get_args(annotation)[0])
    if origin in (Union, UnionType):
        return [member for part in get_args(annotation) for member in _members(part)]
    return [annotation]


def _below(annotation: Any, step: str | int) -> list[Any]:
    """What stands under one step of a location. A step may also be the name or tag of one member of a union."""
    result: list[Any] = []
    members = _members(annotation)
    named = [member for member in members if len(members) > 1 and _answers_to(member, step)]
    if named:
        return named
    for member in members:
        arguments = get_args(member)
        if isinstance(member, type) and not arguments and issubclass(member, BaseModel):
            fields = {info.alias or name: info.annotation for name, info in member.model_fields.items()}
            result.append(fields.get(str(step), member))
        elif arguments:
            result.append(arguments[0] if isinstance(step, int) else arguments[-1])
    return result


def _answers_to(member: Any, step: str | int) -> bool:
    if not (isinstance(member, type) and issubclass(member, BaseModel)):
        return False
    return member.__name__ == step or any(
        get_origin(info.annotation) is Literal and step in get_args(info.annotation)
        for info in member.model_fields.values()
    )
