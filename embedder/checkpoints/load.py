"""From a model's name to an embedder that answers. Owns the order of things; each thing lives elsewhere."""

from __future__ import annotations

from pathlib import Path

from embedder import prompts, self_test
from embedder.checkpoints.checkpoint import Checkpoint, open_checkpoint
from embedder.checkpoints.models import find_model
from embedder.config import Precision
from embedder.embedder import Embedder, fingerprint_of
from embedder.engines import choose as engines
from embedder.model_thread import QUERY, Owner
from embedder.tokenizer import GemmaTokenizer


def load(
    model: str | Path | None, engine: str, precision: Precision, threads: int | None, memory_mb: int | None
) -> Embedder:
    """See `embedder.load`."""
    name = engines.choose(engine, precision)
    folder = find_model(model)
    checkpoint = open_checkpoint(folder)
    owner = Owner(lambda: engines.build(checkpoint, name, precision, threads=threads, memory_mb=memory_mb))
    try:
        tokenizer = GemmaTokenizer.from_folder(folder, checkpoint.config)
        _prove(owner, tokenizer, checkpoint)
        return Embedder(folder.name, checkpoint, tokenizer, owner)
    except BaseException:
        owner.close()
        raise


def fingerprint(model: str | Path | None, engine: str, precision: str) -> str:
    """The fingerprint a loaded model would have, from the checkpoint's headers alone."""
    checkpoint = open_checkpoint(find_model(model))
    packed = checkpoint.quantization[1] if checkpoint.quantization else None
    packed_run = precision == "auto" and packed == 4
    return fingerprint_of(checkpoint, "4bit" if packed_run else precision)


def _prove(owner: Owner, tokenizer: GemmaTokenizer, checkpoint: Checkpoint) -> None:
    """Run the canary on the thread that owns the model."""
    engine = owner.engine
    ids = tokenizer.encode(self_test.TEXTS, [prompts.document_prompt()] * len(self_test.TEXTS)).ids
    self_test.check(
        lambda batch: owner.submit(batch, QUERY).result(),
        ids,
        checkpoint.fingerprint,
        engine.version,
        engine.precision,
    )
