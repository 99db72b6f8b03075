/* Products of up to 32 rows with 32 columns: the inner loop, for two formats and two instruction sets.
 *
 * The depth of both operands is divided into steps of 64 bytes: 64 int8 or 32 bfloat16. The left operand is rows,
 * unchanged. The right operand is tiles of one step by 16 columns, 1 KiB each, with all steps of 16 columns
 * consecutive. A tile has four bytes of the first column, four of the next column and so on, then the next four bytes
 * of each. AMX tiles and the AVX-512 dot products read the same layout. Left int8 numbers are stored plus 128,
 * unsigned, because VNNI multiplies unsigned by signed. reference.h has the scalar version. */
#ifndef KEN_BLOCK_H
#define KEN_BLOCK_H

#include <immintrin.h>
#include <stdint.h>

#define STEP 64   /* bytes of depth in a tile: one row of an AMX tile, one AVX-512 register */
#define TILE 1024 /* bytes of a tile: 16 columns */

/* out (32, 32) has a row stride of `ldo` numbers, `left` one of `lda` bytes. `column_offset` has the initial sums of
 * the columns, for int8 only. All 32 rows of `left` must be readable; `rows` of them are computed. */
typedef void Block(const void *left, long lda, const void *right0, const void *right1, int rows, int steps,
                   const int32_t *column_offset, void *out, long ldo);

/* AMX: `start(tile, at)` initializes the sums of 16 columns, `dot` adds a step. Tiles 0 to 3 hold sums, 4 and 5 the
 * left operand, 6 and 7 the right one. The lower half is skipped if there are no rows for it. */
#define BLOCK_AMX(name, start, dot)                                                                          \
    static void name(const void *left, long lda, const void *right0, const void *right1, int rows,           \
                     int steps, const int32_t *column_offset, void *out, long ldo) {                         \
        const uint8_t *a0 = left, *a1 = a0 + 16 * lda, *b0 = right0, *b1 = right1;                           \
        int32_t *o = out;                                                                                    \
        (void)column_offset;                                                                                 \
        start(0, column_offset);                                                                             \
        start(1, column_offset + 16);                                                                        \
        if (rows <= 16) {                                                                                    \
            for (int s = 0; s < steps; s++) {                                                                \
                _tile_loadd(4, a0 + s * STEP, lda);                                                          \
                _tile_loadd(6, b0 + s * TILE, STEP);                                                         \
                _tile_loadd(7, b1 + s * TILE, STEP);                                                         \
                dot(0, 4, 6);                                                                                \
                dot(1, 4, 7);                                                                                \
            }                                                                                                \
        } else {                                                                                             \
            start(2, column_offset);                                                                         \
            start(3, column_offset + 16);                                                                    \
            for (int s = 0; s < steps; s++) {                                                                \
                _tile_loadd(4, a0 + s * STEP, lda);                                                          \
                _tile_loadd(6, b0 + s * TILE, STEP);                                                         \
                _tile_loadd(7, b1 + s * TILE, STEP);                                                         \
                dot(0, 4, 6);                                                                                \
                _tile_loadd(5, a1 + s * STEP, lda);                                                          \
                dot(1, 4, 7);                                                                                \
                dot(2, 5, 6);                                                                                \
                dot(3, 5, 7);                                                                                \
            }                                                                                                \
            _tile_stored(2, o + 16 * ldo, ldo * 4);                                                          \
            _tile_stored(3, o + 16 * ldo + 16, ldo * 4);                                                     \
        }                                                                                                    \
        _tile_stored(0, o, ldo * 4);                                                                         \
        _tile_stored(1, o + 16, ldo * 4);                                                                    \
    }

#define START_OFFSET(tile, at) _tile_loadd(tile, at, 0)
#define START_NONE(tile, at) _tile_zero(tile)

BLOCK_AMX(block_int8_amx, START_OFFSET, _tile_dpbusd)
BLOCK_AMX(block_bf16_amx, START_NONE, _tile_dpbf16ps)

/* AVX-512: R rows by 32 columns in registers. R is a constant at every call, which is inlined. */
#define ROWS_OF(name, vector, load_start, dot)                                                               \
    static inline __attribute__((always_inline)) void name(                                                  \
        const uint8_t *a, long lda, const uint8_t *b0, const uint8_t *b1, const int R, int steps,            \
        const int32_t *column_offset, void *out, long ldo) {                                                 \
        vector c0[12], c1[12];                                                                               \
        (void)column_offset;                                                                                 \
        _Pragma("GCC unroll 12") for (int r = 0; r < R; r++) {                                               \
            c0[r] = load_start(column_offset);                                                               \
            c1[r] = load_start(column_offset + 16);                                                          \
        }                                                                                                    \
        for (long i = 0; i < (long)steps * 16; i++) {                                                        \
            __m512i w0 = _mm512_loadu_si512(b0 + i * 64), w1 = _mm512_loadu_si512(b1 + i * 64);              \
            _Pragma("GCC unroll 12") for (int r = 0; r < R; r++) {                                           \
                __m512i v = _mm512_set1_epi32(*(const int32_t *)(a + r * lda + i * 4));                      \
                c0[r] = dot(c0[r], v, w0);                                                                   \
                c1[r] = dot(c1[r], v, w1);                                                                   \
            }                                                                                                \
        }                                                                                                    \
        _Pragma("GCC unroll 12") for (int r = 0; r < R; r++) {                                               \
            _mm512_storeu_si512((int32_t *)out + r * ldo, (__m512i)c0[r]);                                   \
            _mm512_storeu_si512((int32_t *)out + r * ldo + 16, (__m512i)c1[r]);                              \
        }                                                                                                    \
    }

#define START_INT(at) _mm512_loadu_si512(at)
#define START_ZERO(at) _mm512_setzero_ps()
#define DOT_INT(c, a, b) _mm512_dpbusd_epi32(c, a, b)
#define DOT_BF16(c, a, b) _mm512_dpbf16_ps(c, (__m512bh)(a), (__m512bh)(b))

ROWS_OF(rows_int8, __m512i, START_INT, DOT_INT)
ROWS_OF(rows_bf16, __m512, START_ZERO, DOT_BF16)

#define BLOCK_OF(name, rows_of)                                                                              \
    static void name(const void *left, long lda, const void *right0, const void *right1, int rows,           \
                     int steps, const int32_t *column_offset, void *out, long ldo) {                         \
        const uint8_t *a = left;                                                                             \
        int32_t *o = out;                                                                                    \
        int r = 0;                                                                                           \
        for (; rows - r > 8; r += 12)                                                                        \
            rows_of(a + r * lda, lda, right0, right1, 12, steps, column_offset, o + r * ldo, ldo);           \
        if (rows - r > 4)                                                                                    \
            rows_of(a + r * lda, lda, right0, right1, 8, steps, column_offset, o + r * ldo, ldo);            \
        else if (rows - r > 0)                                                                               \
            rows_of(a + r * lda, lda, right0, right1, 4, steps, column_offset, o + r * ldo, ldo);            \
    }

BLOCK_OF(block_int8_avx, rows_int8)
BLOCK_OF(block_bf16_avx, rows_bf16)

#endif
