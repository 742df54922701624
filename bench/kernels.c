/* SPDX-License-Identifier: Apache-2.0
 * Speed of the kernel levels against what this machine can do: measured peaks and reading, products of every kind at
 * BERT-base's sizes, the linear layers of a whole pass beside their bound, row operations.
 * Includes: base, kernels. docs/performance.md tells how to read the tables.
 * Usage: bench_kernels [--levels A,B] [--threads N] [--parts machine,products,pass,rows] [--kinds s8,s4,f32,bf16]
 *                      [--ms N]   (time for each figure, 100) */
#include "kernels/kernels.h"
#include "base/clock.h"
#include "base/fp.h"
#include "kernels/peak.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    WIDEST = 3072,
    MAX_M = 512,
    GROUP = 32,
    MAX_LEVELS = 16,
    MAX_TIMES = 4096,
    WEIGHTS_CHUNK_BYTES = 32 << 20,
    LAYERS = 12,
    PRODUCTS = 4
};

typedef enum weight_kind { S8, S4, F32, BF16, KINDS } weight_kind;
static const char *const kind_names[KINDS] = {"s8", "s4", "f32", "bf16"};

/* A product: n output features of k inputs. */
typedef struct matrix_size {
    size_t n, k;
} matrix_size;
static const matrix_size sizes[PRODUCTS] = {{768, 768}, {2304, 768}, {3072, 768}, {768, 3072}};
static const size_t rows_of[] = {1, 6, 16, 32, 64, 128, 256, 512};
enum { N_ROWS = sizeof rows_of / sizeof rows_of[0] };

/* One weight matrix, packed. */
typedef struct matrix {
    matrix_size size;
    weight_kind kind;
    void *panels;
    int32_t *colsum;
} matrix;

typedef struct bench {
    const tb_kernels *kernels;
    tb_pool *pool;
    double ms; /* for each figure */
    double peak[KINDS], read_bytes;
    float *x, *w, *out, *vector, *scale;
    int8_t *a, *w8;
    uint8_t *multiplier;
    uint16_t *a16;
    uint8_t *scratch; /* [threads][an unpacked panel] */
    size_t scratch_bytes;
    tb_arena *packed;     /* the weights of the measurement at hand */
    const matrix *matrix; /* of the running product */
    size_t m;
} bench;

static void *checked(void *made)
{
    if (!made) {
        fputs("out of memory\n", stderr);
        exit(3);
    }
    return made;
}

static void *block(size_t count, size_t each)
{
    return checked(tb_alloc_aligned(count, each, NULL));
}

/* Packed weights lie as a model's do: one after the other, on huge pages. */
static void begin_weights(bench *b)
{
    tb_error err;
    if (tb_arena_create(WEIGHTS_CHUNK_BYTES, &b->packed, &err) != TIMBANG_OK)
        checked(NULL);
}

static void end_weights(bench *b)
{
    tb_arena_free(b->packed);
    b->packed = NULL;
}

/* ---- Products ---- */

static size_t panel_columns(const tb_kernels *kernels, weight_kind kind)
{
    return kind == F32 ? kernels->f32_nr : kind == BF16 ? kernels->bf16_nr : kernels->s8_nr;
}

static size_t panel_bytes(const tb_kernels *kernels, weight_kind kind, size_t k)
{
    switch (kind) {
    case S8:
        return kernels->s8_panel_bytes(k);
    case S4:
        return kernels->s4_panel_bytes(k, GROUP);
    case BF16:
        return kernels->bf16_panel_bytes(k);
    default:
        return kernels->f32_panel_bytes(k);
    }
}

static size_t matrix_bytes(const tb_kernels *kernels, const matrix *w)
{
    size_t nr = panel_columns(kernels, w->kind);
    return (w->size.n + nr - 1) / nr * panel_bytes(kernels, w->kind, w->size.k);
}

