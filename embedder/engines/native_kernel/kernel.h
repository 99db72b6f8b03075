/* The interface of the kernel: shapes and weights, as `embedder/engines/native.py` passes them.
 *
 * Dimension letters in all comments of the kernel:
 *
 *   T  rows: the tokens of all texts of a batch, consecutive, without padding
 *   C  `hidden`, the width of the residual stream
 *   H  `heads`, K `kv_heads`, D `head_dim`: queries are (T, H, D), keys and values (T, K, D)
 *   M  `mlp`, the width inside the gated MLP
 *   P  positions in the rotary tables
 *   S  keys of one text, rounded up to a multiple of ROWS
 *
 * Shapes are row-major; a matrix of weights is (columns of the product, depth). */
#ifndef KEN_KERNEL_H
#define KEN_KERNEL_H

#include <stdint.h>

/* The products of a layer, and its norms, in the order of PRODUCTS and NORMS in native_weights.py. */
enum { QKV, OUTPUT, GATE_UP, DOWN, PRODUCTS };
enum { INPUT, AFTER_ATTENTION, BEFORE_MLP, AFTER_MLP, QUERY, KEY, NORMS };

typedef struct {
    const void *weight[PRODUCTS];           /* in tiles, see block.h */
    const float *scale[PRODUCTS];           /* int8 only, (columns): the scale of the codes of each column */
    const int32_t *column_offset[PRODUCTS]; /* int8 only, (columns): -128 times the sum of the codes of each column */
    const float *norm[NORMS];               /* one plus the stored weight; QUERY is multiplied by the attention scale */
    int32_t sliding;
} Layer;

typedef struct {
    int32_t hidden, heads, kv_heads, head_dim, mlp, layers;
    int32_t window; /* sliding layers attend to positions at a distance less than this */
    int32_t int8;   /* weights and activations of the products are int8; otherwise bfloat16 */
    float epsilon;
    const float *rotary[2]; /* (P, D): D / 2 cosines, then D / 2 sines; of full and of sliding layers */
    const float *norm;      /* (C) */
    const float *head;      /* (C, C): both dense layers in one, transposed: row i has the weights of number i of the mean */
    const Layer *layer;
} Model;

/* The instruction sets of this processor that the kernel was compiled for: one bit each. */
int ken_instructions(void);

/* Texts to unit vectors.
 *
 * x: token embeddings (T, C), overwritten; start (texts + 1): first row of each text, and T; instructions: one of
 * the sets of this processor; vectors: (texts, C). Returns 0, or -1 if there is not enough memory. */
int ken_run(const Model *model, float *x, const int32_t *start, int texts, int threads, int instructions,
            float *vectors);

#endif
