"""The OpenAPI document of the service, made from what it does."""

from __future__ import annotations

from functools import cache
from typing import Any

from inference.operations import (
    ABOUT_PATH,
    CONTRACT_HEADER,
    EXPORT_PATH,
    IMPORT_PATH,
    REQUEST_ID_HEADER,
    SAMPLES_HEADER,
    SECONDS_LEFT_HEADER,
    SECONDS_LEFT_PATTERN,
    WIRE_VERSION,
    About,
    operations,
)
from inference.server.archives import ZIP, ExportArguments, ImportArguments, Imported
from inference.wire import JSON, MSGPACK, ErrorAnswer, schemas

OPEN_PATHS = frozenset({"/healthz", "/readyz", "/openapi.json"})
"""What needs no token: probes have none, and the document is in the source."""

_ERRORS = {
    "400": "The request is not understood.",
    "401": "The token is missing or wrong.",
    "404": "There is no such character or sample.",
    "409": "It cannot be, since something else is: a name, a picture, another model.",
    "413": "The picture is too large.",
    "415": "The body is of another media type.",
    "422": "It cannot be done with this picture or name.",
    "503": "Not now; try again.",
    "504": "It took too long; try again.",
}


@cache
def openapi_document() -> dict[str, Any]:
    """OpenAPI 3.1. Every operation also speaks MessagePack, where bytes are bytes instead of base64."""
    asked = list(operations().values())
    kinds = [kind for one in asked for kind in (one.arguments, one.result)]
    kinds += [About, ErrorAnswer, ExportArguments, ImportArguments, Imported]
    own, components = schemas(kinds)
    of = dict(zip(range(len(kinds)), own, strict=True))
    paths: dict[str, Any] = {
        one.path: {
            "post": {
                "operationId": one.id,
                "summary": one.summary,
                "tags": ["gallery" if one.of_gallery else "faces"],
                "parameters": [{"$ref": f"#/components/parameters/{name}"} for name in _PARAMETERS],
                "requestBody": {"required": True, "content": _both(of[2 * index])},
                "responses": _responses(_both(of[2 * index + 1])),
            }
        }
        for index, one in enumerate(asked)
    }
    about, _, exporting, importing, imported = own[-5:]
    paths[EXPORT_PATH] = {"post": _export(exporting)}
    paths[IMPORT_PATH] = {"post": _import(importing, imported)}
    paths[ABOUT_PATH] = {
        "get": {
            "operationId": "about",
            "summary": "Which service this is.",
            "responses": {"200": _answer("It.", {JSON: {"schema": about}}), "401": _error("401")},
        }
    }
    paths |= _probes()
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Dareda inference service",
            "version": str(WIRE_VERSION),
            "description": "Names the characters in pictures, and keeps the gallery of those it knows.",
            "license": {"name": "AGPL-3.0-or-later", "identifier": "AGPL-3.0-or-later"},
        },
        "security": [{"token": []}],
        "paths": paths,
        "components": {
            "schemas": components,
            "parameters": _PARAMETERS,
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
    }


_PARAMETERS: dict[str, Any] = {
    "requestId": {
        "name": REQUEST_ID_HEADER,
        "in": "header",
        "description": "Stands in every log line about this request, and in its answer.",
        "schema": {"type": "string"},
    },
    "secondsLeft": {
        "name": SECONDS_LEFT_HEADER,
        "in": "header",
        "description": "How long the answer is waited for.",
        "schema": {"type": "string", "pattern": SECONDS_LEFT_PATTERN},
    },
    "contract": {
        "name": CONTRACT_HEADER,
        "in": "header",
        "description": "The contract that embeddings are under; those of another one are refused.",
        "schema": {"type": "string"},
    },
}


def _export(arguments: Any) -> dict[str, Any]:
    answer = _answer("The archive.", {ZIP: {"schema": {}}})
    answer["headers"] = {SAMPLES_HEADER: {"description": "In it.", "schema": {"type": "string"}}}
    return {
        "operationId": "gallery.export_archive",
        "summary": "A portable archive of these galleries, or of all.",
        "tags": ["gallery"],
        "requestBody": {"required": True, "content": _both(arguments)},
        "responses": {"200": answer, **_errors()},
    }


def _import(arguments: Any, imported: Any) -> dict[str, Any]:
    form = {
        "type": "object",
        "properties": {"arguments": arguments, "archive": {"type": "string", "format": "binary"}},
        "required": ["arguments", "archive"],
    }
    content = {
        "multipart/form-data": {"schema": form, "encoding": {"arguments": {"contentType": JSON}}},
    }
    return {
        "operationId": "gallery.import_archive",
        "summary": "Add an archive, into one gallery or those that it came from.",
        "tags": ["gallery"],
        "requestBody": {"required": True, "content": content},
        "responses": {"200": _answer("Done.", {JSON: {"schema": imported}}), **_errors()},
    }


def _probes() -> dict[str, Any]:
    status = {"type": "object", "properties": {"status": {"type": "string"}}, "required": ["status"]}
    found = {JSON: {"schema": status}}
    probes = {
        "/healthz": ("healthz", "Whether the process answers.", {"200": _answer("It does.", found)}),
        "/readyz": (
            "readyz",
            "Whether models and gallery can be asked.",
            {"200": _answer("They can.", found), "503": _error("503"), "504": _error("504")},
        ),
        "/openapi.json": (
            "openapi",
            "This document.",
            {"200": _answer("It.", {JSON: {"schema": {"type": "object"}}})},
        ),
    }
    paths: dict[str, Any] = {
        path: {"get": {"operationId": name, "summary": summary, "security": [], "responses": responses}}
        for path, (name, summary, responses) in probes.items()
    }
    text = {"text/plain": {"schema": {"type": "string"}}}
    paths["/metrics"] = {
        "get": {
            "operationId": "metrics",
            "summary": "Figures for Prometheus.",
            "responses": {"200": _answer("They.", text), "401": _error("401")},
        }
    }
    return paths


def _responses(content: dict[str, Any]) -> dict[str, Any]:
    return {"200": _answer("Done.", content), **_errors()}


def _errors() -> dict[str, Any]:
    return {status: _error(status) for status in _ERRORS}


def _error(status: str) -> dict[str, Any]:
    schema = {"$ref": f"#/components/schemas/{ErrorAnswer.__name__}"}
    return _answer(_ERRORS[status], {JSON: {"schema": schema}})


def _answer(description: str, content: dict[str, Any]) -> dict[str, Any]:
    return {"description": description, "content": content}


def _both(schema: Any) -> dict[str, Any]:
    return {JSON: {"schema": schema}, MSGPACK: {"schema": schema}}
