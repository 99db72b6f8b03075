"""Reading never keeps the model waiting for what is read already."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from support.tiny_home import notes
from support.tiny_model import PRECISION, make_tiny_checkpoint

from app.config import ModelConfig
from app.model import Model
from app.sync import sync_run
from app.sync.extract_stage import ReaderPools
from app.sync.pipeline import Pipeline
from index.extract import ChunkerSettings, ExtractedDocument, ReaderPool
from index.store.store import Store
from index.walk.walker import Rules

embedded = threading.Event()


class Told(Model):
    """Tells when it embeds."""

    def embed_documents(
        self, texts: Sequence[str], titles: Sequence[str | None] | None = None
    ) -> NDArray[np.float32]:
        embedded.set()
        return super().embed_documents(texts, titles)


class Held(ReaderPool):
    """One file takes until something was embedded."""

    def read(
        self, path: str, chunking: ChunkerSettings | None = None, *, real: str = ""
    ) -> ExtractedDocument:
        if path.endswith("long.md"):
            assert embedded.wait(60), "the model was given nothing while a file was being read"
        return super().read(path, chunking, real=real)


def test_what_is_read_is_embedded_while_another_file_is_being_read(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sync_run, "STORE_SECONDS", 1e9)
    model = Told(
        ModelConfig(name=str(make_tiny_checkpoint(tmp_path / "model")), precision=PRECISION, threads=1)
    )
    folder = notes(tmp_path / "notes", long__md="# Long\n\nPears.\n", short__md="# Short\n\nBread.\n")
    with Store(tmp_path / "index.db", fingerprint=model.fingerprint) as store, Held(1) as pool:
        store.add_root(str(folder))
        readers = ReaderPools(1)
        readers.all = pool
        report = Pipeline(store, model, Rules(), readers=readers).sync([str(folder)])
        readers.close()
    model.close()
    assert (report.added, report.embedded) == (2, 2)
    assert 0 < report.starved < report.seconds
