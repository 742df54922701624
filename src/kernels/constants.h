/* SPDX-License-Identifier: Apache-2.0
 * The constants of the contract (docs/numerics.md), one place for every level.
 * Includes: nothing of ours. Called by: ref/, lanes/. The polynomials come from tests/oracle/numerics_poly.py. */
#ifndef TB_KERNELS_CONSTANTS_H
#define TB_KERNELS_CONSTANTS_H

/* 1.5 * 2^23: adding it rounds a small float to an integer, half to even, and leaves that integer in the low bits. */
#define TB_ROUNDER      0x1.8p+23f
#define TB_ROUNDER_BITS UINT32_C(0x4b400000)

/* exp: outside of [LOW, HIGH] the result is 0 or infinity. */
#define TB_EXP_LOW  -0x1.ap+6f /* -104 */
#define TB_EXP_HIGH 0x1.64p+6f /* 89 */
#define TB_LOG2_E   0x1.715476p+0f
#define TB_LN2_HIGH 0x1.62e4p-1f
#define TB_LN2_LOW  0x1.7f7d1cp-20f
/* exp(r) = 1 + r + r^2 (C2 + C3 r + ...), |r| <= ln(2)/2 */
#define TB_EXP_C2 0x1.fffffcp-2f
#define TB_EXP_C3 0x1.555492p-3f
#define TB_EXP_C4 0x1.5558aap-5f
#define TB_EXP_C5 0x1.12396ep-7f
#define TB_EXP_C6 0x1.6a524ep-10f

/* tanh(x) = x + x^3 (C0 + C1 x^2 + ...) below the split, 1 - 2 / (exp(2x) + 1) from it on */
#define TB_TANH_SPLIT 0x1.4p-1f /* 0.625 */
#define TB_TANH_C0    -0x1.555532p-2f
#define TB_TANH_C1    0x1.1106f6p-3f
#define TB_TANH_C2    -0x1.b835a4p-5f
#define TB_TANH_C3    0x1.51f8cep-6f
#define TB_TANH_C4    -0x1.750ce2p-8f

/* erf(x) = x + x (C0 + C1 x^2 + ...) below the split, 1 - exp(-x + x (D0 + D1 x + ...)) from it on; 1 from LIMIT on */
#define TB_ERF_SPLIT 0x1.d8p-1f /* 0.921875 */
#define TB_ERF_LIMIT 0x1p+2f    /* 4 */
#define TB_ERF_C0    0x1.06eba6p-3f
#define TB_ERF_C1    -0x1.8126e8p-2f
#define TB_ERF_C2    0x1.ce1ab4p-4f
#define TB_ERF_C3    -0x1.b68e62p-6f
#define TB_ERF_C4    0x1.4749dap-8f
#define TB_ERF_C5    -0x1.3a479cp-11f
#define TB_ERF_D0    -0x1.077964p-3f
#define TB_ERF_D1    -0x1.453204p-1f
#define TB_ERF_D2    -0x1.b32c88p-4f
#define TB_ERF_D3    0x1.8569a6p-6f
#define TB_ERF_D4    -0x1.ddc84p-9f
#define TB_ERF_D5    0x1.532f4ep-12f
#define TB_ERF_D6    -0x1.7b164ep-17f

#define TB_SQRT_HALF      0x1.6a09e6p-1f /* 1/sqrt(2), for GELU */
#define TB_SQRT_2_OVER_PI 0x1.988454p-1f /* 0.7978845608, for gelu_new */
#define TB_GELU_NEW_CUBE  0x1.6e4e26p-5f /* 0.044715 */

/* Derivatives of both: the normal density's factor 1/sqrt(2 pi), and 3 * 0.044715. */
#define TB_INV_SQRT_2_PI   0x1.988454p-2f
#define TB_GELU_NEW_SQUARE 0x1.12ba9ep-3f

/* Rounding to four bits: quotients so near to a tie are told apart in double. */
#define TB_NEAR_TIE        (0.5f - 4e-6f)
#define TB_LARGEST_INVERSE 1e30f

/* A row whose absolute maximum lies below this quantizes to zeros with scale 0. */
#define TB_ABSMAX_TINY 0x1p-100f
/* The one NaN that the contract writes itself: the scale of a row that holds NaN or infinity. */
#define TB_NAN_BITS UINT32_C(0x7fc00000)
/* quantize_affine clamps to this range before rounding. */
#define TB_AFFINE_LIMIT 0x1p+16f

#endif
