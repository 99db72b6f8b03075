/* EmbeddingGemma's network. It is compiled once for each instruction set, as the function KEN_RUN.
 *
 * kernel.h explains the dimension letters, block.h tiles and blocks. Texts are consecutive, without padding, so that
 * a product has all rows of a batch. Every operation is a parallel loop of tasks, and the next free thread takes the
 * next task: a thread that the system suspends delays only its own task. Sums, norms, softmax and the residual
 * stream are float32. */
#define _GNU_SOURCE
#include "attention.h"
#include "team.h"

#include <stdlib.h>
#include <string.h>

#define SLICE_ROWS 8    /* rows of a task that is not a product: it takes about as long as 32 columns of one */
#define LAYER_STAGES 10 /* calls of parallel_for in a layer */
#define OTHER_STAGES 2  /* other calls of parallel_for: scale_embeddings, pool_and_project */
#define MAX_THREADS 64  /* more threads find no task */

/* ---- products ---- */

/* A vector of columns of row r of a block, from column `at`, as float32. */
static inline Floats dequantize(const Run *run, const void *block, int r, int at, int row, const float *scale) {
    if (!run->model->int8) return load((const float *)block + r * WIDTH + at);
    Floats sum = __builtin_convertvector(load_ints((const int32_t *)block + r * WIDTH + at), Floats);
    return sum * (run->activation_scale[row] * load(scale + at));
}

/* The product of all quantized rows with 32 columns of weights. The columns of GATE_UP are 16 of gate and 16 of up,
 * and the result is GELU(gate) * up. */
static void matmul(Worker *worker, const Layer *layer, int kind, int panel) {
    Run *run = worker->run;
    const Model *m = run->model;
    Block *block = m->int8 ? int8_block(run) : bf16_block(run);
    int depth = kind == DOWN ? m->mlp : kind == OUTPUT ? m->heads * m->head_dim : m->hidden;
    int steps = depth * (m->int8 ? 1 : 2) / STEP;
    long half = (long)steps * TILE;
    const uint8_t *weight = (const uint8_t *)layer->weight[kind] + panel * 2 * half;
    const float *scale = m->int8 ? layer->scale[kind] + panel * WIDTH : NULL;
    const int32_t *column_offset = m->int8 ? layer->column_offset[kind] + panel * WIDTH : NULL;
    int32_t sums[ROWS * WIDTH] __attribute__((aligned(64)));
    for (int row = 0; row < run->rows; row += ROWS) {
        int count = min(ROWS, run->rows - row);
        block(run->quantized + row * run->quantized_stride, run->quantized_stride, weight, weight + half, count, steps,
              column_offset, sums, WIDTH);
        for (int r = 0; r < count; r++) {
            float *to = run->accumulators + (row + r) * run->accumulator_stride;
            for (int i = 0; i < 16; i += LANES) {
                Floats a = dequantize(run, sums, r, i, row + r, scale);
                Floats b = dequantize(run, sums, r, 16 + i, row + r, scale);
                if (kind == GATE_UP) {
                    store(to + panel * 16 + i, gelu(a) * b);
                } else {
                    store(to + panel * WIDTH + i, a);
                    store(to + panel * WIDTH + 16 + i, b);
                }
            }
        }
    }
}

/* ---- the network ---- */

#define FOR_ROWS(worker, task)                                                                               \
    for (int row = (task) * SLICE_ROWS, end = min(worker->run->rows, row + SLICE_ROWS); row < end; row++)

static void scale_embeddings(Worker *worker, const Layer *layer, int kind, int task) {
    Run *run = worker->run;
    int n = run->model->hidden;
    float scale = __builtin_sqrtf((float)n);
    (void)layer, (void)kind;
    FOR_ROWS(worker, task)
    for (int i = 0; i < n; i++) run->x[(long)row * n + i] *= scale;
}

