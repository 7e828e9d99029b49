"""The service under schemathesis: whatever is sent, it answers as its OpenAPI document says."""

from __future__ import annotations

import base64
import io
import re
from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from PIL import Image
from schemathesis import Case
from schemathesis.checks import not_a_server_error
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    ignored_auth,
    missing_required_header,
    negative_data_rejection,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
    unsupported_method,
)

from inference.operations import SECONDS_LEFT_HEADER, SECONDS_LEFT_PATTERN
from inference.server.openapi import openapi_document
from inference.wire import MSGPACK
from tests.service.serving import TOKEN, served, tiny_options

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    negative_data_rejection,
    missing_required_header,
    unsupported_method,
    ignored_auth,
]
"""Not positive_data_acceptance: a schema cannot say what is a picture, or who is enrolled."""


def json_only(node: Any) -> Any:
    """The document without its other media type, which test_wire.py throws rubbish at."""
    if isinstance(node, dict):
        return {key: json_only(value) for key, value in node.items() if key != MSGPACK}
    return [json_only(item) for item in node] if isinstance(node, list) else node


schema = schemathesis.openapi.from_dict(json_only(openapi_document()))
schema.config.generation.update(modes=list(GenerationMode))


def picture() -> str:
    file = io.BytesIO()
    Image.new("RGB", (80, 60), (200, 30, 30)).save(file, "PNG")
    return base64.b64encode(file.getvalue()).decode()


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with served(tiny_options(tmp_path_factory.mktemp("fuzzed"))) as address:
        yield address


@schema.parametrize()
@settings(max_examples=5, deadline=None, suppress_health_check=list(HealthCheck))
def test_whatever_is_sent_the_answer_is_one_that_the_document_knows(case: Case, address: str) -> None:
    body: Any = case.body
    is_valid = case.meta is not None and case.meta.generation.mode is GenerationMode.POSITIVE
    if is_valid and isinstance(body, dict) and "data" in body and len(body["data"]) % 8:
        body["data"] = picture()  # else hardly any request would come as far as the models
    if re.fullmatch(SECONDS_LEFT_PATTERN, str(case.headers.get(SECONDS_LEFT_HEADER))):
        case.headers[SECONDS_LEFT_HEADER] = "20"  # with 0, it is too late for everything: a 504, rightly
    case.call_and_validate(
        base_url=address,
        headers={"Authorization": f"Bearer {TOKEN}"},
        checks=CHECKS,
        timeout=60,  # a survey may be waited for up to 20 s, and the machine may be busy
    )
