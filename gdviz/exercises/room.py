"""What a kernel tells the room, if GDVIZ_ROOM is the address of one: the letter of a prediction, the key of a mistake.

The service is that of `make room`, and a hub sets the variable for its learners. The sender is a random number that
lasts as long as the kernel. A learner never waits for it, and sees no error of it.
"""

import os
from functools import cache
from typing import Any

SECONDS = 3.0  # to wait for an answer, in the thread that waits


def tell(what: str, **words: Any) -> None:
    """Send these words to "letter" or "mistake" of the room, in their order, from a thread of its own."""
    address = os.environ.get("GDVIZ_ROOM", "").strip()
    if address:
        _sender().put((f"{address.rstrip('/')}/{what}", words))


@cache
def _sender() -> Any:
    """The queue of the one thread that sends; both begin with the first words."""
    from queue import SimpleQueue
    from threading import Thread

    queue: SimpleQueue = SimpleQueue()
    Thread(target=_send, args=(queue, os.urandom(16).hex()), name="gdviz room", daemon=True).start()
    return queue


def _send(queue: Any, who: str) -> None:
    import contextlib
    import json
    from urllib.request import Request, urlopen

    while True:
        address, words = queue.get()
        with contextlib.suppress(Exception):  # no room, no network, a refusal: none of it is the learner's business
            body = json.dumps({**words, "who": who}).encode()
            urlopen(Request(address, body, {"Content-Type": "application/json"}), timeout=SECONDS).close()
