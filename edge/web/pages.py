"""What is answered to whom. Every answer forbids the browser what the page does not need; a change needs a request of the page's own."""

from __future__ import annotations

import asyncio
import json
import logging
import math
from collections.abc import Awaitable, Callable
from importlib.resources import files
from typing import Any, Final
from urllib.parse import urlsplit

from aiohttp import web

from edge.audit import AuditError
from edge.config import ConfigError
from edge.config.safety import is_loopback
from edge.mqtt.presence import finite
from edge.unit import Unit
from edge.web import state
from edge.web.access import COOKIE, SESSION_S, Access, RefusedError
from edge.web.advice import advise, is_blurred, is_motion, shutter, zoom
from edge.web.ground import Editor, GroundError, StaleError
from edge.web.meter import Meters, Reading
from edge.web.picture import Studio
from edge.web.reads import Reads

log = logging.getLogger(__name__)

MOST_BYTES: Final = 64 * 1024
PATIENCE_S: Final = 30.0
"""So long a request may take, its body included."""
PICTURE_S: Final = 10.0
"""So long a request for the next picture is held."""
METER_S: Final = 3.0
"""A reading is good for so long."""
ASSETS: Final = {
    "page.css": "text/css",
    "icon.svg": "image/svg+xml",
    "login.js": "text/javascript",
    "page.js": "text/javascript",
    "draw.js": "text/javascript",
    "show.js": "text/javascript",
}
HEADERS: Final = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
    "Cache-Control": "no-store",
}
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Pages:
    """Of one unit. `application` and what it answers live on the server's thread; `developed` may be called from any."""

    def __init__(self, unit: Unit, access: Access, studio: Studio, meters: Meters, reads: Reads, editor: Editor | None) -> None:
        self._unit, self._access, self._studio, self._meters, self._reads, self._editor = unit, access, studio, meters, reads, editor
        self._texts = {name: (files("edge") / "web" / "assets" / name).read_bytes() for name in (*ASSETS, "index.html", "login.html")}
        self._readings: dict[str, tuple[float, Reading | None]] = {}
        self._loop: asyncio.AbstractEventLoop | None = None

    def application(self) -> web.Application:
        self._loop, self._fresh, self._measuring = asyncio.get_running_loop(), asyncio.Event(), asyncio.Lock()
        application = web.Application(middlewares=[self._in_time, self._guarded], client_max_size=MOST_BYTES)
        application.on_response_prepare.append(_forbid)
        application.add_routes(
            [
                web.get("/", self._page),
                web.get("/assets/{name}", self._asset),
                web.post("/login", self._login),
                web.post("/logout", self._logout),
                web.get("/api/state", self._state),
                web.get("/api/meter/{camera}", self._meter),
                web.get("/api/picture/{camera}", self._picture),
                web.get("/api/ground/{camera}", self._ground),
                web.post("/api/ground/{camera}", self._save),
            ]
        )
        return application

    def developed(self) -> None:
        """A new picture is there: wake those who wait for one."""
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._announce)

    def _announce(self) -> None:
        self._fresh.set()
        self._fresh = asyncio.Event()

    @web.middleware
    async def _in_time(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            return await asyncio.wait_for(handler(request), PATIENCE_S)
        except asyncio.TimeoutError:
            return fault(408, f"this took more than {PATIENCE_S:g} s")

    @web.middleware
    async def _guarded(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        if self._access.open and not is_loopback(urlsplit(f"//{request.host}").hostname or ""):
            return fault(421, "this page is for this machine alone: open it as localhost, 127.0.0.1 or [::1]")  # DNS rebinding
        if request.method == "POST" and not _of_the_page(request):
            return fault(403, "changes come from the page itself, as JSON")
        if request.match_info.handler in (self._asset, self._login):
            return await handler(request)
        try:
            admitted = self._access.admits(request.cookies.get(COOKIE), request.headers.get("Authorization"), request.remote or "")
        except RefusedError as error:
            return self._refused(request, error)
        if admitted:
            return await handler(request)
        if request.path == "/":
            return web.Response(status=401, body=self._texts["login.html"], content_type="text/html", charset="utf-8")
        return fault(401, "a token is needed")

    def _refused(self, request: web.Request, error: RefusedError) -> web.Response:
        log.warning("live view: %s is refused: %s", request.remote, error)
        answer = fault(429 if error.again_s else 403, str(error))
        if error.again_s:
            answer.headers["Retry-After"] = str(math.ceil(error.again_s))
        return answer

    async def _page(self, request: web.Request) -> web.Response:
        return web.Response(body=self._texts["index.html"], content_type="text/html", charset="utf-8")

    async def _asset(self, request: web.Request) -> web.Response:
        name = request.match_info["name"]
        if name not in ASSETS:
            return fault(404, "there is no such file")
        return web.Response(body=self._texts[name], content_type=ASSETS[name], charset="utf-8")

    async def _login(self, request: web.Request) -> web.Response:
        given = await _json(request)
        try:
            cookie = self._access.enter(str(given.get("token", "")), request.remote or "")
        except RefusedError as error:
            return self._refused(request, error)
        answer = web.Response(status=204)
        answer.set_cookie(COOKIE, cookie, max_age=int(SESSION_S), httponly=True, samesite="Strict", secure=request.secure, path="/")
        return answer

    async def _logout(self, request: web.Request) -> web.Response:
        self._access.leave(request.cookies.get(COOKIE))
        answer = web.Response(status=204)
        answer.del_cookie(COOKIE, path="/")
        return answer

    async def _state(self, request: web.Request) -> web.Response:
        told = state.describe(self._unit)
        page = {"edit": self._editor is not None, "token": not self._access.open, "refused": self._access.refused}
        return web.json_response(finite({**told, "page": page, "reads": self._reads.rows()}))

    async def _meter(self, request: web.Request) -> web.Response:
        camera = self._camera(request)
        loop = asyncio.get_running_loop()
        async with self._measuring:  # one at a time, and for all who ask
            at_s, reading = self._readings.get(camera, (-METER_S, None))
            if loop.time() - at_s >= METER_S:
                reading = await loop.run_in_executor(None, self._meters.reading, camera)
                self._readings[camera] = loop.time(), reading
        return web.json_response(finite(told(reading)))

    async def _picture(self, request: web.Request) -> web.Response:
        """The newest picture that the caller has not seen; one connection a watcher, and as many pictures as it takes."""
        camera, after = self._camera(request), request.query.get("after", "")
        loop = asyncio.get_running_loop()
        until_s = loop.time() + PICTURE_S
        while (left_s := until_s - loop.time()) > 0:
            fresh = self._fresh
            picture = self._studio.newest(camera)
            if picture is not None and str(picture.number) != after:
                return web.Response(body=picture.jpeg, content_type="image/jpeg", headers={"X-Picture": str(picture.number)})
            try:
                await asyncio.wait_for(fresh.wait(), min(1.0, left_s))  # asking again is what keeps the camera watched
            except asyncio.TimeoutError:
                continue
        return web.Response(status=204)

    async def _ground(self, request: web.Request) -> web.Response:
        camera = self._camera(request)
        if self._editor is None:
            return fault(403, "web.edit is false: the ground is not changed here")
        try:
            return web.json_response(await asyncio.get_running_loop().run_in_executor(None, self._editor.shown, camera))
        except ConfigError as error:
            return fault(409, str(error))

    async def _save(self, request: web.Request) -> web.Response:
        camera, given = self._camera(request), await _json(request)
        if self._editor is None:
            return fault(403, "web.edit is false: the ground is not changed here")
        try:
            done = await asyncio.get_running_loop().run_in_executor(None, self._editor.save, camera, given, f"web {request.remote}")
        except StaleError as error:
            return fault(409, str(error))
        except (GroundError, ConfigError, AuditError) as error:
            return fault(422, str(error))
        return web.json_response({"done": done})

    def _camera(self, request: web.Request) -> str:
        camera = request.match_info["camera"]
        if camera not in self._unit.cameras:
            raise web.HTTPNotFound(text="there is no such camera")
        return camera


def told(reading: Reading | None) -> dict[str, Any]:
    """A reading with its advice, in the numbers that the page shows."""
    advice = advise(reading)
    if reading is None:
        return {"advice": advice.sentence, "good": advice.good, "vehicles": 0}
    return {
        "advice": advice.sentence,
        "good": advice.good,
        "vehicles": reading.vehicles,
        "height_px": round(reading.height_px, 1),
        "line_px": round(reading.line_px, 1),
        "smallest_px": round(reading.smallest_px, 1),
        "largest_px": round(reading.largest_px, 1),
        "zoom": zoom(reading),
        "slant_deg": round(reading.slant_deg, 1),
        "lean_deg": round(reading.lean_deg, 1),
        "blur_px": round(reading.blur_px, 1),
        "blur_deg": round(reading.blur_deg),
        "blurred": "motion" if is_motion(reading) else "focus" if is_blurred(reading) else "",
        "speed_px_s": round(reading.speed_px_s),
        "shutter": shutter(reading),
        "bright": round(reading.bright),
        "contrast": round(reading.contrast),
    }


def fault(status: int, text: str) -> web.Response:
    return web.json_response({"error": text}, status=status)


async def _forbid(request: web.Request, response: web.StreamResponse) -> None:
    response.headers.update(HEADERS)
    response.headers["Server"] = "kerbside"


def _of_the_page(request: web.Request) -> bool:
    """JSON, which no foreign form can send unasked, from the page's own origin, as browsers say of themselves."""
    site, origin = request.headers.get("Sec-Fetch-Site"), request.headers.get("Origin")
    own = origin is None or urlsplit(origin).netloc == request.host
    return request.content_type == "application/json" and site in (None, "same-origin") and own


async def _json(request: web.Request) -> dict[str, Any]:
    try:
        given = json.loads(await request.read())
    except (ValueError, RecursionError) as error:
        raise web.HTTPBadRequest(text=f"no JSON: {error}") from error
    if not isinstance(given, dict):
        raise web.HTTPBadRequest(text="expected a JSON object")
    return given