static matrix pack(const bench *b, weight_kind kind, matrix_size size)
{
    const tb_kernels *kernels = b->kernels;
    matrix made = {.size = size, .kind = kind};
    made.panels = checked(tb_arena_alloc(b->packed, matrix_bytes(kernels, &made), 1, NULL));
    made.colsum = checked(tb_arena_alloc(b->packed, size.n, sizeof *made.colsum, NULL));
    if (kind == S8)
        kernels->pack_s8(made.panels, b->w8, size.k, size.n, size.k);
    else if (kind == S4)
        kernels->pack_s4(made.panels, b->w8, size.k, b->multiplier, size.k / GROUP, size.n, size.k, GROUP);
    else if (kind == BF16)
        kernels->pack_bf16(made.panels, b->w, size.k, size.n, size.k);
    else
        kernels->pack_f32(made.panels, b->w, size.k, size.n, size.k);
    return made;
}

static void product_s8(const bench *b, const int8_t *panels, size_t at, size_t n, const void *ahead, size_t ahead_bytes)
{
    size_t k = b->matrix->size.k;
    tb_gemm_s8 g = {.a = b->a,
                    .lda = k,
                    .panels = panels,
                    .ahead = ahead,
                    .ahead_bytes = ahead_bytes,
                    .colsum = b->matrix->colsum + at,
                    .row_scale = b->scale,
                    .col_scale = b->scale + at,
                    .m = b->m,
                    .n = n,
                    .k = k,
                    .out = b->out + at,
                    .ldo = b->matrix->size.n,
                    .epilogue = {.bias = b->vector + at}};
    b->kernels->gemm_s8(&g);
}

static void product_f32(const bench *b, size_t at, size_t n)
{
    size_t k = b->matrix->size.k, panel = at / b->kernels->f32_nr * panel_bytes(b->kernels, F32, k);
    tb_gemm_f32 g = {.a = b->x,
                     .lda = k,
                     .panels = (const float *)b->matrix->panels + panel / sizeof(float),
                     .m = b->m,
                     .n = n,
                     .k = k,
                     .out = b->out + at,
                     .ldo = b->matrix->size.n,
                     .epilogue = {.bias = b->vector + at}};
    b->kernels->gemm_f32(&g);
}

static void product_bf16(const bench *b, size_t at, size_t n)
{
    size_t k = b->matrix->size.k, panel = at / b->kernels->bf16_nr * panel_bytes(b->kernels, BF16, k);
    tb_gemm_bf16 g = {.a = b->a16,
                      .lda = k,
                      .panels = (const uint16_t *)b->matrix->panels + panel / sizeof(uint16_t),
                      .m = b->m,
                      .n = n,
                      .k = k,
                      .out = b->out + at,
                      .ldo = b->matrix->size.n,
                      .epilogue = {.bias = b->vector + at}};
    b->kernels->gemm_bf16(&g);
}

/* A thread's share of the columns; four bits are unpacked a panel at a time, as the model does. */
static void product_share(void *arg, int thread, int n_threads)
{
    const bench *b = arg;
    const matrix *w = b->matrix;
    size_t nr = panel_columns(b->kernels, w->kind), begin, end, bytes = panel_bytes(b->kernels, w->kind, w->size.k);
    tb_share(w->size.n, nr, thread, n_threads, &begin, &end);
    if (begin == end)
        return;
    if (w->kind == F32)
        product_f32(b, begin, end - begin);
    else if (w->kind == BF16)
        product_bf16(b, begin, end - begin);
    else if (w->kind == S8)
        product_s8(b, (const int8_t *)w->panels + begin / nr * bytes, begin, end - begin, NULL, 0);
    else
        for (size_t at = begin; at < end; at += nr) {
            int8_t *panel = (int8_t *)b->scratch + (size_t)thread * b->scratch_bytes;
            const uint8_t *packed = (const uint8_t *)w->panels + at / nr * bytes;
            b->kernels->unpack_s4(panel, packed, w->size.k, GROUP);
            product_s8(b, panel, at, end - at < nr ? end - at : nr, packed + bytes, bytes);
        }
}

