/* The state of one batch, and the distribution of work over threads. */
#ifndef KEN_RUN_H
#define KEN_RUN_H

#include "block.h"
#include "kernel.h"

#include <limits.h>
#include <linux/futex.h>
#include <stdatomic.h>
#include <sys/syscall.h>
#include <unistd.h>

#define ROWS 32       /* rows of a block */
#define WIDTH 32      /* columns of a block */
#define MAX_SPINS 200 /* pauses before a thread sleeps: a few microseconds, about one task */

#if defined(__x86_64__)
#define PAUSE() _mm_pause()
#elif defined(__aarch64__)
#define PAUSE() __asm__ volatile("yield")
#else
#define PAUSE() (void)0
#endif

typedef uint16_t bf16;

/* One parallel loop: the number of the next task, and the number of finished tasks. */
typedef struct {
    atomic_int next, done;
} Stage;

typedef struct {
    const Model *model;
    float *x, *vectors;    /* (T, C), the residual stream; (texts, C) */
    const int32_t *start;  /* (texts + 1) */
    int texts, rows, threads, amx;
    long keys;             /* of all texts: the sum of S over texts */
    int32_t *key_start;    /* (texts): first key of each text */
    int32_t *text_of;      /* (T) */
    int32_t *text_of_keys; /* (keys / ROWS) */
    uint8_t *quantized;    /* (T) rows of activations for the next product, int8 plus ZERO_POINT or bfloat16 */
    float *activation_scale; /* (T): the scale of the int8 codes of each row */
    float *accumulators;   /* (T) rows: the result of the last product, in float32 */
    long quantized_stride; /* bytes from row to row */
    long accumulator_stride; /* numbers from row to row */
    bf16 *query;           /* (T, H, D) */
    bf16 *key, *value;     /* (K, keys, D) in tiles, see scatter_qkv */
    uint8_t *scratch;      /* (threads, scratch_bytes) */
    long scratch_bytes, row_numbers;
    Stage *stage;          /* one for each parallel_for of a batch */
    atomic_int sleepers, workers;
} Run;

/* One thread of a run, with its own memory. */
typedef struct {
    Run *run;
    float *row;         /* (row_numbers): a row before quantization */
    float *transformed; /* (row_numbers): a row after the Hadamard transform */
    uint8_t *attention; /* the rest of the scratch memory */
    int stage;
} Worker;

static int min(int a, int b) { return a < b ? a : b; }
static int max(int a, int b) { return a > b ? a : b; }
static int ceil_div(int n, int by) { return (n + by - 1) / by; }
static long round_up(long n, long to) { return (n + to - 1) / to * to; }

/* `kind` is a product or a norm, for tasks that need one. */
typedef void Task(Worker *worker, const Layer *layer, int kind, int task);

/* Run tasks 0 to `tasks` - 1 together with the other threads, and return when all are finished. Every thread calls
 * this for every stage, in the same order. A thread without a task spins first, since the others finish within
 * microseconds, and then sleeps. */
static void parallel_for(Worker *worker, Task *task, const Layer *layer, int kind, int tasks) {
    Run *run = worker->run;
    Stage *stage = run->stage + worker->stage++;
    for (int i; (i = atomic_fetch_add(&stage->next, 1)) < tasks;) {
        task(worker, layer, kind, i);
        if (atomic_fetch_add(&stage->done, 1) == tasks - 1 && atomic_load(&run->sleepers))
            syscall(SYS_futex, &stage->done, FUTEX_WAKE_PRIVATE, INT_MAX, NULL, NULL, 0);
    }
    for (int spins = 0; spins < MAX_SPINS && atomic_load(&stage->done) < tasks; spins++) PAUSE();
    if (atomic_load(&stage->done) == tasks) return;
    atomic_fetch_add(&run->sleepers, 1);
    for (int done; (done = atomic_load(&stage->done)) < tasks;)
        syscall(SYS_futex, &stage->done, FUTEX_WAIT_PRIVATE, done, NULL, NULL, 0);
    atomic_fetch_sub(&run->sleepers, 1);
}

#endif
