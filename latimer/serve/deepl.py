"""DeepL's dialect: /v2/translate, /v2/languages, /v2/usage. Errors are {"message": text} here."""

import re

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from latimer.data.languages import name_of
from latimer.serve.libretranslate import admit, ask, check_sizes, service_of
from latimer.serve.limits import Refusal
from latimer.serve.requests import Parameters, read
from latimer.serve.service import Service, Wanted, together, while_there


def _key(request: Request, parameters: Parameters) -> str:
    found = re.fullmatch(r"DeepL-Auth-Key (\S+)", request.headers.get("authorization", "").strip())
    return found[1] if found else parameters.word("auth_key", "")


def _served(service: Service, code: str) -> str:
    """EN-GB is served by a model of English too."""
    try:
        return service.served(code)
    except Refusal:
        return service.served(code.partition("-")[0])


async def translate(request: Request) -> Response:
    """POST /v2/translate"""
    service = service_of(request)
    parameters = await read(request, service.limits)
    client = admit(request, _key(request, parameters))
    found = parameters.texts("text")
    texts = [found] if isinstance(found, str) else found
    target = _served(service, parameters.word("target_lang"))
    told = parameters.word("source_lang", "auto")
    source = told if told == "auto" else _served(service, told)
    handling = parameters.word("tag_handling", "text")
    if handling not in ("text", "html", "xml"):
        raise Refusal(400, "Value for 'tag_handling' not supported.")
    check_sizes(service, texts, client)
    asked = [ask(service, text, source, target) for text in texts]
    deadline, wanted = service.deadline(), Wanted(html=handling != "text")
    with service.room(sum(map(len, texts))):
        works = [service.translate(one.text, one.way, deadline=deadline, wanted=wanted) for one in asked]
        done = await while_there(request.receive, together(works), seconds=service.limits.seconds)
    return JSONResponse(
        {
            "translations": [
                {"detected_source_language": one.source.upper(), "text": result.text}
                for one, result in zip(asked, done, strict=True)
            ]
        }
    )


async def languages(request: Request) -> Response:
    """GET or POST /v2/languages"""
    service = service_of(request)
    parameters = await read(request, service.limits)
    admit(request, _key(request, parameters))
    kind = parameters.word("type", "source")
    if kind not in ("source", "target"):
        raise Refusal(400, "Value for 'type' not supported.")
    sources = [code for code in service.languages if service.targets(code)]
    targets = [code for code in service.languages if any(code in service.targets(one) for one in sources)]
    codes = sources if kind == "source" else targets
    return JSONResponse([{"language": code.upper(), "name": name_of(code)} for code in codes])


async def usage(request: Request) -> Response:
    """GET or POST /v2/usage: there is no quota, and what clients used is not counted for each."""
    service = service_of(request)
    parameters = await read(request, service.limits)
    admit(request, _key(request, parameters))
    return JSONResponse({"character_count": 0, "character_limit": 10**12})
