/* Vectors of float32 and int32 of one width, for all instruction sets: the compiler's vector types, and intrinsics
 * where those are faster. VECTOR_BYTES is 64 (AVX-512), 32 (AVX2) or 16 (SSE4.1, NEON, and the baseline of any processor). */
#ifndef KEN_VECTOR_H
#define KEN_VECTOR_H

#include <stdint.h>

#if defined(__x86_64__)
#include <immintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif

#define LANES (VECTOR_BYTES / 4)

typedef float Floats __attribute__((vector_size(VECTOR_BYTES)));
typedef int32_t Ints __attribute__((vector_size(VECTOR_BYTES)));
typedef uint32_t Words __attribute__((vector_size(VECTOR_BYTES)));
typedef uint16_t Halves __attribute__((vector_size(VECTOR_BYTES / 2)));
typedef uint8_t Bytes __attribute__((vector_size(VECTOR_BYTES / 4)));

/* The same types at any address. */
typedef Floats FloatsAt __attribute__((aligned(4), may_alias));
typedef Ints IntsAt __attribute__((aligned(4), may_alias));
typedef Halves HalvesAt __attribute__((aligned(2), may_alias));
typedef Bytes BytesAt __attribute__((aligned(1), may_alias));

static inline Floats load(const float *from) { return *(const FloatsAt *)from; }
static inline void store(float *to, Floats v) { *(FloatsAt *)to = v; }
static inline Ints load_ints(const void *from) { return *(const IntsAt *)from; }
static inline void store_ints(void *to, Ints v) { *(IntsAt *)to = v; }
static inline Floats splat(float x) { return (Floats){0} + x; }
static inline Ints splat_int(int32_t x) { return (Ints){0} + x; }

/* The four bytes at `from` in each lane, by the instruction that reads them so: compilers take a way over scalar
 * registers if they see what is computed from them. */
static inline Ints broadcast(const void *from) {
#if defined(__AVX512F__) && VECTOR_BYTES == 64
    return (Ints)_mm512_broadcastss_ps(_mm_load_ss(from));
#elif defined(__AVX__) && VECTOR_BYTES == 32
    return (Ints)_mm256_broadcast_ss(from);
#else
    return splat_int(*(const int32_t *)from);
#endif
}

/* 0, 1, 2, … */
static inline Ints lane_numbers(void) {
    Ints v;
    for (int i = 0; i < LANES; i++) v[i] = i;
    return v;
}

static inline Floats absolute(Floats v) { return (Floats)((Ints)v & 0x7fffffff); }

#if defined(__AVX512F__) && VECTOR_BYTES == 64
static inline Floats maximum(Floats a, Floats b) { return (Floats)_mm512_max_ps((__m512)a, (__m512)b); }
static inline Floats minimum(Floats a, Floats b) { return (Floats)_mm512_min_ps((__m512)a, (__m512)b); }
static inline float sum_of(Floats v) { return _mm512_reduce_add_ps((__m512)v); }
static inline float largest_of(Floats v) { return _mm512_reduce_max_ps((__m512)v); }

typedef __mmask16 Mask;
static inline Mask in_range(Ints v, int from, int to) {
    return _mm512_cmpge_epi32_mask((__m512i)v, _mm512_set1_epi32(from)) &
           _mm512_cmplt_epi32_mask((__m512i)v, _mm512_set1_epi32(to));
}
static inline Floats chosen(Mask mask, Floats a, Floats b) {
    return (Floats)_mm512_mask_mov_ps((__m512)b, mask, (__m512)a);
}
#else
typedef Ints Mask;

/* The lanes with from <= v < to. */
static inline Mask in_range(Ints v, int from, int to) { return (v >= from) & (v < to); }

/* `a` in the lanes of the mask, `b` in the others. */
static inline Floats chosen(Mask mask, Floats a, Floats b) { return (Floats)(((Ints)a & mask) | ((Ints)b & ~mask)); }

