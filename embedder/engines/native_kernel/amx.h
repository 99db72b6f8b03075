/* The products of block.h on AMX tiles. Tiles 0 to 3 hold sums, 4 and 5 the left operand, 6 and 7 the right one. */
#ifndef KEN_AMX_H
#define KEN_AMX_H

#include "block.h"

/* `start(tile, at)` initializes the sums of 16 columns, `dot` adds a step. The lower half is skipped if there are no
 * rows for it. */
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

/* Eight tiles of 16 rows of 64 bytes (Intel 64 manual, LDTILECFG). */
static void configure_tiles(void) {
    struct {
        uint8_t palette, start, none[14];
        uint16_t bytes[16];
        uint8_t rows[16];
    } tiles = {.palette = 1};
    for (int i = 0; i < 8; i++) tiles.bytes[i] = 64, tiles.rows[i] = 16;
    __asm__ volatile("" : : "r"(&tiles) : "memory"); /* the intrinsic declares that it reads only the first bytes */
    _tile_loadconfig(&tiles);
}

#endif
