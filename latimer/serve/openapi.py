"""What the server says of itself: OpenAPI 3.1, Swagger 2.0 for those that read that, and a page of it."""

import html
from functools import cache
from importlib.metadata import version
from typing import Any, NamedTuple

Schema = dict[str, Any]
TITLE = "LibreTranslate"  # clients look for this name to know the dialect; see the description
ABOUT = "Latimer, speaking LibreTranslate's dialect and DeepL's. Parameters may come as JSON, form or query."
_STRING: Schema = {"type": "string"}
_BOOLEAN: Schema = {"type": "boolean"}
_TEXTS: Schema = {"anyOf": [_STRING, {"type": "array", "items": _STRING, "minItems": 1}]}


class Parameter(NamedTuple):
    """One value that a route takes."""

    name: str
    schema: Schema
    help: str
    required: bool = False


class Operation(NamedTuple):
    """One route and method. `kind`: what a good answer is."""

    method: str
    path: str
    summary: str
    parameters: tuple[Parameter, ...] = ()
    answer: Schema = {"type": "object"}  # noqa: RUF012 - it is never written to
    kind: str = "application/json"
    errors: tuple[int, ...] = ()


_KEY = Parameter("api_key", _STRING, "wanted where the server wants keys")
_SOURCE = Parameter("source", _STRING, "code of the language, or auto", required=True)
_TARGET = Parameter("target", _STRING, "code of the language", required=True)
_Q = Parameter("q", _TEXTS, "a text, or a list of texts", required=True)
_ASKING = (400, 403, 408, 413, 429, 503)
_DETECTED: Schema = {
    "type": "object",
    "properties": {"language": _STRING, "confidence": {"type": "number", "minimum": 0, "maximum": 100}},
    "required": ["language", "confidence"],
}


def _made(required: list[str], properties: Schema | None = None) -> Schema:
    return {"type": "object", "properties": properties or {}, "required": required}


_NUMBERS: Schema = {"type": "array", "items": {"type": "integer", "minimum": 0}}
_MAYBE_WORDS: Schema = {"type": ["array", "null"], "items": _STRING}
_SHARE: Schema = {"type": "number", "minimum": 0, "maximum": 1}
_SEGMENT = _made(
    ["source", "target", "confidence", "sourceTokens", "targetTokens", "alignment", "attention"],
    {
        "source": _STRING,
        "target": _STRING,
        "confidence": _SHARE,
        "sourceTokens": {
            **_MAYBE_WORDS,
            "description": "words of the source; this and what follows may be null",
        },
        "targetTokens": _MAYBE_WORDS,
        "alignment": {
            "type": ["array", "null"],
            "items": {**_NUMBERS, "minItems": 2, "maxItems": 2},
            "description": "links: the number of a source token, that of a target token, from 0",
        },
        "attention": {
            "type": ["array", "null"],
            "items": {"type": "array", "items": {"type": "number"}},
            "description": "a row for each target token: how much it looked at each source token; what is "
            "missing to 1 looked at the end of the sentence",
        },
    },
)
_EXPLANATION = _made(
    ["confidence", "segments"],
    {
        "confidence": {"type": ["number", "null"], "minimum": 0, "maximum": 1},
        "segments": {"type": "array", "items": _SEGMENT},
        "note": {**_STRING, "description": "why attention is null somewhere"},
    },
)
_GLOSSARY: Schema = {
    "type": "object",
    "maxProperties": 100,
    "additionalProperties": {
        "anyOf": [_STRING, {"type": "array", "items": _STRING, "minItems": 1, "maxItems": 5}]
    },
}

OPERATIONS = (
    Operation(
        "post",
        "/translate",
        "Translate texts",
        (
            *(_Q, _SOURCE, _TARGET, _KEY),
            Parameter("format", {"type": "string", "enum": ["text", "html"]}, "text if not given"),
            Parameter("alternatives", {"type": "integer", "minimum": 0}, "how many other translations"),
            Parameter("explain", _BOOLEAN, "add confidence, and which words looked at which"),
            Parameter("glossary", _GLOSSARY, "terms and how each is said; in a form it is JSON in a string"),
            Parameter("stream", _BOOLEAN, "answer by server-sent events: text, text, ..., done"),
        ),
        _made(
            ["translatedText"],
            {
                "translatedText": _TEXTS,
                "detectedLanguage": {"anyOf": [_DETECTED, {"type": "array", "items": _DETECTED}]},
                "alternatives": {"type": "array", "items": _TEXTS},
                "explanation": {"anyOf": [_EXPLANATION, {"type": "array", "items": _EXPLANATION}]},
            },
        ),
        errors=_ASKING,
    ),
    Operation(
        "post", "/detect", "Say which language a text is in", (_Q, _KEY),
        {"type": "array", "items": _DETECTED, "minItems": 1}, errors=_ASKING,
    ),
    Operation(
        "get", "/languages", "The languages, and what each is translated into", (),
        {"type": "array", "items": _made(["code", "name", "targets"], {
            "code": _STRING, "name": _STRING, "targets": {"type": "array", "items": _STRING}})},
    ),
    Operation(
        "post", "/translate_file", "Translate a document",
        (Parameter("file", {"type": "string", "format": "binary"}, "the document", required=True),
         _SOURCE, _TARGET, _KEY),
        _made(["translatedFileUrl"], {"translatedFileUrl": _STRING}), errors=_ASKING,
    ),
    Operation(
        "get", "/download_file/{name}", "Fetch a translated document", (),
        _STRING, "application/octet-stream", errors=(404,),
    ),
    Operation(
        "post", "/suggest", "Send in a better translation",
        (Parameter("q", _STRING, "the text", required=True),
         Parameter("s", _STRING, "its better translation", required=True), _SOURCE, _TARGET, _KEY),
        _made(["success"], {"success": _BOOLEAN}), errors=_ASKING,
    ),
    Operation("get", "/frontend/settings", "What a page needs to know", (), _made(["charLimit", "language"])),
    Operation("get", "/health", "Whether the process lives", (), _made(["status"], {"status": _STRING})),
    Operation("get", "/ready", "Whether it takes requests", (), _made(["status"]), errors=(503,)),
    Operation("get", "/metrics", "Counts for Prometheus", (), _STRING, "text/plain"),
    Operation(
        "post", "/v2/translate", "Translate texts, in DeepL's dialect",
        (Parameter("text", _TEXTS, "a text, or a list of texts", required=True),
         Parameter("target_lang", _STRING, "code of the language", required=True),
         Parameter("source_lang", _STRING, "found out if not given"),
         Parameter("tag_handling", {"type": "string", "enum": ["html", "xml", "text"]}, "text if not given")),
        _made(["translations"], {"translations": {"type": "array", "items": _made(
            ["detected_source_language", "text"], {"detected_source_language": _STRING, "text": _STRING})}}),
        errors=_ASKING,
    ),
)  # fmt: skip


