"""Standing questions: asked once, answered whenever a newly saved passage matches closely.

They are a person's own, not derived from the disk, so they live in a file beside the index. Any
process may add one; the daemon asks them. Knows how to tell of an answer, not how one is found.
"""

from __future__ import annotations

import dataclasses
import errno
import hashlib
import json
import logging
import os
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from app import json_output, paths
from app.api import Library
from app.errors import TITLED_ERRORS, UsageInvalid
from app.lock import WriteLock
from app.sanitize import plain_line
from index import private_files
from index.errors import IndexFull, IndexUnreachable
from index.types import Filter, Hit

log = logging.getLogger(__name__)

MOST = 100
MOST_TOLD = 50
"""Answers told of one question at once: more than a person reads, and a tenth of what is remembered."""
TOLD_KEPT = 500
"""Answers remembered for each question, so that saving a note again does not tell it again."""
COMMAND_TIMEOUT = 60.0
LOCK_WAIT = 5.0
NEARLY = 0.8
"""Part of the best answer's score that another needs to be told beside it."""


@dataclass(frozen=True, slots=True)
class Standing:
    """One question. `command` gets each answer as JSON on its standard input; empty for none."""

    id: int
    query: str
    command: tuple[str, ...]
    since_ns: int
    """When it was first asked: only what was saved, or came to its place, later counts."""
    told: tuple[str, ...] = ()
    """Digests of the answers told so far, oldest first."""

    def digest(self, hit: Hit) -> str:
        whole = f"{hit.path}\0{hit.text}".encode("utf-8", "surrogatepass")
        return hashlib.blake2b(whole, digest_size=8).hexdigest()


def standing_path() -> Path:
    return paths.home() / "standing.json"


def read(path: Path | None = None) -> tuple[Standing, ...]:
    """All standing questions, oldest first."""
    path = path or standing_path()
    try:
        entries = json.loads(path.read_bytes())
        return tuple(
            Standing(
                int(entry["id"]),
                str(entry["query"]),
                tuple(map(str, entry["command"])),
                int(entry["since_ns"]),
                tuple(map(str, entry["told"])),
            )
            for entry in entries
        )
    except FileNotFoundError:
        return ()
    except (ValueError, KeyError, TypeError, OSError) as error:
        raise UsageInvalid(
            f"The standing questions in {path} cannot be read: {error}.", "Mend the file or remove it."
        ) from error


def add(query: str, command: str = "") -> Standing:
    """Ask `query` from now on; `command` is split as a shell would, and never given to one."""
    query = " ".join(query.split())
    if not query:
        raise UsageInvalid("The question is empty.", 'Try: ken watch-for "flights to Lisbon".')
    words = _command(command)
    with _lock():
        questions = read()
        if len(questions) >= MOST:
            raise UsageInvalid(
                f"There are {MOST} standing questions already.", "Remove one: ken watch-for --remove ID."
            )
        number = max((question.id for question in questions), default=0) + 1
        asked = Standing(number, query, words, time.time_ns())
        _write((*questions, asked))
    return asked


def remove(number: int) -> Standing:
    """Ask no longer; raises `UsageInvalid` where no question has this number."""
    with _lock():
        questions = read()
        found = next((question for question in questions if question.id == number), None)
        if found is None:
            raise UsageInvalid(
                f"There is no standing question {number}.", "`ken watch-for --list` shows them."
            )
        _write(tuple(question for question in questions if question is not found))
    return found


def remember(number: int, digests: Sequence[str]) -> None:
    """Note answers as told."""
    with _lock():
        _write(
            tuple(
                dataclasses.replace(question, told=(*question.told, *digests)[-TOLD_KEPT:])
                if question.id == number
                else question
                for question in read()
            )
        )


def _command(command: str) -> tuple[str, ...]:
    try:
        words = tuple(shlex.split(command))
    except ValueError as error:
        raise UsageInvalid(
            f"The command cannot be split into words: {error}.", "Close its quotes."
        ) from error
    if words and shutil.which(words[0]) is None:
        raise UsageInvalid(
            f"There is no command {words[0]!r}.", "Give a program on the PATH, or its whole path."
        )
    return words


