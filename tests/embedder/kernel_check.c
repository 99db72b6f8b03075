/* Compares the kernel's operations with plain C in a program of its own, for processors that an emulator stands in
 * for. Prints what differs; the exit status is the number of differences. */
#include "kernel_operations.c"

#include <stdio.h>

static uint32_t state = 11;
static uint32_t next_bits(void) { return state = state * 1664525u + 1013904223u; }
static float next_float(void) { return (float)(next_bits() >> 8) / (1 << 23) - 1.0f; }

static int differences;
static void compare(const char *what, const float *fast, const float *plain, int n, float relative, float absolute) {
    for (int i = 0; i < n; i++)
        if (!(fabsf(fast[i] - plain[i]) <= absolute + relative * fabsf(plain[i]))) {
            printf("%s %d: %g, not %g\n", what, i, fast[i], plain[i]);
            differences++;
            return;
        }
}

static void check_rows(void) {
    static float v[1152], norm[1152], fast[1152], plain[1152];
    static uint8_t codes[2][1152];
    for (int i = 0; i < 1152; i++) v[i] = next_float(), norm[i] = next_float();
    fast_rmsnorm(v, norm, 768, 1e-6f, fast), plain_rmsnorm(v, norm, 768, 1e-6f, plain);
    compare("rmsnorm", fast, plain, 768, 1e-5f, 1e-6f);
    fast_rope(v, norm, v + 256, 256, 1e-6f, fast), plain_rope(v, norm, v + 256, 256, 1e-6f, plain);
    compare("rope", fast, plain, 256, 1.0f / 256, 1e-5f);
    fast[0] = fast_quantize(v, 1152, codes[0]), plain[0] = plain_quantize(v, 1152, codes[1]);
    for (int i = 0; i < 1152; i++) fast[i + 1 < 1152 ? i + 1 : i] = codes[0][i], plain[i + 1 < 1152 ? i + 1 : i] = codes[1][i];
    compare("quantize", fast, plain, 1152, 1e-5f, 1.0f);
    for (int i = 0; i < 1152; i++) v[i] *= 30;
    fast_gelu(v, 1152, fast), plain_gelu(v, 1152, plain);
    compare("gelu", fast, plain, 1152, 2e-6f, 2e-6f);
    fast_softmax(v, 96, 5, 90, fast), plain_softmax(v, 96, 5, 90, plain);
    compare("softmax", fast, plain, 96, 1.0f / 256, 1e-30f);
}

static void check_blocks(int rows) {
    enum { STEPS = 3 };
    static uint8_t left[32 * STEPS * 64], tiles[2 * STEPS * TILE];
    static int32_t offset[32], fast[32 * 32], plain[32 * 32];
    for (unsigned i = 0; i < sizeof left; i++) left[i] = (int)(next_bits() % (2 * MOST_CODE + 1)) - MOST_CODE + ZERO_POINT;
    memset(offset, 0, sizeof offset);
    for (unsigned i = 0; i < sizeof tiles; i++) {
        int8_t code = (int)((next_bits() >> 8) % 255) - 127;
        tiles[i] = code;
        offset[i / (STEPS * TILE) * 16 + i / 4 % 16] -= 128 * code;
    }
    fast_block(left, tiles, rows, STEPS, 1, 0, offset, fast), plain_block(left, tiles, rows, STEPS, 1, plain);
    for (int i = 0; i < rows * 32; i++)
        if (fast[i] != plain[i]) {
            printf("int8 block of %d rows, %d: %d, not %d\n", rows, i, fast[i], plain[i]);
            differences++;
            break;
        }
    for (unsigned i = 0; i < sizeof left; i += 2) {
        float value = next_float();
        memcpy(left + i, (uint8_t *)&value + 2, 2);
    }
    for (unsigned i = 0; i < sizeof tiles; i += 2) {
        float value = next_float();
        memcpy(tiles + i, (uint8_t *)&value + 2, 2);
    }
    fast_block(left, tiles, rows, STEPS, 0, 0, offset, fast), plain_block(left, tiles, rows, STEPS, 0, plain);
    compare("bf16 block", (float *)fast, (float *)plain, rows * 32, 1e-5f, 1e-4f);
}

int main(void) {
    check_rows();
    for (int rows = 1; rows <= 32; rows++) check_blocks(rows);
    printf("%d differences\n", differences);
    return differences;
}
