"""Export of an index to plain files, and import: vectors as safetensors, passages as JSON lines.

An export is a folder with `index.json` (format, fingerprint, chunker, counts), `folders.jsonl`,
`files.jsonl`, `passages.jsonl` and `vectors.safetensors`: one float32 tensor `vectors` of (texts, 768). A
passage names its row in `vector` (null while it has none, or an approximate one). Import embeds only passages
without a vector.
"""

from __future__ import annotations

import base64
import itertools
import json
import os
from collections.abc import Callable, Collection, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import apsw
from safetensors import SafetensorError

from index.errors import IndexingError, IndexUnreachable
from index.private_files import opener, replace
from index.store import approximate, exported, facts, generations, vectors
from index.store.database import SnapshotPool, fetch_one, fetch_value, translate_errors
from index.store.row_codec import FILE_COLUMNS, decode_file, decode_heading
from index.store.store import FILE_ERRORS, FORGOTTEN, Store
from index.types import FileRecord

FORMAT = 1
"""Version of the export format; this release reads no other."""
NAMES = ("index.json", "folders.jsonl", "files.jsonl", "passages.jsonl", "vectors.safetensors")
BATCH = 256
"""Files imported in one transaction: few enough to bound memory, enough to amortize the commit."""
ProgressCallback = Callable[[int, int], None]
"""Called with the amount done and the amount in all."""


def export(path: Path, folder: Path, progress: ProgressCallback = lambda _done, _total: None) -> int:
    """Write the index at `path` into an empty or new `folder`; returns the number of passages written.

    If it fails, the files that it wrote are removed.
    """
    with translate_errors(folder):
        if folder.exists() and any(folder.iterdir()):
            raise IndexUnreachable(f"{folder} is not empty.", "Name a folder that is new or empty.")
        made = not folder.exists()
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        try:
            return _write(path, folder, progress)
        except BaseException:
            for name in NAMES:
                (folder / name).unlink(missing_ok=True)
            if made:
                folder.rmdir()
            raise


def _write(path: Path, folder: Path, progress: ProgressCallback) -> int:
    with SnapshotPool(path) as pool, pool.snapshot() as db, translate_errors(folder):
        number = generations.serving(db)
        places = _export_vectors(db, number, folder / "vectors.safetensors")
        folders = db.execute("SELECT path, state FROM folders")
        kept = ({"path": os.fsdecode(one), "forgotten": state == FORGOTTEN} for one, state in folders)
        _write_lines(folder / "folders.jsonl", kept)
        files = db.execute(f"SELECT id, {', '.join(FILE_COLUMNS)} FROM files ORDER BY id")
        records = (facts.with_facts(db, file, decode_file(one)) for file, *one in files)
        _write_lines(folder / "files.jsonl", (_file_json(record) for record in records))
        total = fetch_value(db, "SELECT count(*) FROM passages", int)
        done = _write_lines(folder / "passages.jsonl", _with_progress(_passages(db, places), total, progress))
        about = {
            "format": FORMAT,
            "fingerprint": generations.stored_fingerprint(db, number),
            "chunker": (fetch_one(db, "SELECT value FROM settings WHERE name = 'chunker'") or ("",))[0],
            "passages": done,
            "vectors": len(places),
        }
        replace(folder / "index.json", (json.dumps(about, indent=1) + "\n").encode())
    return done


def exported_roots(folder: Path, *, forgotten: bool = False) -> list[str]:
    """The roots of an export, or with `forgotten` the folders excluded from them. Raises IndexUnreachable."""
    try:
        lines = exported.json_lines(folder, "folders.jsonl")
        found = [(exported.folder_path(line), exported.is_forgotten(line)) for line in lines]
    except (OSError, exported.InvalidExport) as error:
        raise exported.invalid_export_error(folder, error) from error
    return [path for path, was_forgotten in found if was_forgotten == forgotten]


def import_(
    store: Store,
    folder: Path,
    keep: Collection[str] = (),
    progress: ProgressCallback = lambda _done, _total: None,
) -> int:
    """Store every file of the export in `folder`, replacing files of the same path; returns their number.

    Only the roots of the export that are in `keep` are added. Raises IndexUnreachable where the folder is no
    export, or its vectors may not be mixed with those of the store: the store must then be discarded.
    """
    try:
        about = exported.read_facts(folder)
        _check(about, store, folder)
        store.use_versions(about["fingerprint"], about["chunker"])
        records = (exported.record(line) for line in exported.json_lines(folder, "files.jsonl"))
        files = {record.path: record for record in records}
        _keep(store, folder, keep)
        passages = itertools.groupby(exported.json_lines(folder, "passages.jsonl"), key=exported.passage_path)
        with exported.tensor(folder) as stored:
            with_passages = (_with_record(files, path, some) for path, some in passages)
            done = 0
            while batch := list(itertools.islice(with_passages, BATCH)):
                _import_batch(store, batch, stored)
                done += len(batch)
                progress(done, done + len(files))
        without = list(files.values())
        store.put([(record, ()) for record in without])
    except (OSError, SafetensorError, *FILE_ERRORS) as error:
        raise exported.invalid_export_error(folder, error) from error
    return done + len(without)


