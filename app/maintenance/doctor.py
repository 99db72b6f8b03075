"""The checks and repairs of `ken doctor`; export, backup and restore of the index."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from app import paths
from app.config import ModelConfig, load
from app.errors import NothingIndexed
from app.folders.mounts import REMOTE, file_system
from app.lock import WriteLock
from app.maintenance import leftovers
from embedder.checkpoints.models import find_model
from embedder.config import DIMENSIONS
from embedder.engines import choose, native_kernel
from embedder.engines.server_address import Server, is_address
from embedder.errors import EmbedderError
from index.errors import IndexCorrupt, IndexingError
from index.extract import confinement_check
from index.search.searcher import Searcher
from index.store import export_import
from index.store.copies import backup as copy_index
from index.store.copies import restore as restore_index
from index.store.salvage import salvage
from index.store.store import Store


@dataclass(frozen=True, slots=True)
class CheckResult:
    """The result of one check: what it found, whether that is sound, and what to do if it is not."""

    what: str
    sound: bool
    fix: str = ""


SOUND = CheckResult("Index: all tables agree.", True)


def examine(*, repair: bool) -> list[CheckResult]:
    """Run every check; `repair` also repairs the index, and raises `IndexBusy` if another process writes."""
    checks = [_model(), _engine(), _home_folder(repair=repair), _readers(), *_vector_scan()]
    if not paths.index_path().exists():
        return [*checks, CheckResult("Index: none yet.", True)]
    return [*checks, *(_repaired_index() if repair else _index())]


def export(folder: Path, tell: export_import.ProgressCallback) -> int:
    return export_import.export(_existing(), folder, tell)


def backup(target: Path) -> int:
    """Returns the bytes of the copy."""
    copy_index(_existing(), target)
    return target.stat().st_size


def restore(source: Path) -> None:
    """Replace the index with a backup. Raises `IndexBusy` if another process writes the index."""
    with WriteLock("ken restore"):
        paths.make_home()
        restore_index(paths.index_path(), source)


def _existing() -> Path:
    index = paths.index_path()
    if not index.exists():
        raise NothingIndexed("There is no index yet.", "Run `ken index FOLDER` first.")
    return index


def _model() -> CheckResult:
    try:
        folder = find_model(load().model.name or None)
    except EmbedderError as error:
        return CheckResult(f"Model: {error.what}", False, error.fix)
    return CheckResult(f"Model: {paths.short(str(folder))}; `ken model verify` checks every byte.", True)


def _server(config: ModelConfig) -> CheckResult:
    """Whether the server that the settings name gives vectors; that they are right, every start checks."""
    from embedder.engines.served import ServedEngine

    server = Server(config.engine, config.served_model, config.public_server)
    try:
        ServedEngine(server, DIMENSIONS[0], config.precision, str).close()
    except EmbedderError as error:
        return CheckResult(f"Engine: {error.what}", False, error.fix)
    return CheckResult(f"Engine: {server.address} gives vectors.", True)


def _engine() -> CheckResult:
    config = load().model
    if is_address(config.engine):
        return _server(config)
    engine = choose.choose(config.engine, config.precision)
    why = choose.explain(config.engine, config.precision)
    if why == native_kernel.NOT_BUILT:
        return CheckResult(f"Engine: {engine}.", True, why)
    instructions = f" with {native_kernel.instructions()[0]}" if engine == "native" else ""
    return CheckResult(f"Engine: {engine}{instructions}. {why}".rstrip(), True)


def _home_folder(*, repair: bool) -> CheckResult:
    home = paths.home()
    shown = paths.short(str(home))
    if not home.exists():
        return CheckResult(f"Home: {shown} is not there yet.", True)
    if repair and home.stat().st_uid == os.getuid():
        home.chmod(0o700)
    if home.stat().st_mode & 0o077:
        return CheckResult(f"Home: other users can look into {shown}.", False, f"Run `chmod 700 {shown}`.")
    if not os.access(home, os.W_OK):
        return CheckResult(
            f"Home: {shown} cannot be written.", False, "Make it yours, or point KEN_HOME elsewhere."
        )
    if (kind := file_system(str(home))) in REMOTE:
        return CheckResult(
            f"Home: {shown} is on another machine's drive ({kind}): SQLite cannot protect the index there.",
            False,
            "Point KEN_HOME to a folder on a disk of this machine.",
        )
    return CheckResult(f"Home: {shown} is yours alone.", True)


def _vector_scan() -> list[CheckResult]:
    """Whether compiled code compares vectors correctly; no finding if no index can be opened."""
    index = paths.index_path()
    try:
        if not index.exists():
            return []
        with Searcher(index, cached_vectors=True) as searcher:
            faults = searcher.faults
    except IndexingError:
        return []
    fix = "Report it, with the processor's name; an update of that package may mend it."
    found = [CheckResult(f"Search: {fault}", False, fix) for fault in faults]
    return found or [CheckResult("Search: vectors are compared exactly on this processor.", True)]


def _readers() -> CheckResult:
    checked = confinement_check.check()
    if not checked.possible:
        by = ", ".join(checked.means)
        return CheckResult(
            f"Readers: no network, no writing, no programs, no file but their own ({by}).", True
        )
    what = f"Readers: a file made to take one over could {', '.join(checked.possible)}"
    why = "; ".join(checked.missing) or "the system does not hold it"
    return CheckResult(f"{what} ({why}).", False, "Landlock (Linux 5.13 and later) and seccomp prevent it.")


def _index() -> list[CheckResult]:
    """What is wrong with the index; nothing is changed, and who writes it is not disturbed."""
    try:
        with Store(paths.index_path()) as store:
            found = store.check()
    except IndexCorrupt as error:
        return [CheckResult(f"Index: {error.what}", False, error.fix)]
    if not found:
        return [SOUND]
    return [
        CheckResult(f"Index: {one.rows:,} {one.what}.", False, "Run `ken doctor --repair`.") for one in found
    ]


def _repaired_index() -> list[CheckResult]:
    index = paths.index_path()
    with WriteLock("ken doctor"):
        leftovers.delete_old()
        try:
            return _repaired_tables(index)
        except IndexCorrupt:
            saved = salvage(index)
    again = "run `ken index` now" if saved.folders else "add your folders again with `ken index FOLDER`"
    return [
        CheckResult(
            f"Index: it was damaged; {saved.files:,} files in {saved.folders:,} folders were saved.", True
        ),
        CheckResult(f"The damaged file is kept as {paths.short(str(saved.kept))}; {again}.", True),
    ]


def _repaired_tables(index: Path) -> list[CheckResult]:
    with Store(index) as store:
        found = store.check()
        if found:
            store.repair()
        store.wipe("all")
        left = {one.what for one in store.check()} if found else set()
    repaired = [
        CheckResult(
            f"Index: {one.rows:,} {one.what}{'' if one.what in left else ', mended'}.", one.what not in left
        )
        for one in found
    ]
    return repaired or [SOUND]
