/* EmbeddingGemma's blocks for x86-64 processors with AVX-512 or AMX.
 *
 * Texts lie one after the other, unpadded, so that the products see all rows of a batch at once. The rows are
 * split among the threads, or the columns where there are few rows; between stages that read what another
 * thread wrote stands a barrier. Sums, norms, softmax and the residual stream are float32. */
#include "block.h"
#include "kernel.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#define ROWS 32  /* of a block */
#define WIDTH 32 /* columns of a block */
#define MAX_THREADS 64

typedef uint16_t bf16;

typedef struct {
    const Model *model;
    float *x, *vectors;
    const int32_t *start;
    int texts, rows, threads, amx;
    int by_rows;        /* each thread keeps to its own rows, else to its own columns */
    long keys;          /* of all texts, each rounded up to ROWS */
    int32_t *key_start; /* (texts) */
    int32_t *text_of;   /* (rows) */
    uint8_t *narrow;    /* rows for the next product, int8 or bfloat16, `narrow_stride` bytes apart */
    float *step;        /* (rows): what one step of int8 is worth */
    float *wide;        /* rows that the last product gave, `wide_stride` numbers apart */
    long narrow_stride, wide_stride; /* fixed: threads are not always at the same product */
    bf16 *query, *key, *value;
    uint8_t *scratch;   /* of attention, `scratch_size` bytes a thread */
    long scratch_size;
    atomic_int next_task[1024]; /* of attention, one a layer */
    atomic_int waiting, turn;
    atomic_int next_thread, ready;
} Run;

static int min(int a, int b) { return a < b ? a : b; }
static int max(int a, int b) { return a > b ? a : b; }
static long up(long n, long to) { return (n + to - 1) / to * to; }

/* ---- threads ---- */

/* Spin, for the others are microseconds away; give way where they are not. */
static void barrier(Run *run) {
    int turn = atomic_load(&run->turn);
    if (atomic_fetch_add(&run->waiting, 1) == run->threads - 1) {
        atomic_store(&run->waiting, 0);
        atomic_fetch_add(&run->turn, 1);
        return;
    }
    for (int spins = 0; atomic_load(&run->turn) == turn; spins++)
        if (spins < 4096)
            _mm_pause();
        else
            sched_yield();
}

/* The part of `count` blocks that is this thread's. */
static int first_of(int count, int thread, int threads) { return (int)((long)count * thread / threads); }

typedef struct {
    int from, to;
} Span;

/* Whole blocks, so that who normalises a row multiplies it. */
static Span own_rows(const Run *run, int thread) {
    int blocks = (run->rows + ROWS - 1) / ROWS;
    return (Span){first_of(blocks, thread, run->threads) * ROWS,
                  min(run->rows, first_of(blocks, thread + 1, run->threads) * ROWS)};
}

