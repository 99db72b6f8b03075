"""`python -m embedder.recipe TEXTS FOLDER`: train a student on texts, with the model as its teacher."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

import embedder
from embedder.checkpoints.models import find_model
from embedder.errors import EmbedderError, InputInvalid
from embedder.recipe.train import Settings, Text, train


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; the exit status."""
    chosen = _parser().parse_args(arguments)
    weights = (chosen.contrastive, chosen.spread_out, chosen.matching)
    settings = Settings(
        chosen.steps, chosen.batch, chosen.rate, chosen.seed, chosen.save_every, weights=weights
    )
    try:
        texts = read_texts(chosen.texts)
        checkpoint = find_model(chosen.model)
        with embedder.load(checkpoint, threads=chosen.threads) as model:
            train(texts, model, checkpoint, chosen.folder, settings, _tell)
    except EmbedderError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def _tell(record: dict[str, float]) -> None:
    print(json.dumps(record), flush=True)


def read_texts(path: Path) -> list[Text]:
    """The different texts of a JSON Lines file. Raises `InputInvalid`."""
    texts: dict[Text, None] = {}
    try:
        with path.open(encoding="utf-8") as lines:
            for number, line in enumerate(lines, start=1):
                record = json.loads(line)
                if not isinstance(record, dict) or not isinstance(record.get("text"), str):
                    raise InputInvalid(f"{path}, line {number}, has no text.", 'Write {"text": "…"}.')
                if record["text"].strip():
                    texts[Text(record["text"], str(record.get("title") or "") or None)] = None
    except (OSError, ValueError, RecursionError) as error:
        raise InputInvalid(f"{path} cannot be read: {error}.", 'Give lines of {"text": "…"}.') from error
    return list(texts)


def _parser() -> argparse.ArgumentParser:
    default = Settings()
    parser = argparse.ArgumentParser(prog="python -m embedder.recipe", description=__doc__)
    parser.add_argument("texts", type=Path, help='lines of {"text": "…", "title": "…"}, a passage each')
    parser.add_argument("folder", type=Path, help="for student.npz, log.jsonl and training.svg; resumed")
    parser.add_argument("--model", help="name or folder of the teacher")
    parser.add_argument("--threads", type=int, help="processor cores of the teacher")
    parser.add_argument("--steps", type=int, default=default.steps)
    parser.add_argument("--batch", type=int, default=default.batch)
    parser.add_argument("--rate", type=float, default=default.rate, help="learning rate of Adam")
    parser.add_argument("--seed", type=int, default=default.seed)
    parser.add_argument("--save-every", type=int, default=default.save_every, help="steps")
    names = ("contrastive", "spread-out", "matching")
    for name, weight in zip(names, default.weights, strict=True):
        parser.add_argument(f"--{name}", type=float, default=weight, help="weight of this loss")
    return parser


if __name__ == "__main__":
    sys.exit(main())
