"""Paths in a settings file are relative to that file, wherever the command was started."""

from pathlib import Path
from typing import Annotated, Any

from pydantic import PlainValidator, ValidationInfo, WithJsonSchema


def resolve(value: Any, info: ValidationInfo) -> Path:
    """The path, absolute when the directory of the settings file is known (`context={"base": Path}`)."""
    if not isinstance(value, str | Path) or not str(value):
        raise ValueError("expected a path")
    base = (info.context or {}).get("base")
    return Path(value) if base is None else base / Path(value).expanduser()


FilePath = Annotated[Path, PlainValidator(resolve), WithJsonSchema({"type": "string"})]