/* Rows of work that is no product: spread evenly also where all of them are one block. */
static Span some_rows(const Run *run, int thread) {
    if (run->by_rows) return own_rows(run, thread);
    return (Span){first_of(run->rows, thread, run->threads), first_of(run->rows, thread + 1, run->threads)};
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

/* A row as the next product reads it: bfloat16, or int8 with a scale of its own, stored plus 128. */
static void narrow_row(Run *run, int row, const float *v, int n) {
    if (!run->model->int8) {
        bf16 *to = (bf16 *)(run->narrow + row * run->narrow_stride);
        for (int i = 0; i < n; i += 16) store_bf16(to + i, _mm512_loadu_ps(v + i));
        return;
    }
    __m512 top = _mm512_set1_ps(1e-30f);
    for (int i = 0; i < n; i += 16) top = _mm512_max_ps(top, _mm512_abs_ps(_mm512_loadu_ps(v + i)));
    float largest = _mm512_reduce_max_ps(top);
    __m512 scale = _mm512_set1_ps(127.0f / largest);
    uint8_t *to = run->narrow + row * run->narrow_stride;
    for (int i = 0; i < n; i += 16) {
        __m512i q = _mm512_cvtps_epi32(_mm512_mul_ps(_mm512_loadu_ps(v + i), scale));
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

/* The narrowed rows times one layer's weights; gate and up, packed in turns of 16, come out multiplied. */
static void product(Run *run, int thread, const Layer *layer, int kind, int depth, int columns) {
    const Model *m = run->model;
    Block *block = run->amx ? (m->int8 ? block_int8_amx : block_bf16_amx)
                            : (m->int8 ? block_int8_avx : block_bf16_avx);
    int width = m->int8 ? 1 : 2, steps = depth * width / STEP, panels = columns / WIDTH;
    long lda = run->narrow_stride, panel_bytes = 2l * steps * TILE;
    Span rows = run->by_rows ? own_rows(run, thread) : (Span){0, run->rows};
    int p = run->by_rows ? 0 : first_of(panels, thread, run->threads);
    int end = run->by_rows ? panels : first_of(panels, thread + 1, run->threads);
    int32_t sums[ROWS * WIDTH] __attribute__((aligned(64)));
    for (; p < end; p++) {
        const uint8_t *weight = (const uint8_t *)layer->weight[kind] + p * panel_bytes;
        const float *scale = m->int8 ? layer->scale[kind] + p * WIDTH : NULL;
        const int32_t *shift = m->int8 ? layer->shift[kind] + p * WIDTH : NULL;
        long ahead = rows.to > rows.from ? panel_bytes / ((rows.to - rows.from + ROWS - 1) / ROWS) : 0;
        for (int row = rows.from; row < rows.to; row += ROWS) {
            int count = min(ROWS, rows.to - row);
            long from = (long)(row - rows.from) / ROWS * ahead;
            for (long i = from; i < from + ahead; i += 64) /* the next panel, while this one is computed */
                _mm_prefetch((const char *)weight + panel_bytes + i, _MM_HINT_T1);
            block(run->narrow + row * lda, lda, weight, weight + panel_bytes / 2, count, steps, shift, sums,
                  WIDTH);
            for (int r = 0; r < count; r++) {
                float *to = run->wide + (row + r) * run->wide_stride;
                __m512 a = value_of(run, sums, r, 0, row + r, scale);
                __m512 b = value_of(run, sums, r, 16, row + r, scale);
                if (kind == GATE_UP) {
                    _mm512_storeu_ps(to + p * 16, _mm512_mul_ps(gelu(a), b));
                } else {
                    _mm512_storeu_ps(to + p * WIDTH, a);
                    _mm512_storeu_ps(to + p * WIDTH + 16, b);
                }
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

/* 32 tokens of a text from `place` on: what each head gathers from the tokens it sees. */
static void attend(Run *run, int text, int place, const Layer *layer, uint8_t *scratch) {
    const Model *m = run->model;
    Block *block = run->amx ? block_bf16_amx : block_bf16_avx;
    int n = m->head_dim, length = run->start[text + 1] - run->start[text], all = (int)up(length, ROWS);
    int count = min(ROWS, length - place), width = m->heads * n, row = run->start[text] + place;
    int reach = layer->sliding ? m->window - 1 : length;
    int low = max(0, place - reach) / ROWS * ROWS;
    int high = (int)up(min(length, place + count + reach), ROWS), seen = high - low;
    float *score = (float *)scratch, *gathered = score + ROWS * all, sums[ROWS];
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

/* Blocks of 32 tokens are taken by whoever is free: their cost grows with the length of the text. */
static void attention(Run *run, int thread, int index) {
    const Layer *layer = run->model->layer + index;
    uint8_t *scratch = run->scratch + thread * run->scratch_size;
    int blocks = (int)(run->keys / ROWS), text = 0, task;
    while ((task = atomic_fetch_add(&run->next_task[index], 1)) < blocks) {
        while (text + 1 < run->texts && run->key_start[text + 1] <= task * ROWS) text++;
        attend(run, text, task * ROWS - run->key_start[text], layer, scratch);
    }
}

/* ---- the network ---- */

/* Between stages that only hand on rows a barrier is needed where the threads share rows. */
static void hand_on(Run *run) {
    if (!run->by_rows) barrier(run);
}

static void layers(Run *run, int thread) {
    const Model *m = run->model;
    Span rows = some_rows(run, thread);
    int heads = m->heads * m->head_dim, all_heads = heads + 2 * m->kv_heads * m->head_dim;
    for (int index = 0; index < m->layers; index++) {
        const Layer *layer = m->layer + index;
        for (int row = rows.from; row < rows.to; row++) enter(run, row, layer->norm[INPUT]);
        hand_on(run);
        product(run, thread, layer, QKV, m->hidden, all_heads);
        hand_on(run);
        for (int row = rows.from; row < rows.to; row++) spread(run, row, layer);
        barrier(run);
        attention(run, thread, index);
        barrier(run);
        product(run, thread, layer, OUTPUT, heads, m->hidden);
        hand_on(run);
        for (int row = rows.from; row < rows.to; row++) {
            leave(run, row, layer->norm[AFTER_ATTENTION]);
            enter(run, row, layer->norm[BEFORE_MLP]);
        }
        hand_on(run);
        product(run, thread, layer, GATE_UP, m->hidden, 2 * m->mlp);
        hand_on(run);
        for (int row = rows.from; row < rows.to; row++)
            narrow_row(run, row, run->wide + row * run->wide_stride, m->mlp);
        hand_on(run);
        product(run, thread, layer, DOWN, m->mlp, m->hidden);
        hand_on(run);
        for (int row = rows.from; row < rows.to; row++) leave(run, row, layer->norm[AFTER_MLP]);
    }
    barrier(run);
}

/* The mean of a text's final states through the dense head, made one long. */
static void finish(Run *run, int text) {
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

static void work(Run *run) {
    int thread = atomic_fetch_add(&run->next_thread, 1);
    Span rows = some_rows(run, thread);
    float scale = __builtin_sqrtf((float)run->model->hidden);
    for (long i = (long)rows.from * run->model->hidden; i < (long)rows.to * run->model->hidden; i++)
        run->x[i] *= scale;
    if (run->amx) {
        struct {
            uint8_t palette, start, none[14];
            uint16_t bytes[16];
            uint8_t rows[16];
        } tiles = {.palette = 1};
        for (int i = 0; i < 8; i++) tiles.bytes[i] = 64, tiles.rows[i] = 16;
        _tile_loadconfig(&tiles);
    }
    layers(run, thread);
    if (run->amx) _tile_release();
    for (int text = thread; text < run->texts; text += run->threads) finish(run, text);
}

static void *work_thread(void *argument) {
    Run *run = argument;
    while (!atomic_load(&run->ready)) sched_yield();
    work(run);
    return NULL;
}

/* One piece of zeroed memory for everything, each part on a cache line of its own. */
static void *lay_out(Run *run) {
    const Model *m = run->model;
    int longest = 0, heads = m->heads * m->head_dim;
    run->keys = 0;
    for (int text = 0; text < run->texts; text++) longest = max(longest, run->start[text + 1] - run->start[text]);
    for (int text = 0; text < run->texts; text++) run->keys += up(run->start[text + 1] - run->start[text], ROWS);
    long rows = up(run->rows, ROWS) + ROWS; /* blocks read 32 rows wherever they begin */
    run->wide_stride = max(heads + 2 * m->kv_heads * m->head_dim, max(m->hidden, m->mlp));
    run->narrow_stride = max(m->hidden, max(heads, m->mlp)) * (m->int8 ? 1 : 2);
    run->scratch_size = ROWS * (up(longest, ROWS) * 6 + heads * 4l) + ROWS * ROWS * 4;
    struct {
        void *part;
        long bytes;
    } parts[] = {
        {&run->key_start, run->texts * 4l},
        {&run->text_of, rows * 4},
        {&run->narrow, rows * run->narrow_stride},
        {&run->step, rows * 4},
        {&run->wide, rows * run->wide_stride * 4},
        {&run->query, rows * heads * 2},
        {&run->key, run->keys * m->kv_heads * m->head_dim * 2},
        {&run->value, run->keys * m->kv_heads * m->head_dim * 2},
        {&run->scratch, run->scratch_size * run->threads},
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

int ken_run(const Model *model, float *x, const int32_t *start, int texts, int threads, int amx,
            float *vectors) {
    Run run = {.model = model, .x = x, .vectors = vectors, .start = start, .texts = texts, .rows = start[texts]};
    run.amx = amx;
    run.threads = max(1, min(threads, MAX_THREADS));
    void *memory = lay_out(&run);
    if (!memory) return -1;
    for (int text = 0, keys = 0; text < texts; text++) {
        run.key_start[text] = keys;
        keys += (int)up(start[text + 1] - start[text], ROWS);
        for (int row = start[text]; row < start[text + 1]; row++) run.text_of[row] = text;
    }
    pthread_t others[MAX_THREADS];
    int started = 0;
    while (started < run.threads - 1 && pthread_create(&others[started], NULL, work_thread, &run) == 0) started++;
    run.threads = started + 1;
    run.by_rows = run.rows >= 2 * ROWS * run.threads;
    atomic_store(&run.ready, 1);
    work(&run);
    for (int i = 0; i < started; i++) pthread_join(others[i], NULL);
    free(memory);
    return 0;
}
