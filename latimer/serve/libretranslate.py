"""LibreTranslate's routes. Clients match the texts of its errors, so those are said in its words."""

import json
from collections.abc import AsyncIterator
from pathlib import PurePosixPath
from typing import Any, NamedTuple

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse

from latimer.data.languages import name_of
from latimer.serve import documents
from latimer.serve.batching import Batcher
from latimer.serve.detection import Detected
from latimer.serve.languages import canonical
from latimer.serve.limits import Refusal
from latimer.serve.requests import Parameters, read
from latimer.serve.service import Segment, Service, Translated, Wanted, together, while_there

NO_MAPS = (
    "Where alignment and attention are null nothing was translated, the sentence is very long, two models "
    "cut it into different words, or the model has no attention, or graphs that don't tell of it yet: "
    "latimer export --model DIR makes them anew."
)


class Asked(NamedTuple):
    """A text and the way that it goes; `detected` where the client left the source open."""

    text: str
    source: str
    target: str
    way: list[Batcher]
    detected: Detected | None


def service_of(request: Request) -> Service:
    """The one that answers."""
    service: Service = request.app.state.service
    return service


def admit(request: Request, key: str) -> str:
    """The name of the client: of its key where keys are wanted, else its address. Raises Refusal."""
    service = service_of(request)
    client = request.client.host if request.client else ""
    if service.keys is not None:
        if not key:
            raise Refusal(400, "Please contact the server operator to get an API key")
        owner = service.keys.owner(key)
        if owner is None:
            raise Refusal(403, "Invalid API key")
        client = f"key {owner}"
    service.requests.spend(client)
    return client


async def asked_by(request: Request, *, file: bool = False) -> tuple[Parameters, str]:
    """What a request says, and the name of its client, which may go on."""
    parameters = await read(request, service_of(request).limits, file=file)
    return parameters, admit(request, parameters.word("api_key", ""))


def check_sizes(service: Service, texts: list[str], client: str) -> None:
    """Raises Refusal where the texts are too many, too long, or too much for that client's minute."""
    limits = service.limits
    if len(texts) > limits.texts:
        raise Refusal(400, f"Invalid request: request ({len(texts)}) exceeds list limit ({limits.texts})")
    longest = max(map(len, texts), default=0)
    if longest > limits.characters:
        raise Refusal(400, f"Invalid request: request ({longest}) exceeds text limit ({limits.characters})")
    service.characters.spend(client, sum(map(len, texts)))


def ask(service: Service, text: str, source: str, target: str) -> Asked:
    """Find the way of a text. Raises Refusal (400) where there is none."""
    target = service.served(target)
    detected = None
    if canonical(source) == "auto":
        detected = service.guess(text, target)
        source = detected.language
    else:
        source = service.served(source)
    way = service.way(source, target)
    if way is None:
        raise Refusal(
            400,
            f"{name_of(target)} ({target}) is not available as a target language from "
            f"{name_of(source)} ({source})",
        )
    service.metrics.characters.labels(source, target).inc(len(text))
    return Asked(text, source, target, way, detected)


def as_html(parameters: Parameters) -> bool:
    """Whether the format is HTML. Raises Refusal (400) at an unknown one."""
    asked = parameters.word("format", "text")
    if asked not in ("text", "html"):
        raise Refusal(400, f"{asked[:40]} format is not supported")
    return asked == "html"


async def translate(request: Request) -> Response:
    """POST /translate"""
    service = service_of(request)
    parameters, client = await asked_by(request)
    q = parameters.texts("q")
    texts = [q] if isinstance(q, str) else q
    source, target = parameters.word("source"), parameters.word("target")
    wanted = Wanted(
        parameters.count("alternatives", service.limits.alternatives),
        as_html(parameters),
        parameters.switch("explain"),
        parameters.glossary("glossary", service.limits.terms),
    )
    stream = parameters.switch("stream")
    check_sizes(service, texts, client)
    asked = [ask(service, text, source, target) for text in texts]
    if wanted.glossary and any(len(one.way) > 1 for one in asked):
        raise Refusal(400, "Invalid request: a glossary can't be kept on a way through another language")
    request.state.note = {
        "texts": len(texts),
        "characters": sum(map(len, texts)),
        "source": source if canonical(source) == "auto" else asked[0].source,
        "target": asked[0].target,
    }
    deadline = service.deadline()

    def whole(found: list[Translated]) -> dict[str, Any]:
        return _answer(asked, found, isinstance(q, list), wanted)

    if stream:
        events = _events(service, asked, deadline, wanted, whole)
        return StreamingResponse(events, media_type="text/event-stream")
    with service.room(sum(map(len, texts))):
        works = [service.translate(one.text, one.way, deadline=deadline, wanted=wanted) for one in asked]
        found = await while_there(request.receive, together(works), seconds=service.limits.seconds)
    return JSONResponse(whole(found))


def _answer(asked: list[Asked], found: list[Translated], listed: bool, wanted: Wanted) -> dict[str, Any]:
    def shaped(values: list[Any]) -> Any:
        return values if listed else values[0]

    answer: dict[str, Any] = {"translatedText": shaped([one.text for one in found])}
    if asked[0].detected is not None:
        answer["detectedLanguage"] = shaped([one.detected._asdict() for one in asked if one.detected])
    if wanted.alternatives:
        answer["alternatives"] = shaped([one.alternatives for one in found])
    if wanted.explain:
        answer["explanation"] = shaped([_explanation(one) for one in found])
    return answer