static void run_product(bench *b, const matrix *w)
{
    b->matrix = w;
    tb_pool_run(b->pool, product_share, b);
}

static void prepare_rows(const bench *b, weight_kind kind, size_t m, size_t k)
{
    if (kind == S8 || kind == S4)
        b->kernels->quantize_rows(b->x, k, m, k, b->a, k, b->scale);
    else if (kind == BF16)
        b->kernels->round_bf16(b->x, k, m, k, b->a16, k);
}

/* ---- Timing ---- */

typedef struct timing {
    double best, median; /* ms */
} timing;

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* work runs again and again for b->ms, at least five times; short work several times between two looks at the clock. */
static timing measure(bench *b, void (*work)(bench *b, void *arg), void *arg)
{
    static double times[MAX_TIMES];
    size_t n = 0, repeat = 1;
    work(b, arg);
    double begin = tb_now_ms();
    work(b, arg);
    double once = tb_now_ms() - begin;
    if (once < 0.05)
        repeat = once > 0.001 ? (size_t)(0.05 / once) + 1 : 50;
    begin = tb_now_ms();
    while (n < MAX_TIMES && (n < 5 || tb_now_ms() - begin < b->ms)) {
        double start = tb_now_ms();
        for (size_t i = 0; i < repeat; i++)
            work(b, arg);
        times[n++] = (tb_now_ms() - start) / (double)repeat;
    }
    qsort(times, n, sizeof *times, ascending);
    return (timing){times[0], times[n / 2]};
}

/* ---- The machine ---- */

static void measure_machine(bench *b)
{
    static const size_t kib[] = {16, 256, 4096, 83 * 1024, 332 * 1024};
    static const tb_peak_kind peaks[KINDS] = {TB_PEAK_S8, TB_PEAK_S8, TB_PEAK_F32, TB_PEAK_BF16};
    for (weight_kind k = 0; k < KINDS; k++)
        b->peak[k] = k == S4 ? b->peak[S8] : tb_peak_measure(b->kernels, peaks[k], b->pool);
    printf("  peak: s8 %.0f GOPS, f32 %.0f GFLOPS, bf16 %.0f GFLOPS; read GB/s:", b->peak[S8] * 1e-9,
           b->peak[F32] * 1e-9, b->peak[BF16] * 1e-9);
    for (size_t i = 0; i < sizeof kib / sizeof kib[0]; i++) {
        size_t bytes = kib[i] * 1024 * (size_t)(i < 2 ? tb_pool_threads(b->pool) : 1);
        char *memory = checked(tb_alloc_pages(bytes, NULL));
        memset(memory, 1, bytes);
        printf("%s %.0f at %.0f KiB", i ? "," : "", tb_read_measure(memory, bytes, b->pool) * 1e-9,
               (double)bytes / 1024);
        tb_free_pages(memory, bytes);
    }
    printf("\n");
}

static double share(double rate, double of)
{
    return of > 0 ? 100 * rate / of : 0;
}

/* ---- One product, weights hot ---- */

static void one_product(bench *b, void *arg)
{
    run_product(b, arg);
}

static void measure_products(bench *b, weight_kind kind)
{
    printf("  %s, GOPS and %% of peak\n  %6s", kind_names[kind], "rows");
    matrix w[PRODUCTS];
    begin_weights(b);
    for (size_t i = 0; i < PRODUCTS; i++) {
        w[i] = pack(b, kind, sizes[i]);
        printf("  %10zux%-4zu", sizes[i].n, sizes[i].k);
    }
    printf("\n");
    for (size_t r = 0; r < N_ROWS; r++) {
        b->m = rows_of[r];
        printf("  %6zu", b->m);
        for (size_t i = 0; i < PRODUCTS; i++) {
            prepare_rows(b, kind, b->m, sizes[i].k);
            double best = measure(b, one_product, &w[i]).best;
            double rate = 2.0 * (double)(b->m * sizes[i].n * sizes[i].k) / (best * 1e-3);
            printf("  %9.1f %4.0f%%", rate * 1e-9, share(rate, b->peak[kind]));
        }
        printf("\n");
    }
    end_weights(b);
}

