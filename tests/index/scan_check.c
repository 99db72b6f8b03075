/* Compares the scan with plain C in a program of its own, for processors that an emulator stands in for and for the
 * compiler's sanitizers. Prints what differs; the exit status is the number of differences. */
#include "scan.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ROWS = 3 * 4096 + 77, MOST = 5000, THREADS = 3 };

static uint32_t state = 11;
static uint32_t next_bits(void) { return (state = state * 1664525u + 1013904223u) >> 8; }

static int8_t codes[ROWS][DIMENSION], query[DIMENSION];
static float scales[ROWS];
static int64_t some[ROWS];

static int in_order(const void *a, const void *b) {
    return is_worse(*(const Scored *)a, *(const Scored *)b) ? 1 : -1;
}

static int64_t plain(const int64_t *rows, int64_t count, Scored *sorted) {
    int64_t size = 0;
    for (int64_t n = 0; n < count; n++) {
        int64_t row = rows ? rows[n] : n;
        int32_t sum = 0;
        for (int d = 0; d < DIMENSION; d++) sum += codes[row][d] * query[d];
        if (!isnan(scales[row])) sorted[size++] = (Scored){sum * scales[row], row};
    }
    qsort(sorted, size, sizeof *sorted, in_order);
    return size;
}

static int differs(int set, const int64_t *rows, int64_t count, int64_t k, int threads) {
    static Scored sorted[ROWS], found[THREADS * MOST];
    Scan scan = {codes[0], scales, rows, count, query};
    int64_t size = plain(rows, count, sorted);
    int64_t got = ken_scan(&scan, k, threads, set, found);
    int wrong = got != (size < k ? size : k);
    for (int64_t n = 0; !wrong && n < got; n++)
        wrong = found[n].row != sorted[n].row || found[n].score != sorted[n].score;
    if (wrong) printf("set %d, %s rows, k %d, %d threads\n", set, rows ? "some" : "all", (int)k, threads);
    return wrong;
}

int main(void) {
    int differences = 0, sets = ken_instructions(), taken = 0;
    for (int64_t n = 0; n < ROWS; n++) {
        int same = n % 3 == 1; /* a third of the rows are copies: equal scores */
        for (int d = 0; d < DIMENSION; d++) codes[n][d] = same ? codes[n - 1][d] : (int)(next_bits() % 255) - 127;
        scales[n] = n % 17 == 5 ? NAN : same ? scales[n - 1] : 1.0f + next_bits() % 4;
        if (next_bits() % 3 == 0) some[taken++] = n;
    }
    for (int kind = 0; kind < 2; kind++) {
        for (int d = 0; d < DIMENSION; d++) query[d] = kind ? 127 : (int)(next_bits() % 255) - 127;
        if (kind) memset(codes[1000], -127, sizeof codes[0]), memset(codes[2000], 127, sizeof codes[0]);
        for (int set = 0; set < 16; set++)
            for (int threads = 1; sets >> set & 1 && threads <= THREADS; threads += 2) {
                differences += differs(set, 0, ROWS, 10, threads) + differs(set, 0, ROWS, MOST, threads);
                differences += differs(set, some, taken, 100, threads) + differs(set, some, 0, 5, threads);
                differences += differs(set, 0, 7, 100, threads);
            }
    }
    printf("%d differences in sets %x\n", differences, sets);
    return differences;
}
