/* EmbeddingGemma's blocks for x86-64 processors with AVX-512 or AMX.
 *
 * Texts lie one after the other, unpadded, so that the products see all rows of a batch at once. Every stage
 * is cut into tasks that whichever thread is free takes, and is over when they are done: a thread that the
 * system lets wait holds nobody up but for the task it has. Sums, norms, softmax and the residual stream are
 * float32. */
#define _GNU_SOURCE
#include "attention.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define SLICE 8   /* rows of a task that is no product */
#define STAGES 10 /* of a layer */
#define THREADS 64

/* ---- products ---- */

/* Undo the quantisation of one row of a block, 16 columns from `at`. */
static inline __m512 value_of(const Run *run, const void *block, int r, int at, int row, const float *scale) {
    if (!run->model->int8) return _mm512_loadu_ps((const float *)block + r * WIDTH + at);
    __m512 sum = _mm512_cvtepi32_ps(_mm512_loadu_si512((const int32_t *)block + r * WIDTH + at));
    return _mm512_mul_ps(sum, _mm512_mul_ps(_mm512_set1_ps(run->step[row]), _mm512_loadu_ps(scale + at)));
}

/* All narrowed rows times 32 columns of weights; gate and up, packed in turns of 16, come out multiplied. */
static void product(Worker *worker, const Layer *layer, int kind, int panel) {
    Run *run = worker->run;
    const Model *m = run->model;
    Block *block = run->amx ? (m->int8 ? block_int8_amx : block_bf16_amx)
                            : (m->int8 ? block_int8_avx : block_bf16_avx);
    int depth = kind == DOWN ? m->mlp : kind == OUTPUT ? m->heads * m->head_dim : m->hidden;
    int steps = depth * (m->int8 ? 1 : 2) / STEP;
    long half = (long)steps * TILE;
    const uint8_t *weight = (const uint8_t *)layer->weight[kind] + panel * 2 * half;
    const float *scale = m->int8 ? layer->scale[kind] + panel * WIDTH : NULL;
    const int32_t *shift = m->int8 ? layer->shift[kind] + panel * WIDTH : NULL;
    int32_t sums[ROWS * WIDTH] __attribute__((aligned(64)));
    for (int row = 0; row < run->rows; row += ROWS) {
        int count = min(ROWS, run->rows - row);
        block(run->narrow + row * run->narrow_stride, run->narrow_stride, weight, weight + half, count, steps,
              shift, sums, WIDTH);
        for (int r = 0; r < count; r++) {
            float *to = run->wide + (row + r) * run->wide_stride;
            __m512 a = value_of(run, sums, r, 0, row + r, scale);
            __m512 b = value_of(run, sums, r, 16, row + r, scale);
            if (kind == GATE_UP) {
                _mm512_storeu_ps(to + panel * 16, _mm512_mul_ps(gelu(a), b));
            } else {
                _mm512_storeu_ps(to + panel * WIDTH, a);
                _mm512_storeu_ps(to + panel * WIDTH + 16, b);
            }
        }
    }
}

/* ---- the network ---- */

static int pieces(int n, int of) { return (n + of - 1) / of; }

#define FOR_ROWS(worker, task)                                                                               \
    for (int row = (task) * SLICE, end = min(worker->run->rows, row + SLICE); row < end; row++)

static void scale_rows(Worker *worker, const Layer *layer, int kind, int task) {
    Run *run = worker->run;
    int n = run->model->hidden;
    float scale = __builtin_sqrtf((float)n);
    (void)layer, (void)kind;
    FOR_ROWS(worker, task)
    for (int i = 0; i < n; i++) run->x[(long)row * n + i] *= scale;
}

static void enter_rows(Worker *worker, const Layer *layer, int kind, int task) {
    FOR_ROWS(worker, task) enter(worker->run, row, layer->norm[kind]);
}

static void spread_rows(Worker *worker, const Layer *layer, int kind, int task) {
    (void)kind;
    FOR_ROWS(worker, task) spread(worker->run, row, layer);
}

static void leave_rows(Worker *worker, const Layer *layer, int kind, int task) {
    FOR_ROWS(worker, task) leave(worker->run, row, layer->norm[kind]);
}

static void settle_rows(Worker *worker, const Layer *layer, int kind, int task) {
    (void)kind;
    FOR_ROWS(worker, task) {
        leave(worker->run, row, layer->norm[AFTER_ATTENTION]);
        enter(worker->run, row, layer->norm[BEFORE_MLP]);
    }
}

static void narrow_rows(Worker *worker, const Layer *layer, int kind, int task) {
    Run *run = worker->run;
    (void)layer, (void)kind;
    FOR_ROWS(worker, task) narrow_row(run, row, run->wide + row * run->wide_stride, run->model->mlp);
}

static void layers(Worker *worker) {
    const Run *run = worker->run;
    const Model *m = run->model;
    int slices = pieces(run->rows, SLICE), all_heads = (m->heads + 2 * m->kv_heads) * m->head_dim;
    share(worker, scale_rows, NULL, 0, slices);
    for (const Layer *layer = m->layer; layer < m->layer + m->layers; layer++) {
        share(worker, enter_rows, layer, INPUT, slices);
        share(worker, product, layer, QKV, all_heads / WIDTH);
        share(worker, spread_rows, layer, 0, slices);
        share(worker, attend, layer, 0, (int)(run->keys / ROWS));
        share(worker, product, layer, OUTPUT, m->hidden / WIDTH);
        share(worker, settle_rows, layer, 0, slices);
        share(worker, product, layer, GATE_UP, 2 * m->mlp / WIDTH);
        share(worker, narrow_rows, layer, 0, slices);
        share(worker, product, layer, DOWN, m->hidden / WIDTH);
        share(worker, leave_rows, layer, AFTER_MLP, slices);
    }
}

