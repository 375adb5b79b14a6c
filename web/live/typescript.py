"""Writes the shapes of live events for the web client, so that both sides are typed from one source.

    python -m web.live.typescript > web/client/src/api/events.ts

What comes out are zod schemas: the client checks what arrives with them, and its types are inferred from them, so an
event that a store does not handle fails to compile.
"""

import json
import re
import sys
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from web.live import gateway
from web.live.events import EVENTS
from web.live.requests import REQUESTS

HEADER = """\
/**
 * What browsers hear and say over Socket.IO. Written by `python -m web.live.typescript` from the server's own
 * models: change those, not this file.
 */
import * as z from "zod";
"""
ENVELOPE = """\
/** `seq` numbers what `GET /sync` catches up with; null for everything else. */
const event = <Name extends string, Data extends z.ZodType>(type: Name, data: Data) =>
  z.object({ seq: z.number().nullable(), type: z.literal(type), data });
"""
PLAIN = {
    "string": "z.string()",
    "integer": "z.number()",
    "number": "z.number()",
    "boolean": "z.boolean()",
    "null": "z.null()",
}


def typescript() -> str:
    """The whole file."""
    gateway.load_requests()
    events = dict(sorted(EVENTS.items()))
    requests = {name: REQUESTS[name].model for name in sorted(REQUESTS)}
    said: list[tuple[type[BaseModel], Any]] = [(model, "serialization") for model in events.values()]
    said += [(model, "validation") for model in requests.values()]
    names, schema = models_json_schema(said, ref_template="{model}")
    definitions: dict[str, Any] = schema.get("$defs", {})
    parts = [HEADER]
    for name in _in_order(definitions):
        parts.append(_definition(name, definitions[name]))
    variants = [f'  event("{kind}", {_variable(_name(names, model))}),' for kind, model in events.items()]
    parts.append(ENVELOPE)
    parts.append("\n".join(['export const liveEvent = z.discriminatedUnion("type", [', *variants, "]);"]))
    parts.append("export type LiveEvent = z.infer<typeof liveEvent>;\n")
    rows = [f"  {_key(name)}: {_type(_name(names, model, 'validation'))};" for name, model in requests.items()]
    parts.append("\n".join(["/** What a browser may ask, by name. */", "export interface LiveRequests {", *rows, "}"]))
    return "\n".join(parts) + "\n"


def _name(names: Any, model: type[BaseModel], mode: str = "serialization") -> str:
    return str(names[model, mode]["$ref"])


def _definition(name: str, schema: dict[str, Any]) -> str:
    """One named shape, with its sentence."""
    words = " ".join(str(schema.get("description", "")).split())
    comment = f"/** {words} */\n" if words else ""
    value, type_name = _variable(name), _type(name)
    return f"{comment}export const {value} = {_zod(schema)};\nexport type {type_name} = z.infer<typeof {value}>;\n"


def _zod(schema: dict[str, Any]) -> str:
    """A schema in zod's words."""
    if "$ref" in schema:
        return _variable(schema["$ref"])
    if "const" in schema:
        return f"z.literal({json.dumps(schema['const'])})"
    if "enum" in schema:
        return f"z.enum({json.dumps(schema['enum'])})"
    if "allOf" in schema and len(schema["allOf"]) == 1:
        return _zod(schema["allOf"][0])
    if "anyOf" in schema:
        return _choice(schema["anyOf"])
    kind = schema.get("type")
    if kind == "array":
        return f"z.array({_zod(schema.get('items', {}))})"
    if kind == "object":
        return _object(schema)
    return PLAIN.get(str(kind), "z.unknown()")


def _choice(choices: list[dict[str, Any]]) -> str:
    others = [_zod(choice) for choice in choices if choice.get("type") != "null"]
    value = others[0] if len(others) == 1 else f"z.union([{', '.join(others)}])"
    return f"{value}.nullable()" if len(others) < len(choices) else value


def _object(schema: dict[str, Any]) -> str:
    """Fields that this file does not know are let through: an older page may meet a newer server."""
    if "properties" not in schema:
        values = schema.get("additionalProperties")
        return f"z.record(z.string(), {_zod(values)})" if isinstance(values, dict) else "z.object({})"
    required = schema.get("required", [])
    fields = [
        f"{_key(name)}: {_zod(part)}{'' if name in required else '.optional()'}"
        for name, part in schema["properties"].items()
    ]
    return "z.object({ " + ", ".join(fields) + " })"


def _in_order(definitions: dict[str, Any]) -> list[str]:
    """Names, each after those that it refers to."""
    done: dict[str, None] = {}

    def add(name: str) -> None:
        if name in done:
            return
        for other in re.findall(r'"\$ref": "([^"]+)"', json.dumps(definitions[name])):
            add(other)
        done[name] = None

    for name in sorted(definitions):
        add(name)
    return list(done)


def _type(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9]", "", name)


def _variable(name: str) -> str:
    plain = _type(name)
    return plain[0].lower() + plain[1:]


def _key(name: str) -> str:
    return name if name.isidentifier() else json.dumps(name)


if __name__ == "__main__":
    sys.stdout.write(typescript())
