/* Operations on one row: RMS norm, the residual stream, GELU, and quantization for the next product. */
#ifndef KEN_ROWS_H
#define KEN_ROWS_H

#include "run.h"

/* 1 / sqrt(mean(v²) + epsilon) of n numbers, n a multiple of 32 (arXiv:1910.07467). */
static float inverse_rms(const float *v, int n, float epsilon) {
    Floats even = splat(0), odd = even;
    for (int i = 0; i < n; i += 2 * LANES) {
        Floats a = load(v + i), b = load(v + i + LANES);
        even += a * a;
        odd += b * b;
    }
    return 1.0f / __builtin_sqrtf(sum_of(even + odd) / n + epsilon);
}

/* An unscaled Hadamard transform of 128 numbers in groups of 16: three stages of sums and differences of numbers that
 * are 16, 32 and 64 apart, then sums and differences of neighbours. It distributes one number over sixteen.
 * native_weights.py applies the inverse to the weights, so that products stay the same. */
static void hadamard(Floats v[128 / LANES]) {
    Floats sign = (Floats)((Words)splat(1.0f) | (Words)lane_numbers() << 31); /* 1, -1, 1, -1, … */
    for (int distance = 16 / LANES; distance < 128 / LANES; distance *= 2)
        for (int i = 0; i < 128 / LANES; i++)
            if (!(i & distance)) {
                Floats a = v[i], b = v[i + distance];
                v[i] = a + b;
                v[i + distance] = a - b;
            }
    for (int i = 0; i < 128 / LANES; i++) v[i] = swap_neighbours(v[i]) + v[i] * sign;
}

/* Quantize n numbers of a row for the next product: to bfloat16, or to int8 codes plus ZERO_POINT with one scale.
 *
 * One large number would leave few int8 steps for the others, so the row is transformed first (QuaRot,
 * arXiv:2404.00456), which reduces the error to a third. */
static void quantize_row(Worker *worker, int row, const float *v, int n) {
    Run *run = worker->run;
    uint8_t *to = run->quantized + row * run->quantized_stride;
    if (!run->model->int8) {
        for (int i = 0; i < n; i += LANES) store_bf16((bf16 *)to + i, load(v + i));
        return;
    }
    float *transformed = worker->transformed;
    Floats top = splat(1e-30f); /* for a row of zeros, so that its scale is not zero */
    for (int i = 0; i < n; i += 128) {
        Floats part[128 / LANES];
        for (int j = 0; j < 128 / LANES; j++) part[j] = load(v + i + LANES * j);
        hadamard(part);
        for (int j = 0; j < 128 / LANES; j++) {
            top = maximum(top, absolute(part[j]));
            store(transformed + i + LANES * j, part[j]);
        }
    }
    float largest = largest_of(top);
    Floats scale = splat(MOST_CODE / largest);
    for (int i = 0; i < n; i += LANES) store_nearest_bytes(to + i, load(transformed + i) * scale, ZERO_POINT);
    run->activation_scale[row] = largest / MOST_CODE;
}

/* RMS norm of a row of the residual stream, quantized for the next product. */
static void rmsnorm_quantize(Worker *worker, int row, const float *norm) {
    Run *run = worker->run;
    int n = run->model->hidden;
    const float *x = run->x + (long)row * n;
    float *v = worker->row;
    Floats inverse = splat(inverse_rms(x, n, run->model->epsilon));
    for (int i = 0; i < n; i += LANES) store(v + i, load(x + i) * inverse * load(norm + i));
    quantize_row(worker, row, v, n);
}

/* RMS norm of the row of a product, added to the residual stream. */
static void rmsnorm_add_residual(Run *run, int row, const float *norm) {
    int n = run->model->hidden;
    float *x = run->x + (long)row * n;
    const float *y = run->accumulators + row * run->accumulator_stride;
    Floats inverse = splat(inverse_rms(y, n, run->model->epsilon));
    for (int i = 0; i < n; i += LANES) store(x + i, load(x + i) + load(y + i) * inverse * load(norm + i));
}

/* exp with a relative error of 2e-7: 2^n times the Taylor series of 2^f, |f| at most a half; of less than -87 it is
 * that of -87, the smallest normal number. */
static inline Floats exponential(Floats x) {
    Floats t = maximum(x, splat(-87.0f)) * 1.44269504f;
    Floats n = nearest(t), f = t - n;
    Floats p = splat(1.5403530e-4f);
    p = p * f + 1.3333558e-3f;
    p = p * f + 9.6181291e-3f;
    p = p * f + 5.5504109e-2f;
    p = p * f + 2.4022651e-1f;
    p = p * f + 6.9314718e-1f;
    p = p * f + 1.0f;
    return times_power_of_two(p, n);
}

/* GELU in its tanh form (arXiv:1606.08415, section 2), written with a logistic function. */
static inline Floats gelu(Floats x) {
    Floats inner = x * x * 0.044715f + 1.0f;
    Floats u = x * inner * (-2 * 0.79788456f);
    return x / (exponential(minimum(u, splat(80.0f))) + 1.0f);
}

#endif