/* ---- The linear layers of a pass ---- */

typedef struct pass {
    matrix w[LAYERS][PRODUCTS];
} pass;

/* In the order of a layer: query, key and value; attention's output; up; down. Inputs are not those of a real pass:
 * only the products are timed. */
static const size_t layer_order[PRODUCTS] = {1, 0, 2, 3};

static void one_pass(bench *b, void *arg)
{
    pass *p = arg;
    for (size_t l = 0; l < LAYERS; l++)
        for (size_t i = 0; i < PRODUCTS; i++)
            run_product(b, &p->w[l][i]);
}

static double read_rate(const bench *b, size_t bytes)
{
    char *memory = checked(tb_alloc_pages(bytes, NULL));
    memset(memory, 1, bytes);
    double rate = tb_read_measure(memory, bytes, b->pool);
    tb_free_pages(memory, bytes);
    return rate;
}

static void measure_pass(bench *b, weight_kind kind)
{
    static pass p;
    size_t bytes = 0;
    double macs = 0;
    begin_weights(b);
    for (size_t l = 0; l < LAYERS; l++)
        for (size_t i = 0; i < PRODUCTS; i++) {
            matrix_size size = sizes[layer_order[i]];
            p.w[l][i] = pack(b, kind, size);
            bytes += matrix_bytes(b->kernels, &p.w[l][i]);
            macs += (double)(size.n * size.k);
        }
    double read = read_rate(b, bytes);
    printf("  %s, %d layers, %.1f MB, read at %.1f GB/s\n  %6s %9s %9s %9s %7s %7s %9s %9s\n", kind_names[kind], LAYERS,
           (double)bytes * 1e-6, read * 1e-9, "rows", "best ms", "median ms", "GOPS", "% peak", "GB/s", "bound ms",
           "of bound");
    for (size_t r = 0; r < N_ROWS; r++) {
        b->m = rows_of[r];
        prepare_rows(b, kind, b->m, WIDEST);
        timing t = measure(b, one_pass, &p);
        double operations = 2 * macs * (double)b->m, rate = operations / (t.median * 1e-3);
        double by_read = read > 0 ? (double)bytes / read * 1e3 : 0,
               by_peak = b->peak[kind] > 0 ? operations / b->peak[kind] * 1e3 : 0;
        double bound = by_read > by_peak ? by_read : by_peak;
        printf("  %6zu %9.3f %9.3f %9.1f %6.0f%% %7.1f %9.3f %9.2f\n", b->m, t.best, t.median, rate * 1e-9,
               share(rate, b->peak[kind]), (double)bytes / (t.median * 1e-3) * 1e-9, bound,
               bound > 0 ? t.median / bound : 0);
    }
    end_weights(b);
}

/* ---- Rows, one thread ---- */

enum { HIDDEN = 768, HEAD = 64, TOKENS = 128 };

/* One head: scores, softmax, values. */
static void run_attention(bench *b, void *arg)
{
    const tb_kernels *kernels = b->kernels;
    float *panels = arg;
    tb_gemm_f32 scores = {
        .a = b->x, .lda = HIDDEN, .panels = panels, .m = TOKENS, .n = TOKENS, .k = HEAD, .out = b->out, .ldo = TOKENS};
    tb_gemm_f32 values = {.a = b->out,
                          .lda = TOKENS,
                          .panels = panels,
                          .m = TOKENS,
                          .n = HEAD,
                          .k = TOKENS,
                          .out = b->out + TOKENS * TOKENS,
                          .ldo = HEAD};
    kernels->pack_f32(panels, b->w, HIDDEN, TOKENS, HEAD);
    kernels->gemm_f32(&scores);
    kernels->softmax(b->out, TOKENS, TOKENS, TOKENS, 0.125f);
    kernels->pack_f32_kn(panels, b->w, HIDDEN, HEAD, TOKENS);
    kernels->gemm_f32(&values);
}

