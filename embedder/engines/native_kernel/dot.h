/* The innermost operations: four int8 products, or two bfloat16 products, added to each sum of a vector.
 *
 * An operand of the left is four bytes of a row, the same in all lanes; one of the right is four bytes of a column in
 * each lane. Left int8 codes are stored plus ZERO_POINT. VNNI and i8mm multiply unsigned by signed bytes, dotprod
 * signed by signed ones. `maddubs` of SSSE3 to AVX-512 adds two products in 16 bits, so its codes have 7 bits, or sums of two would
 * not fit. */
#ifndef KEN_DOT_H
#define KEN_DOT_H

#include "vector.h"

#if VECTOR_BYTES == 64 && defined(__AVX512VNNI__)
#define ZERO_POINT 128
static inline Ints dot_int8(Ints sum, Ints left, Ints right) {
    return (Ints)_mm512_dpbusd_epi32((__m512i)sum, (__m512i)left, (__m512i)right);
}
#elif VECTOR_BYTES == 64
#define ZERO_POINT 64
static inline Ints dot_int8(Ints sum, Ints left, Ints right) {
    __m512i pairs = _mm512_maddubs_epi16((__m512i)left, (__m512i)right);
    return sum + (Ints)_mm512_madd_epi16(pairs, _mm512_set1_epi16(1));
}
#elif VECTOR_BYTES == 32 && defined(__AVXVNNI__)
#define ZERO_POINT 128
static inline Ints dot_int8(Ints sum, Ints left, Ints right) {
    return (Ints)_mm256_dpbusd_avx_epi32((__m256i)sum, (__m256i)left, (__m256i)right);
}
#elif VECTOR_BYTES == 32
#define ZERO_POINT 64
static inline Ints dot_int8(Ints sum, Ints left, Ints right) {
    __m256i pairs = _mm256_maddubs_epi16((__m256i)left, (__m256i)right);
    return sum + (Ints)_mm256_madd_epi16(pairs, _mm256_set1_epi16(1));
}
#elif defined(__SSSE3__)
#define ZERO_POINT 64
static inline Ints dot_int8(Ints sum, Ints left, Ints right) {
    __m128i pairs = _mm_maddubs_epi16((__m128i)left, (__m128i)right);
    return sum + (Ints)_mm_madd_epi16(pairs, _mm_set1_epi16(1));
}
#elif defined(__ARM_FEATURE_MATMUL_INT8)
#define ZERO_POINT 128
static inline Ints dot_int8(Ints sum, Ints left, Ints right) {
    return (Ints)vusdotq_s32((int32x4_t)sum, (uint8x16_t)left, (int8x16_t)right);
}
#elif defined(__ARM_FEATURE_DOTPROD)
#define ZERO_POINT 0
static inline Ints dot_int8(Ints sum, Ints left, Ints right) {
    return (Ints)vdotq_s32((int32x4_t)sum, (int8x16_t)left, (int8x16_t)right);
}
#else
#define ZERO_POINT 128
static inline Ints dot_int8(Ints sum, Ints left, Ints right) {
    for (int byte = 0; byte < 32; byte += 8) sum += ((left >> byte) & 0xff) * ((Ints)((Words)right << (24 - byte)) >> 24);
    return sum;
}
#endif

#define MOST_CODE (ZERO_POINT == 64 ? 63 : 127) /* the largest code of an activation, before ZERO_POINT is added */

/* The initial sum of each column, from -128 times the sum of its codes. */
static inline Ints start_of(const int32_t *column_offset) {
    return ZERO_POINT == 0 ? splat_int(0) : load_ints(column_offset) >> (ZERO_POINT == 64 ? 1 : 0);
}

static inline Floats dot_bf16(Floats sum, Ints left, Ints right) {
#if VECTOR_BYTES == 64 && defined(__AVX512BF16__)
    return (Floats)_mm512_dpbf16_ps((__m512)sum, (__m512bh)left, (__m512bh)right);
#else
    sum += (Floats)((Words)left << 16) * (Floats)((Words)right << 16);
    return sum + (Floats)(left & (int32_t)0xffff0000) * (Floats)(right & (int32_t)0xffff0000);
#endif
}

#endif