/* The mean of a text's final states through the dense head, made one long. */
static void finish(Worker *worker, const Layer *layer, int kind, int text) {
    Run *run = worker->run;
    (void)layer, (void)kind;
    int n = run->model->hidden, length = run->start[text + 1] - run->start[text];
    float mean[n], *vector = run->vectors + (long)text * n;
    memset(mean, 0, sizeof mean);
    memset(vector, 0, n * sizeof *vector);
    for (int row = run->start[text]; row < run->start[text + 1]; row++) {
        const float *x = run->x + (long)row * n;
        float share = inverse_rms(x, n, run->model->epsilon) / length;
        for (int i = 0; i < n; i++) mean[i] += x[i] * share * run->model->norm[i];
    }
    for (int i = 0; i < n; i++)
        for (int j = 0; j < n; j++) vector[j] += mean[i] * run->model->head[(long)i * n + j];
    float inverse = inverse_rms(vector, n, 0.0f) / __builtin_sqrtf((float)n);
    for (int i = 0; i < n; i++) vector[i] *= inverse;
}

static void *work(void *argument) {
    Run *run = argument;
    int thread = atomic_fetch_add(&run->workers, 1);
    Worker worker = {.run = run, .scratch = run->scratch + thread * run->scratch_size};
    if (run->amx) {
        struct {
            uint8_t palette, start, none[14];
            uint16_t bytes[16];
            uint8_t rows[16];
        } tiles = {.palette = 1};
        for (int i = 0; i < 8; i++) tiles.bytes[i] = 64, tiles.rows[i] = 16;
        _tile_loadconfig(&tiles);
    }
    layers(&worker);
    if (run->amx) _tile_release();
    share(&worker, finish, NULL, 0, run->texts);
    return NULL;
}

/* One piece of zeroed memory for everything, each part on a cache line of its own. */
static void *lay_out(Run *run) {
    const Model *m = run->model;
    int longest = 0, heads = m->heads * m->head_dim;
    for (int text = 0; text < run->texts; text++) {
        int length = run->start[text + 1] - run->start[text];
        longest = max(longest, length);
        run->keys += up(length, ROWS);
    }
    long rows = up(run->rows, ROWS) + ROWS; /* blocks read 32 rows wherever they begin */
    run->wide_stride = max(heads + 2 * m->kv_heads * m->head_dim, max(m->hidden, m->mlp));
    run->narrow_stride = max(m->hidden, max(heads, m->mlp)) * (m->int8 ? 1 : 2);
    run->scratch_size = up(ROWS * (up(longest, ROWS) * 6 + heads * 4l) + ROWS * WIDTH * 4, 64);
    struct {
        void *part;
        long bytes;
    } parts[] = {
        {&run->key_start, run->texts * 4l},
        {&run->text_of, rows * 4},
        {&run->text_of_keys, run->keys / ROWS * 4},
        {&run->narrow, rows * run->narrow_stride},
        {&run->step, rows * 4},
        {&run->wide, rows * run->wide_stride * 4},
        {&run->query, rows * heads * 2},
        {&run->key, run->keys * m->kv_heads * m->head_dim * 2},
        {&run->value, run->keys * m->kv_heads * m->head_dim * 2},
        {&run->scratch, run->scratch_size * run->threads},
        {&run->stage, (m->layers * STAGES + 2l) * sizeof(Stage)},
    };
    const int count = sizeof parts / sizeof *parts;
    long size = 64;
    for (int i = 0; i < count; i++) size += up(parts[i].bytes, 64);
    uint8_t *memory = calloc(1, size), *at = (uint8_t *)up((intptr_t)memory, 64);
    for (int i = 0; memory && i < count; i++) {
        memcpy(parts[i].part, &at, sizeof at);
        at += up(parts[i].bytes, 64);
    }
    return memory;
}

static void number_rows(Run *run) {
    for (int text = 0, keys = 0; text < run->texts; text++) {
        run->key_start[text] = keys;
        for (int row = run->start[text]; row < run->start[text + 1]; row++) run->text_of[row] = text;
        for (int end = keys + (int)up(run->start[text + 1] - run->start[text], ROWS); keys < end; keys += ROWS)
            run->text_of_keys[keys / ROWS] = text;
    }
}

int ken_run(const Model *model, float *x, const int32_t *start, int texts, int threads, int amx,
            float *vectors) {
    Run run = {.model = model, .x = x, .vectors = vectors, .start = start, .texts = texts};
    run.rows = start[texts];
    run.amx = amx;
    run.threads = max(1, min(threads, THREADS));
    void *memory = lay_out(&run);
    if (!memory) return -1;
    number_rows(&run);
    pthread_t others[THREADS];
    int started = 0; /* with fewer threads than asked for, the rest do their share */
    while (started < run.threads - 1 && pthread_create(&others[started], NULL, work, &run) == 0) started++;
    work(&run);
    for (int i = 0; i < started; i++) pthread_join(others[i], NULL);
    free(memory);
    return 0;
}