def _explanation(found: Translated) -> dict[str, Any]:
    told: dict[str, Any] = {"confidence": found.confidence, "segments": list(map(_segment, found.segments))}
    if any(one.explained is None for one in found.segments):
        told["note"] = NO_MAPS
    return told


def _segment(one: Segment) -> dict[str, Any]:
    """A sentence and, where it is known, which of its words looked at which."""
    told = one.explained
    return {
        "source": one.source,
        "target": one.target,
        "confidence": one.confidence,
        "sourceTokens": told and told.source,
        "targetTokens": told and told.target,
        "alignment": told and sorted(map(list, told.alignment)),
        "attention": told and told.attention.round(4).tolist(),
    }


async def _events(
    service: Service, asked: list[Asked], deadline: float, wanted: Wanted, whole: Any
) -> AsyncIterator[str]:
    """One event `text` for each paragraph as soon as it is there, and `done` with the answer."""
    found = []
    try:
        with service.room(sum(len(one.text) for one in asked)):
            for number, one in enumerate(asked):
                parts = [one.text] if wanted.html else one.text.splitlines(keepends=True)
                done: list[Translated] = []
                for part in parts:
                    done.append(await service.translate(part, one.way, deadline=deadline, wanted=wanted))
                    yield _event("text", {"index": number, "translatedText": done[-1].text})
                found.append(_together(done))
        yield _event("done", whole(found))
    except Refusal as error:
        yield _event("error", {"error": error.text})


def _together(parts: list[Translated]) -> Translated:
    """One text of its paragraphs."""
    rows = [
        "".join((part.alternatives[k : k + 1] or [part.text])[0] for part in parts)
        for k in range(max((len(part.alternatives) for part in parts), default=0))
    ]
    segments = [segment for part in parts for segment in part.segments]
    return Translated("".join(part.text for part in parts), rows, segments)


def _event(name: str, content: dict[str, Any]) -> str:
    return f"event: {name}\ndata: {json.dumps(content)}\n\n"


async def detect(request: Request) -> Response:
    """POST /detect"""
    service = service_of(request)
    parameters, client = await asked_by(request)
    q = parameters.texts("q")
    texts = [q] if isinstance(q, str) else q
    check_sizes(service, texts, client)
    found = service.detect(" ".join(texts))
    return JSONResponse([one._asdict() for one in found if one.confidence > 0] or [found[0]._asdict()])


async def languages(request: Request) -> Response:
    """GET /languages"""
    service = service_of(request)
    return JSONResponse(
        [
            {"code": code, "name": name_of(code), "targets": targets}
            for code in service.languages
            if (targets := service.targets(code))
        ]
    )


async def translate_file(request: Request) -> Response:
    """POST /translate_file"""
    service = service_of(request)
    parameters, client = await asked_by(request, file=True)
    file = parameters.file
    if file is None or not file.name:
        raise Refusal(400, "Invalid request: missing file parameter")
    suffix = PurePosixPath(file.name.lower()).suffix
    if suffix not in documents.FORMATS:
        raise Refusal(
            400, f"Invalid request: files of the format {suffix[:20] or 'without a name'} are not supported"
        )
    asked = ask(service, "", parameters.word("source"), parameters.word("target"))
    if asked.detected is not None:
        sample = file.content[:4000].decode("utf-8", "ignore")
        asked = ask(service, sample, "auto", parameters.word("target"))
    deadline = service.deadline()

    async def work() -> bytes:
        sides = (asked.source, asked.target)
        segments = await run_in_threadpool(documents.segments, file, sides)
        size = sum(map(len, segments))
        service.characters.spend(client, size)
        with service.room(size):
            found = await service.segments(segments, asked.way, deadline=deadline)
        answers = [one[0].target for one in found]
        return await run_in_threadpool(documents.written, file, sides, answers)

    content = await while_there(request.receive, work(), seconds=service.limits.seconds)
    name = service.downloads.keep(content, suffix)
    return JSONResponse({"translatedFileUrl": str(request.url_for("download_file", name=name))})


async def download_file(request: Request) -> Response:
    """GET /download_file/NAME"""
    name = request.path_params["name"]
    content = service_of(request).downloads.get(name)
    if content is None:
        raise Refusal(404, "There is no such file, or it is no longer kept")
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(content, media_type="application/octet-stream", headers=headers)


async def suggest(request: Request) -> Response:
    """POST /suggest"""
    service = service_of(request)
    parameters, client = await asked_by(request)
    if service.suggestions is None:
        raise Refusal(403, "Suggestions are switched off on this server")
    q, better = parameters.word("q"), parameters.word("s")
    sides = service.served(parameters.word("source")), service.served(parameters.word("target"))
    check_sizes(service, [q, better], client)
    if not (q.strip() and better.strip()):
        raise Refusal(400, "Invalid request: q and s must hold words")
    await run_in_threadpool(service.suggestions.add, q, better, languages=sides)
    return JSONResponse({"success": True})


async def settings(request: Request) -> Response:
    """GET /frontend/settings"""
    service = service_of(request)
    source = next(iter(service.batchers))[0]
    target = service.targets(source)[0]
    return JSONResponse(
        {
            "apiKeys": service.keys is not None,
            "charLimit": service.limits.characters,
            "filesTranslation": True,
            "frontendTimeout": 500,
            "keyRequired": service.keys is not None,
            "language": {
                "source": {"code": source, "name": name_of(source)},
                "target": {"code": target, "name": name_of(target)},
            },
            "suggestions": service.suggestions is not None,
            "supportedFilesFormat": list(documents.FORMATS),
        }
    )
