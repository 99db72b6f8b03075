"""The `tokenizer.json` of a checkpoint as tables for `embedder.bpe`, built once and cached.

Owns reading, checking and caching them; `bpe` defines the tables.
"""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path
from typing import Any

from embedder import bpe
from embedder.checkpoints.artifact_cache import digest_of, mark_used, store
from embedder.checkpoints.models import models_folder
from embedder.errors import ModelInvalid

_VERSION = 2
"""Version of the tables: files of another version are not read."""

_MAX_TOKENIZER_BYTES = 64 << 20
"""Bytes of a tokenizer.json that is read: Gemma's has 33 MB, and parsing takes several times its size."""

_FETCH_AGAIN = "Fetch or copy the checkpoint again, tokenizer.json included."

_PROBES = (
    "The quick brown fox jumps over 13 lazy dogs; it's 07:45, isn't it?\n\n\tif x != None: return [y ** 2]",
    "Zürich, façade, naïve, smørrebrød — «déjà vu» … № 5 ½ €",
    "Москва Ἐν ἀρχῇ 東京は日本の首都です。 한국어 ภาษาไทย नमस्ते مرحبا שלום",
    "🙂👩‍👩‍👧 \u200b\u0007 \U0001f9ff zzzzzzzzzzzz   \r\n <eos> <unused7> ▁▁",
)
"""Texts of many scripts on which new tables are compared with the `tokenizers` library."""


def tokenizer_tables(path: Path, models: Path | None = None) -> bpe.Tables:
    """The tables of a `tokenizer.json`; building takes seconds once, later calls map the cached file.

    It is cached under `models`, else in the models folder. Raises `ModelInvalid` where the file is missing,
    damaged or not Gemma's kind of tokenizer.
    """
    try:
        stat = path.stat()
    except OSError as error:
        raise ModelInvalid(f"{path} cannot be read: {error.strerror}.", _FETCH_AGAIN) from error
    digest = digest_of(f"{path.resolve()}\0{stat.st_size}\0{stat.st_mtime_ns}")
    kept = (models or models_folder()) / ".tokenizers" / f"{_VERSION}-{digest}"
    with suppress(ModelInvalid, OSError):
        if kept.is_file():
            tables = bpe.read_tables(kept)
            mark_used(kept)
            return tables
    contents = _read(path, stat.st_size)
    try:
        tables = bpe.build_tables(contents)
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise ModelInvalid(f"{path} is not a whole tokenizer: {error!r}.", _FETCH_AGAIN) from error
    _check_tables(tables, path)
    with suppress(OSError):  # where nothing can be written, each start builds them
        store(kept, lambda work: bpe.write_tables(work, tables))
    return tables


def _check_tables(tables: bpe.Tables, path: Path) -> None:
    """Compare new tables with the library that reads `tokenizer.json` whole.

    The library takes a second to import, so only this and tests import it.
    """
    from tokenizers import Tokenizer

    try:
        library = Tokenizer.from_file(str(path))
    except Exception as error:  # the library raises nothing narrower
        raise ModelInvalid(f"{path} is not a whole tokenizer: {error}.", _FETCH_AGAIN) from error
    ours = bpe.BytePairEncoding(tables)
    for text in _PROBES:
        if list(ours.encode(text)) != library.encode(text, add_special_tokens=False).ids:
            raise ModelInvalid(f"{path} splits text in a way ken does not know.", _FETCH_AGAIN)


def _read(path: Path, size: int) -> dict[str, Any]:
    if size > _MAX_TOKENIZER_BYTES:
        raise ModelInvalid(f"{path} is larger than any tokenizer ken knows.", _FETCH_AGAIN)
    try:
        contents = json.loads(path.read_bytes())
        if isinstance(contents, dict):
            return contents
    except (OSError, ValueError, RecursionError) as error:
        raise ModelInvalid(f"{path} cannot be read: {error}.", _FETCH_AGAIN) from error
    raise ModelInvalid(f"{path} is not a JSON object.", _FETCH_AGAIN)
