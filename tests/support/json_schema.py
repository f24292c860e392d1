"""A small reader of JSON Schema: the keywords that drafts 7 and 2020-12 share, and no other."""

import re
from collections.abc import Iterator
from typing import Any, Final

_TYPES: Final = {
    "object": dict, "array": list, "string": str, "boolean": bool, "null": type(None), "integer": int,
    "number": (int, float),
}  # fmt: skip
_SAYS_NOTHING: Final = frozenset({"description", "title", "default", "examples", "format", "$schema", "$defs"})


def complaints(value: Any, schema: dict[str, Any], root: dict[str, Any], at: str = "$") -> Iterator[str]:
    """What is wrong with a value. Raises AssertionError for a keyword that is not of both drafts."""
    if "$ref" in schema:
        assert set(schema) == {"$ref"}, f"draft 7 ignores what stands beside a reference: {sorted(schema)}"
        yield from complaints(value, root["$defs"][schema["$ref"].removeprefix("#/$defs/")], root, at)
        return
    for keyword, said in schema.items():
        if keyword not in _SAYS_NOTHING:
            yield from _complaints(keyword, said, value, schema, root, at)


def _complaints(keyword: str, said: Any, value: Any, schema: dict[str, Any], root: Any, at: str) -> Iterator[str]:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    fine = True
    match keyword:
        case "type":
            kinds = [said] if isinstance(said, str) else said
            fine = any(
                isinstance(value, _TYPES[kind]) and (number or kind not in ("integer", "number")) for kind in kinds
            )
        case "const":
            fine = value == said and type(value) is type(said)
        case "enum":
            fine = value in said
        case "oneOf" | "anyOf" | "allOf":
            good = sum(not list(complaints(value, one, root, at)) for one in said)
            fine = {"oneOf": good == 1, "anyOf": good > 0, "allOf": good == len(said)}[keyword]
        case "properties":
            for key in said.keys() & value.keys() if isinstance(value, dict) else ():
                yield from complaints(value[key], said[key], root, f"{at}.{key}")
        case "required":
            fine = not isinstance(value, dict) or set(said) <= set(value)
        case "additionalProperties" | "patternProperties":
            yield from _others(keyword, said, value, schema, root, at)
        case "propertyNames":
            for key in value if isinstance(value, dict) else ():
                yield from complaints(key, said, root, f"{at}.{key}")
        case "items":
            for place, item in enumerate(value if isinstance(value, list) else ()):
                yield from complaints(item, said, root, f"{at}[{place}]")
        case "minItems":
            fine = not isinstance(value, list) or len(value) >= said
        case "minProperties":
            fine = not isinstance(value, dict) or len(value) >= said
        case "minLength" | "maxLength":
            fine = not isinstance(value, str) or (len(value) >= said if keyword == "minLength" else len(value) <= said)
        case "pattern":
            fine = not isinstance(value, str) or re.search(said, value) is not None
        case "minimum" | "maximum" | "exclusiveMinimum":
            bounds = {"minimum": "__ge__", "maximum": "__le__", "exclusiveMinimum": "__gt__"}
            fine = not number or getattr(float(value), bounds[keyword])(float(said))
        case _:
            raise AssertionError(f"not a keyword of both drafts: {keyword}")
    if not fine:
        yield f"{at}: {keyword} {said!r}"[:200]


def _others(keyword: str, said: Any, value: Any, schema: dict[str, Any], root: Any, at: str) -> Iterator[str]:
    """Keys that `properties` does not list."""
    for key in value.keys() - schema.get("properties", {}).keys() if isinstance(value, dict) else ():
        if keyword == "patternProperties":
            for pattern, inner in said.items():
                if re.search(pattern, key):
                    yield from complaints(value[key], inner, root, f"{at}.{key}")
        elif any(re.search(pattern, key) for pattern in schema.get("patternProperties", ())):
            continue
        elif said is False:
            yield f"{at}.{key}: unknown key"
        elif said is not True:
            yield from complaints(value[key], said, root, f"{at}.{key}")