static void rmsnorm_quantize_rows(Worker *worker, const Layer *layer, int kind, int task) {
    FOR_ROWS(worker, task) rmsnorm_quantize(worker, row, layer->norm[kind]);
}

static void scatter_qkv_rows(Worker *worker, const Layer *layer, int kind, int task) {
    (void)kind;
    FOR_ROWS(worker, task) scatter_qkv(worker, row, layer);
}

static void rmsnorm_add_residual_rows(Worker *worker, const Layer *layer, int kind, int task) {
    FOR_ROWS(worker, task) rmsnorm_add_residual(worker->run, row, layer->norm[kind]);
}

static void residual_norm_quantize_rows(Worker *worker, const Layer *layer, int kind, int task) {
    (void)kind;
    FOR_ROWS(worker, task) {
        rmsnorm_add_residual(worker->run, row, layer->norm[AFTER_ATTENTION]);
        rmsnorm_quantize(worker, row, layer->norm[BEFORE_MLP]);
    }
}

static void quantize_rows(Worker *worker, const Layer *layer, int kind, int task) {
    Run *run = worker->run;
    (void)layer, (void)kind;
    FOR_ROWS(worker, task) quantize_row(worker, row, run->accumulators + row * run->accumulator_stride, run->model->mlp);
}

static void forward(Worker *worker) {
    const Run *run = worker->run;
    const Model *m = run->model;
    int slices = ceil_div(run->rows, SLICE_ROWS), all_heads = (m->heads + 2 * m->kv_heads) * m->head_dim;
    parallel_for(worker, scale_embeddings, NULL, 0, slices);
    for (const Layer *layer = m->layer; layer < m->layer + m->layers; layer++) {
        parallel_for(worker, rmsnorm_quantize_rows, layer, INPUT, slices);
        parallel_for(worker, matmul, layer, QKV, all_heads / WIDTH);
        parallel_for(worker, scatter_qkv_rows, layer, 0, slices);
        parallel_for(worker, attention, layer, 0, (int)(run->keys / ROWS));
        parallel_for(worker, matmul, layer, OUTPUT, m->hidden / WIDTH);
        parallel_for(worker, residual_norm_quantize_rows, layer, 0, slices);
        parallel_for(worker, matmul, layer, GATE_UP, 2 * m->mlp / WIDTH);
        parallel_for(worker, quantize_rows, layer, 0, slices);
        parallel_for(worker, matmul, layer, DOWN, m->hidden / WIDTH);
        parallel_for(worker, rmsnorm_add_residual_rows, layer, AFTER_MLP, slices);
    }
}

/* The mean of the normalized states of a text, through the dense head, normalized to length 1. */
static void pool_and_project(Worker *worker, const Layer *layer, int kind, int text) {
    Run *run = worker->run;
    (void)layer, (void)kind;
    int n = run->model->hidden, length = run->start[text + 1] - run->start[text];
    float *mean = worker->row, *vector = run->vectors + (long)text * n;
    memset(mean, 0, n * sizeof *mean);
    memset(vector, 0, n * sizeof *vector);
    for (int row = run->start[text]; row < run->start[text + 1]; row++) {
        const float *x = run->x + (long)row * n;
        float factor = inverse_rms(x, n, run->model->epsilon) / length;
        for (int i = 0; i < n; i++) mean[i] += x[i] * factor * run->model->norm[i];
    }
    for (int i = 0; i < n; i++)
        for (int j = 0; j < n; j++) vector[j] += mean[i] * run->model->head[(long)i * n + j];
    float inverse = inverse_rms(vector, n, 0.0f) / __builtin_sqrtf((float)n);
    for (int i = 0; i < n; i++) vector[i] *= inverse;
}