static void run_quantize(bench *b, void *arg)
{
    (void)arg;
    b->kernels->quantize_rows(b->x, HIDDEN, TOKENS, HIDDEN, b->a, HIDDEN, b->scale);
}

static void run_layernorm(bench *b, void *arg)
{
    (void)arg;
    b->kernels->layernorm(b->x, HIDDEN, TOKENS, HIDDEN, b->vector, b->vector, 1e-12f, b->out, HIDDEN);
}

static void run_softmax(bench *b, void *arg)
{
    (void)arg;
    memcpy(b->out, b->x, (size_t)TOKENS * TOKENS * sizeof(float));
    b->kernels->softmax(b->out, TOKENS, TOKENS, TOKENS, 1.0f);
}

static void run_gelu(bench *b, void *arg)
{
    (void)arg;
    b->kernels->activation(TB_ACT_GELU, b->x, b->out, (size_t)TOKENS * WIDEST);
}

static void run_pack_f32(bench *b, void *arg)
{
    b->kernels->pack_f32(arg, b->w, HIDDEN, WIDEST, HIDDEN);
}

static void run_pack_s8(bench *b, void *arg)
{
    b->kernels->pack_s8(arg, b->w8, HIDDEN, WIDEST, HIDDEN);
}

static void measure_rows(bench *b)
{
    float *panels = block((size_t)WIDEST * HIDDEN + 4096, sizeof *panels);
    static const struct {
        const char *what;
        void (*run)(bench *, void *);
        double work;
        const char *unit;
    } lines[] = {
        {"attention, one head of 64, 128 tokens", run_attention, 4.0 * TOKENS * TOKENS * HEAD, "GFLOPS"},
        {"quantize_rows, 128 x 768", run_quantize, (double)TOKENS * HIDDEN, "G values/s"},
        {"layernorm, 128 x 768", run_layernorm, (double)TOKENS * HIDDEN, "G values/s"},
        {"softmax and a copy, 128 x 128", run_softmax, (double)TOKENS * TOKENS, "G values/s"},
        {"GELU, 128 x 3072", run_gelu, (double)TOKENS * WIDEST, "G values/s"},
        {"pack_f32, 3072 x 768", run_pack_f32, (double)WIDEST * HIDDEN, "G values/s"},
        {"pack_s8, 3072 x 768", run_pack_s8, (double)WIDEST * HIDDEN, "G values/s"},
    };
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        double best = measure(b, lines[i].run, panels).best;
        printf("  %-40s %9.4f ms %9.2f %s\n", lines[i].what, best, lines[i].work / best * 1e-6, lines[i].unit);
    }
    tb_free_aligned(panels);
}

/* ---- Options ---- */

typedef struct options {
    const char *levels, *parts, *kinds; /* NULL: all (levels: all but the first) */
    int threads;
    double ms;
} options;

/* Is word one of the list "a,b,c"? */
static bool listed(const char *list, const char *word)
{
    size_t length = strlen(word);
    for (const char *at = list; at;) {
        if (strncmp(at, word, length) == 0 && (at[length] == ',' || !at[length]))
            return true;
        at = strchr(at, ',');
        at = at ? at + 1 : NULL;
    }
    return false;
}

static bool wanted(const char *list, const char *word)
{
    return !list || listed(list, word);
}