#if defined(__AVX__) && VECTOR_BYTES == 32
static inline Floats maximum(Floats a, Floats b) { return (Floats)_mm256_max_ps((__m256)a, (__m256)b); }
static inline Floats minimum(Floats a, Floats b) { return (Floats)_mm256_min_ps((__m256)a, (__m256)b); }
#elif defined(__SSE4_1__) && VECTOR_BYTES == 16
static inline Floats maximum(Floats a, Floats b) { return (Floats)_mm_max_ps((__m128)a, (__m128)b); }
static inline Floats minimum(Floats a, Floats b) { return (Floats)_mm_min_ps((__m128)a, (__m128)b); }
#elif defined(__aarch64__)
static inline Floats maximum(Floats a, Floats b) { return (Floats)vmaxq_f32((float32x4_t)a, (float32x4_t)b); }
static inline Floats minimum(Floats a, Floats b) { return (Floats)vminq_f32((float32x4_t)a, (float32x4_t)b); }
#else
static inline Floats maximum(Floats a, Floats b) { return chosen(a > b, a, b); }
static inline Floats minimum(Floats a, Floats b) { return chosen(a < b, a, b); }
#endif

static inline float sum_of(Floats v) {
    float sum[LANES];
    store(sum, v);
    for (int half = LANES / 2; half; half /= 2)
        for (int i = 0; i < half; i++) sum[i] += sum[i + half];
    return sum[0];
}

static inline float largest_of(Floats v) {
    float largest = v[0];
    for (int i = 1; i < LANES; i++) largest = v[i] > largest ? v[i] : largest;
    return largest;
}
#endif

/* Each pair of neighbours exchanged. */
static inline Floats swap_neighbours(Floats v) {
#ifdef __clang__
#define EXCHANGED(...) __builtin_shufflevector(v, v, __VA_ARGS__)
#else
#define EXCHANGED(...) __builtin_shuffle(v, (Ints){__VA_ARGS__})
#endif
#if LANES == 16
    return EXCHANGED(1, 0, 3, 2, 5, 4, 7, 6, 9, 8, 11, 10, 13, 12, 15, 14);
#elif LANES == 8
    return EXCHANGED(1, 0, 3, 2, 5, 4, 7, 6);
#else
    return EXCHANGED(1, 0, 3, 2);
#endif
#undef EXCHANGED
}

#define TO_INTEGER 12582912.0f /* 1.5 * 2^23: added, it leaves the nearest integer in the low bits of a float */

#if defined(__AVX512F__) && VECTOR_BYTES == 64
static inline Floats nearest(Floats v) { return (Floats)_mm512_roundscale_ps((__m512)v, 0); }
static inline Floats times_power_of_two(Floats v, Floats n) { return (Floats)_mm512_scalef_ps((__m512)v, (__m512)n); }
#else
static inline Floats nearest(Floats v) { return (v + TO_INTEGER) - TO_INTEGER; }

/* v * 2^n, n an integer from -126 to 127. */
static inline Floats times_power_of_two(Floats v, Floats n) {
    return v * (Floats)((__builtin_convertvector(n, Ints) + 127) << 23);
}
#endif

/* The low byte of the nearest integer of each number, plus `offset`. */
static inline void store_nearest_bytes(uint8_t *to, Floats v, int offset) {
    *(BytesAt *)to = __builtin_convertvector((Ints)(v + TO_INTEGER) + offset, Bytes);
}

/* Rounded to bfloat16, to even; infinities and NaN do not occur. */
static inline void store_bf16(uint16_t *to, Floats v) {
#if defined(__AVX512BF16__) && VECTOR_BYTES == 64
    _mm256_storeu_si256((__m256i *)to, (__m256i)_mm512_cvtneps_pbh((__m512)v));
#else
    Words bits = (Words)v;
    bits = (bits + 0x7fff + ((bits >> 16) & 1)) >> 16;
    *(HalvesAt *)to = __builtin_convertvector(bits, Halves);
#endif
}

#endif
