/* One batch on its way through the network, and how threads share its stages. */
#ifndef KEN_RUN_H
#define KEN_RUN_H

#include "block.h"
#include "kernel.h"

#include <limits.h>
#include <linux/futex.h>
#include <stdatomic.h>
#include <sys/syscall.h>
#include <unistd.h>

#define ROWS 32  /* of a block */
#define WIDTH 32  /* columns of a block */

typedef uint16_t bf16;

typedef struct {
    atomic_int next, done;
} Stage;

typedef struct {
    const Model *model;
    float *x, *vectors;
    const int32_t *start;
    int texts, rows, threads, amx;
    long keys;          /* of all texts, each rounded up to ROWS */
    int32_t *key_start; /* (texts) */
    int32_t *text_of;   /* (rows) */
    int32_t *text_of_keys; /* (blocks of ROWS keys) */
    uint8_t *narrow;    /* rows for the next product, int8 or bfloat16, `narrow_stride` bytes apart */
    float *step;        /* (rows): what one step of int8 is worth */
    float *wide;        /* rows that the last product gave, `wide_stride` numbers apart */
    long narrow_stride, wide_stride;
    bf16 *query, *key, *value;
    uint8_t *scratch;   /* of attention, `scratch_size` bytes a thread */
    long scratch_size;
    Stage *stage;
    atomic_int sleepers, workers;
} Run;

/* One thread's place in a run. */
typedef struct {
    Run *run;
    uint8_t *scratch;
    int stage;
} Worker;

static int min(int a, int b) { return a < b ? a : b; }
static int max(int a, int b) { return a > b ? a : b; }
static long up(long n, long to) { return (n + to - 1) / to * to; }

typedef void Task(Worker *worker, const Layer *layer, int kind, int task);

/* Take part in a stage of `tasks` tasks, and return when all are done: spin first, for the others are
 * microseconds away, then sleep. */
static void share(Worker *worker, Task *task, const Layer *layer, int kind, int tasks) {
    Run *run = worker->run;
    Stage *stage = run->stage + worker->stage++;
    for (int i; (i = atomic_fetch_add(&stage->next, 1)) < tasks;) {
        task(worker, layer, kind, i);
        if (atomic_fetch_add(&stage->done, 1) == tasks - 1 && atomic_load(&run->sleepers))
            syscall(SYS_futex, &stage->done, FUTEX_WAKE_PRIVATE, INT_MAX, NULL, NULL, 0);
    }
    for (int spins = 0; spins < 200 && atomic_load(&stage->done) < tasks; spins++) _mm_pause();
    if (atomic_load(&stage->done) == tasks) return;
    atomic_fetch_add(&run->sleepers, 1);
    for (int done; (done = atomic_load(&stage->done)) < tasks;)
        syscall(SYS_futex, &stage->done, FUTEX_WAIT_PRIVATE, done, NULL, NULL, 0);
    atomic_fetch_sub(&run->sleepers, 1);
}

#endif
