"""Whatever is sent, the answer comes soon, is below 500, and an error is one text."""

import contextlib
import json
import socket
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.errors import Unsatisfiable

from latimer.serve.limits import Limits
from latimer.serve.service import Service
from serve.conftest import MODELS, PATIENCE, eventually

PATHS = [
    "/translate",
    "/detect",
    "/suggest",
    "/translate_file",
    "/v2/translate",
    "/languages",
    "/v2/languages",
]
KINDS = [
    "application/json",
    "application/x-www-form-urlencoded",
    "multipart/form-data; boundary=x",
    "text/x",
    "",
]
WORDS = [
    "q",
    "source",
    "target",
    "format",
    "alternatives",
    "text",
    "target_lang",
    "s",
    "explain",
    "stream",
    "glossary",
    "file",
]
values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.sampled_from(["en", "fr", "auto"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)
objects = st.dictionaries(st.sampled_from(WORDS), values, max_size=6).map(
    lambda one: json.dumps(one).encode()
)
parts = st.lists(st.tuples(st.sampled_from(WORDS), st.binary(max_size=20)), max_size=4).map(
    lambda some: (
        b"".join(
            b'--x\r\nContent-Disposition: form-data; name="%s"; filename="a.txt"\r\n\r\n%s\r\n'
            % (name.encode(), content)
            for name, content in some
        )
        + b"--x--\r\n"
    )
)
bodies = (
    st.binary(max_size=60)
    | objects
    | parts
    | st.text(max_size=40).map(lambda text: text.encode("utf-8", "replace"))
)
CALM = settings(deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)


@pytest.fixture(scope="module")
def client(url: str) -> Any:
    with httpx.Client(base_url=url, timeout=PATIENCE) as one:
        yield one


def check(answer: httpx.Response, path: str) -> None:
    """Below 500 or busy; an error is one text."""
    assert answer.status_code < 500 or answer.status_code == 503, answer.text
    if answer.status_code >= 400:
        [(word, text)] = answer.json().items()
        assert word == ("message" if path.startswith("/v2/") else "error")
        assert isinstance(text, str)


def throw(client: httpx.Client, path: str, kind: str, body: bytes) -> None:
    check(client.post(path, content=body, headers={"Content-Type": kind}), path)


@settings(CALM, max_examples=400)
@given(path=st.sampled_from(PATHS), kind=st.sampled_from(KINDS), body=bodies)
def test_any_body(client: httpx.Client, path: str, kind: str, body: bytes) -> None:
    throw(client, path, kind, body)


@pytest.mark.full
@settings(CALM, max_examples=20_000)
@given(path=st.sampled_from(PATHS), kind=st.sampled_from(KINDS), body=bodies)
def test_very_many_bodies(client: httpx.Client, path: str, kind: str, body: bytes) -> None:
    throw(client, path, kind, body)


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    "body",
    [
        b'{"q":' + b"[" * 10_000 + b"]" * 10_000 + b"}",
        b'{"a":' * 10_000 + b"1" + b"}" * 10_000,
        b"x" * 10_000_001,
        b'{"q": "a\\u0000b", "source": "en", "target": "fr"}',
        b'{"q": "a\x00b", "source": "en", "target": "fr"}',
        b'{"q": "\\ud800", "source": "\\udfff", "target": "fr"}',
        b'{"q": "\xff\xfe", "source": "en", "target": "fr"}',
        b'{"q": 1' + b"0" * 5_000 + b"}",
        b'{"alternatives": NaN, "q": "a", "source": "en", "target": "fr"}',
        b"q=%ff%fe&source=en&target=fr",
        b"&" * 5_000,
        b"",
    ],
    ids=lambda body: str(body[:12]),
)
def test_the_worst_bodies(client: httpx.Client, path: str, body: bytes) -> None:
    for kind in KINDS:
        began = time.process_time()  # the server's, which is in this process
        with contextlib.suppress(httpx.WriteError):  # refused while it was still being sent
            throw(client, path, kind, body)
        assert time.process_time() - began < 5


