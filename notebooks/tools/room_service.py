"""The room answers: a page of buttons for every phone, and for the lecturer the counts of each letter. `make room`.

No account and no name: a browser is a random number, which it makes itself. What is stored, and how: room_store.
"""

import argparse
import asyncio
import mimetypes
import os
import re
import socket
import sqlite3
import sys
from pathlib import Path

import room_handlers as handlers
from room_store import Store
from tornado.httpserver import HTTPServer
from tornado.template import Loader
from tornado.web import Application

ROOT = Path(__file__).parents[2]
PAGES = Path(__file__).parent / "room_pages"
LARGEST = 4096  # bytes of a body
HANDLERS = {
    "": handlers.Phone,
    "counts": handlers.Counts,
    "qr.svg": handlers.Code,
    "letter": handlers.Letter,
    "mistake": handlers.Mistake,
    "open": handlers.Open,
    "anew": handlers.Anew,
    "counts.json": handlers.CountsOf,
    "mistakes.json": handlers.Mistakes,
    "events": handlers.Events,
}


def application(room: handlers.Room, deck: Path) -> Application:
    """The service of a room, below its prefix; deck: the folder of slides, which need not be there."""
    routes: list = [(re.escape(room.prefix + name), page, {"room": room}) for name, page in HANDLERS.items()]
    for folder, path in (("pages", PAGES), ("deck", deck)):
        options = {"room": room, "path": str(path), "default_filename": "index.html"}
        routes.append((f"{re.escape(room.prefix + folder)}/(.*)", handlers.Files, options))
    loader = Loader(str(PAGES), autoescape="xhtml_escape")
    elsewhere = {"default_handler_class": handlers.Nowhere, "default_handler_args": {"room": room}}
    return Application(routes, template_loader=loader, log_function=lambda handler: None, **elsewhere)


def lan() -> str:
    """The address of this machine in its network, as far as it knows."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # sends nothing: it only asks which way it would go
            return probe.getsockname()[0]
        except OSError:
            return "127.0.0.1"


async def serve(options: argparse.Namespace) -> None:
    """Serve a room until the process ends."""
    mimetypes.add_type("text/javascript", ".mjs")  # Windows takes it from its registry
    store = Store(options.store)
    prefix = f"/{options.prefix.strip('/')}/".replace("//", "/")
    address = f"{(options.address or f'http://{lan()}:{options.port}{prefix}').rstrip('/')}/"
    own = address if options.address else f"http://127.0.0.1:{options.port}{prefix}"  # here nobody listens on the way
    service = application(handlers.Room(store, address, prefix), options.deck)
    server = HTTPServer(service, max_body_size=LARGEST, body_timeout=10)
    server.listen(options.port, options.host)
    print(f"For the phones:   {address}")
    print(f"For the lecturer: {own}counts?token={store.token}")
    for deck in sorted(options.deck.glob("*.html")):
        print(f"A lecture:        {own}deck/{deck.name}?token={store.token}")
    if many := store.letters():
        print(f"{options.store.name} still holds {many} letters: on the lecturer's page, Forget everything.")
    print("It lives as long as this window; Ctrl-C ends it.", flush=True)
    try:
        await asyncio.Event().wait()
    finally:
        store.close()


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--port", type=int, default=8765)
    parser.add_argument("--host", default="0.0.0.0", help="127.0.0.1 where a proxy stands before it")
    parser.add_argument("--address", default="", help="what the phones open, where it is not this machine's")
    parser.add_argument("--prefix", default=os.environ.get("JUPYTERHUB_SERVICE_PREFIX", "/"))
    parser.add_argument("--store", type=Path, default=ROOT / "room.sqlite")
    parser.add_argument("--deck", type=Path, default=ROOT / "editions" / "decks", help="slides, served below deck/")
    options = parser.parse_args(arguments)
    try:
        asyncio.run(serve(options))
    except KeyboardInterrupt:
        print("\nThe letters are kept.")
    except sqlite3.DatabaseError as error:
        sys.exit(f"{options.store} is no file of a room ({error}): move it away")
    except OSError as error:
        sys.exit(f"port {options.port} cannot be opened ({error.strerror}): make room PORT={options.port + 1}")


if __name__ == "__main__":
    main(sys.argv[1:])
