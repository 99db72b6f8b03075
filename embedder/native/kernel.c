/* EmbeddingGemma's blocks for x86-64 processors with AVX-512 or AMX.
 *
 * Texts lie one after the other, unpadded, so that the products see all rows of a batch at once. Every stage
 * is cut into tasks that whichever thread is free takes, and is over when they are done: a thread that the
 * system lets wait holds nobody up but for the task it has. Sums, norms, softmax and the residual stream are
 * float32. */
#define _GNU_SOURCE
#include "block.h"
#include "kernel.h"

#include <limits.h>
#include <linux/futex.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define ROWS 32   /* of a block */
#define WIDTH 32  /* columns of a block */
#define SLICE 8   /* rows of a task that is no product */
#define STAGES 10 /* of a layer */
#define THREADS 64

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
static int pieces(int n, int of) { return (n + of - 1) / of; }

/* ---- threads ---- */

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

/* ---- rows ---- */

static float inverse_rms(const float *v, int n, float epsilon) {
    __m512 even = _mm512_setzero_ps(), odd = even;
    for (int i = 0; i < n; i += 32) {
        __m512 a = _mm512_loadu_ps(v + i), b = _mm512_loadu_ps(v + i + 16);
        even = _mm512_fmadd_ps(a, a, even);
        odd = _mm512_fmadd_ps(b, b, odd);
    }
    return 1.0f / __builtin_sqrtf(_mm512_reduce_add_ps(_mm512_add_ps(even, odd)) / n + epsilon);
}

static void store_bf16(bf16 *to, __m512 v) {
    _mm256_storeu_si256((__m256i *)to, (__m256i)_mm512_cvtneps_pbh(v));
}

/* A Hadamard transform, unscaled, of 128 numbers in blocks of 16: eight vectors added and subtracted in three
 * stages, then neighbours within each. It spreads what one number has over sixteen. The weights are packed
 * with the same transform, so that products stay what they are. */
static void mix(__m512 v[8]) {
    for (int distance = 1; distance < 8; distance *= 2)
        for (int i = 0; i < 8; i++)
            if (!(i & distance)) {
                __m512 a = v[i], b = v[i + distance];
                v[i] = _mm512_add_ps(a, b);
                v[i + distance] = _mm512_sub_ps(a, b);
            }
    for (int i = 0; i < 8; i++) {
        __m512 neighbour = _mm512_permute_ps(v[i], 0xB1);
        v[i] = _mm512_mask_sub_ps(_mm512_add_ps(v[i], neighbour), 0xAAAA, neighbour, v[i]);
    }
}

/* A row as the next product reads it: bfloat16, or int8 with a scale of its own, stored plus 128.
 *
 * One large number would leave few steps of int8 for all others: they are mixed first
 * (QuaRot, arXiv:2404.00456, after which the errors are a third of what they were). */
static void narrow_row(Run *run, int row, const float *v, int n) {
    if (!run->model->int8) {
        bf16 *to = (bf16 *)(run->narrow + row * run->narrow_stride);
        for (int i = 0; i < n; i += 16) store_bf16(to + i, _mm512_loadu_ps(v + i));
        return;
    }
    float mixed[n];
    __m512 top = _mm512_set1_ps(1e-30f);
    for (int i = 0; i < n; i += 128) {
        __m512 part[8];
        for (int j = 0; j < 8; j++) part[j] = _mm512_loadu_ps(v + i + 16 * j);
        mix(part);
        for (int j = 0; j < 8; j++) {
            top = _mm512_max_ps(top, _mm512_abs_ps(part[j]));
            _mm512_storeu_ps(mixed + i + 16 * j, part[j]);
        }
    }
    float largest = _mm512_reduce_max_ps(top);
    __m512 scale = _mm512_set1_ps(127.0f / largest);
    uint8_t *to = run->narrow + row * run->narrow_stride;
    for (int i = 0; i < n; i += 16) {
        __m512i q = _mm512_cvtps_epi32(_mm512_mul_ps(_mm512_loadu_ps(mixed + i), scale));
        q = _mm512_add_epi32(q, _mm512_set1_epi32(128));
        _mm_storeu_si128((__m128i *)(to + i), _mm512_cvtepi32_epi8(q));
    }
    run->step[row] = largest / 127.0f;
}

/* Normalise a row of the stream for the next product. */
static void enter(Run *run, int row, const float *norm) {
    int n = run->model->hidden;
    const float *x = run->x + (long)row * n;
    float v[n];
    __m512 inverse = _mm512_set1_ps(inverse_rms(x, n, run->model->epsilon));
    for (int i = 0; i < n; i += 16)
        _mm512_storeu_ps(v + i, _mm512_mul_ps(_mm512_mul_ps(_mm512_loadu_ps(x + i), inverse),
                                              _mm512_loadu_ps(norm + i)));
    narrow_row(run, row, v, n);
}

