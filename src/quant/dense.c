/* Dense arithmetic in double. Includes: quant/dense.h. Called by: quant/gptq.c, quant/descent.c. */
#include "quant/dense.h"

#include <stdlib.h>
#include <string.h>

enum { BLOCK = TB_DENSE_BLOCK, TILE_ROWS = 4, TILE_COLUMNS = 4, STRIPE = 256 };

/* ---- Products ---- */

/* 4 x 4 sums over one block, kept in registers. */
static void tile(const double *a, size_t lda, const double *b, size_t ldb, size_t k, double *c, size_t ldc)
{
    double s[TILE_ROWS][TILE_COLUMNS] = {{0}};
    for (size_t i = 0; i < k; i++) {
        const double *row = b + i * ldb;
        for (size_t r = 0; r < TILE_ROWS; r++) {
            double x = a[r * lda + i];
            for (size_t j = 0; j < TILE_COLUMNS; j++)
                s[r][j] += x * row[j];
        }
    }
    for (size_t r = 0; r < TILE_ROWS; r++)
        for (size_t j = 0; j < TILE_COLUMNS; j++)
            c[r * ldc + j] += s[r][j];
}

static void edge(const double *a, size_t lda, const double *b, size_t ldb, size_t m, size_t n, size_t k, double *c,
                 size_t ldc)
{
    for (size_t r = 0; r < m; r++)
        for (size_t j = 0; j < n; j++) {
            double s = 0;
            for (size_t i = 0; i < k; i++)
                s += a[r * lda + i] * b[i * ldb + j];
            c[r * ldc + j] += s;
        }
}

static void block_add(const double *a, size_t lda, const double *b, size_t ldb, size_t m, size_t n, size_t k, double *c,
                      size_t ldc)
{
    size_t rows = m / TILE_ROWS * TILE_ROWS, columns = n / TILE_COLUMNS * TILE_COLUMNS;
    for (size_t r = 0; r < rows; r += TILE_ROWS)
        for (size_t j = 0; j < columns; j += TILE_COLUMNS)
            tile(a + r * lda, lda, b + j, ldb, k, c + r * ldc + j, ldc);
    edge(a, lda, b + columns, ldb, rows, n - columns, k, c + columns, ldc);
    edge(a + rows * lda, lda, b, ldb, m - rows, n, k, c + rows * ldc, ldc);
}

void tb_dense_add(const double *a, size_t lda, const double *b, size_t ldb, size_t m, size_t n, size_t k, double *c,
                  size_t ldc)
{
    for (size_t j = 0; j < n; j += STRIPE) { /* a stripe of b's block stays in the cache for all rows of a */
        size_t columns = n - j < STRIPE ? n - j : STRIPE;
        for (size_t i = 0; i < k; i += BLOCK)
            block_add(a + i, lda, b + i * ldb + j, ldb, m, columns, k - i < BLOCK ? k - i : BLOCK, c + j, ldc);
    }
}

/* ---- Cholesky ---- */

struct cholesky {
    double *a;
    size_t n, first, width; /* the block of columns at hand */
    double *turned;         /* [BLOCK][n]: minus its rows below the diagonal, transposed */
};

static bool factor_block(double *a, size_t n, size_t width)
{
    for (size_t j = 0; j < width; j++) {
        double d = a[j * n + j];
        for (size_t k = 0; k < j; k++)
            d -= a[j * n + k] * a[j * n + k];
        if (!(d > 0))
            return false;
        double root = __builtin_sqrt(d);
        a[j * n + j] = root;
        for (size_t i = j + 1; i < width; i++) {
            double s = a[i * n + j];
            for (size_t k = 0; k < j; k++)
                s -= a[i * n + k] * a[j * n + k];
            a[i * n + j] = s / root;
        }
    }
    return true;
}

/* Rows below the block: x = a L⁻ᵀ. */
static void stage_solve(void *arg, int thread, int n_threads)
{
    const struct cholesky *c = arg;
    size_t below = c->first + c->width, begin, end;
    tb_share(c->n - below, 1, thread, n_threads, &begin, &end);
    const double *l = c->a + c->first * c->n + c->first;
    for (size_t i = below + begin; i < below + end; i++) {
        double *row = c->a + i * c->n + c->first;
        for (size_t j = 0; j < c->width; j++) {
            double s = row[j];
            for (size_t k = 0; k < j; k++)
                s -= row[k] * l[j * c->n + k];
            row[j] = s / l[j * c->n + j];
            c->turned[j * c->n + i] = -row[j];
        }
    }
}

/* What is left loses the outer product, in squares of BLOCK at and below the diagonal. */
static void stage_update(void *arg, int thread, int n_threads)
{
    const struct cholesky *c = arg;
    size_t below = c->first + c->width;
    for (size_t i = below + BLOCK * (size_t)thread; i < c->n; i += BLOCK * (size_t)n_threads) {
        size_t rows = c->n - i < BLOCK ? c->n - i : BLOCK;
        tb_dense_add(c->a + i * c->n + c->first, c->n, c->turned + below, c->n, rows, i + rows - below, c->width,
                     c->a + i * c->n + below, c->n);
    }
}

timbang_status tb_dense_cholesky(double *a, size_t n, tb_pool *pool, bool *positive, tb_error *err)
{
    struct cholesky c = {.a = a, .n = n};
    c.turned = tb_calloc(n, BLOCK * sizeof *c.turned, err);
    if (!c.turned)
        return TIMBANG_NO_MEMORY;
    *positive = true;
    for (; c.first < n && *positive; c.first += c.width) {
        c.width = n - c.first < BLOCK ? n - c.first : BLOCK;
        *positive = factor_block(a + c.first * n + c.first, n, c.width);
        if (!*positive)
            break;
        tb_pool_run(pool, stage_solve, &c);
        tb_pool_run(pool, stage_update, &c);
    }
    free(c.turned);
    return TIMBANG_OK;
}