def _error(operation: Operation) -> Schema:
    word = "message" if operation.path.startswith("/v2/") else "error"
    return _made([word], {word: _STRING})


def _body(operation: Operation) -> Schema:
    return {
        "type": "object",
        "properties": {one.name: {**one.schema, "description": one.help} for one in operation.parameters},
        "required": [one.name for one in operation.parameters if one.required],
    }


def _in_path(operation: Operation) -> list[Schema]:
    named = "{name}" in operation.path
    return [{"name": "name", "in": "path", "required": True, "schema": _STRING}] if named else []


@cache
def document(prefix: str = "") -> Schema:
    """The OpenAPI document."""
    paths: Schema = {}
    for one in OPERATIONS:
        entry: Schema = {"summary": one.summary, "parameters": _in_path(one), "responses": {}}
        if one.parameters:
            files = any(parameter.name == "file" for parameter in one.parameters)
            kinds = (
                ["multipart/form-data"]
                if files
                else ["application/json", "application/x-www-form-urlencoded"]
            )
            entry["requestBody"] = {
                "required": True,
                "content": {kind: {"schema": _body(one)} for kind in kinds},
            }
        content = {one.kind: {"schema": one.answer}}
        if one.path == "/translate":
            content["text/event-stream"] = {"schema": _STRING}
        entry["responses"]["200"] = {"description": "done", "content": content}
        for status in one.errors:
            entry["responses"][str(status)] = {
                "description": "refused",
                "content": {"application/json": {"schema": _error(one)}},
            }
        paths.setdefault(one.path, {})[one.method] = entry
    return {
        "openapi": "3.1.0",
        "info": {"title": TITLE, "version": version("latimer"), "description": ABOUT},
        "servers": [{"url": prefix or "/"}],
        "paths": paths,
    }


@cache
def swagger(prefix: str = "") -> Schema:
    """The same in Swagger 2.0, which has one kind of body an operation: the form's."""
    paths: Schema = {}
    for one in OPERATIONS:
        named = [{"name": "name", "in": "path", "required": True, "type": "string"}] if _in_path(one) else []
        given = [
            {
                "name": parameter.name,
                "in": "formData",
                "required": parameter.required,
                "description": parameter.help,
                "type": "file" if parameter.name == "file" else parameter.schema.get("type", "string"),
            }
            for parameter in one.parameters
        ]
        entry: Schema = {
            "summary": one.summary,
            "parameters": [*named, *given],
            "produces": [one.kind],
            "responses": {str(status): {"description": "refused"} for status in one.errors},
        }
        if given:
            files = any(parameter.name == "file" for parameter in one.parameters)
            entry["consumes"] = ["multipart/form-data" if files else "application/x-www-form-urlencoded"]
        entry["responses"]["200"] = {"description": "done"}
        paths.setdefault(one.path, {})[one.method] = entry
    return {
        "swagger": "2.0",
        "info": {"title": TITLE, "version": version("latimer"), "description": ABOUT},
        "basePath": prefix or "/",
        "paths": paths,
    }


@cache
def page() -> str:
    """The document for a reader: plain HTML that asks nothing of anyone."""
    rows = []
    for one in OPERATIONS:
        rows.append(
            f"<h2>{one.method.upper()} {html.escape(one.path)}</h2><p>{html.escape(one.summary)}.</p>"
        )
        if one.parameters:
            items = "".join(
                f"<li><code>{item.name}</code>: {html.escape(item.help)}"
                f"{' (must be given)' if item.required else ''}</li>"
                for item in one.parameters
            )
            rows.append(f"<ul>{items}</ul>")
    return (
        '<!doctype html><html lang="en"><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width"><title>The server\'s routes</title>'
        f"<h1>The server's routes</h1><p>{html.escape(ABOUT)} An error is an object with one text. "
        '<a href="openapi.json">openapi.json</a>, <a href="spec">Swagger 2.0</a>.</p>'
        + "".join(rows)
        + "</html>"
    )
