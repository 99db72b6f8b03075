"""The three losses of EmbeddingGemma (arXiv:2509.20354) and their sum over nested dimensions, in MLX.

Rows are unit vectors: `queries`, `positives` and `negatives` (the hard ones) are (B, d), row by row one
training example. Owns formulas; knows nothing of where vectors come from.
"""

from __future__ import annotations

import mlx.core as mx

TEMPERATURE = 0.05
"""τ. The paper does not print its value; this one is common for unit vectors."""
HARDNESS = 5.0
"""α of the paper."""
NESTED = (768, 512, 256, 128)
"""The dimensions to which the losses apply (Matryoshka, arXiv:2205.13147), each with weight 1."""


def contrastive(
    queries: mx.array, positives: mx.array, negatives: mx.array, allowed: mx.array, temperature: float
) -> mx.array:
    """Noise-contrastive estimation with hard negatives, weighted by how hard they are:

        L_C = 1/B Σ_i −log( e^{q_i·p_i⁺/τ} / (w_i e^{q_i·p_i⁻/τ} + Σ_j 1_TN(i,j) e^{q_i·p_j⁺/τ}) )
        w_i = exp(α sg(q_i·p_i⁻))

    sg stops the gradient. `allowed` (B, B) is 1_TN: 0 where j is another example with the query or the
    passage of i, 1 elsewhere and on the diagonal.
    """
    scores = queries @ positives.T / temperature
    hard = mx.sum(queries * negatives, axis=1)
    weighted = hard / temperature + HARDNESS * mx.stop_gradient(hard)
    others = mx.where(allowed, scores, mx.array(-1e9, scores.dtype))
    total = mx.logsumexp(mx.concatenate([others, weighted[:, None]], axis=1), axis=1)
    return mx.mean(total - mx.diag(scores))


def spread_out(rows: mx.array) -> mx.array:
    """The second moment of the global orthogonal regularizer (arXiv:1708.06320), for one side:

        L_S = 1/(B(B−1)) Σ_{i≠j} (x_i·x_j)²

    The paper adds that of the queries and that of the positive passages.
    """
    count = rows.shape[0]
    products = rows @ rows.T
    return (mx.sum(products**2) - mx.sum(mx.diag(products) ** 2)) / (count * (count - 1))


def matching(student: mx.array, teacher: mx.array) -> mx.array:
    """Embedding matching: the mean squared Euclidean distance from the teacher's vectors of the same texts.

        L_D = 1/B Σ_i ‖x_i − t_i‖²

    The paper adds those of queries, positive passages and hard negatives.
    """
    return mx.mean(mx.sum((student - teacher) ** 2, axis=1))


def shorten(rows: mx.array, dimension: int) -> mx.array:
    """The first `dimension` numbers of each row, normalized again."""
    head = rows[:, :dimension]
    return head * mx.rsqrt(mx.sum(head**2, axis=1, keepdims=True) + 1e-12)


def recipe(
    positives: mx.array,
    negatives: mx.array,
    queries: mx.array,
    teacher_positives: mx.array,
    teacher_negatives: mx.array,
    allowed: mx.array,
    weights: tuple[float, float, float],
) -> mx.array:
    """The `weights` of the contrastive, spread-out and matching losses times these, summed over `NESTED`.

    The queries' vectors are the teacher's, so that their parts of L_S and L_D are constant and left out.
    """
    total = mx.array(0.0)
    for dimension in (size for size in NESTED if size <= positives.shape[1]):
        p, n, q, tp, tn = (
            shorten(rows, dimension)
            for rows in (positives, negatives, queries, teacher_positives, teacher_negatives)
        )
        total = total + weights[0] * contrastive(q, p, n, allowed, TEMPERATURE)
        total = total + weights[1] * spread_out(p) + weights[2] * (matching(p, tp) + matching(n, tn))
    return total
