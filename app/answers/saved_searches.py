"""Saved searches: queries that run again whenever files change, and report new close hits.

Owns the file that holds them and how a hit is reported: log, desktop notification, command. The user types
them, so they cannot be rebuilt from the disk and have a file beside the index. Any process may add one; the
daemon runs them. Knows nothing of how search works.
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
MOST_REPORTED = 50
"""Hits reported for one saved search at once: more than a user reads, a tenth of `REPORTED_KEPT`."""
MOST_INCOMPLETE = 1_000
"""Files that are searched again, the latest: without a model, each run would search all of them."""
REPORTED_KEPT = 500
"""Hits remembered for each saved search, so that saving a note again does not report it again."""
COMMAND_TIMEOUT = 60.0
LOCK_WAIT = 5.0
NEARLY = 0.8
"""Share of the best hit's score that another hit needs to be reported with it."""


@dataclass(frozen=True, slots=True)
class SavedSearch:
    """A saved query. `command` gets each hit as JSON on its standard input; empty: no command."""

    id: int
    query: str
    command: tuple[str, ...]
    since_ns: int
    """When it was saved: only files that are written or moved into place later count."""
    told: tuple[str, ...] = ()
    """Digests of the hits reported so far, oldest first."""

    def digest(self, hit: Hit) -> str:
        whole = f"{hit.path}\0{hit.text}".encode("utf-8", "surrogatepass")
        return hashlib.blake2b(whole, digest_size=8).hexdigest()


def saved_searches_path() -> Path:
    return paths.home() / "standing.json"


def read(path: Path | None = None) -> tuple[SavedSearch, ...]:
    """All saved searches, oldest first."""
    path = path or saved_searches_path()
    try:
        entries = json.loads(path.read_bytes())
        return tuple(
            SavedSearch(
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
            f"The saved searches in {path} cannot be read: {error}.", "Correct the file or remove it."
        ) from error


def revision() -> int:
    """Another number whenever the file changed; 0 while there is none."""
    try:
        return saved_searches_path().stat().st_mtime_ns
    except OSError:
        return 0


def add(query: str, command: str = "") -> SavedSearch:
    """Save `query`. `command` is split into words as a shell does, and runs without a shell."""
    query = " ".join(query.split())
    if not query:
        raise UsageInvalid("The query is empty.", 'Try: ken watch-for "flights to Lisbon".')
    words = _command(command)
    with _lock():
        saved = read()
        if len(saved) >= MOST:
            raise UsageInvalid(
                f"There are {MOST} saved searches already.", "Remove one: ken watch-for --remove ID."
            )
        number = max((search.id for search in saved), default=0) + 1
        added = SavedSearch(number, query, words, time.time_ns())
        _write((*saved, added))
    return added


def remove(number: int) -> SavedSearch:
    """Delete a saved search. Raises `UsageInvalid` if none has this number."""
    with _lock():
        saved = read()
        found = next((search for search in saved if search.id == number), None)
        if found is None:
            raise UsageInvalid(f"There is no saved search {number}.", "`ken watch-for --list` shows them.")
        _write(tuple(search for search in saved if search is not found))
    return found


def remember(number: int, digests: Sequence[str]) -> None:
    """Record hits as reported."""
    with _lock():
        _write(
            tuple(
                dataclasses.replace(search, told=(*search.told, *digests)[-REPORTED_KEPT:])
                if search.id == number
                else search
                for search in read()
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


def _write(saved: tuple[SavedSearch, ...]) -> None:
    text = json.dumps([dataclasses.asdict(search) for search in saved], indent=1)
    try:
        private_files.replace(saved_searches_path(), text.encode())
    except OSError as error:
        full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        kind = IndexFull if full else IndexUnreachable
        fix = "Free some space, and try again." if full else "Check the folder's permissions and its disk."
        raise kind(f"{saved_searches_path()} cannot be written: {error.strerror}.", fix) from error


class SavedSearchRunner:
    """Runs the saved searches on new files. `notify`: also show a desktop notification."""

    def __init__(self, *, notify: bool) -> None:
        self._notify = notify
        self._stopped = False
        self._incomplete: tuple[str, ...] = ()
        """Files that were searched before all their passages had vectors: they are searched again."""

    def stop(self) -> None:
        """End `ask`, which may run in another thread, before its next search."""
        self._stopped = True

    def ask(self, new: Sequence[str], library: Library) -> None:
        """Report each close hit in the files `new` that was not reported before."""
        new, self._incomplete = tuple(dict.fromkeys((*self._incomplete, *new))), ()
        if not new or not saved_searches_path().exists():
            return
        try:
            saved = read()
        except TITLED_ERRORS as error:
            log.warning("saved searches: %s %s", error.what, error.fix)
            return
        complete = True
        for search in saved:
            if self._stopped:
                return
            try:
                complete &= self._ask_one(search, new, library)
            except TITLED_ERRORS as error:
                log.warning("saved search %d: %s %s", search.id, error.what, error.fix)
        self._incomplete = () if complete else new[-MOST_INCOMPLETE:]

    def _ask_one(self, search: SavedSearch, new: Sequence[str], library: Library) -> bool:
        """Whether every passage had its vector, so that a hit which is not close is no answer."""
        answer = library.search(
            search.query, limit=MOST_REPORTED, filter=Filter(files=tuple(new), each_copy=True)
        )
        if answer.is_close:
            self._report_new(search, answer.hits, library)
        return answer.complete

    def _report_new(self, search: SavedSearch, found: Sequence[Hit], library: Library) -> None:
        best = found[0].score
        roots = {folder.path for folder in library.status().folders}
        hits = [
            hit for hit in found if hit.score >= best * NEARLY and _arrived_ns(hit, roots) > search.since_ns
        ]
        unreported = [hit for hit in hits if search.digest(hit) not in search.told]
        for hit in unreported:
            report_hit(search, hit, notify=self._notify)
        if unreported:
            remember(search.id, [search.digest(hit) for hit in unreported])


def _arrived_ns(hit: Hit, roots: Collection[str]) -> int:
    """When a file was written or moved into place, alone or with its folder: nanoseconds since 1970."""
    arrived = max(hit.modified_ns, hit.ctime_ns)
    for folder in map(str, Path(hit.path).parents):
        if folder in roots:
            break
        with suppress(OSError):
            arrived = max(arrived, os.stat(folder).st_ctime_ns)  # noqa: PTH116
    return arrived


def report_hit(search: SavedSearch, hit: Hit, *, notify: bool) -> None:
    """Report a hit: in the log, on the desktop, to the command of the saved search."""
    log.info("saved search %d (%s): %s:%d", search.id, search.query, hit.path, hit.line)
    if notify:
        _notify("ken", "Something new answers a saved search.")
    if search.command:
        message = {"query": search.query, "id": search.id, "hit": json_output.hit(hit)}
        _runner().submit(_run, search.command, json_output.dumps(message))


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
    """Show a desktop notification. It names no query and no file, because other users of the machine can
    read the arguments of a process."""
    if sys.platform == "darwin":
        script = "on run argv\ndisplay notification (item 2 of argv) with title (item 1 of argv)\nend run"
        command = ["osascript", "-e", script, title, body]
    else:
        command = ["notify-send", "--app-name=ken", "--", title, body]
    if shutil.which(command[0]):
        _runner().submit(_run, tuple(command), "")


@cache
def _runner() -> ThreadPoolExecutor:
    """Runs two commands at a time, so that a thousand hits do not start a thousand processes."""
    return ThreadPoolExecutor(max_workers=2, thread_name_prefix="watch-for")
