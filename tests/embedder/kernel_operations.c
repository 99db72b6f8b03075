/* The kernel's operations, fast and plain, under names that a test can call. Includes the kernel whole. */
#define KEN_RUN ken_run
#include "kernel.c"

#include "reference.h"

int zero_point(void) { return ZERO_POINT; }
int most_code(void) { return MOST_CODE; }

void fast_rmsnorm(const float *v, const float *norm, int n, float epsilon, float *out) {
    float inverse = inverse_rms(v, n, epsilon);
    for (int i = 0; i < n; i++) out[i] = v[i] * inverse * norm[i];
}
void plain_rmsnorm(const float *v, const float *norm, int n, float epsilon, float *out) {
    reference_rmsnorm(v, norm, n, epsilon, out);
}

/* int8 codes (n) of a row after the transform; returns the scale. */
float fast_quantize(const float *v, int n, uint8_t *codes) {
    Model model = {.int8 = 1};
    float scale, transformed[4096];
    Run run = {.model = &model, .quantized = codes, .quantized_stride = n, .activation_scale = &scale};
    Worker worker = {.run = &run, .transformed = transformed};
    quantize_row(&worker, 0, v, n);
    return scale;
}
float plain_quantize(const float *v, int n, uint8_t *codes) {
    float transformed[4096];
    reference_hadamard(v, n, transformed);
    return reference_quantize(transformed, n, MOST_CODE, ZERO_POINT, codes);
}

void fast_gelu(const float *v, int n, float *out) {
    for (int i = 0; i < n; i += LANES) store(out + i, gelu(load(v + i)));
}
void plain_gelu(const float *v, int n, float *out) {
    for (int i = 0; i < n; i++) out[i] = reference_gelu(v[i]);
}

static void widen(const bf16 *from, int n, float *to) {
    for (int i = 0; i < n; i++) to[i] = reference_from_bf16((const uint8_t *)(from + i));
}

void fast_rope(const float *v, const float *norm, const float *rotary, int n, float epsilon, float *out) {
    bf16 head[4096];
    qk_norm_rope(v, n, norm, rotary, epsilon, head);
    widen(head, n, out);
}
void plain_rope(const float *v, const float *norm, const float *rotary, int n, float epsilon, float *out) {
    float normalized[4096];
    reference_rmsnorm(v, norm, n, epsilon, normalized);
    reference_rope(normalized, n, rotary, out);
}

float fast_softmax(const float *score, int n, int from, int to, float *weight) {
    bf16 narrow[4096];
    float sum = softmax_unnormalized(score, n, from, to, narrow);
    widen(narrow, n, weight);
    return sum;
}
float plain_softmax(const float *score, int n, int from, int to, float *weight) {
    return reference_softmax_unnormalized(score, n, from, to, weight);
}

/* out (rows, 32) of a left operand of 32 readable rows and two tiled ones, one after the other. */
void fast_block(const uint8_t *left, const uint8_t *tiles, int rows, int steps, int int8, int amx,
                const int32_t *column_offset, void *out) {
    Run run = {.amx = amx};
    Block *block = int8 ? int8_block(&run) : bf16_block(&run);
#ifdef __AMX_TILE__
    if (amx) configure_tiles();
#endif
    block(left, steps * 64, tiles, tiles + steps * TILE, rows, steps, column_offset, out, 32);
#ifdef __AMX_TILE__
    if (amx) _tile_release();
#endif
}
void plain_block(const uint8_t *left, const uint8_t *tiles, int rows, int steps, int int8, void *out) {
    for (int half = 0; half < 2; half++) {
        int32_t part[32 * 16];
        if (int8)
            reference_block_int8(left, tiles + half * steps * TILE, rows, steps, ZERO_POINT, part);
        else
            reference_block_bf16(left, tiles + half * steps * TILE, rows, steps, (float *)part);
        for (int r = 0; r < rows; r++) memcpy((int32_t *)out + r * 32 + half * 16, part + r * 16, 64);
    }
}
