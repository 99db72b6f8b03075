/* The scan with one instruction set. KEN_SCAN is the name of the function, VECTOR_BYTES the width of a vector. */
#include "scan.h"

#if defined(__x86_64__)
#include <immintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif

enum { AHEAD = 8 }; /* rows that are fetched before they are scored, where the processor cannot foresee the next one */

/* A query as the products need it, and what is to be taken off each product. */
typedef struct {
    _Alignas(64) int8_t codes[DIMENSION];
    int16_t wide[DIMENSION];
    int32_t excess;
} Query;

/* The product of D codes of a row with those of the query. All sums are exact.
 *
 * VNNI multiplies unsigned by signed bytes: the row becomes unsigned by adding 128, which adds 128 times the sum of the
 * query. AVX2 widens to 16 bits: its instruction for bytes adds two products in 16 bits, which saturates. */
#if VECTOR_BYTES == 64
#define EXCESS 128
static inline int32_t product(const int8_t *row, const Query *query) {
    __m512i flip = _mm512_set1_epi8((char)0x80), sum[2] = {_mm512_setzero_si512(), _mm512_setzero_si512()};
    for (int d = 0; d < DIMENSION; d += 64) {
        __m512i bytes = _mm512_xor_si512(_mm512_loadu_si512(row + d), flip);
        sum[d / 64 % 2] = _mm512_dpbusd_epi32(sum[d / 64 % 2], bytes, _mm512_load_si512(query->codes + d));
    }
    return _mm512_reduce_add_epi32(_mm512_add_epi32(sum[0], sum[1])) - query->excess;
}
#elif VECTOR_BYTES == 32
static inline int32_t sum_of(__m256i v) {
    __m128i four = _mm_add_epi32(_mm256_castsi256_si128(v), _mm256_extracti128_si256(v, 1));
    four = _mm_add_epi32(four, _mm_shuffle_epi32(four, 0x4e));
    return _mm_cvtsi128_si32(_mm_add_epi32(four, _mm_shuffle_epi32(four, 0xb1)));
}
#ifdef __AVXVNNI__
#define EXCESS 128
static inline int32_t product(const int8_t *row, const Query *query) {
    __m256i flip = _mm256_set1_epi8((char)0x80), sum[2] = {_mm256_setzero_si256(), _mm256_setzero_si256()};
    for (int d = 0; d < DIMENSION; d += 32) {
        __m256i bytes = _mm256_xor_si256(_mm256_loadu_si256((const __m256i *)(row + d)), flip);
        __m256i codes = _mm256_load_si256((const __m256i *)(query->codes + d));
        sum[d / 32 % 2] = _mm256_dpbusd_avx_epi32(sum[d / 32 % 2], bytes, codes);
    }
    return sum_of(_mm256_add_epi32(sum[0], sum[1])) - query->excess;
}
#else
#define EXCESS 0
static inline int32_t product(const int8_t *row, const Query *query) {
    __m256i sum[2] = {_mm256_setzero_si256(), _mm256_setzero_si256()};
    for (int d = 0; d < DIMENSION; d += 16) {
        __m256i wide = _mm256_cvtepi8_epi16(_mm_loadu_si128((const __m128i *)(row + d)));
        __m256i codes = _mm256_loadu_si256((const __m256i *)(query->wide + d));
        sum[d / 16 % 2] = _mm256_add_epi32(sum[d / 16 % 2], _mm256_madd_epi16(wide, codes));
    }
    return sum_of(_mm256_add_epi32(sum[0], sum[1]));
}
#endif
#elif defined(__ARM_FEATURE_DOTPROD)
#define EXCESS 0
static inline int32_t product(const int8_t *row, const Query *query) {
    int32x4_t sum[4] = {0};
    for (int d = 0; d < DIMENSION; d += 16)
        sum[d / 16 % 4] = vdotq_s32(sum[d / 16 % 4], vld1q_s8(row + d), vld1q_s8(query->codes + d));
    return vaddvq_s32(vaddq_s32(vaddq_s32(sum[0], sum[1]), vaddq_s32(sum[2], sum[3])));
}
#else
#define EXCESS 0
static inline int32_t product(const int8_t *row, const Query *query) {
    int32_t sum = 0;
    for (int d = 0; d < DIMENSION; d++) sum += (int16_t)row[d] * query->wide[d];
    return sum;
}
#endif

static void prepare(const int8_t *codes, Query *query) {
    query->excess = 0;
    for (int d = 0; d < DIMENSION; d++) {
        query->codes[d] = codes[d];
        query->wide[d] = codes[d];
        query->excess += EXCESS * codes[d];
    }
}

static inline void fetch(const int8_t *row) {
    for (int d = 0; d < DIMENSION; d += 64) __builtin_prefetch(row + d);
}

void KEN_SCAN(const Scan *scan, int64_t from, int64_t to, Best *best) {
    Query query;
    prepare(scan->query, &query);
    float bound = least(best);
    for (int64_t place = from; place < to; place++) {
        int64_t row = scan->rows ? scan->rows[place] : place;
        if (scan->rows && place + AHEAD < to) fetch(scan->codes + scan->rows[place + AHEAD] * DIMENSION);
        float score = (float)product(scan->codes + row * DIMENSION, &query) * scan->scales[row];
        if (!(score >= bound)) continue; /* also where it is NaN */
        offer(best, (Scored){score, row});
        bound = least(best);
    }
}