def _lock() -> WriteLock:
    lock = WriteLock("ken watch-for", paths.home() / "standing.lock")
    lock.acquire(wait=LOCK_WAIT)
    return lock


def _write(questions: tuple[Standing, ...]) -> None:
    text = json.dumps([dataclasses.asdict(question) for question in questions], indent=1)
    try:
        private_files.replace(standing_path(), text.encode())
    except OSError as error:
        full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        kind = IndexFull if full else IndexUnreachable
        fix = "Free some space, and try again." if full else "Check the folder's permissions and its disk."
        raise kind(f"{standing_path()} cannot be written: {error.strerror}.", fix) from error


class Asker:
    """Asks the standing questions of what is new. `notify`: tell answers on the desktop too."""

    def __init__(self, *, notify: bool) -> None:
        self._notify = notify

    def ask(self, new: Sequence[str], library: Library) -> None:
        """Tell each close answer among the files `new` that was not told before."""
        if not new or not standing_path().exists():
            return
        try:
            questions = read()
        except TITLED_ERRORS as error:
            log.warning("standing questions: %s %s", error.what, error.fix)
            return
        for question in questions:
            try:
                self._ask_one(question, new, library)
            except TITLED_ERRORS as error:
                log.warning("standing question %d: %s %s", question.id, error.what, error.fix)

    def _ask_one(self, question: Standing, new: Sequence[str], library: Library) -> None:
        answer = library.search(question.query, limit=MOST_TOLD, filter=Filter(files=tuple(new)))
        if not answer.close:
            return
        best = answer.hits[0].score
        roots = {folder.path for folder in library.status().folders}
        hits = [
            hit for hit in answer.hits if hit.score >= best * NEARLY and _came(hit, roots) > question.since_ns
        ]
        untold = [hit for hit in hits if question.digest(hit) not in question.told]
        for hit in untold:
            tell(question, hit, notify=self._notify)
        if untold:
            remember(question.id, [question.digest(hit) for hit in untold])


def _came(hit: Hit, roots: Collection[str]) -> int:
    """When a file was saved or came to its place, also in a folder that was moved: ns since the epoch."""
    came = max(hit.modified_ns, hit.ctime_ns)
    for folder in map(str, Path(hit.path).parents):
        if folder in roots:
            break
        with suppress(OSError):
            came = max(came, os.stat(folder).st_ctime_ns)  # noqa: PTH116
    return came


def tell(question: Standing, hit: Hit, *, notify: bool) -> None:
    """Tell of an answer: in the log, on the desktop, to the question's command."""
    log.info("standing question %d (%s): %s:%d", question.id, question.query, hit.path, hit.line)
    if notify:
        _notify("ken", "Something new answers a saved search.")
    if question.command:
        message = {"query": question.query, "id": question.id, "hit": json_output.hit(hit)}
        _runner().submit(_run, question.command, json_output.dumps(message))


def _run(command: tuple[str, ...], message: str) -> None:
    try:
        done = subprocess.run(
            command,
            input=message.encode("utf-8", "surrogatepass"),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            timeout=COMMAND_TIMEOUT,
            check=False,
        )
        if done.returncode:
            log.warning(
                "%s ended with %d: %s",
                command[0],
                done.returncode,
                plain_line(done.stderr.decode(errors="replace")),
            )
    except (OSError, subprocess.SubprocessError) as error:
        log.warning("%s could not be run: %s", command[0], error)


def _notify(title: str, body: str) -> None:
    """A desktop notification. It names no query and quotes no file: other users of the machine can read the
    arguments of a process."""
    if sys.platform == "darwin":
        script = "on run argv\ndisplay notification (item 2 of argv) with title (item 1 of argv)\nend run"
        command = ["osascript", "-e", script, title, body]
    else:
        command = ["notify-send", "--app-name=ken", "--", title, body]
    if shutil.which(command[0]):
        _runner().submit(_run, tuple(command), "")


@cache
def _runner() -> ThreadPoolExecutor:
    """Runs commands two at a time, so that a thousand answers do not become a thousand processes."""
    return ThreadPoolExecutor(max_workers=2, thread_name_prefix="watch-for")
