"""What the room serves: the page of buttons, the lecturer's page, and the JSON behind both and a deck of slides."""

import asyncio
import contextlib
import hmac
import io
import json
from collections.abc import Mapping
from typing import Any

from room_store import Refused, Store
from tornado.iostream import StreamClosedError
from tornado.web import HTTPError, RequestHandler, StaticFileHandler

PAUSE = 0.1  # seconds between two counts that are sent to one page
BEAT = 15.0  # seconds after which a silent stream says that it is alive
SAFE = {
    "Content-Security-Policy": "default-src 'self'; img-src 'self' data:; frame-ancestors 'self'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}


class Room:
    """A store, and those who wait for news of it. address: what the phones open; prefix: of all paths here."""

    def __init__(self, store: Store, address: str, prefix: str):
        self.store, self.address, self.prefix, self.waiting = store, address, prefix, set()

    def news(self, question: bool = False) -> None:
        """Wake the streams: all of them when the question is another one, else those that show counts."""
        for stream in self.waiting:
            if question or not stream.only_question:
                stream.wake.set()


class Page(RequestHandler):
    """What all handlers share: the room, who is the lecturer, errors as a sentence."""

    def initialize(self, room: Room) -> None:
        self.room = room

    def set_default_headers(self) -> None:
        for name, value in SAFE.items():
            self.set_header(name, value)

    @property
    def cookie(self) -> str:
        """The cookie of the lecturer's browser; cookies know no port, so its name does."""
        return f"room-{self.request.host.rpartition(':')[2] or 80}"

    def is_lecturer(self) -> bool:
        """Whether the token came along: in the address, the Authorization header, or the cookie."""
        header = self.request.headers.get("Authorization", "").removeprefix("token ")
        for given in (self.get_query_argument("token", ""), header, self.get_cookie(self.cookie) or ""):
            if given and hmac.compare_digest(given.encode(), self.room.store.token.encode()):
                return True
        return False

    def remember(self) -> None:
        """Let the browser keep the token, and send it to this service alone."""
        options = {"path": self.room.prefix, "httponly": True, "samesite": "Strict"}
        self.set_cookie(self.cookie, self.room.store.token, **options)

    def only_lecturer(self) -> None:
        if not self.is_lecturer():
            raise Refused("only the lecturer may do this: open the address that make room has printed", 403)

    def said(self) -> Mapping[str, Any]:
        """The JSON object of the body. Only JSON: a form on another site cannot send it."""
        if self.request.headers.get("Content-Type", "").partition(";")[0].strip() != "application/json":
            raise Refused("send JSON, with the Content-Type application/json", 415)
        try:
            found = json.loads(self.request.body)
        except (ValueError, RecursionError):
            found = None
        if not isinstance(found, dict):
            raise Refused("send one JSON object")
        return found

    def write_error(self, status_code: int, **about: Any) -> None:
        error, said = about.get("exc_info", (None, None))[1], self._reason
        if isinstance(error, Refused):
            self.set_status(error.status)
            said = str(error)
        self.finish({"error": f"{said[:1].upper()}{said[1:]}."})

    def log_exception(self, kind: Any, error: Any, trace: Any) -> None:
        """What was refused is no news in the lecturer's terminal."""
        if not isinstance(error, Refused | HTTPError):
            RequestHandler.log_exception(self, kind, error, trace)


class Phone(Page):
    """The page of buttons."""

    def get(self) -> None:
        self.render("phone.html")


class Counts(Page):
    """The lecturer's page. The token goes from the address into a cookie, so that no projector shows it."""

    def get(self) -> None:
        if self.get_query_argument("token", ""):
            self.only_lecturer()
            self.remember()
            self.redirect("counts")
            return
        self.only_lecturer()
        code = qr(self.room.address) is not None
        self.render("counts.html", address=self.room.address, code=code, listed=self.room.store.listed())


class Code(Page):
    """The address of the phones as a QR code."""

    def get(self) -> None:
        code = qr(self.room.address)
        if code is None:
            raise Refused("no QR code: pip install segno", 404)
        self.set_header("Content-Type", "image/svg+xml")
        self.finish(code)


class Letter(Page):
    """A letter of a phone or of a notebook; noted before it is acknowledged."""

    def post(self) -> None:
        said = self.said()
        name = said.get("name")
        noted = self.room.store.note(name, said.get("letter"), said.get("who"), said.get("choices"))
        self.room.news()
        self.finish({"name": name, "noted": noted})


class Mistake(Page):
    """The key of a mistake that a check has named."""

    def post(self) -> None:
        said = self.said()
        self.room.store.mistake(said.get("key"), said.get("who"))
        self.room.news()
        self.finish({"noted": said.get("key")})


class Open(Page):
    """Which question is open; the lecturer opens another one."""

    def get(self) -> None:
        self.finish(self.room.store.opened())

    def post(self) -> None:
        self.only_lecturer()
        said = self.said()
        self.room.store.open(said.get("name"), said.get("choices"), said.get("about"))
        self.room.news(question=True)
        self.finish(self.room.store.opened())


class Anew(Page):
    """Forget the letters of a question, {"name": ...}; or with {"all": true} everything."""

    def post(self) -> None:
        self.only_lecturer()
        said = self.said()
        if said.get("all") is True:
            self.room.store.forget()
        else:
            self.room.store.forget(self.room.store.counts(said.get("name"))["name"])
        self.room.news(question=True)
        self.finish(self.room.store.opened())


class CountsOf(Page):
    """The counts of one question, that which is open if none is named."""

    def get(self) -> None:
        self.finish(self.room.store.counts(self.get_query_argument("name", "") or self.room.store.opened()["name"]))


class Mistakes(Page):
    """The table of mistakes, for the lecturer."""

    def get(self) -> None:
        self.only_lecturer()
        self.finish({"mistakes": self.room.store.mistakes()})


class Events(Page):
    """A stream of server-sent events: the open question with its counts; with ?only=question without them."""

    async def get(self) -> None:
        self.only_question, self.wake = self.get_query_argument("only", "") == "question", asyncio.Event()
        self.set_header("Content-Type", "text/event-stream")
        self.set_header("X-Accel-Buffering", "no")  # nginx would hold it back
        self.room.waiting.add(self)
        with contextlib.suppress(StreamClosedError):
            self.write("retry: 1000\n\n")
            while True:
                self.wake.clear()
                self.write(f"data: {json.dumps(self.news())}\n\n")
                await self.flush()
                await asyncio.sleep(PAUSE)
                while not await self.woken():
                    self.write(": alive\n\n")
                    await self.flush()

    async def woken(self) -> bool:
        """Whether there is news, after waiting for it for a while."""
        try:
            await asyncio.wait_for(self.wake.wait(), BEAT)
        except TimeoutError:
            return False
        return True

    def news(self) -> dict[str, Any]:
        """What the stream says."""
        store = self.room.store
        opened = store.opened()
        counted = opened["name"] and not self.only_question
        return opened | (store.counts(opened["name"]) if counted else {})

    def on_connection_close(self) -> None:
        self.room.waiting.discard(self)
        self.wake.set()


class Files(StaticFileHandler):
    """The files of the pages, and the slides of a lecture: opened with ?token=... their browser is the lecturer's."""

    def initialize(self, room: Room, **options: Any) -> None:
        self.room = room
        super().initialize(**options)

    cookie, is_lecturer, remember = Page.cookie, Page.is_lecturer, Page.remember
    log_exception = Page.log_exception

    def set_extra_headers(self, path: str) -> None:
        """Files change between two lectures: a browser asks whether they have."""
        self.set_header("Cache-Control", "no-cache")

    def prepare(self) -> None:
        if self.get_query_argument("token", "") and self.is_lecturer():
            self.remember()


class Nowhere(Page):
    """Whatever else is asked for."""

    def prepare(self) -> None:
        raise Refused("there is no such page", 404)


def qr(address: str) -> bytes | None:
    """The QR code of an address as SVG; None where segno is not installed."""
    try:
        import segno
    except ImportError:
        return None
    out = io.BytesIO()
    segno.make(address, error="m", micro=False).save(out, kind="svg", border=4, light="#fff", scale=8)
    return out.getvalue()
