"""The ASGI application: routes, and the gate through which every request goes."""

import logging
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from latimer.serve import deepl, libretranslate, openapi
from latimer.serve.limits import Refusal
from latimer.serve.service import Service

PAGE = Path(__file__).with_name("page")
log = logging.getLogger("latimer.serve")
_HEADERS = [
    (b"access-control-allow-origin", b"*"),
    (b"access-control-allow-headers", b"Authorization, Content-Type"),
    (b"access-control-allow-methods", b"GET, POST"),
    (b"content-security-policy", b"default-src 'self'"),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
]


def build(service: Service, *, prefix: str = "") -> ASGIApp:
    """The application of a service, at a path prefix where a proxy gives it one."""

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        async with service.running():
            yield

    app = Starlette(
        routes=_routes(),
        lifespan=lifespan,
        exception_handlers={Refusal: _refused, HTTPException: _refused, Exception: _failed},
    )
    app.state.service = service
    return Gate(app, service, prefix)


def _routes() -> list[BaseRoute]:
    post, get, both = ["POST"], ["GET"], ["GET", "POST"]
    return [
        Route("/translate", libretranslate.translate, methods=post),
        Route("/detect", libretranslate.detect, methods=post),
        Route("/languages", libretranslate.languages, methods=get),
        Route("/translate_file", libretranslate.translate_file, methods=post),
        Route("/download_file/{name}", libretranslate.download_file, methods=get, name="download_file"),
        Route("/suggest", libretranslate.suggest, methods=post),
        Route("/frontend/settings", libretranslate.settings, methods=get),
        Route("/health", _health, methods=get),
        Route("/ready", _ready, methods=get),
        Route("/metrics", _metrics, methods=get),
        Route("/spec", _spec, methods=get),
        Route("/openapi.json", _openapi, methods=get),
        Route("/docs", _docs, methods=get),
        Route("/v2/translate", deepl.translate, methods=post),
        Route("/v2/languages", deepl.languages, methods=both),
        Route("/v2/usage", deepl.usage, methods=both),
        Route("/", _page, methods=get),
        Mount("/page", StaticFiles(directory=PAGE)),
    ]


class Gate:
    """Counts, logs, bounds and completes every request, and answers a preflight itself.

    `prefix` is what a proxy puts before the paths, whether it strips it or not.
    """

    def __init__(self, app: ASGIApp, service: Service, prefix: str = "") -> None:
        self.app, self.service, self.prefix = app, service, prefix.rstrip("/")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            return await send({"type": "websocket.close", "code": 1000})
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        scope = self._placed(scope)
        began, status = time.monotonic(), 0

        async def complete(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message = {**message, "headers": [*message.get("headers", ()), *_HEADERS]}
            await send(message)

        self.service.open += 1
        try:
            if scope["method"] == "OPTIONS":
                await Response(status_code=204)(scope, receive, complete)
            elif self.service.open > self.service.limits.open and not scope["path"].endswith("/health"):
                await _answer(scope, Refusal(503, "The server is busy; try again soon", retry_after=1))(
                    scope, receive, complete
                )
            else:
                await self.app(scope, receive, complete)
        finally:
            self.service.open -= 1
            self._note(scope, status, time.monotonic() - began)

    def _placed(self, scope: Scope) -> Scope:
        """With the prefix in root_path and at the beginning of the path, as ASGI wants it."""
        path = scope["path"]
        inside = not self.prefix or path == self.prefix or path.startswith(self.prefix + "/")
        return {
            **scope,
            "path": path if inside else self.prefix + path,
            "root_path": self.prefix,
            "state": {},
        }

    def _note(self, scope: Scope, status: int, seconds: float) -> None:
        route = getattr(scope.get("endpoint"), "__doc__", None) if status not in (404, 405) else None
        name = (route or "other").partition("\n")[0].partition(":")[0]
        metrics = self.service.metrics
        metrics.requests.labels(name, str(status)).inc()
        metrics.seconds.labels(name).observe(seconds)
        note = scope["state"].get("note", {})
        log.info(
            "request",
            extra={"fields": {"route": name, "status": status, "ms": round(seconds * 1000, 1), **note}},
        )


def _answer(scope: Scope, refusal: Refusal) -> Response:
    path = scope["path"].removeprefix(scope.get("root_path", ""))
    word = "message" if path.startswith("/v2/") else "error"
    headers = {"Retry-After": str(refusal.retry_after)} if refusal.retry_after else None
    return JSONResponse({word: refusal.text}, status_code=refusal.status, headers=headers)


async def _refused(request: Request, error: Exception) -> Response:
    if isinstance(error, HTTPException):
        refusal = Refusal(error.status_code, str(error.detail))
        answer = _answer(request.scope, refusal)
        answer.headers.update(error.headers or {})
        return answer
    assert isinstance(error, Refusal)
    return _answer(request.scope, error)


async def _failed(request: Request, error: Exception) -> Response:
    return _answer(request.scope, Refusal(500, "The server failed; its log says more"))


async def _health(request: Request) -> Response:
    """GET /health"""
    return JSONResponse({"status": "ok"})


async def _ready(request: Request) -> Response:
    """GET /ready"""
    if not libretranslate.service_of(request).ready:
        raise Refusal(503, "The server is going down", retry_after=5)
    return JSONResponse({"status": "ready"})


async def _metrics(request: Request) -> Response:
    """GET /metrics"""
    content = libretranslate.service_of(request).metrics.text()
    return Response(content, media_type="text/plain; version=0.0.4; charset=utf-8")


async def _spec(request: Request) -> Response:
    """GET /spec"""
    return JSONResponse(openapi.swagger(request.scope["root_path"]))


async def _openapi(request: Request) -> Response:
    """GET /openapi.json"""
    return JSONResponse(openapi.document(request.scope["root_path"]))


async def _docs(request: Request) -> Response:
    """GET /docs"""
    return Response(openapi.page(), media_type="text/html; charset=utf-8")


async def _page(request: Request) -> Response:
    """GET /"""
    return FileResponse(PAGE / "index.html")
