"""Every setting there is, as a dotted name with its field: what the documentation must cover."""

from collections.abc import Iterator
from typing import get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from gateway.validate import types_at


def leaves(model: type[BaseModel], prefix: str = "") -> Iterator[tuple[str, FieldInfo]]:
    """Names like `data.port`, `upstreams.<name>.weight` and `admins[].role`."""
    for name, field in model.model_fields.items():
        written = field.alias or name
        path = f"{prefix}.{written}" if prefix else written
        below: list[tuple[str, type[BaseModel]]] = []
        for kind in types_at(model, [written]):
            origin, arguments = get_origin(kind), get_args(kind)
            inner = arguments[-1 if origin is dict else 0] if arguments else kind
            deeper = f"{path}.<name>" if origin is dict else f"{path}[]" if arguments else path
            members = [one for one in (inner, *get_args(inner)) if isinstance(one, type) and issubclass(one, BaseModel)]
            below.extend((deeper, member) for member in members)
        if not below:
            yield path, field
        for deeper, member in below:
            yield from leaves(member, deeper)
