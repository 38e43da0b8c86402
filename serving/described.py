"""OpenAPI: every address with its limits, from the schemas of the clean tables."""

from typing import Any

from problems import parts
from problems.rows import RowReader
from serving.model import Served

ERRORS = {
    "400": "The body is no JSON.",
    "401": "A token is needed.",
    "403": "The token's role may not do this.",
    "404": "There is no such thing.",
    "409": "It does not fit what is known already.",
    "413": "Too much for one request.",
    "422": "A value breaks the schema: field and cause are named.",
    "503": "Log or database cannot be used for now; nothing was stored.",
}
ERROR = {
    "type": "object",
    "properties": {
        "error": {
            "type": "object",
            "properties": {
                "cause": {"type": "string"},
                "field": {"type": "string", "description": "such as [0].amount; may be empty"},
                "status": {"type": "integer"},
            },
        }
    },
}
NUMBER: dict[str, Any] = {"type": "number"}
TEXT: dict[str, Any] = {"type": "string"}
HELD_ROW = {
    "type": "object",
    "properties": {
        "row": {"type": "integer", "description": "its place in the request, from 0"},
        "id": TEXT,
        "reason": TEXT,
        "score": {"type": "number", "description": "from 1 on a fact is held"},
    },
    "required": ["row", "id", "reason", "score"],
}
ADDED = {
    "type": "object",
    "properties": {
        "stored": {"type": "integer", "description": "that are new"},
        "repeated": {"type": "integer", "description": "that were known already"},
        "held": {"type": "integer", "description": "that count when somebody lets them in"},
        "held_rows": {"type": "array", "items": HELD_ROW},
        "changed": {"type": "string", "description": "why improbable outcomes are not held now"},
    },
    "required": ["stored", "repeated", "held"],
}
FEEDBACK = {
    "type": "object",
    "additionalProperties": False,
    "required": ["prediction_id", "action"],
    "properties": {
        "prediction_id": {"type": "string", "minLength": 1, "maxLength": 64},
        "action": {"enum": ["taken", "overruled"]},
        "value": {
            "type": ["number", "string", "null"],
            "description": "what was used instead; of several classes one of them",
        },
    },
    "example": {"prediction_id": "0" * 32, "action": "taken"},
}
REASON: dict[str, Any] = {"column": TEXT, "words": TEXT, "value": {}, "unit": TEXT}
REASON |= {"effect": NUMBER, "effect_unit": TEXT}
STALE = {
    "type": "boolean",
    "const": True,
    "description": "the database is away: history is as of history_as_of",
}
REASONS = {"type": "array", "items": {"type": "object", "properties": REASON}}
EXPLAIN = {
    "name": "explain",
    "in": "query",
    "schema": {"type": "boolean", "default": False},
    "description": "add what moved each answer most",
}


def describe(served: dict[str, Served], *, tokens: bool) -> dict[str, Any]:
    """Return the OpenAPI document of what is served."""
    paths: dict[str, Any] = {}
    schemas: dict[str, Any] = {"Error": ERROR}
    for name, one in served.items():
        problem, world = one.problem, parts.world(one.problem.world)
        rows = RowReader.of_rows(world)
        schemas[f"{world.name}_row"] = rows.json_schema(world.example)
        schemas[f"{name}_outcome"] = RowReader.of_outcomes(world, problem).json_schema(
            {**world.example, **world.example_outcomes}
        )
        schemas[f"{name}_answer"] = _answer(one)
        paths[f"/v1/{name}/predict"] = _post(
            name,
            f"Predict {problem.target}, in {problem.unit}",
            _one_or_many(f"{world.name}_row", optional=problem.time),
            _one_or_many(f"{name}_answer"),
            [EXPLAIN],
        )
        paths[f"/v1/{name}/outcomes"] = _post(
            name, "Tell what came of rows", _one_or_many(f"{name}_outcome"), ADDED
        )
        paths[f"/v1/{name}/feedback"] = _post(
            name, "Tell whether an answer was used", FEEDBACK, {"type": "object"}
        )
        paths[f"/v1/{world.name}/events"] = _post(
            world.name, "Tell that rows are there", _one_or_many(f"{world.name}_row"), ADDED
        )
    paths["/v1/models"] = _get("What is in use", {"type": "array", "items": {"type": "object"}})
    paths["/v1/predictions/{id}"] = _get(
        "Everything about one answer",
        {"type": "object"},
        [{"name": "id", "in": "path", "required": True, "schema": TEXT}],
    )
    for path, words in (
        ("/health/live", "Whether the process answers"),
        ("/health/ready", "Whether it can predict"),
        ("/health", "Models, log and database"),
    ):
        paths[path] = _get(words, {"type": "object"})
    components: dict[str, Any] = {"schemas": schemas}
    if tokens:
        components["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer"}}
    return {
        "openapi": "3.1.0",
        "info": {"title": "Retrace", "version": "1", "description": "Models that are in use."},
        "paths": paths,
        "components": components,
        **({"security": [{"token": []}]} if tokens else {}),
    }


def _answer(one: Served) -> dict[str, Any]:
    problem = one.problem
    unit = {"type": "number", "description": f"in {problem.unit}"}
    found: dict[str, Any] = {"id": TEXT, "problem": TEXT, "version": TEXT, "arm": TEXT}
    if problem.time:
        found["as_of"] = {"type": "string", "format": "date-time"}
    if problem.task == "regression":
        found |= dict.fromkeys(("prediction", "lower", "upper"), unit)
        found |= dict.fromkeys(("p50", "p60", "p70", "p80", "p90"), unit)
    elif problem.task == "binary":
        found["prediction"] = {"type": "number", "description": f"probability of {problem.unit}"}
    else:
        found["prediction"] = TEXT
        found |= {f"probability_{name}": NUMBER for name in one.bundle.encoding.classes}
    found |= {"unit": TEXT, "decision": {"type": "object"}}
    required = [*found]
    found |= {"reasons": REASONS}
    if one.known is not None:
        found |= {"stale": STALE, "history_as_of": {"type": "string", "format": "date-time"}}
    return {"type": "object", "properties": found, "required": required}


def _one_or_many(schema: str, optional: str | None = None) -> dict[str, Any]:
    one: dict[str, Any] = {"$ref": f"#/components/schemas/{schema}"}
    if optional:
        words = f"without `{optional}` the row is of the moment of asking"
        one = {**one, "description": words}
    return {"oneOf": [one, {"type": "array", "items": one, "minItems": 1}]}


def _post(
    tag: str,
    words: str,
    body: dict[str, Any],
    answer: dict[str, Any],
    parameters: list[dict[str, Any]] | None = None,
) -> dict[str, Any]:
    return {
        "post": {
            "tags": [tag],
            "summary": words,
            "parameters": parameters or [],
            "requestBody": {"required": True, "content": {"application/json": {"schema": body}}},
            "responses": _responses(answer),
        }
    }


def _get(
    words: str, answer: dict[str, Any], parameters: list[dict[str, Any]] | None = None
) -> dict[str, Any]:
    return {
        "get": {
            "summary": words,
            "parameters": parameters or [],
            "responses": _responses(answer),
        }
    }


def _responses(answer: dict[str, Any]) -> dict[str, Any]:
    error = {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}}
    return {
        "200": {"description": "Done.", "content": {"application/json": {"schema": answer}}},
        **{status: {"description": words, "content": error} for status, words in ERRORS.items()},
    }