static void thread_main(void *argument) {
    Run *run = argument;
    int thread = atomic_fetch_add(&run->workers, 1);
    float *scratch = (float *)(run->scratch + thread * run->scratch_bytes);
    Worker worker = {.run = run, .row = scratch, .transformed = scratch + run->row_numbers};
    worker.attention = (uint8_t *)(scratch + 2 * run->row_numbers);
#ifdef __AMX_TILE__
    if (run->amx) configure_tiles();
#endif
    forward(&worker);
#ifdef __AMX_TILE__
    if (run->amx) _tile_release();
#endif
    parallel_for(&worker, pool_and_project, NULL, 0, run->texts);
}

/* The strides and sizes of the buffers of a run. */
static void plan_workspace(Run *run) {
    const Model *m = run->model;
    int longest = 0, heads = m->heads * m->head_dim;
    for (int text = 0; text < run->texts; text++) {
        int length = run->start[text + 1] - run->start[text];
        longest = max(longest, length);
        run->keys += round_up(length, ROWS);
    }
    run->accumulator_stride = max(heads + 2 * m->kv_heads * m->head_dim, max(m->hidden, m->mlp));
    run->row_numbers = round_up(max(m->hidden, max(heads, m->mlp)), 16);
    run->quantized_stride = run->row_numbers * (m->int8 ? 1 : 2);
    long scores = ROWS * round_up(longest, ROWS) * (4 + 2), sums = ROWS * heads * 4l; /* float32 and bfloat16 */
    run->scratch_bytes = round_up(2 * run->row_numbers * 4 + scores + sums + ROWS * WIDTH * 4, 64);
}

/* One zeroed allocation for all buffers, each aligned to a cache line. NULL if there is not enough memory. */
static void *alloc_workspace(Run *run) {
    const Model *m = run->model;
    int heads = m->heads * m->head_dim;
    long rows = round_up(run->rows, ROWS) + ROWS; /* a block reads 32 rows, also from the last one */
    struct {
        void *part;
        long bytes;
    } parts[] = {
        {&run->key_start, run->texts * 4l},
        {&run->text_of, rows * 4},
        {&run->text_of_keys, run->keys / ROWS * 4},
        {&run->quantized, rows * run->quantized_stride},
        {&run->activation_scale, rows * 4},
        {&run->accumulators, rows * run->accumulator_stride * 4},
        {&run->query, rows * heads * 2},
        {&run->key, run->keys * m->kv_heads * m->head_dim * 2},
        {&run->value, run->keys * m->kv_heads * m->head_dim * 2},
        {&run->scratch, run->scratch_bytes * run->threads},
        {&run->stage, (m->layers * (long)LAYER_STAGES + OTHER_STAGES) * sizeof(Stage)},
    };
    const int count = sizeof parts / sizeof *parts;
    long size = 64;
    for (int i = 0; i < count; i++) size += round_up(parts[i].bytes, 64);
    uint8_t *memory = calloc(1, size), *at = (uint8_t *)round_up((intptr_t)memory, 64);
    for (int i = 0; memory && i < count; i++) {
        memcpy(parts[i].part, &at, sizeof at);
        at += round_up(parts[i].bytes, 64);
    }
    return memory;
}

/* The text of each row and of each block of keys. */
static void index_rows(Run *run) {
    for (int text = 0, keys = 0; text < run->texts; text++) {
        run->key_start[text] = keys;
        for (int row = run->start[text]; row < run->start[text + 1]; row++) run->text_of[row] = text;
        for (int end = keys + (int)round_up(run->start[text + 1] - run->start[text], ROWS); keys < end; keys += ROWS)
            run->text_of_keys[keys / ROWS] = text;
    }
}

int KEN_RUN(const Model *model, float *x, const int32_t *start, int texts, int threads, int amx,
            float *vectors) {
    Run run = {.model = model, .x = x, .vectors = vectors, .start = start, .texts = texts};
    run.rows = start[texts];
    run.amx = amx;
    run.threads = max(1, min(threads, MAX_THREADS));
    plan_workspace(&run);
    void *memory = alloc_workspace(&run);
    if (!memory) return -1;
    index_rows(&run);
    run_together(thread_main, &run, run.threads);
    free(memory);
    return 0;
}
