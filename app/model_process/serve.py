"""The child's side of a model's process: loads the model and answers requests until the channel closes.

Owns that. Knows nothing of time limits or of who asks: `app.model_process.process` is the other side.
"""

from __future__ import annotations

import contextlib
import logging
import os
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from multiprocessing.connection import Connection
from typing import Any

from app.config import ModelConfig
from app.model_process.child import LOADED, STILL_LOADING
from app.sync.throttle import lower_process_priority
from embedder.errors import EmbedderError

log = logging.getLogger(__name__)

METHODS = frozenset({"embed_query", "embed_documents", "embed_priority", "embed_tokens"})
SIGN_SECONDS = 1.0
"""Seconds between two messages of a child that is loading the model."""


def serve(channel: Connection[Any, Any]) -> None:
    """The child's side: load the model, answer until the daemon closes the channel."""
    sending = threading.Lock()

    def send(number: int, result: object) -> None:
        with sending:
            channel.send((number, result))

    config: ModelConfig = channel.recv()
    try:
        with _signs_of_life(send):
            from app.model import load_here  # its import is part of loading

            model = load_here(config)
    except Exception as error:  # noqa: BLE001 - sent to the daemon
        send(LOADED, _portable(error))
        return
    send(LOADED, None)

    def answer(number: int, method: str, arguments: Any, options: Any) -> None:
        try:
            result = getattr(model, method)(*arguments, **options) if method in METHODS else None
        except Exception as error:  # noqa: BLE001 - sent to the caller
            result = _portable(error)
        send(number, result)

    with ThreadPoolExecutor(max_workers=8) as pool:
        while True:
            pool.submit(answer, *channel.recv())


@contextlib.contextmanager
def _signs_of_life(send: Callable[[int, object], None]) -> Iterator[None]:
    """Sends a message each second, as a sign that this process still runs."""
    done = threading.Event()

    def tell() -> None:
        with contextlib.suppress(OSError):
            while not done.wait(SIGN_SECONDS):
                send(STILL_LOADING, None)

    thread = threading.Thread(target=tell, name="loading", daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


def _portable(error: Exception) -> Exception:
    """The error in a form that can be sent."""
    if isinstance(error, EmbedderError):
        return type(error)(error.what, error.fix)
    log.exception("the model failed")
    return EmbedderError(f"The model failed: {type(error).__name__}: {error}.", "Look at `ken daemon logs`.")


def main() -> None:
    lower_process_priority(int(sys.argv[2]))
    with contextlib.suppress(EOFError, OSError):
        serve(Connection(int(sys.argv[1])))
    # Do not wait for threads of the engine.
    os._exit(0)
