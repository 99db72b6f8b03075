/* Operations on one row: RMS norm, the residual stream, GELU, and quantization for the next product. */
#ifndef KEN_ROWS_H
#define KEN_ROWS_H

#include "run.h"

/* 1 / sqrt(mean(v²) + epsilon) of n numbers, n a multiple of 32 (arXiv:1910.07467). */
static float inverse_rms(const float *v, int n, float epsilon) {
    __m512 even = _mm512_setzero_ps(), odd = even;
    for (int i = 0; i < n; i += 32) {
        __m512 a = _mm512_loadu_ps(v + i), b = _mm512_loadu_ps(v + i + 16);
        even = _mm512_fmadd_ps(a, a, even);
        odd = _mm512_fmadd_ps(b, b, odd);
    }
    return 1.0f / __builtin_sqrtf(_mm512_reduce_add_ps(_mm512_add_ps(even, odd)) / n + epsilon);
}

static void store_bf16(bf16 *to, __m512 v) {
    _mm256_storeu_si256((__m256i *)to, (__m256i)_mm512_cvtneps_pbh(v));
}

/* An unscaled Hadamard transform of 128 numbers in groups of 16: three stages of sums and differences of eight
 * vectors, then sums and differences of neighbours in each vector. It distributes one number over sixteen.
 * native_weights.py applies the inverse to the weights, so that products stay the same. */
static void hadamard(__m512 v[8]) {
    for (int distance = 1; distance < 8; distance *= 2)
        for (int i = 0; i < 8; i++)
            if (!(i & distance)) {
                __m512 a = v[i], b = v[i + distance];
                v[i] = _mm512_add_ps(a, b);
                v[i + distance] = _mm512_sub_ps(a, b);
            }
    for (int i = 0; i < 8; i++) {
        __m512 neighbour = _mm512_permute_ps(v[i], 0xB1);
        v[i] = _mm512_mask_sub_ps(_mm512_add_ps(v[i], neighbour), 0xAAAA, neighbour, v[i]);
    }
}

/* Quantize n numbers of a row for the next product: to bfloat16, or to int8 codes plus 128 with one scale.
 *
 * One large number would leave few int8 steps for the others, so the row is transformed first (QuaRot,
 * arXiv:2404.00456), which reduces the error to a third. */
static void quantize_row(Worker *worker, int row, const float *v, int n) {
    Run *run = worker->run;
    uint8_t *to = run->quantized + row * run->quantized_stride;
    if (!run->model->int8) {
        for (int i = 0; i < n; i += 16) store_bf16((bf16 *)to + i, _mm512_loadu_ps(v + i));
        return;
    }
    float *transformed = worker->transformed;
    __m512 top = _mm512_set1_ps(1e-30f); /* for a row of zeros, so that its scale is not zero */
    for (int i = 0; i < n; i += 128) {
        __m512 part[8];
        for (int j = 0; j < 8; j++) part[j] = _mm512_loadu_ps(v + i + 16 * j);
        hadamard(part);
        for (int j = 0; j < 8; j++) {
            top = _mm512_max_ps(top, _mm512_abs_ps(part[j]));
            _mm512_storeu_ps(transformed + i + 16 * j, part[j]);
        }
    }
    float largest = _mm512_reduce_max_ps(top);
    __m512 scale = _mm512_set1_ps(127.0f / largest);
    for (int i = 0; i < n; i += 16) {
        __m512i codes = _mm512_cvtps_epi32(_mm512_mul_ps(_mm512_loadu_ps(transformed + i), scale));
        codes = _mm512_add_epi32(codes, _mm512_set1_epi32(128));
        _mm_storeu_si128((__m128i *)(to + i), _mm512_cvtepi32_epi8(codes));
    }
    run->activation_scale[row] = largest / 127.0f;
}

/* RMS norm of a row of the residual stream, quantized for the next product. */
static void rmsnorm_quantize(Worker *worker, int row, const float *norm) {
    Run *run = worker->run;
    int n = run->model->hidden;
    const float *x = run->x + (long)row * n;
    float *v = worker->row;
    __m512 inverse = _mm512_set1_ps(inverse_rms(x, n, run->model->epsilon));
    for (int i = 0; i < n; i += 16)
        _mm512_storeu_ps(v + i, _mm512_mul_ps(_mm512_mul_ps(_mm512_loadu_ps(x + i), inverse),
                                              _mm512_loadu_ps(norm + i)));
    quantize_row(worker, row, v, n);
}

/* RMS norm of the row of a product, added to the residual stream. */
static void rmsnorm_add_residual(Run *run, int row, const float *norm) {
    int n = run->model->hidden;
    float *x = run->x + (long)row * n;
    const float *y = run->accumulators + row * run->accumulator_stride;
    __m512 inverse = _mm512_set1_ps(inverse_rms(y, n, run->model->epsilon));
    for (int i = 0; i < n; i += 16)
        _mm512_storeu_ps(x + i, _mm512_fmadd_ps(_mm512_mul_ps(_mm512_loadu_ps(y + i), inverse),
                                                _mm512_loadu_ps(norm + i), _mm512_loadu_ps(x + i)));
}

/* exp with a relative error of 2e-7: 2^n times the Taylor series of 2^f, |f| at most a half; x at least -100. */
static inline __m512 exponential(__m512 x) {
    __m512 t = _mm512_mul_ps(_mm512_max_ps(x, _mm512_set1_ps(-100.0f)), _mm512_set1_ps(1.44269504f));
    __m512 n = _mm512_roundscale_ps(t, 0), f = _mm512_sub_ps(t, n);
    __m512 p = _mm512_set1_ps(1.5403530e-4f);
    p = _mm512_fmadd_ps(p, f, _mm512_set1_ps(1.3333558e-3f));
    p = _mm512_fmadd_ps(p, f, _mm512_set1_ps(9.6181291e-3f));
    p = _mm512_fmadd_ps(p, f, _mm512_set1_ps(5.5504109e-2f));
    p = _mm512_fmadd_ps(p, f, _mm512_set1_ps(2.4022651e-1f));
    p = _mm512_fmadd_ps(p, f, _mm512_set1_ps(6.9314718e-1f));
    p = _mm512_fmadd_ps(p, f, _mm512_set1_ps(1.0f));
    return _mm512_scalef_ps(p, n);
}

/* GELU in its tanh form (arXiv:1606.08415, section 2), written with a logistic function. */
static inline __m512 gelu(__m512 x) {
    __m512 inner = _mm512_fmadd_ps(_mm512_mul_ps(x, x), _mm512_set1_ps(0.044715f), _mm512_set1_ps(1.0f));
    __m512 u = _mm512_mul_ps(_mm512_mul_ps(x, inner), _mm512_set1_ps(-2 * 0.79788456f));
    __m512 below = _mm512_add_ps(_mm512_set1_ps(1.0f), exponential(_mm512_min_ps(u, _mm512_set1_ps(80.0f))));
    return _mm512_div_ps(x, below);
}

#endif
