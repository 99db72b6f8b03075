/* Attention: rotary positions, keys and values in tiles, softmax, and weighted sums. */
#ifndef KEN_ATTENTION_H
#define KEN_ATTENTION_H

#include "rows.h"
#ifdef __AMX_TILE__
#include "amx.h"
#endif

#include <string.h>

static Block *bf16_block(const Run *run) {
#ifdef __AMX_TILE__
    if (run->amx) return block_bf16_amx;
#endif
    (void)run;
    return block_bf16;
}

static Block *int8_block(const Run *run) {
#ifdef __AMX_TILE__
    if (run->amx) return block_int8_amx;
#endif
    (void)run;
    return block_int8;
}

/* RMS norm of one head (D) and rotary positions (arXiv:2104.09864), with pairs D / 2 apart. */
static void qk_norm_rope(const float *v, int n, const float *norm, const float *rotary, float epsilon, bf16 *to) {
    Floats inverse = splat(inverse_rms(v, n, epsilon));
    int half = n / 2;
    for (int i = 0; i < half; i += LANES) {
        Floats a = load(v + i) * inverse * load(norm + i);
        Floats b = load(v + half + i) * inverse * load(norm + half + i);
        Floats cosine = load(rotary + i), sine = load(rotary + half + i);
        store_bf16(to + i, a * cosine - b * sine);
        store_bf16(to + half + i, b * cosine + a * sine);
    }
}

/* Norms and rotary positions for the queries and keys of a row; stores keys and values in tiles.
 *
 * In a tile of keys (block.h) the depth is D and the columns are 16 keys. In a tile of values the depth is the keys
 * and the columns are 16 numbers of D. */
static void scatter_qkv(Worker *worker, int row, const Layer *layer) {
    Run *run = worker->run;
    const Model *m = run->model;
    int n = m->head_dim, text = run->text_of[row], place = row - run->start[text];
    int keys = (int)round_up(run->start[text + 1] - run->start[text], ROWS);
    const float *from = run->accumulators + row * run->accumulator_stride;
    const float *rotary = m->rotary[layer->sliding] + (long)place * n;
    for (int h = 0; h < m->heads; h++)
        qk_norm_rope(from + h * n, n, layer->norm[QUERY], rotary, m->epsilon,
                     run->query + ((long)row * m->heads + h) * n);
    from += m->heads * n;
    bf16 *head = (bf16 *)worker->row;
    for (int h = 0; h < m->kv_heads; h++) {
        long at = (h * run->keys + run->key_start[text]) * n;
        qk_norm_rope(from + h * n, n, layer->norm[KEY], rotary, m->epsilon, head);
        uint32_t pair, *key = (uint32_t *)(run->key + at) + place / 16 * (n / 2) * 16 + place % 16;
        for (int i = 0; i < n / 2; i++) {
            memcpy(&pair, head + 2 * i, 4);
            key[i * 16] = pair;
        }
        const float *v = from + (m->kv_heads + h) * n;
        for (int i = 0; i < n; i += LANES) store_bf16(head + i, load(v + i));
        bf16 *value = run->value + at + place / 32 * 512 + place % 32 / 2 * 32 + place % 2;
        for (int i = 0; i < n; i++) value[(long)i / 16 * keys * 16 + i % 16 * 2] = head[i];
    }
}

/* exp(score - max) of the scores [from, to) of n, zero elsewhere; returns their sum. n: a multiple of 32. */
static float softmax_unnormalized(const float *score, int n, int from, int to, bf16 *weight) {
    Floats top = splat(-1e30f), sum = splat(0);
    Ints lane = lane_numbers();
    for (int i = 0; i < n; i += LANES)
        top = maximum(top, chosen(in_range(lane + i, from, to), load(score + i), top));
    top = splat(largest_of(top));
    for (int i = 0; i < n; i += LANES) {
        Floats e = chosen(in_range(lane + i, from, to), exponential(load(score + i) - top), splat(0));
        sum += e;
        store_bf16(weight + i, e);
    }
    return sum_of(sum);
}

/* Attention of 32 tokens of a text over their keys, for all heads; the result is quantized. */
static void attention(Worker *worker, const Layer *layer, int kind, int task) {
    Run *run = worker->run;
    (void)kind;
    const Model *m = run->model;
    Block *block = bf16_block(run);
    int text = run->text_of_keys[task], place = task * ROWS - run->key_start[text];
    int n = m->head_dim, length = run->start[text + 1] - run->start[text];
    int all = (int)round_up(length, ROWS), count = min(ROWS, length - place);
    int width = m->heads * n, row = run->start[text] + place;
    int reach = layer->sliding ? m->window - 1 : length;
    int low = max(0, place - reach) / ROWS * ROWS;
    int high = (int)round_up(min(length, place + count + reach), ROWS), visible = high - low;
    float *score = (float *)worker->attention, *out = score + ROWS * all, sums[ROWS];
    bf16 *weight = (bf16 *)(out + ROWS * width);
    for (int h = 0; h < m->heads; h++) {
        long at = ((long)h * m->kv_heads / m->heads * run->keys + run->key_start[text]) * n;
        const bf16 *query = run->query + (long)row * width + h * n;
        for (int key = low; key < high; key += WIDTH) {
            const bf16 *tile = run->key + at + (long)key * n;
            block(query, width * 2, tile, tile + 16 * n, count, n / 32, NULL, score + key - low, visible);
        }
        for (int r = 0; r < count; r++) {
            int from = max(0, place + r - reach) - low, to = min(length, place + r + reach + 1) - low;
            sums[r] = softmax_unnormalized(score + (long)r * visible, visible, from, to,
                                           weight + (long)r * visible);
        }
        for (int i = 0; i < n; i += WIDTH) {
            const bf16 *tile = run->value + at + (long)i * all + low * 16;
            block(weight, visible * 2, tile, tile + 16l * all, count, visible / 32, NULL, out + h * n + i,
                  width);
        }
        for (int r = 0; r < count; r++) {
            float *to = out + (long)r * width + h * n;
            for (int i = 0; i < n; i += LANES) store(to + i, load(to + i) * (1.0f / sums[r]));
        }
    }
    for (int r = 0; r < count; r++) quantize_row(worker, row + r, out + (long)r * width, width);
}

#endif
