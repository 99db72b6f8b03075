"""nDCG@10 of vectors alone, by precision: `python -m tests.benchmarks precision int8 FOLDER…`.

Documents are embedded whole, without an index, so that nothing but the vectors differs between two runs.
A set is thinned by a fixed draw to a number of questions, the documents relevant to them and others up to a
number of documents; equal numbers give equal sets on every machine.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from app.evaluation.retrieval import DEPTH, EvaluationSet, read_set
from embedder.embedder import truncate_matryoshka


def thin(asked: EvaluationSet, queries: int, documents: int) -> EvaluationSet:
    """At most so many questions, all that answers them, and other documents up to the number given."""
    rng = random.Random(0)
    chosen = sorted(rng.sample(sorted(asked.queries), min(queries, len(asked.queries))))
    relevant = {
        d for q in chosen for d, score in asked.qrels[q].items() if score > 0 and d in asked.documents
    }
    others = sorted(asked.documents.keys() - relevant)
    extra = rng.sample(others, max(0, min(documents - len(relevant), len(others))))
    kept = {id_: asked.documents[id_] for id_ in sorted([*relevant, *extra])}
    texts = {id_: asked.queries[id_] for id_ in chosen}
    return EvaluationSet(asked.name, kept, texts, {id_: asked.qrels[id_] for id_ in chosen})


def run(
    precision: str, folders: Sequence[Path], model: str | None, queries: int, documents: int
) -> Iterator[str]:
    """One line for each set and dimension: set, documents, queries, engine, precision, dimension, nDCG@10."""
    import ir_measures

    import embedder

    with embedder.load(model, precision=precision) as loaded:  # type: ignore[arg-type]
        for folder in folders:
            asked = thin(read_set(folder), queries, documents)
            task = "code retrieval" if asked.name == "mbpp" else "search result"
            names = list(asked.documents)
            titles = [asked.documents[name][0] or None for name in names]
            vectors = loaded.embed_documents([asked.documents[name][1] for name in names], titles)
            query_vectors = loaded.embed_queries(list(asked.queries.values()), task=task)
            for dim in (768, 256):
                short = truncate_matryoshka(vectors, dim)
                scores = query_vectors[:, :dim] @ short.T
                ranking = {
                    query: {names[i]: float(row[i]) for i in np.argsort(-row)[:DEPTH]}
                    for query, row in zip(asked.queries, scores, strict=True)
                }
                ndcg = ir_measures.calc_aggregate([ir_measures.nDCG @ 10], asked.qrels, ranking)
                (value,) = ndcg.values()
                size = f"{len(names)}\t{len(asked.queries)}"
                yield f"{asked.name}\t{size}\t{loaded.engine}\t{loaded.precision}\t{dim}\t{value:.4f}"
