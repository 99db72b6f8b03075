/* The interface of the scan: which rows of a matrix have the greatest products with a query.
 *
 * Dimension letters in all comments of the scan: N rows, D = DIMENSION numbers in each, K rows that are wanted. */
#ifndef KEN_SCAN_H
#define KEN_SCAN_H

#include <stdint.h>

enum { DIMENSION = 256 };

typedef struct {
    const int8_t *codes; /* (N, D), from -127 to 127 */
    const float *scales; /* (N); a row whose scale is NaN is never found */
    const int64_t *rows; /* (count): the rows to score; null: the first `count` */
    int64_t count;
    const int8_t *query; /* (D) */
} Scan;

typedef struct {
    float score; /* the product of the codes, times the scale of the row */
    int64_t row;
} Scored;

/* The best of what was offered: a binary heap with the worst of them at its root. */
typedef struct {
    Scored *heap; /* (K) */
    int64_t size, most;
} Best;

/* Whether `a` comes after `b` in the answer. Of equal scores the lower row is better, so that the answer does not
 * depend on how the rows are shared among threads. */
static inline int is_worse(Scored a, Scored b) { return a.score < b.score || (a.score == b.score && a.row > b.row); }

static inline void sink(Best *best, int64_t place) {
    Scored moved = best->heap[place];
    for (int64_t child; (child = 2 * place + 1) < best->size; place = child) {
        if (child + 1 < best->size && is_worse(best->heap[child + 1], best->heap[child])) child++;
        if (!is_worse(best->heap[child], moved)) break;
        best->heap[place] = best->heap[child];
    }
    best->heap[place] = moved;
}

static inline void offer(Best *best, Scored one) {
    if (best->size < best->most) {
        int64_t place = best->size++;
        for (; place && is_worse(one, best->heap[(place - 1) / 2]); place = (place - 1) / 2)
            best->heap[place] = best->heap[(place - 1) / 2];
        best->heap[place] = one;
    } else if (is_worse(best->heap[0], one)) {
        best->heap[0] = one;
        sink(best, 0);
    }
}

/* The score that a row must reach to be among the best. */
static inline float least(const Best *best) {
    return best->size < best->most ? -__builtin_inff() : best->heap[0].score;
}

/* Offer the rows at the places from `from` to `to` of a scan. One for each instruction set. */
typedef void ScanPlaces(const Scan *scan, int64_t from, int64_t to, Best *best);

/* The instruction sets of this processor that the scan was compiled for: one bit each, in the order of processor.h. */
int ken_instructions(void);

/* The K best rows, best first, by at most `threads` threads and one of the sets of this processor.
 *
 * best: (threads, K), of which the first row has the answer. Returns how many were found. */
int64_t ken_scan(const Scan *scan, int64_t k, int threads, int instructions, Scored *best);

#endif