/* Normalise a row that a product gave and add it to the stream. */
static void leave(Run *run, int row, const float *norm) {
    int n = run->model->hidden;
    float *x = run->x + (long)row * n;
    const float *y = run->wide + row * run->wide_stride;
    __m512 inverse = _mm512_set1_ps(inverse_rms(y, n, run->model->epsilon));
    for (int i = 0; i < n; i += 16)
        _mm512_storeu_ps(x + i, _mm512_fmadd_ps(_mm512_mul_ps(_mm512_loadu_ps(y + i), inverse),
                                                _mm512_loadu_ps(norm + i), _mm512_loadu_ps(x + i)));
}

/* exp, within 2e-7 of it: 2^n times the Taylor series of 2^f, |f| at most a half. */
static inline __m512 exponential(__m512 x) {
    __m512 t = _mm512_mul_ps(_mm512_max_ps(x, _mm512_set1_ps(-100.0f)), _mm512_set1_ps(1.44269504f));
    __m512 n = _mm512_roundscale_ps(t, 0), f = _mm512_sub_ps(t, n);
    __m512 p = _mm512_set1_ps(1.5403530e-4f);
    p = _mm512_fmadd_ps(p, f, _mm512_set1_ps(1.3333558e-3f));
    p = _mm512_fmadd_ps(p, f, _mm512_set1_ps(9.6181291e-3f));
    p = _mm512_fmadd_ps(p, f, _mm512_set1_ps(5.5504109e-2f));
    p = _mm512_fmadd_ps(p, f, _mm512_set1_ps(2.4022651e-1f));
    p = _mm512_fmadd_ps(p, f, _mm512_set1_ps(6.9314718e-1f));
    p = _mm512_fmadd_ps(p, f, _mm512_set1_ps(1.0f));
    return _mm512_scalef_ps(p, n);
}

/* GELU in its tanh form (arXiv:1606.08415, section 2), written with a logistic function. */
static inline __m512 gelu(__m512 x) {
    __m512 inner = _mm512_fmadd_ps(_mm512_mul_ps(x, x), _mm512_set1_ps(0.044715f), _mm512_set1_ps(1.0f));
    __m512 u = _mm512_mul_ps(_mm512_mul_ps(x, inner), _mm512_set1_ps(-2 * 0.79788456f));
    __m512 below = _mm512_add_ps(_mm512_set1_ps(1.0f), exponential(_mm512_min_ps(u, _mm512_set1_ps(80.0f))));
    return _mm512_div_ps(x, below);
}

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

/* ---- attention ---- */

/* Normalise one head and turn it by its position (arXiv:2104.09864): pairs are halves apart. */
static void turn(const float *v, int n, const float *norm, const float *rotary, float epsilon, bf16 *to) {
    __m512 inverse = _mm512_set1_ps(inverse_rms(v, n, epsilon));
    int half = n / 2;
    for (int i = 0; i < half; i += 16) {
        __m512 a = _mm512_mul_ps(_mm512_mul_ps(_mm512_loadu_ps(v + i), inverse), _mm512_loadu_ps(norm + i));
        __m512 b = _mm512_mul_ps(_mm512_mul_ps(_mm512_loadu_ps(v + half + i), inverse),
                                 _mm512_loadu_ps(norm + half + i));
        __m512 cosine = _mm512_loadu_ps(rotary + i), sine = _mm512_loadu_ps(rotary + half + i);
        store_bf16(to + i, _mm512_fmsub_ps(a, cosine, _mm512_mul_ps(b, sine)));
        store_bf16(to + half + i, _mm512_fmadd_ps(b, cosine, _mm512_mul_ps(a, sine)));
    }
}