def raw(url: str, sent: bytes, *, seconds: float = PATIENCE) -> bytes:
    """What the server says to these bytes until it closes, or falls silent."""
    place = urlsplit(url)
    with socket.create_connection((place.hostname, place.port), timeout=seconds) as line:
        line.sendall(sent)
        got = b""
        while True:
            piece = line.recv(65536)
            got += piece
            head, _, body = got.partition(b"\r\n\r\n")
            if not piece or (body and head):
                return got


def test_a_body_of_unknown_length_is_not_read_to_its_end(client: httpx.Client) -> None:
    pieces = iter([b"x" * 500_000, b"y" * 500_001])
    assert client.post("/translate", content=pieces).status_code == 413


HEAD = b"POST /translate HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"


@pytest.mark.parametrize(
    "sent",
    [
        HEAD + b"Content-Length: 100\r\n\r\n{",
        HEAD + b'Transfer-Encoding: chunked\r\n\r\n5\r\n{"q":',
        HEAD + b"Content-Length: 99999999999999999999\r\n\r\n{",
        HEAD + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n",
        HEAD + b"Content-Length: -5\r\n\r\n{",
        HEAD + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}}",
    ],
)
def test_a_body_that_does_not_end_is_answered_soon(start: Callable[..., str], sent: bytes) -> None:
    assert Limits().silence < 5
    url = start(Service(MODELS, limits=Limits(silence=0.5, seconds=2 * PATIENCE)))
    status = int(raw(url, sent).split()[1])
    assert status in (400, 408, 413)


def test_a_slow_reader_holds_up_nobody(start: Callable[..., str]) -> None:
    service = Service(MODELS)
    url = start(service)
    place = urlsplit(url)
    asked = json.dumps(
        {"q": ["word " * 900] * 100, "source": "en", "target": "fr", "alternatives": 10}
    ).encode()
    with contextlib.ExitStack() as lines:
        for _ in range(3):
            line = lines.enter_context(socket.create_connection((place.hostname, place.port)))
            line.sendall(HEAD + b"Content-Length: %d\r\n\r\n" % len(asked) + asked)
        eventually(lambda: service.open == 3)
        with httpx.Client(base_url=url, timeout=PATIENCE) as client:
            assert client.get("/health").status_code == 200
            asked_by_others = {"q": "a", "source": "en", "target": "fr"}
            assert client.post("/translate", json=asked_by_others).status_code == 200
        eventually(lambda: service.open == 3)  # theirs are not done yet, and the other one's is put away


def schema_cases(url: str, count: int) -> int:
    """Let schemathesis make requests of the OpenAPI document, and hold the answers to it; how many."""
    import schemathesis
    from schemathesis.checks import CHECKS, load_all_checks

    load_all_checks()
    names = [
        "not_a_server_error",
        "status_code_conformance",
        "content_type_conformance",
        "response_schema_conformance",
    ]
    checks = CHECKS.get_by_names(names)
    schema = schemathesis.openapi.from_url(url + "/openapi.json")
    modes = list(schemathesis.GenerationMode)
    seen = 0
    for operation in schema.get_all_operations():
        for mode in modes:
            try:
                strategy = operation.ok().as_strategy(generation_mode=mode)
            except Exception:
                continue

            @settings(CALM, max_examples=count, database=None)
            @given(case=strategy)
            def run(case: Any) -> None:
                nonlocal seen
                seen += 1
                case.call_and_validate(base_url=url, checks=checks, timeout=PATIENCE)

            with contextlib.suppress(Unsatisfiable):  # nothing can be wrong where nothing is asked
                run()
    return seen


def test_the_openapi_document_says_the_truth(url: str) -> None:
    assert schema_cases(url, 10) > 50


@pytest.mark.full
def test_the_openapi_document_says_the_truth_ten_thousand_times(url: str) -> None:
    assert schema_cases(url, 1_000) > 10_000
