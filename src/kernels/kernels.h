/* The kernel table: one struct of function pointers per CPU level, chosen once per context.
 * Includes: base only. Called by: model, quant, tests, bench. Every level gives the bits of ref/ (docs/numerics.md).
 *
 * Shapes: m rows (tokens), n columns (output features), k the summed dimension. ld* are row strides in elements.
 * Packed weights are 64-byte aligned; activations, rows and outputs may lie anywhere. No kernel allocates. All of it
 * runs under the floating-point environment of base/fp.h. The bits of a NaN are not part of the contract, that it is
 * one is. */
#ifndef TB_KERNELS_H
#define TB_KERNELS_H

#include "base/mem.h"

typedef enum tb_activation { TB_ACT_NONE, TB_ACT_GELU, TB_ACT_GELU_NEW, TB_ACT_RELU, TB_ACT_TANH } tb_activation;

/* What happens to an accumulator after the sum, in this order and never fused into one rounding:
 *   float product: v = acc
 *   s8 product:    v = ((float)acc * row_scale[i]) * col_scale[j]
 *   then           v = v + bias[j];  v = act(v);  v = v + residual[i][j]
 * NULL leaves a step out. */
typedef struct tb_epilogue {
    const float *bias; /* [n] */
    tb_activation act;
    const float *residual; /* [m][ld_residual], may be the output itself */
    size_t ld_residual;
} tb_epilogue;

/* FP32 product: out[i][j] = fma chain over k ascending from +0 of a[i][k] * w[j][k]. With `continues` the chain starts
 * at out[i][j] instead, and the epilogue must be empty: so a product may be done in parts of k, to the same bits. */
typedef struct tb_gemm_f32 {
    const float *a; /* [m][lda] */
    size_t lda;
    const float *panels; /* from pack_f32 */
    size_t m, n, k;
    float *out; /* [m][ldo] */
    size_t ldo;
    tb_epilogue epilogue;
    bool continues; /* from out, with an empty epilogue */
} tb_gemm_f32;

/* Integer product, exact in int32 (k <= TB_MAX_K). */
typedef struct tb_gemm_s8 {
    const int8_t *a; /* [m][lda] bytes as quantize_* of the same table wrote them; lda a multiple of 64, at least k */
    size_t lda;
    const int8_t *panels;   /* from pack_s8, or one panel range from unpack_s4 */
    const int32_t *colsum;  /* [n] sum over k of w[j][k], exact */
    const float *row_scale; /* [m] */
    const float *col_scale; /* [n] */
    bool has_minus128;      /* some weight is -128 (foreign files); a level may need to know */
    const void *ahead; /* what is read after each panel, to be fetched meanwhile; NULL: the panel that follows it */
    size_t ahead_bytes;
    size_t m, n, k;
    float *out;
    size_t ldo;
    tb_epilogue epilogue;
} tb_gemm_s8;

/* BF16 product, compute that is asked for by name: inputs are rounded to bfloat16 (half to even), their products are
 * exact, and each sum is a float one over k of one row and one column. The order of the sum, its roundings and whether
 * denormals count are the level's own: the one product whose bits may differ between levels. Rows, neighbours and
 * threads still do not matter, and parts of k neither where all but the last are multiples of 32 (`continues`). */
typedef struct tb_gemm_bf16 {
    const uint16_t *a; /* [m][lda] from round_bf16 of the same table; lda a multiple of 32, at least k */
    size_t lda;
    const uint16_t *panels; /* from pack_bf16 */
    size_t m, n, k;
    float *out; /* [m][ldo] */
    size_t ldo;
    tb_epilogue epilogue; /* as after the float product */
    bool continues;       /* from out, with an empty epilogue */
} tb_gemm_bf16;

/* Dropout: which values fall out is a function of the seed, the stream and a value's place alone. */
typedef struct tb_dropout {
    uint64_t seed, stream; /* base/rng.h */
    uint32_t threshold;    /* of 65536: a value whose 16 random bits are below it falls out */
    float scale;           /* the others times this: 65536 / (65536 - threshold), rounded to float */
} tb_dropout;

enum { TB_MAX_K = 65536 }; /* 65536 * 255 * 128 < 2^31 */

/* Four bits on two levels: for each group and each of `count` scales s[i] the multiplier m[i] for which
 * rounding_errors_s4 of the scale s[i] * m[i] is least (of equals the smallest), and that error, least[i]. Multipliers
 * go from (int)(cover / s[i] * clip) to (int)(cover / s[i]) + 1, within 1 and 15. */