static bool parse(int argc, char **argv, options *o)
{
    for (int i = 1; i + 1 < argc; i += 2) {
        if (strcmp(argv[i], "--levels") == 0)
            o->levels = argv[i + 1];
        else if (strcmp(argv[i], "--parts") == 0)
            o->parts = argv[i + 1];
        else if (strcmp(argv[i], "--kinds") == 0)
            o->kinds = argv[i + 1];
        else if (strcmp(argv[i], "--threads") == 0)
            o->threads = atoi(argv[i + 1]);
        else if (strcmp(argv[i], "--ms") == 0)
            o->ms = atof(argv[i + 1]);
        else
            return false;
    }
    return argc % 2 == 1 && o->threads >= 0 && o->threads <= 1024 && o->ms > 0;
}

static void measure_level(bench *b, const options *o)
{
    char cpu[128];
    tb_cpu_name(cpu);
    printf("%s, %d thread%s, %s\n", b->kernels->name, tb_pool_threads(b->pool),
           tb_pool_threads(b->pool) == 1 ? "" : "s", cpu);
    b->scratch_bytes = tb_round_up(b->kernels->s8_panel_bytes(WIDEST), 4096);
    b->scratch = block((size_t)tb_pool_threads(b->pool), b->scratch_bytes);
    measure_machine(b);
    for (weight_kind k = 0; k < KINDS; k++)
        if (wanted(o->kinds, kind_names[k]) && wanted(o->parts, "products"))
            measure_products(b, k);
    for (weight_kind k = 0; k < KINDS; k++)
        if (wanted(o->kinds, kind_names[k]) && wanted(o->parts, "pass"))
            measure_pass(b, k);
    if (wanted(o->parts, "rows"))
        measure_rows(b);
    tb_free_aligned(b->scratch);
}

static void fill(bench *b)
{
    size_t weights = (size_t)WIDEST * WIDEST, inputs = (size_t)MAX_M * WIDEST;
    b->x = block(inputs, sizeof *b->x);
    b->w = block(weights, sizeof *b->w);
    b->out = block(inputs, sizeof *b->out);
    b->vector = block(WIDEST, sizeof *b->vector);
    b->scale = block(WIDEST, sizeof *b->scale);
    b->a = block(inputs, 1);
    b->a16 = block(inputs, sizeof *b->a16);
    b->w8 = block(weights, 1);
    b->multiplier = block(weights / GROUP, 1);
    memset(b->multiplier, 1, weights / GROUP);
    uint32_t state = 1;
    for (size_t i = 0; i < weights; i++) {
        state = state * UINT32_C(1664525) + UINT32_C(1013904223);
        b->w8[i] = (int8_t)((int)(state >> 24) % 16 - 8); /* fits four bits too */
        b->w[i] = (float)b->w8[i] * 0x1p-8f;
        if (i < inputs)
            b->x[i] = (float)(state >> 8) * 0x1p-22f - 2.0f;
    }
}

int main(int argc, char **argv)
{
    options o = {.threads = 1, .ms = 100};
    if (!parse(argc, argv, &o)) {
        fputs("usage: bench_kernels [--levels A,B] [--threads N (0: all)] [--parts machine,products,pass,rows]\n"
              "                     [--kinds s8,s4,f32,bf16] [--ms N]\n",
              stderr);
        return 2;
    }
    tb_fp_state saved = tb_fp_enter();
    bench b = {.ms = o.ms};
    if (tb_pool_create(o.threads, &b.pool, NULL) != TIMBANG_OK)
        return 3;
    fill(&b);
    const tb_kernels *levels[MAX_LEVELS];
    size_t n = tb_kernels_usable(levels, MAX_LEVELS);
    for (size_t i = 0; i < n; i++)
        if (o.levels ? listed(o.levels, levels[i]->name) : i > 0 || n == 1) {
            b.kernels = levels[i];
            measure_level(&b, &o);
        }
    void *blocks[] = {b.x, b.w, b.out, b.vector, b.scale, b.a, b.a16, b.w8, b.multiplier};
    for (size_t i = 0; i < sizeof blocks / sizeof blocks[0]; i++)
        tb_free_aligned(blocks[i]);
    tb_pool_free(b.pool);
    tb_fp_leave(saved);
    return 0;
}
