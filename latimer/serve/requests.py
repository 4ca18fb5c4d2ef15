"""What a client asks: the same parameters from a JSON object, a form or the query string, within limits."""

import asyncio
import json
from collections.abc import Mapping
from typing import Any, NamedTuple
from urllib.parse import parse_qsl

from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.formparsers import MultiPartException
from starlette.requests import ClientDisconnect, Request
from starlette.types import Message

from latimer.data.text import normalise
from latimer.serve.limits import Limits, Refusal
from latimer.serve.models import Glossary

FIELDS = 1_000  # of a form, or of a query
FORMS, TERM = 5, 100  # of a term of a glossary, and characters of each


class File(NamedTuple):
    """A document that came with a request."""

    name: str
    content: bytes


class Parameters:
    """Values by name, asked for by their type; each question raises Refusal (400) at a wrong one."""

    def __init__(self, values: Mapping[str, Any], file: File | None = None) -> None:
        self.values, self.file = values, file

    def has(self, name: str) -> bool:
        """Whether it was given; empty and null are not."""
        return self.values.get(name) not in (None, "", [])

    def word(self, name: str, default: str | None = None) -> str:
        """A string. Without a default it must have been given."""
        value = self.values.get(name)
        if value is None or value == "":
            if default is None:
                raise Refusal(400, f"Invalid request: missing {name} parameter")
            return default
        if isinstance(value, list) and len(value) == 1:
            value = value[0]
        if not isinstance(value, str):
            raise Refusal(400, f"Invalid request: {name} must be a string")
        return _sound(value, name)

    def texts(self, name: str) -> str | list[str]:
        """A string or a list of them."""
        value = self.values.get(name)
        if value is None or value in ("", []):
            raise Refusal(400, f"Invalid request: missing {name} parameter")
        if isinstance(value, str):
            return _sound(value, name)
        if not isinstance(value, list) or not all(isinstance(text, str) for text in value):
            raise Refusal(400, f"Invalid request: {name} must be a string or a list of strings")
        return [_sound(text, name) for text in value]

    def count(self, name: str, most: int) -> int:
        """A number from 0, which it is by default, to `most`."""
        value = self.values.get(name)
        if value is None or value == "":
            return 0
        if isinstance(value, str) and value.isascii() and value.isdecimal() and len(value) < 10:
            value = int(value)
        if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= most:
            raise Refusal(400, f"Invalid request: {name} must be a number from 0 to {most}")
        return value

    def glossary(self, name: str, most: int) -> Glossary:
        """Terms, at most `most`, and how each is said: a string or a list; in a form, all that as JSON."""
        value = self.values.get(name)
        if value is None or value == "":
            return ()
        if isinstance(value, str):
            value = _object(value.encode("utf-8", "surrogatepass"), name)
        if not isinstance(value, dict) or len(value) > most:
            raise Refusal(400, f"Invalid request: {name} must be an object of at most {most} terms")
        found = []
        for term, said in value.items():
            forms = said if isinstance(said, list) else [said]
            if not 0 < len(forms) <= FORMS or not all(map(_is_term, [term, *forms])):
                raise Refusal(
                    400,
                    f"Invalid request: each term of {name} is said by a string, or up to {FORMS}, of "
                    f"1 to {TERM} characters",
                )
            found.append((normalise(term), tuple(normalise(form) for form in forms)))
        return tuple(found)

    def switch(self, name: str) -> bool:
        """True or false, which it is by default; in a form "true" or "1" are true."""
        value = self.values.get(name)
        words = {"true": True, "1": True, "false": False, "0": False, "": False}
        if isinstance(value, str) and value.lower() in words:
            return words[value.lower()]
        if value is not None and not isinstance(value, bool):
            raise Refusal(400, f"Invalid request: {name} must be true or false")
        return bool(value)


def _is_term(text: Any) -> bool:
    return isinstance(text, str) and len(text) <= TERM and bool(normalise(_sound(text, "glossary")))


def _sound(text: str, name: str) -> str:
    if any("\ud800" <= character <= "\udfff" for character in text):
        raise Refusal(400, f"Invalid request: {name} holds half a character (a lone surrogate)")
    return text


async def read(request: Request, limits: Limits, *, file: bool = False) -> Parameters:
    """The parameters of a request; those of the body win over those of the query.

    Raises Refusal: 400 at what can't be read, 408 where the client falls silent, 413 where it says too much.
    """
    values = _collected(_pairs(request.scope.get("query_string", b"")))
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    body = await _body(request, limits, limits.file if file else limits.body)
    if not body:
        return Parameters(values)
    if kind == "multipart/form-data":
        form, found = await _multipart(request, body, limits)
        return Parameters({**values, **form}, found)
    if kind == "application/x-www-form-urlencoded":
        return Parameters({**values, **_collected(_pairs(body))})
    return Parameters({**values, **_object(body)})


async def _body(request: Request, limits: Limits, most: int) -> bytes:
    told = request.headers.get("content-length", "")
    if told.isascii() and told.isdecimal() and (len(told) > 18 or int(told) > most):
        raise Refusal(413, f"The request is over {most} bytes")
    body = bytearray()
    pieces = request.stream()
    try:
        async with asyncio.timeout(limits.seconds):
            while True:
                async with asyncio.timeout(limits.silence):
                    piece = await anext(pieces, None)
                if piece is None:
                    return bytes(body)
                body += piece
                if len(body) > most:
                    raise Refusal(413, f"The request is over {most} bytes")
    except TimeoutError:
        raise Refusal(408, "The request did not come to its end in time") from None
    except ClientDisconnect:
        raise Refusal(400, "The client has gone") from None


def _object(body: bytes, name: str = "the body") -> dict[str, Any]:
    try:
        found = json.loads(body.decode("utf-8"), parse_constant=_no_number)
    except (ValueError, RecursionError):
        raise Refusal(400, f"Invalid request: {name} is not JSON in UTF-8") from None
    if not isinstance(found, dict):
        raise Refusal(400, f"Invalid request: {name} is not a JSON object")
    return found


def _no_number(text: str) -> None:
    raise ValueError(text)


def _pairs(query: bytes) -> list[tuple[str, str]]:
    try:
        return parse_qsl(
            query.decode("utf-8"), keep_blank_values=True, errors="strict", max_num_fields=FIELDS
        )
    except ValueError:
        raise Refusal(400, "Invalid request: the parameters are not UTF-8, or too many") from None


async def _multipart(request: Request, body: bytes, limits: Limits) -> tuple[dict[str, Any], File | None]:
    async def again() -> Message:
        return {"type": "http.request", "body": body, "more_body": False}

    copy = Request(request.scope, again)
    try:
        async with copy.form(max_files=1, max_fields=FIELDS, max_part_size=limits.body) as form:
            pairs, file = [], None
            for name, value in form.multi_items():
                if isinstance(value, UploadFile):
                    file = File(value.filename or "", await value.read()) if name == "file" else file
                else:
                    pairs.append((name, value))
            return _collected(pairs), file
    except (HTTPException, MultiPartException, ValueError, KeyError, LookupError):
        raise Refusal(400, "Invalid request: the form can't be read") from None


def _collected(pairs: list[tuple[str, str]]) -> dict[str, Any]:
    """Values by name; a list where a name stands several times."""
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name in found:
            before = found[name]
            found[name] = [*before, value] if isinstance(before, list) else [before, value]
        else:
            found[name] = value
    return found
