/* The operations of the kernel in plain C: one number at a time, easy to check by reading.
 *
 * Not part of the library. tests/embedder/test_kernel_operations.py compares each fast operation with the one of
 * the same name here. */
#ifndef KEN_REFERENCE_H
#define KEN_REFERENCE_H

#include <math.h>
#include <stdint.h>
#include <string.h>

/* out = v / sqrt(mean(v²) + epsilon) * norm */
static void reference_rmsnorm(const float *v, const float *norm, int n, float epsilon, float *out) {
    double squares = 0;
    for (int i = 0; i < n; i++) squares += (double)v[i] * v[i];
    for (int i = 0; i < n; i++) out[i] = (float)(v[i] / sqrt(squares / n + epsilon) * norm[i]);
}

/* In each 128 numbers: out[i] is the sum of v[j] with the sign (-1)^popcount(i & j), over the j that differ from i
 * only in bit 0 and bits 4 to 6. */
static void reference_hadamard(const float *v, int n, float *out) {
    const int bits = 0x71;
    for (int i = 0; i < n; i++) {
        double sum = 0;
        for (int j = i / 128 * 128; j < i / 128 * 128 + 128; j++)
            if (((i ^ j) & 127 & ~bits) == 0) sum += __builtin_popcount(i & j & bits) & 1 ? -v[j] : v[j];
        out[i] = (float)sum;
    }
}

/* Symmetric codes up to `most`, stored plus `zero_point`; returns the scale. */
static float reference_quantize(const float *v, int n, int most, int zero_point, uint8_t *codes) {
    float largest = 1e-30f;
    for (int i = 0; i < n; i++) largest = fmaxf(largest, fabsf(v[i]));
    for (int i = 0; i < n; i++) codes[i] = (uint8_t)(lrintf(v[i] * ((float)most / largest)) + zero_point);
    return largest / (float)most;
}

static float reference_gelu(float x) {
    return 0.5f * x * (1.0f + tanhf(0.79788456f * (x + 0.044715f * x * x * x)));
}

/* Rotary positions of one normalized head. */
static void reference_rope(const float *v, int n, const float *rotary, float *out) {
    for (int i = 0; i < n / 2; i++) {
        float a = v[i], b = v[n / 2 + i], cosine = rotary[i], sine = rotary[n / 2 + i];
        out[i] = a * cosine - b * sine;
        out[n / 2 + i] = b * cosine + a * sine;
    }
}

/* exp(score - max) of the scores [from, to), zero elsewhere; returns the sum. */
static float reference_softmax_unnormalized(const float *score, int n, int from, int to, float *weight) {
    float top = score[from];
    double sum = 0;
    for (int i = from; i < to; i++) top = fmaxf(top, score[i]);
    for (int i = 0; i < n; i++) {
        weight[i] = i >= from && i < to ? expf(score[i] - top) : 0.0f;
        sum += weight[i];
    }
    return (float)sum;
}

/* The number at (depth, column) of a tiled operand, see block.h; `size` is the bytes of a number. */
static const uint8_t *reference_tile(const uint8_t *tiles, int depth, int column, int size) {
    int byte = depth * size;
    return tiles + byte / 64 * 1024 + byte % 64 / 4 * 64 + column * 4 + byte % 4;
}

/* out (rows, 16) = left (rows, steps * 64), stored plus `zero_point` (signed if that is zero), times one tiled
 * operand. */
static void reference_block_int8(const uint8_t *left, const uint8_t *tiles, int rows, int steps, int zero_point,
                                 int32_t *out) {
    for (int r = 0; r < rows; r++)
        for (int c = 0; c < 16; c++) {
            int32_t sum = 0;
            for (int d = 0; d < steps * 64; d++) {
                uint8_t code = left[r * steps * 64 + d];
                sum += ((zero_point ? code : (int8_t)code) - zero_point) * *(const int8_t *)reference_tile(tiles, d, c, 1);
            }
            out[r * 16 + c] = sum;
        }
}

static float reference_from_bf16(const uint8_t *from) {
    uint16_t half;
    memcpy(&half, from, 2);
    uint32_t bits = (uint32_t)half << 16;
    float value;
    memcpy(&value, &bits, 4);
    return value;
}

/* The same for bfloat16: left is (rows, steps * 32). */
static void reference_block_bf16(const uint8_t *left, const uint8_t *tiles, int rows, int steps, float *out) {
    for (int r = 0; r < rows; r++)
        for (int c = 0; c < 16; c++) {
            double sum = 0;
            for (int d = 0; d < steps * 32; d++)
                sum += (double)reference_from_bf16(left + (r * steps * 32 + d) * 2) *
                       reference_from_bf16(reference_tile(tiles, d, c, 2));
            out[r * 16 + c] = (float)sum;
        }
}

#endif
