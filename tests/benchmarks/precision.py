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


def thin(dataset: EvaluationSet, queries: int, documents: int) -> EvaluationSet:
    """At most so many questions, all that answers them, and other documents up to the number given."""
    rng = random.Random(0)
    chosen = sorted(rng.sample(sorted(dataset.queries), min(queries, len(dataset.queries))))
    relevant = {
        d for q in chosen for d, score in dataset.qrels[q].items() if score > 0 and d in dataset.documents
    }
    others = sorted(dataset.documents.keys() - relevant)
    extra = rng.sample(others, max(0, min(documents - len(relevant), len(others))))
    kept = {id_: dataset.documents[id_] for id_ in sorted([*relevant, *extra])}
    texts = {id_: dataset.queries[id_] for id_ in chosen}
    return EvaluationSet(dataset.name, kept, texts, {id_: dataset.qrels[id_] for id_ in chosen})


def run(
    precision: str, folders: Sequence[Path], model: str | None, queries: int, documents: int
) -> Iterator[str]:
    """One line for each set and dimension: set, documents, queries, engine, precision, dimension, nDCG@10."""
    import ir_measures

    import embedder

    with embedder.load(model, precision=precision) as loaded:  # type: ignore[arg-type]
        for folder in folders:
            dataset = thin(read_set(folder), queries, documents)
            task = "code retrieval" if dataset.name == "mbpp" else "search result"
            names = list(dataset.documents)
            titles = [dataset.documents[name][0] or None for name in names]
            vectors = loaded.embed_documents([dataset.documents[name][1] for name in names], titles)
            query_vectors = loaded.embed_queries(list(dataset.queries.values()), task=task)
            for dim in (768, 256):
                short = truncate_matryoshka(vectors, dim)
                scores = query_vectors[:, :dim] @ short.T
                ranking = {
                    query: {names[i]: float(row[i]) for i in np.argsort(-row)[:DEPTH]}
                    for query, row in zip(dataset.queries, scores, strict=True)
                }
                ndcg = ir_measures.calc_aggregate([ir_measures.nDCG @ 10], dataset.qrels, ranking)
                (value,) = ndcg.values()
                size = f"{len(names)}\t{len(dataset.queries)}"
                yield f"{dataset.name}\t{size}\t{loaded.engine}\t{loaded.precision}\t{dim}\t{value:.4f}"
