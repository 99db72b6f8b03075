/* Shares a scan among threads, with one of the instruction sets of the processor. Compiled for the baseline of its
 * family. HAVE_… says which sets the compiler knew. */
#define _DEFAULT_SOURCE
#include "scan.h"

#include <pthread.h>
#include <stdatomic.h>

#include "processor.h"

#define COMPILED(name) extern ScanPlaces name
COMPILED(ken_scan_scalar);
COMPILED(ken_scan_avx2);
COMPILED(ken_scan_avx_vnni);
COMPILED(ken_scan_avx512_vnni);
COMPILED(ken_scan_neon_dotprod);

static ScanPlaces *const SCAN[INSTRUCTION_SETS] = {
    [SCALAR] = ken_scan_scalar,
#ifdef HAVE_AVX2
    [AVX2] = ken_scan_avx2,
#endif
#ifdef HAVE_AVX_VNNI
    [AVX_VNNI] = ken_scan_avx_vnni,
#endif
#ifdef HAVE_AVX512_VNNI
    [AVX512_VNNI] = ken_scan_avx512_vnni,
#endif
#ifdef HAVE_NEON_DOTPROD
    [NEON_DOTPROD] = ken_scan_neon_dotprod,
#endif
};

enum {
    MOST_THREADS = 64,
    STRETCH = 4096, /* rows that a thread takes at a time: a megabyte, read in some 50 microseconds. What one thread does
                       not take another does, so one that the system holds up, or that never starts, holds up nothing */
};

typedef struct {
    const Scan *scan;
    ScanPlaces *places;
    atomic_llong *next; /* the first place that no thread has taken */
    Best best;
} Worker;

static void *work(void *argument) {
    Worker *worker = argument;
    int64_t from, count = worker->scan->count;
    while ((from = atomic_fetch_add(worker->next, STRETCH)) < count)
        worker->places(worker->scan, from, from + STRETCH < count ? from + STRETCH : count, &worker->best);
    return 0;
}

/* Turn a heap into an array, best first. */
static void sort(Best *best) {
    int64_t size = best->size;
    while (best->size) {
        Scored worst = best->heap[0];
        best->heap[0] = best->heap[--best->size];
        sink(best, 0);
        best->heap[best->size] = worst;
    }
    best->size = size;
}

int ken_instructions(void) {
    int found = processor();
    for (int set = 0; set < INSTRUCTION_SETS; set++)
        if (!SCAN[set]) found &= ~(1 << set);
    return found;
}

int64_t ken_scan(const Scan *scan, int64_t k, int threads, int instructions, Scored *best) {
    if (k <= 0) return 0;
    atomic_llong next = 0;
    Worker worker[MOST_THREADS];
    pthread_t thread[MOST_THREADS];
    int running[MOST_THREADS] = {0};
    int64_t useful = (scan->count + STRETCH - 1) / STRETCH;
    if (threads > MOST_THREADS) threads = MOST_THREADS;
    if (threads > useful) threads = useful ? (int)useful : 1;
    for (int i = 0; i < threads; i++)
        worker[i] = (Worker){scan, SCAN[instructions], &next, {best + i * k, 0, k}};
    for (int i = 1; i < threads; i++) running[i] = !pthread_create(&thread[i], 0, work, &worker[i]);
    work(&worker[0]);
    for (int i = 1; i < threads; i++) {
        if (!running[i]) continue;
        pthread_join(thread[i], 0);
        for (int64_t n = 0; n < worker[i].best.size; n++) offer(&worker[0].best, worker[i].best.heap[n]);
    }
    sort(&worker[0].best);
    return worker[0].best.size;
}
