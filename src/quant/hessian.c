/* Sums of outer products of a linear layer's inputs. Threads split rows of H; the inputs are one chain.
 * Includes: quant/hessian.h. Called by: quant/calibrated.c. */
#include "quant/hessian.h"

#include <stdlib.h>
#include <string.h>

enum { CHUNK = 48 }; /* rows of H that a thread takes at a time */

struct stage {
    tb_hessian *h;
    const float *x;
    size_t rows, ld;
    double weight;
};

static size_t leading(size_t rows)
{
    return tb_round_up(rows, 16) | 16; /* an odd number of cache lines */
}

static size_t panel_floats(const tb_hessian *h, size_t rows)
{
    return h->kernels->f32_panel_bytes(rows) / sizeof(float);
}

timbang_status tb_hessian_alloc(tb_hessian *hessian, size_t n, size_t most_rows, const tb_kernels *kernels,
                                tb_pool *pool, tb_error *err)
{
    *hessian = (tb_hessian){.n = n, .most_rows = most_rows, .kernels = kernels, .pool = pool};
    size_t panels = (n + kernels->f32_nr - 1) / kernels->f32_nr, threads = (size_t)tb_pool_threads(pool);
    hessian->h = tb_calloc(n, n * sizeof *hessian->h, err);
    hessian->turned = hessian->h ? tb_alloc_aligned(n, leading(most_rows) * sizeof(float), err) : NULL;
    hessian->panels = hessian->turned ? tb_alloc_aligned(panels, kernels->f32_panel_bytes(most_rows), err) : NULL;
    hessian->sums = hessian->panels ? tb_alloc_aligned(threads, CHUNK * n * sizeof(float), err) : NULL;
    return hessian->sums ? TIMBANG_OK : err->status;
}

void tb_hessian_free(tb_hessian *hessian)
{
    free(hessian->h);
    tb_free_aligned(hessian->turned);
    tb_free_aligned(hessian->panels);
    tb_free_aligned(hessian->sums);
    *hessian = (tb_hessian){0};
}

void tb_hessian_clear(tb_hessian *hessian)
{
    memset(hessian->h, 0, hessian->n * hessian->n * sizeof *hessian->h);
    hessian->rows = 0;
}

static void stage_turn(void *arg, int thread, int n_threads)
{
    const struct stage *s = arg;
    tb_hessian *h = s->h;
    size_t nr = h->kernels->f32_nr, begin, end;
    tb_share(h->n, nr, thread, n_threads, &begin, &end);
    if (begin == end)
        return;
    h->kernels->transpose(s->x + begin, h->n, s->rows, end - begin, h->turned + begin * s->ld, s->ld);
    h->kernels->pack_f32_kn(h->panels + begin / nr * panel_floats(h, s->rows), s->x + begin, h->n, end - begin,
                            s->rows);
}

/* Columns from the diagonal's panel on. */
static void add_chunk(const struct stage *s, size_t first, float *sums)
{
    tb_hessian *h = s->h;
    size_t nr = h->kernels->f32_nr, m = h->n - first < CHUNK ? h->n - first : CHUNK, from = first / nr * nr;
    tb_gemm_f32 product = {.a = h->turned + first * s->ld,
                           .lda = s->ld,
                           .panels = h->panels + from / nr * panel_floats(h, s->rows),
                           .m = m,
                           .n = h->n - from,
                           .k = s->rows,
                           .out = sums,
                           .ldo = h->n - from};
    h->kernels->gemm_f32(&product);
    for (size_t i = 0; i < m; i++) {
        double *row = h->h + (first + i) * h->n + from;
        for (size_t j = 0; j < h->n - from; j++)
            row[j] += s->weight * (double)sums[i * (h->n - from) + j];
    }
}

static void stage_add(void *arg, int thread, int n_threads)
{
    const struct stage *s = arg;
    float *sums = s->h->sums + (size_t)thread * CHUNK * s->h->n;
    for (size_t first = CHUNK * (size_t)thread; first < s->h->n; first += CHUNK * (size_t)n_threads)
        add_chunk(s, first, sums);
}

void tb_hessian_add(tb_hessian *hessian, const float *x, size_t rows, double weight)
{
    struct stage s = {hessian, x, rows, leading(rows), weight};
    tb_pool_run(hessian->pool, stage_turn, &s);
    tb_pool_run(hessian->pool, stage_add, &s);
    hessian->rows += rows;
}

void tb_hessian_finish(tb_hessian *hessian)
{
    size_t n = hessian->n;
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < i; j++)
            hessian->h[i * n + j] = hessian->h[j * n + i];
}