def _export_vectors(db: apsw.Connection, number: int, path: Path) -> dict[int, int]:
    """Write the tensor row by row, to bound memory; returns the row of each text."""
    ids: list[int] = []
    if number:
        for some, _ in vectors.iterate_chunks(db, number):
            ids += some[~approximate.among(db, some)].tolist()
    size = len(ids) * vectors.FULL_DIMENSION * 4
    header = json.dumps(
        {"vectors": {"dtype": "F32", "shape": [len(ids), vectors.FULL_DIMENSION], "data_offsets": [0, size]}}
    ).encode()
    header += b" " * (-len(header) % 8)
    with open(path, "wb", opener=opener) as file:
        file.write(len(header).to_bytes(8, "little") + header)
        for id_ in ids:
            one = vectors.read_vector(db, number, id_)
            if one is None:
                raise IndexingError("The vectors changed while they were exported.", "Export again.")
            file.write(one.tobytes())
    return {id_: place for place, id_ in enumerate(ids)}


def _passages(db: apsw.Connection, places: dict[int, int]) -> Iterator[dict[str, Any]]:
    found = db.execute(
        "SELECT files.path, files.title, passages.text, passages.start, passages.end, passages.line, "
        "passages.page, passages.title, passages.heading, passages.places, texts.text, texts.tokens "
        "FROM passages JOIN files ON files.id = passages.file JOIN texts ON texts.id = passages.text "
        "ORDER BY passages.file, passages.ordinal"
    )
    for path, title, text, start, end, line, page, own, heading, places_, body, tokens in found:
        yield {
            "file": os.fsdecode(path),
            "title": title if own is None else own,
            "heading": list(decode_heading(heading)),
            "text": body,
            "start": start,
            "end": end,
            "line": line,
            "page": page,
            "places": places_,
            "tokens": tokens,
            "vector": places.get(text),
        }


def _with_progress(
    lines: Iterator[dict[str, Any]], total: int, progress: ProgressCallback
) -> Iterator[dict[str, Any]]:
    for done, line in enumerate(lines):
        if done % 1_000 == 0:
            progress(done, total)
        yield line


def _write_lines(path: Path, lines: Iterator[dict[str, Any]]) -> int:
    count = 0
    with open(path, "w", encoding="ascii", opener=opener) as file:
        for line in lines:
            file.write(json.dumps(line) + "\n")
            count += 1
    return count


def _file_json(record: FileRecord) -> dict[str, Any]:
    return {**asdict(record), "hash": base64.b64encode(record.hash).decode()}


def _check(about: dict[str, Any], store: Store, folder: Path) -> None:
    if about["format"] != FORMAT:
        raise IndexUnreachable(
            f"{folder} has format {about['format']}; this ken reads {FORMAT}.", "Update ken."
        )
    if store.fingerprint and store.fingerprint != about["fingerprint"]:
        raise IndexUnreachable(
            f"The vectors in {folder} were made by another model or precision than this index.",
            "Import into an empty index: point KEN_HOME at a new folder.",
        )


def _keep(store: Store, folder: Path, keep: Collection[str]) -> None:
    """Add the roots in `keep`, with the folders that are excluded from them."""
    kept = [path for path in exported_roots(folder) if path in keep]
    for path in kept:
        store.add_root(path)
    for path in exported_roots(folder, forgotten=True):
        if any(path.startswith(f"{root}{os.sep}") for root in kept):
            store.add_root(path)
            store.set_root_state(path, FORGOTTEN)


def _with_record(
    files: dict[str, FileRecord], path: str, lines: Iterator[Any]
) -> tuple[FileRecord, list[Any]]:
    """The record of a file, removed from `files`, with its passages."""
    if path not in files:
        raise exported.InvalidExport("passages.jsonl holds a file twice, or one that files.jsonl does not")
    found = list(itertools.islice(lines, exported.MAX_PASSAGES + 1))
    if len(found) > exported.MAX_PASSAGES:
        raise exported.InvalidExport(f"a file has more than {exported.MAX_PASSAGES:,} passages")
    return files.pop(path), found


def _import_batch(store: Store, batch: list[tuple[FileRecord, list[Any]]], stored: Any) -> None:
    items = [(record, [exported.passage(line) for line in lines]) for record, lines in batch]
    places = [exported.vector_row(line, stored.get_shape()[0]) for _, lines in batch for line in lines]
    store.put(items)
    passages = [passage for _, some in items for passage in some]
    wanted = {
        text: place
        for text, place in zip(store.text_ids(passages), places, strict=True)
        if text and place is not None
    }
    if wanted:
        store.put_vectors(list(wanted), exported.unit_rows(stored, list(wanted.values())))