/* A row's queries as they are, its keys and values into the tiles that attention multiplies with. */
static void spread(Run *run, int row, const Layer *layer) {
    const Model *m = run->model;
    int n = m->head_dim, text = run->text_of[row], place = row - run->start[text];
    int keys = (int)up(run->start[text + 1] - run->start[text], ROWS);
    const float *from = run->wide + row * run->wide_stride;
    const float *rotary = m->rotary[layer->sliding] + (long)place * n;
    for (int h = 0; h < m->heads; h++)
        turn(from + h * n, n, layer->norm[QUERY], rotary, m->epsilon,
             run->query + ((long)row * m->heads + h) * n);
    from += m->heads * n;
    bf16 narrow[n];
    for (int h = 0; h < m->kv_heads; h++) {
        long at = (h * run->keys + run->key_start[text]) * n;
        turn(from + h * n, n, layer->norm[KEY], rotary, m->epsilon, narrow);
        uint32_t pair, *key = (uint32_t *)(run->key + at) + place / 16 * (n / 2) * 16 + place % 16;
        for (int i = 0; i < n / 2; i++) {
            memcpy(&pair, narrow + 2 * i, 4);
            key[i * 16] = pair;
        }
        const float *v = from + (m->kv_heads + h) * n;
        for (int i = 0; i < n; i += 16) store_bf16(narrow + i, _mm512_loadu_ps(v + i));
        bf16 *value = run->value + at + place / 32 * 512 + place % 32 / 2 * 32 + place % 2;
        for (int i = 0; i < n; i++) value[(long)i / 16 * keys * 16 + i % 16 * 2] = narrow[i];
    }
}

/* Softmax of scores [from, to) of `n`, unnormalised, zero elsewhere; the sum. n: a multiple of 32. */
static float softmax(const float *score, int n, int from, int to, bf16 *weight) {
    __m512 top = _mm512_set1_ps(-1e30f), sum = _mm512_setzero_ps();
    __m512i lane = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
#define SEEN(i)                                                                                              \
    _mm512_cmpge_epi32_mask(_mm512_add_epi32(lane, _mm512_set1_epi32(i)), _mm512_set1_epi32(from)) &         \
        _mm512_cmplt_epi32_mask(_mm512_add_epi32(lane, _mm512_set1_epi32(i)), _mm512_set1_epi32(to))
    for (int i = 0; i < n; i += 16) top = _mm512_mask_max_ps(top, SEEN(i), top, _mm512_loadu_ps(score + i));
    top = _mm512_set1_ps(_mm512_reduce_max_ps(top));
    for (int i = 0; i < n; i += 16) {
        __m512 e = exponential(_mm512_sub_ps(_mm512_loadu_ps(score + i), top));
        e = _mm512_maskz_mov_ps(SEEN(i), e);
        sum = _mm512_add_ps(sum, e);
        store_bf16(weight + i, e);
    }
#undef SEEN
    return _mm512_reduce_add_ps(sum);
}

/* 32 tokens of a text: what each head gathers from the tokens it sees. */
static void attend(Worker *worker, const Layer *layer, int kind, int task) {
    Run *run = worker->run;
    (void)kind;
    const Model *m = run->model;
    Block *block = run->amx ? block_bf16_amx : block_bf16_avx;
    int text = run->text_of_keys[task], place = task * ROWS - run->key_start[text];
    int n = m->head_dim, length = run->start[text + 1] - run->start[text], all = (int)up(length, ROWS);
    int count = min(ROWS, length - place), width = m->heads * n, row = run->start[text] + place;
    int reach = layer->sliding ? m->window - 1 : length;
    int low = max(0, place - reach) / ROWS * ROWS;
    int high = (int)up(min(length, place + count + reach), ROWS), seen = high - low;
    float *score = (float *)worker->scratch, *gathered = score + ROWS * all, sums[ROWS];
    bf16 *weight = (bf16 *)(gathered + ROWS * width);
    for (int h = 0; h < m->heads; h++) {
        long at = ((long)h * m->kv_heads / m->heads * run->keys + run->key_start[text]) * n;
        const bf16 *query = run->query + (long)row * width + h * n;
        for (int key = low; key < high; key += WIDTH) {
            const bf16 *tile = run->key + at + (long)key * n;
            block(query, width * 2, tile, tile + 16 * n, count, n / 32, NULL, score + key - low, seen);
        }
        for (int r = 0; r < count; r++) {
            int from = max(0, place + r - reach) - low, to = min(length, place + r + reach + 1) - low;
            sums[r] = softmax(score + (long)r * seen, seen, from, to, weight + (long)r * seen);
        }
        for (int i = 0; i < n; i += WIDTH) {
            const bf16 *tile = run->value + at + (long)i * all + low * 16;
            block(weight, seen * 2, tile, tile + 16l * all, count, seen / 32, NULL, gathered + h * n + i,
                  width);
        }
        for (int r = 0; r < count; r++) {
            __m512 share = _mm512_set1_ps(1.0f / sums[r]);
            float *to = gathered + (long)r * width + h * n;
            for (int i = 0; i < n; i += 16)
                _mm512_storeu_ps(to + i, _mm512_mul_ps(share, _mm512_loadu_ps(to + i)));
        }
    }
    for (int r = 0; r < count; r++) narrow_row(run, row + r, gathered + (long)r * width, width);
}

/* ---- the network ---- */

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
