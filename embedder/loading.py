"""From a model's name to an embedder that answers. Owns the order of things; each thing lives elsewhere."""

from __future__ import annotations

from pathlib import Path

from embedder import canary, prompts
from embedder import engine as engines
from embedder.checkpoint import Checkpoint, open_checkpoint
from embedder.config import Precision
from embedder.embedder import Embedder, fingerprint_of
from embedder.models import find_model
from embedder.owner import QUERY, Owner
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
    ids = tokenizer.encode(canary.TEXTS, [prompts.document_prompt()] * len(canary.TEXTS)).ids
    canary.check(
        lambda batch: owner.submit(batch, QUERY).result(),
        ids,
        checkpoint.fingerprint,
        engine.version,
        engine.precision,
    )
