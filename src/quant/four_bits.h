/* A row of a matrix on its way to four bits, and what both searches of scales need of it.
 * Includes: base, kernels, quant/rows.h. Called by: quant/two_level.c.
 *
 * A row is searched in float on values scaled by a power of two, so that its largest magnitude is in [1, 2). Squared
 * errors are floats in 16 lanes and a fixed tree (kernels.h, rounding_errors_s4). Integers and least-squares scales are
 * those of double arithmetic on the values themselves; they are computed faster where that provably gives the same. */
#ifndef TB_QUANT_FOUR_BITS_H
#define TB_QUANT_FOUR_BITS_H

#include "kernels/kernels.h"
#include "quant/rows.h"

enum { TB_S4_LANES = 16, TB_S4_MAX_MULTIPLIER = 15, TB_S4_CANDIDATES = 20 };

typedef struct tb_s4_row {
    const tb_kernels *kernels;
    const float *w; /* the values */
    const float *h; /* importance of each column; like x, up to a multiple of 16 */
    float *x;       /* the values times 2^-exponent; zeros up to a multiple of 16 */
    float *r;       /* integers */
    size_t n, padded, group, groups;
    int exponent;
    /* [groups] */
    float *cover, *tip, *tip_weight; /* of kernels->cover_s4, in units of x */
    uint8_t *m, *best;               /* multipliers: tried, best so far */
    float *m_error, *error;          /* and their errors */
    float *bound, *square, *t;
    double *sums; /* [groups][2] */
    bool *near;
    uint8_t *tried; /* [groups][TB_S4_CANDIDATES] */
    float *tried_error;
    tb_arena *arena;
} tb_s4_row;

/* n is a multiple of group, or group is n. h is borrowed, of tb_round_up(n, 16) values. */
timbang_status tb_s4_row_alloc(tb_s4_row *row, const tb_kernels *kernels, size_t n, size_t group, const float *h,
                               tb_error *err);
void tb_s4_row_free(tb_s4_row *row);
/* False for a row of zeros and for one that cannot be rounded; *scale is then 1, or NaN. */
bool tb_s4_row_take(tb_s4_row *row, const float *w, float *scale);

double tb_power_of_two(int exponent); /* of a normal double */
/* The nearest channel scale that can be stored: at most 20 significant bits, so that its product with a multiplier is
 * exact, and a multiple of the smallest float. */
double tb_storable_scale(double scale);
/* scale (of w) in the units of x; exact for floats. */
float tb_s4_scaled(const tb_s4_row *row, double scale);

/* row->r[i] = clamp(rint(w / (scale * m of its group)), -8, 7); m NULL: 1. scale is a float, and one of
 * tb_storable_scale unless m is NULL, so that its products with m are exact. */
void tb_s4_round(tb_s4_row *row, double scale, const uint8_t *m);
void tb_s4_write(const tb_s4_row *row, int8_t *q); /* q [n] = row->r */
/* The scale with the least squared error for the integers that scale and m give (left in row->r), as `store` rounds it:
 * tb_storable_scale, or another rounding that never falls. row->square: of the integers, by importance. */
typedef double tb_s4_store(double scale);
double tb_s4_least_squares(tb_s4_row *row, double scale, const uint8_t *m, tb_s4_store *store);

#endif
