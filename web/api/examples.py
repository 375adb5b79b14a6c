"""Examples for the OpenAPI description: put together from those of the fields, so that none is written twice."""

from typing import Any

from pydantic import BaseModel

_PLAIN = {"string": "text", "integer": 1, "number": 1.0, "boolean": True, "null": None}


def example(model: type[BaseModel]) -> Any:
    """An example of what a model takes or gives."""
    schema = model.model_json_schema(mode="serialization")
    return _of(schema, schema.get("$defs", {}))


def _of(schema: dict[str, Any], definitions: dict[str, Any]) -> Any:
    if "examples" in schema:
        return schema["examples"][0]
    if "$ref" in schema:
        return _of(definitions[schema["$ref"].rpartition("/")[2]], definitions)
    if "const" in schema:
        return schema["const"]
    if "enum" in schema:
        return schema["enum"][0]
    for choice in ("anyOf", "oneOf", "allOf"):
        if choice in schema:
            return _of(schema[choice][0], definitions)
    kind = schema.get("type")
    if kind == "object":
        return {name: _of(part, definitions) for name, part in schema.get("properties", {}).items()}
    if kind == "array":
        return [_of(schema["items"], definitions)] if "items" in schema else []
    return schema.get("default", _PLAIN.get(str(kind)))
