/* Products of up to 32 rows with 32 columns: the inner loop, for two formats.
 *
 * The depth of both operands is divided into steps of 64 bytes: 64 int8 or 32 bfloat16. The left operand is rows,
 * unchanged. The right operand is tiles of one step by 16 columns, 1 KiB each, with all steps of 16 columns
 * consecutive. A tile has four bytes of the first column, four of the next column and so on, then the next four bytes
 * of each. AMX tiles and the dot products of vectors read the same layout. reference.h has the scalar version. */
#ifndef KEN_BLOCK_H
#define KEN_BLOCK_H

#include "dot.h"

#define STEP 64   /* bytes of depth in a tile: one row of an AMX tile */
#define TILE 1024 /* bytes of a tile: 16 columns */

/* out (32, 32) has a row stride of `ldo` numbers, `left` one of `lda` bytes. `column_offset` has the initial sums of
 * the columns, for int8 only. All 32 rows of `left` must be readable; `rows` of them are computed. */
typedef void Block(const void *left, long lda, const void *right0, const void *right1, int rows, int steps,
                   const int32_t *column_offset, void *out, long ldo);

/* R rows by ACROSS vectors of columns in registers: as many sums as the registers hold beside the operands. With 64
 * bytes the vectors are 16 columns of each tile, else parts of one tile. R is a constant at every call. */
#if VECTOR_BYTES == 64
#define ACROSS 2
#define INT8_ROWS 12
#define BF16_ROWS 12
#elif VECTOR_BYTES == 32
#define ACROSS 2
#define INT8_ROWS (ZERO_POINT == 64 ? 4 : 6)
#define BF16_ROWS 4
#elif defined(__x86_64__)
#define ACROSS 2
#define INT8_ROWS 4
#define BF16_ROWS 4
#else
#define ACROSS 4
#define INT8_ROWS 4
#define BF16_ROWS 4
#endif
#define AT_ONCE (ACROSS * LANES) /* columns */

#define ROWS_OF(name, Sums, start, dot)                                                                      \
    static inline __attribute__((always_inline)) void name(                                                  \
        const uint8_t *a, long lda, const uint8_t *b0, const uint8_t *b1, const int R, int steps,            \
        const int32_t *column_offset, int32_t *out, long ldo) {                                              \
        Sums c[12][ACROSS];                                                                                  \
        (void)column_offset, (void)b1;                                                                       \
        _Pragma("GCC unroll 12") for (int r = 0; r < R; r++)                                                 \
            _Pragma("GCC unroll 4") for (int j = 0; j < ACROSS; j++) c[r][j] = start(column_offset + j * LANES); \
        for (long i = 0; i < (long)steps * 16; i++) {                                                        \
            Ints w[ACROSS];                                                                                  \
            _Pragma("GCC unroll 4") for (int j = 0; j < ACROSS; j++)                                         \
                w[j] = load_ints(VECTOR_BYTES == 64 ? (j ? b1 : b0) + i * 64 : b0 + i * 64 + j * VECTOR_BYTES); \
            _Pragma("GCC unroll 12") for (int r = 0; r < R; r++) {                                           \
                Ints v = broadcast(a + r * lda + i * 4);                                                     \
                _Pragma("GCC unroll 4") for (int j = 0; j < ACROSS; j++) c[r][j] = dot(c[r][j], v, w[j]);    \
            }                                                                                                \
        }                                                                                                    \
        _Pragma("GCC unroll 12") for (int r = 0; r < R; r++)                                                 \
            _Pragma("GCC unroll 4") for (int j = 0; j < ACROSS; j++)                                         \
                store_ints(out + r * ldo + j * LANES, (Ints)c[r][j]);                                        \
    }

#define START_ZERO(at) splat(0)

ROWS_OF(rows_int8, Ints, start_of, dot_int8)
ROWS_OF(rows_bf16, Floats, START_ZERO, dot_bf16)

/* All rows, `most` at a time; the last ones two thirds or one third of that, never more than 32 in all. */
#define BLOCK_OF(name, rows_of, most)                                                                        \
    static void name(const void *left, long lda, const void *right0, const void *right1, int rows,           \
                     int steps, const int32_t *column_offset, void *out, long ldo) {                         \
        for (int at = 0; at < 32; at += AT_ONCE) {                                                           \
            const uint8_t *a = left, *b = (const uint8_t *)(at < 16 ? right0 : right1) + at % 16 * 4;        \
            int32_t *o = (int32_t *)out + at;                                                                \
            const int32_t *offset = column_offset + at;                                                      \
            const int some = most == 4 ? 2 : most * 2 / 3, few = some / 2;                                   \
            int r = 0;                                                                                       \
            for (; rows - r > some; r += most)                                                               \
                rows_of(a + r * lda, lda, b, right1, most, steps, offset, o + r * ldo, ldo);                 \
            if (rows - r > few)                                                                              \
                rows_of(a + r * lda, lda, b, right1, some, steps, offset, o + r * ldo, ldo);                 \
            else if (rows - r > 0)                                                                           \
                rows_of(a + r * lda, lda, b, right1, few, steps, offset, o + r * ldo, ldo);                  \
        }                                                                                                    \
    }

BLOCK_OF(block_int8, rows_int8, INT8_ROWS)
BLOCK_OF(block_bf16, rows_bf16, BF16_ROWS)

#endif
