"""Models of what people author -> JSON Schema, for editors and for the hints of our own messages."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta
from functools import lru_cache
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema
from pydantic_core import core_schema

from incidentd import duration
from incidentd.catalog.document import Loc
from incidentd.catalog.rule import LOADED_KEYS, Level, Rule

Schema = dict[str, Any]


class _Authored(GenerateJsonSchema):
    def timedelta_schema(self, schema: core_schema.TimedeltaSchema) -> Schema:
        """A duration is authored as Prometheus writes it, or as 0."""
        form = r"^(0|(\d+(y|w|d|h|m|s|ms))+)$"
        return {"type": ["string", "integer"], "pattern": form, "maximum": 0, "examples": ["30s", "5m", "1h30m"]}

    def encode_default(self, dft: Any) -> Any:
        return duration.text(dft, parts=4) if isinstance(dft, timedelta) else super().encode_default(dft)

    def model_schema(self, schema: core_schema.ModelSchema) -> Schema:
        """Every secret has its ``*_file`` twin; a rule has its short forms."""
        described = super().model_schema(schema)
        if issubclass(schema["cls"], Rule):
            for key in LOADED_KEYS:
                described["properties"].pop(key, None)
            _add_short_forms(described, self.generate_inner(Level.__pydantic_core_schema__), self)
        _add_twins(described)
        return described


@lru_cache
def of(model: type[BaseModel]) -> Schema:
    """The JSON Schema of *model* as it is authored. Shared: do not change it."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **model.model_json_schema(schema_generator=_Authored),
    }


def keys(model: type[BaseModel], loc: Loc) -> tuple[str, ...]:
    """The keys that may stand in the mapping at *loc* of what *model* describes; none when any may."""
    schema = of(model)
    found: tuple[Schema, ...] = (schema,)
    for step in loc:
        found = tuple(child for one in found for child in _children(one, step, schema))
    return tuple(key for one in found for key in one.get("properties", ()))


def _children(schema: Schema, step: str | int, root: Schema) -> Iterator[Schema]:
    inner = schema.get("items") if isinstance(step, int) else schema.get("properties", {}).get(step)
    inner = inner if inner is not None else schema.get("additionalProperties")
    if isinstance(inner, Mapping):
        yield from _resolved(dict(inner), root)


def _resolved(schema: Schema, root: Schema) -> Iterator[Schema]:
    """*schema* with references followed, each alternative on its own."""
    if "$ref" in schema:
        yield from _resolved(root["$defs"][schema["$ref"].rpartition("/")[2]], root)
    for alternative in schema.get("anyOf", ()):
        yield from _resolved(alternative, root)
    if "$ref" not in schema:
        yield schema


def _add_short_forms(rule: Schema, level: Schema, generator: _Authored) -> None:
    while "$ref" in level:
        level = generator.get_schema_from_definitions(level["$ref"]) or {}
    rule["properties"] |= {**level["properties"], "keep_firing_for": level["properties"]["for"]}
    rule["required"] = [key for key in rule["required"] if key != "levels"]
    rule["oneOf"] = [{"required": ["levels"]}, {"required": ["severity"]}]


def _add_twins(described: Schema) -> None:
    properties = described.get("properties", {})
    for key in [key for key, value in properties.items() if "password" in _formats(value)]:
        twin = f"{key}_file"
        properties[twin] = {"type": "string", "format": "path", "description": f"A file that holds {key}."}
        if key in described.get("required", ()):
            described["required"] = [name for name in described["required"] if name != key]
            described.setdefault("allOf", []).append({"oneOf": [{"required": [key]}, {"required": [twin]}]})


def _formats(schema: Schema) -> set[str | None]:
    return {one.get("format") for one in (schema, *schema.get("anyOf", ()))}
