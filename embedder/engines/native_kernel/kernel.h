/* The network's shapes and weights as the Python side lays them out (embedder/engines/native.py). */
#ifndef KEN_KERNEL_H
#define KEN_KERNEL_H

#include <stdint.h>

enum { QKV, OUTPUT, GATE_UP, DOWN, PRODUCTS };
enum { INPUT, AFTER_ATTENTION, BEFORE_MLP, AFTER_MLP, QUERY, KEY, NORMS };

typedef struct {
    const void *weight[PRODUCTS];   /* packed in tiles, see block.h */
    const float *scale[PRODUCTS];   /* int8: what one step of each column is worth */
    const int32_t *shift[PRODUCTS]; /* int8: -128 times the sum of each column */
    const float *norm[NORMS];       /* one plus the stored weight; the query's holds the attention scale */
    int32_t sliding;
} Layer;

typedef struct {
    int32_t hidden, heads, kv_heads, head_dim, mlp, layers;
    int32_t window; /* sliding layers see positions at a distance less than this */
    int32_t int8;   /* weights and activations of the products: int8, else bfloat16 */
    float epsilon;
    const float *rotary[2]; /* (positions, head_dim): cosines, then sines; of full and of sliding layers */
    const float *norm;
    const float *head; /* (hidden, hidden): a row for each number of the mean */
    const Layer *layer;
} Model;

/* What this processor can run: bit 0 the AVX-512 kernels (VNNI and BF16), bit 1 the AMX ones. */
int ken_abilities(void);

/* Texts, one after the other without padding, to unit vectors.
 *
 * x: embeddings (start[texts], hidden), overwritten; start: first row of each text, and the end;
 * vectors: (texts, hidden). Returns 0, or -1 where there is no memory. */
int ken_run(const Model *model, float *x, const int32_t *start, int texts, int threads, int amx,
            float *vectors);

#endif