typedef struct tb_search_s4 {
    const float *x, *h; /* [groups][n], n a multiple of 16 */
    size_t n, groups;
    float clip;
    const float *cover, *tip, *weight; /* [groups], from cover_s4 */
    const float *bound; /* [groups], where count is 1: what least is known not to be above. NULL: nothing is known. It
                           changes the time alone */
    const float *s;
    size_t count;
    float *least; /* [groups][count] */
    uint8_t *m;
} tb_search_s4;

typedef struct tb_kernels {
    const char *name; /* "scalar", "avx2", "avx512" */

    /* Packed weights. A panel holds nr output columns for all k; panels follow each other; the last one is padded with
     * zeros. panel p of columns [p*nr, (p+1)*nr) starts at p * panel_bytes(k). So threads may split n at multiples
     * of nr: shift panels, bias, colsum, col_scale, residual and out by hand and pass a smaller n. */
    size_t f32_nr, s8_nr;
    size_t (*f32_panel_bytes)(size_t k);
    size_t (*s8_panel_bytes)(size_t k);
    size_t (*s4_panel_bytes)(size_t k, size_t group); /* nibbles and multipliers of one panel of s8_nr columns */

    void (*pack_f32)(float *panels, const float *w, size_t ldw, size_t n, size_t k); /* w[n][ldw]: rows are outputs */
    void (*pack_f32_kn)(float *panels, const float *b, size_t ldb, size_t n, size_t k); /* b[k][ldb]: rows are summed */
    void (*pack_s8)(int8_t *panels, const int8_t *w, size_t ldw, size_t n, size_t k);
    /* q in -8..7, multiplier in 1..15 per [n][k/group]; k a multiple of group, group a multiple of 32. */
    void (*pack_s4)(uint8_t *panels, const int8_t *q, size_t ldq, const uint8_t *multiplier, size_t ldm, size_t n,
                    size_t k, size_t group);
    /* One panel of q * multiplier, exactly as pack_s8 would have laid it out. */
    void (*unpack_s4)(int8_t *panel, const uint8_t *s4_panel, size_t k, size_t group);

    void (*gemm_f32)(const tb_gemm_f32 *g);
    void (*gemm_s8)(const tb_gemm_s8 *g);

    /* BF16 compute. Panels as above, of bf16_nr columns; pack_bf16 rounds the weights, round_bf16 the activations and
     * writes lda values a row, zeros after k. Both round alike on every level. */
    size_t bf16_nr;
    size_t (*bf16_panel_bytes)(size_t k);
    void (*pack_bf16)(uint16_t *panels, const float *w, size_t ldw, size_t n, size_t k);
    void (*pack_bf16_kn)(uint16_t *panels, const float *b, size_t ldb, size_t n, size_t k); /* b[k][ldb] */
    void (*round_bf16)(const float *x, size_t ldx, size_t m, size_t k, uint16_t *a, size_t lda);
    void (*gemm_bf16)(const tb_gemm_bf16 *g);

    /* Rows. in and out may be the same where both are float. */
    /* y = ((x - mean) * rstd) * gamma + beta, mean and variance over n in 16 lanes and a tree, two passes. */
    void (*layernorm)(const float *x, size_t ldx, size_t m, size_t n, const float *gamma, const float *beta, float eps,
                      float *y, size_t ldy);
    /* x[i][0..n) = softmax(x[i][0..n) * scale) */
    void (*softmax)(float *x, size_t ldx, size_t m, size_t n, float scale);
    void (*activation)(tb_activation act, const float *x, float *y, size_t n);
    void (*add)(const float *a, const float *b, float *y, size_t n); /* y = a + b */

    /* Quantization of activations; writes lda bytes a row (zeros, in the level's own encoding, after k).
     * q = clamp(rint(x * (127 / absmax)), -127, 127), row_scale = absmax / 127; a row with absmax < 2^-100 becomes
     * zeros with scale 0, one that holds NaN or infinity zeros with scale NaN. */
    void (*quantize_rows)(const float *x, size_t ldx, size_t m, size_t k, int8_t *a, size_t lda, float *row_scale);
    /* Smallest and largest of m x k values and 0 (for an affine range); both NaN where a value is NaN. */
    void (*range)(const float *x, size_t ldx, size_t m, size_t k, float *min, float *max);
    /* Affine, with the zero point taken off again: q = clamp(rint(x * inv_scale), -zero_point, 127), so that the
     * product needs no correction. NaN becomes -zero_point. */
    void (*quantize_affine)(const float *x, size_t ldx, size_t m, size_t k, float inv_scale, int32_t zero_point,
                            int8_t *a, size_t lda);
    uint8_t a_xor; /* bytes of a are q ^ a_xor: 0, or 0x80 where the level wants its unsigned side ready */

    /* Storage formats, exact. */
    void (*expand_f16)(const uint16_t *x, float *y, size_t n);
    void (*expand_bf16)(const uint16_t *x, float *y, size_t n);
    void (*expand_s8)(const int8_t *x, float scale, float *y, size_t n);  /* y = (float)x * scale */
    void (*expand_s4)(const uint8_t *x, float scale, float *y, size_t n); /* low nibble first, u = q + 8 */

    /* Training. Every operation and its order: docs/numerics.md. */
    void (*transpose)(const float *x, size_t ldx, size_t m, size_t n, float *y, size_t ldy); /* y[j][i] = x[i][j] */
    /* dx = dy * act'(x), and y = act(x), the bits of `activation` (NULL: not wanted). dx may be dy, y may be x. */
    void (*activation_backward)(tb_activation act, const float *x, const float *dy, float *dx, float *y, size_t n);
    /* x is what went into the LayerNorm. xhat = (x - mean) * rstd; g = dy * gamma;
     * dx = rstd * (g - mean(g) - xhat * mean(g * xhat)). dx may be dy, xhat may be x. */
    void (*layernorm_backward)(const float *x, size_t ldx, const float *dy, size_t lddy, size_t m, size_t n,
                               const float *gamma, float eps, float *dx, size_t lddx, float *xhat, size_t ldxhat);
    /* dp[i][0..n) = (p * (dp - sum(p * dp))) * scale, p what the softmax of the scaled row gave */
    void (*softmax_backward)(const float *p, size_t ldp, float *dp, size_t lddp, size_t m, size_t n, float scale);
    /* sum[j] goes on over the rows, ascending: fma(a[i][j], b[i][j], sum[j]); without b: sum[j] + a[i][j]. */
    void (*add_columns)(const float *a, size_t lda, const float *b, size_t ldb, size_t m, size_t n, float *sum);
    /* Values are in groups of 128. Group g takes the Philox blocks of counters (first + g) * 16 + lane, lane 0..15:
     * value 32 w + 16 h + lane of it takes word w of the lane's block, the low half for h = 0, the high half for
     * h = 1. Where these 16 bits are below the threshold y = +0, else y = x * scale. y may be x. */
    void (*dropout)(const tb_dropout *d, uint64_t first, const float *x, float *y, size_t n);
    /* Rounding to four bits with each of `count` scales t, for the search of one: errors[i] = the sum over n (a
     * multiple of 16) of (x - t * clamp(rint(x / t), -8, 7))^2 * h. */
    void (*rounding_errors_s4)(const float *x, const float *h, size_t n, const float *t, size_t count, float *errors);
    /* Of each group of n (a multiple of 16): the smallest scale at which no value is clipped, the first value that says
     * so (+0 where nothing but zeros is there), and its importance. */
    void (*cover_s4)(const float *x, const float *h, size_t n, size_t groups, float *cover, float *tip, float *weight);
    void (*search_s4)(const tb_search_s4 *g);
    /* Rounding to four bits with one scale a group: r = clamp(rint(x * (1 / t[g])), -8, 7). sums [groups][2]: of x r h
     * and of r r h, whose products are exact, in 16 lanes and a tree of doubles. near[g]: whether some quotient is
     * within 4e-6 of a tie (that of longer numbers may then be rounded the other way), or 1 / t[g] is above 1e30. */
    void (*round_s4)(const float *x, const float *h, size_t n, size_t groups, const float *t, float *r, double *sums,
                     bool *near);
} tb_kernels;

/* The table of the best level not above `level` (NULL: the best) that this machine can run. *known tells whether the
 * name exists at all (an unknown one gives the best table); the returned table's name tells what was chosen. */
const tb_kernels *tb_kernels_find(const char *level, bool *known);
/* All levels usable on this machine, worst first; returns their number (at most max). */
size_t tb_kernels_usable(const tb_kernels **tables, size_t max);
/* All level names that timbang knows, worst first, usable or not; NULL-terminated. */
const char *const *tb_kernels_names(void);
/* CPU features seen, as words ("avx2", "avx512_vnni", ...); returns their number. */
size_t tb_cpu_features(const char **names, size_t max);

extern const tb_kernels tb_kernels_ref; /* plain C: the specification */

/* Scalar definitions of the contract that others need one value at a time (ref/): the same bits as the tables'. */
float tb_exp(float x);
float tb_tanh(float x);
float tb_erf(float x);
float tb_f16_to_f32(uint16_t h);
uint16_t tb_f32_to_f16(float x); /* round half to even; overflow to infinity */
float tb_bf16_to_f32(uint16_t h);
uint16_t tb_f32_to_bf16(float x); /* round half to even */
float tb_round_even(float x);     /* rint under the contract's rounding mode */

#endif
