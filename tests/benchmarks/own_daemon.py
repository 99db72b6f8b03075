"""A daemon for a benchmark alone: its home and its folder are thrown away however the benchmark ends.

The model is the real one.
"""

from __future__ import annotations

import os
import shutil
import signal
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from app.api import Library

Say = Callable[[str], None]


@contextmanager
def own_daemon(settings: str = "") -> Iterator[tuple[Library, Path]]:
    """The daemon, and a folder to fill; `settings` is the text of its `config.toml`."""
    from app.daemon import lifecycle
    from app.daemon.client import remote_library
    from embedder.checkpoints.models import models_folder

    models = models_folder()
    before = {name: os.environ.get(name) for name in ("KEN_HOME", "KEN_MODELS")}
    top = Path(tempfile.mkdtemp(prefix="ken-bench-"))
    try:
        with _ends_as_by_hand():
            os.environ["KEN_HOME"], os.environ["KEN_MODELS"] = str(top / "home"), str(models)
            (top / "home").mkdir(mode=0o700)
            (top / "home" / "config.toml").write_text(settings)
            (top / "files").mkdir()
            lifecycle.start_daemon()
            yield remote_library(), top / "files"
    finally:
        lifecycle.stop_daemon()
        for name, value in before.items():
            os.environ.pop(name, None) if value is None else os.environ.__setitem__(name, value)
        shutil.rmtree(top, ignore_errors=True)


def index_all(library: Library, folder: Path, say: Say) -> None:
    """Have `folder` kept and read."""
    library.add([str(folder)])
    library.sync(
        None,
        lambda now: say(
            f"{now.phase}: {now.files_done:,} of {now.files_total:,} files, "
            f"{now.passages_done:,} of {now.passages_total:,} passages"
        ),
    )


@contextmanager
def _ends_as_by_hand() -> Iterator[None]:
    """SIGTERM and SIGHUP end the block as Ctrl-C does, so that nothing is left behind."""

    def interrupt(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = {number: signal.signal(number, interrupt) for number in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
