"""models.yaml: every fact about a model, once. Prices become whole nano-dollars, never less than was written."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal
from pathlib import Path
from types import MappingProxyType
from typing import Annotated

from pydantic import Field

from gateway.core.model import Model, Prices
from gateway.scalars import Line, Moment, Name
from gateway.validate import Strict, build, nearest
from gateway.yamlio import Loaded, Problem, YamlProblems, load_file

Dollars = Annotated[Decimal, Field(ge=0, le=1_000_000, allow_inf_nan=False)]


class PriceEntry(Strict):
    """Dollars per million tokens. Free is an explicit 0."""

    input: Dollars = Field(description="Dollars per million input tokens.")
    output: Dollars = Field(description="Dollars per million output tokens, reasoning included.")
    cache_read: Dollars | None = Field(
        default=None, description="Per million input tokens read from a cache; default `input`."
    )
    cache_write: Dollars | None = Field(
        default=None, description="Per million input tokens written to one; default `input`."
    )


class DatedPriceEntry(PriceEntry):
    """A price list and the moment from which it holds."""

    valid_from: Moment = Field(description="A date (midnight UTC) or a time with its offset.")


class ModelEntry(Strict):
    """One model as models.yaml describes it."""

    upstreams: tuple[Name, ...] = Field(min_length=1, description="Names from the settings; any of them may serve it.")
    upstream_name: Line = Field(default="", description="The model's name at its upstreams; default: its id.")
    aliases: tuple[Name, ...] = Field(default=(), description="Other names that callers may use.")
    context: int = Field(gt=0, le=1 << 30, description="Tokens of input and output together.")
    max_output: int = Field(gt=0, le=1 << 30, description="Most output tokens of one choice.")
    prices: PriceEntry | tuple[DatedPriceEntry, ...] | None = Field(
        default=None,
        description="A price list, or a list of them with `valid_from`. Absent: unknown, money budgets refuse it.",
    )
    created: Moment = Field(default=0, description="Release date, shown at /v1/models.", validate_default=False)
    owned_by: Line = Field(default="excise", description="Shown at /v1/models.")
    family: Name | None = Field(default=None, description="Models that belong together, for policies.")
    terms: Name | None = Field(default=None, description="Terms profile, as the policies' definitions.yaml names it.")
    tags: tuple[Name, ...] = Field(default=(), description="Names; `code`: it writes programs and is never marked.")


class ModelsFile(Strict):
    """The whole of models.yaml."""

    models: dict[Name, ModelEntry] = Field(min_length=1, description="Models by the name that callers use.")


@dataclass(frozen=True, slots=True)
class Catalogue:
    """Models by every name they answer to."""

    models: tuple[Model, ...]
    _by_name: Mapping[str, Model]

    def lookup(self, name: str) -> Model | None:
        return self._by_name.get(name)


def load_catalogue(path: Path, upstreams: Iterable[str] | None = None) -> Catalogue:
    """Read models.yaml. `upstreams`, when given, are the names that may be referred to. Raises YamlProblems."""
    return catalogue_of(load_file(path), upstreams)


def catalogue_of(loaded: Loaded, upstreams: Iterable[str] | None = None) -> Catalogue:
    """The catalogue in a loaded document. Raises YamlProblems."""
    file = build(loaded, ModelsFile)
    known = None if upstreams is None else set(upstreams)
    problems: list[Problem] = []
    by_name: dict[str, Model] = {}

    def fault(message: str, *path: str | int, key: bool = False) -> None:
        place = loaded.place(("models", *path), key=key)
        problems.append(Problem(place.source, place.line, place.column, message))

    models = {name: _model(name, entry) for name, entry in file.models.items()}
    by_name.update(models)
    for name, entry in file.models.items():
        for index, alias in enumerate(entry.aliases):
            if alias in by_name:
                fault(f"the name '{alias}' is already that of model '{by_name[alias].id}'", name, "aliases", index)
            by_name.setdefault(alias, models[name])
        for index, upstream in enumerate(entry.upstreams):
            if known is not None and upstream not in known:
                fault(f"unknown upstream '{upstream}'{nearest(upstream, known)}", name, "upstreams", index)
        if entry.max_output > entry.context:
            fault(f"expected at most context ({entry.context}), found {entry.max_output}", name, "max_output")
        moments = [moment for moment, _ in models[name].dated_prices]
        if len(set(moments)) < len(moments):
            fault("two price lists are valid from the same moment", name, "prices", key=True)
    if problems:
        raise YamlProblems(problems)
    return Catalogue(tuple(models.values()), MappingProxyType(by_name))


def _model(name: str, entry: ModelEntry) -> Model:
    listed = entry.prices
    dated = listed if isinstance(listed, tuple) else ()
    return Model(
        id=name,
        upstream_name=entry.upstream_name or name,
        upstreams=entry.upstreams,
        context=entry.context,
        max_output=entry.max_output,
        prices=_prices(listed) if isinstance(listed, PriceEntry) else None,
        aliases=entry.aliases,
        created=entry.created // 1000,
        owned_by=entry.owned_by,
        family=entry.family or "",
        terms=entry.terms or "",
        tags=entry.tags,
        dated_prices=tuple(sorted(((one.valid_from, _prices(one)) for one in dated), key=lambda pair: pair[0])),
    )


def _prices(entry: PriceEntry) -> Prices:
    return Prices(
        input=_nano(entry.input),
        output=_nano(entry.output),
        # An unknown cache price is the full one: usage is never charged below what it may have cost.
        cache_read=_nano(entry.input if entry.cache_read is None else entry.cache_read),
        cache_write=_nano(entry.input if entry.cache_write is None else entry.cache_write),
    )


def _nano(dollars_per_million: Decimal) -> int:
    return int((dollars_per_million * 1000).to_integral_value(ROUND_CEILING))
