/* SPDX-License-Identifier: Apache-2.0
 * The 16 virtual lanes of the contract as four NEON registers; see x86/lanes_avx2.h for the meaning of each function.
 * fmin/fmax of this machine order NaN and zeros in their own way, so minimum and maximum are comparisons and
 * selections. Includes: arm_neon.h. Called by: arm/, before the files of lanes/. */
#ifndef TB_KERNELS_ARM_LANES_NEON_H
#define TB_KERNELS_ARM_LANES_NEON_H

#include <arm_neon.h>
#include <stddef.h>
#include <stdint.h>

typedef struct lanes {
    float32x4_t q0, q1, q2, q3;
} lanes;

typedef struct ilanes {
    int32x4_t q0, q1, q2, q3;
} ilanes;

/* f on each of the four registers */
#define LANES_1(type, f, a)    ((type){f((a).q0), f((a).q1), f((a).q2), f((a).q3)})
#define LANES_2(type, f, a, b) ((type){f((a).q0, (b).q0), f((a).q1, (b).q1), f((a).q2, (b).q2), f((a).q3, (b).q3)})

/* Elements [from, from + 4) of the first count; +0 for those that do not exist. */
static inline float32x4_t neon_load_some(const float *p, size_t from, size_t count)
{
    if (count >= from + 4)
        return vld1q_f32(p + from);
    float32x4_t v = vdupq_n_f32(0.0f);
    if (count > from)
        v = vld1q_lane_f32(p + from, v, 0);
    if (count > from + 1)
        v = vld1q_lane_f32(p + from + 1, v, 1);
    if (count > from + 2)
        v = vld1q_lane_f32(p + from + 2, v, 2);
    return v;
}
static inline int32x4_t neon_load_some_int(const int32_t *p, size_t from, size_t count)
{
    if (count >= from + 4)
        return vld1q_s32(p + from);
    int32x4_t v = vdupq_n_s32(0);
    if (count > from)
        v = vld1q_lane_s32(p + from, v, 0);
    if (count > from + 1)
        v = vld1q_lane_s32(p + from + 1, v, 1);
    if (count > from + 2)
        v = vld1q_lane_s32(p + from + 2, v, 2);
    return v;
}
static inline void neon_store_some(float *p, float32x4_t v, size_t from, size_t count)
{
    if (count >= from + 4) {
        vst1q_f32(p + from, v);
        return;
    }
    if (count > from)
        vst1q_lane_f32(p + from, v, 0);
    if (count > from + 1)
        vst1q_lane_f32(p + from + 1, v, 1);
    if (count > from + 2)
        vst1q_lane_f32(p + from + 2, v, 2);
}
/* v in the lanes of [from, from + 4) below count, +0 in the others */
static inline float32x4_t neon_keep(float32x4_t v, int32_t from, size_t count)
{
    static const int32_t places[4] = {0, 1, 2, 3};
    int32x4_t index = vaddq_s32(vld1q_s32(places), vdupq_n_s32(from));
    uint32x4_t mask = vcltq_s32(index, vdupq_n_s32((int32_t)count));
    return vreinterpretq_f32_u32(vandq_u32(vreinterpretq_u32_f32(v), mask));
}

static inline lanes lanes_set(float x)
{
    float32x4_t v = vdupq_n_f32(x);
    return (lanes){v, v, v, v};
}
static inline lanes lanes_load(const float *p)
{
    return (lanes){vld1q_f32(p), vld1q_f32(p + 4), vld1q_f32(p + 8), vld1q_f32(p + 12)};
}
static inline void lanes_store(float *p, lanes v)
{
    vst1q_f32(p, v.q0);
    vst1q_f32(p + 4, v.q1);
    vst1q_f32(p + 8, v.q2);
    vst1q_f32(p + 12, v.q3);
}
static inline lanes lanes_load_some(const float *p, size_t count)
{
    return (lanes){neon_load_some(p, 0, count), neon_load_some(p, 4, count), neon_load_some(p, 8, count),
                   neon_load_some(p, 12, count)};
}
static inline void lanes_store_some(float *p, lanes v, size_t count)
{
    neon_store_some(p, v.q0, 0, count);
    neon_store_some(p, v.q1, 4, count);
    neon_store_some(p, v.q2, 8, count);
    neon_store_some(p, v.q3, 12, count);
}
static inline lanes lanes_keep(lanes v, size_t count)
{
    return (lanes){neon_keep(v.q0, 0, count), neon_keep(v.q1, 4, count), neon_keep(v.q2, 8, count),
                   neon_keep(v.q3, 12, count)};
}

static inline lanes lanes_add(lanes a, lanes b)
{
    return LANES_2(lanes, vaddq_f32, a, b);
}
static inline lanes lanes_sub(lanes a, lanes b)
{
    return LANES_2(lanes, vsubq_f32, a, b);
}
static inline lanes lanes_mul(lanes a, lanes b)
{
    return LANES_2(lanes, vmulq_f32, a, b);
}
static inline lanes lanes_div(lanes a, lanes b)
{
    return LANES_2(lanes, vdivq_f32, a, b);
}
static inline lanes lanes_fma(lanes a, lanes b, lanes c) /* a * b + c; the instruction's first operand is the sum */
{
    return (lanes){vfmaq_f32(c.q0, a.q0, b.q0), vfmaq_f32(c.q1, a.q1, b.q1), vfmaq_f32(c.q2, a.q2, b.q2),
                   vfmaq_f32(c.q3, a.q3, b.q3)};
}
/* yes where the mask is set, no elsewhere. The empty assembly hides where the mask comes from: clang (14 and newer
 * ones, LLVM issue 93414) would see `0 > x ? 0 : x` and take fmax, which makes +0 of -0. */
static inline float32x4_t neon_select(uint32x4_t mask, float32x4_t yes, float32x4_t no)
{
    __asm__("" : "+w"(mask));
    return vbslq_f32(mask, yes, no);
}
static inline float32x4_t neon_min(float32x4_t a, float32x4_t b)
{
    return neon_select(vcltq_f32(a, b), a, b);
}
static inline float32x4_t neon_max(float32x4_t a, float32x4_t b)
{
    return neon_select(vcgtq_f32(a, b), a, b);
}
static inline lanes lanes_min(lanes a, lanes b)
{
    return LANES_2(lanes, neon_min, a, b);
}
static inline lanes lanes_max(lanes a, lanes b)
{
    return LANES_2(lanes, neon_max, a, b);
}
static inline lanes lanes_abs(lanes v)
{
    return LANES_1(lanes, vabsq_f32, v);
}
static inline lanes lanes_negate(lanes v)
{
    return LANES_1(lanes, vnegq_f32, v);
}
static inline float32x4_t neon_copysign(float32x4_t magnitude, float32x4_t sign_of)
{
    return vbslq_f32(vdupq_n_u32(UINT32_C(0x80000000)), sign_of, magnitude);
}
static inline lanes lanes_copysign(lanes magnitude, lanes sign_of)
{
    return LANES_2(lanes, neon_copysign, magnitude, sign_of);
}
static inline lanes lanes_select_less(lanes a, lanes b, lanes yes, lanes no)
{
    return (lanes){vbslq_f32(vcltq_f32(a.q0, b.q0), yes.q0, no.q0), vbslq_f32(vcltq_f32(a.q1, b.q1), yes.q1, no.q1),
                   vbslq_f32(vcltq_f32(a.q2, b.q2), yes.q2, no.q2), vbslq_f32(vcltq_f32(a.q3, b.q3), yes.q3, no.q3)};
}
/* The tree: lane i takes lane i + 8, then i + 4, i + 2, i + 1. */
static inline float lanes_sum(lanes v)
{
    float32x4_t four = vaddq_f32(vaddq_f32(v.q0, v.q2), vaddq_f32(v.q1, v.q3));
    float32x2_t two = vadd_f32(vget_low_f32(four), vget_high_f32(four));
    return vget_lane_f32(two, 0) + vget_lane_f32(two, 1);
}
static inline float lanes_highest(lanes v)
{
    float32x4_t four = neon_max(neon_max(v.q0, v.q2), neon_max(v.q1, v.q3));
    float32x4_t two = neon_max(four, vextq_f32(four, four, 2));
    return vgetq_lane_f32(neon_max(two, vextq_f32(two, two, 1)), 0);
}
static inline float lanes_lowest(lanes v)
{
    float32x4_t four = neon_min(neon_min(v.q0, v.q2), neon_min(v.q1, v.q3));
    float32x4_t two = neon_min(four, vextq_f32(four, four, 2));
    return vgetq_lane_f32(neon_min(two, vextq_f32(two, two, 1)), 0);
}

static inline ilanes lanes_bits(lanes v)
{
    return LANES_1(ilanes, vreinterpretq_s32_f32, v);
}
static inline lanes lanes_from_bits(ilanes v)
{
    return LANES_1(lanes, vreinterpretq_f32_s32, v);
}
static inline lanes lanes_from_int(ilanes v)
{
    return LANES_1(lanes, vcvtq_f32_s32, v);
}
static inline ilanes ilanes_round(lanes v) /* half to even, for |v| < 2^31 */
{
    return LANES_1(ilanes, vcvtnq_s32_f32, v);
}

static inline ilanes ilanes_set(int32_t x)
{
    int32x4_t v = vdupq_n_s32(x);
    return (ilanes){v, v, v, v};
}
static inline ilanes ilanes_load(const int32_t *p)
{
    return (ilanes){vld1q_s32(p), vld1q_s32(p + 4), vld1q_s32(p + 8), vld1q_s32(p + 12)};
}
static inline ilanes ilanes_load_some(const int32_t *p, size_t count)
{
    return (ilanes){neon_load_some_int(p, 0, count), neon_load_some_int(p, 4, count), neon_load_some_int(p, 8, count),
                    neon_load_some_int(p, 12, count)};
}
/* Modulo 2^32: unsigned, because intrinsics on signed integers may be plain C, whose overflow is undefined. */
static inline int32x4_t neon_add_int(int32x4_t a, int32x4_t b)
{
    return vreinterpretq_s32_u32(vaddq_u32(vreinterpretq_u32_s32(a), vreinterpretq_u32_s32(b)));
}
static inline int32x4_t neon_sub_int(int32x4_t a, int32x4_t b)
{
    return vreinterpretq_s32_u32(vsubq_u32(vreinterpretq_u32_s32(a), vreinterpretq_u32_s32(b)));
}
static inline int32x4_t neon_mul_int(int32x4_t a, int32x4_t b)
{
    return vreinterpretq_s32_u32(vmulq_u32(vreinterpretq_u32_s32(a), vreinterpretq_u32_s32(b)));
}
static inline ilanes ilanes_add(ilanes a, ilanes b)
{
    return LANES_2(ilanes, neon_add_int, a, b);
}
static inline ilanes ilanes_sub(ilanes a, ilanes b)
{
    return LANES_2(ilanes, neon_sub_int, a, b);
}
static inline ilanes ilanes_mul(ilanes a, ilanes b)
{
    return LANES_2(ilanes, neon_mul_int, a, b);
}
static inline ilanes ilanes_and(ilanes a, ilanes b)
{
    return LANES_2(ilanes, vandq_s32, a, b);
}
static inline ilanes ilanes_xor(ilanes a, ilanes b)
{
    return LANES_2(ilanes, veorq_s32, a, b);
}
static inline ilanes ilanes_min(ilanes a, ilanes b)
{
    return LANES_2(ilanes, vminq_s32, a, b);
}
static inline ilanes ilanes_max(ilanes a, ilanes b)
{
    return LANES_2(ilanes, vmaxq_s32, a, b);
}
static inline int32x4_t neon_shift_left_23(int32x4_t v)
{
    return vreinterpretq_s32_u32(vshlq_n_u32(vreinterpretq_u32_s32(v), 23));
}
static inline int32x4_t neon_shift_right_1(int32x4_t v) /* logical */
{
    return vreinterpretq_s32_u32(vshrq_n_u32(vreinterpretq_u32_s32(v), 1));
}
static inline ilanes ilanes_shift_left_23(ilanes v)
{
    return LANES_1(ilanes, neon_shift_left_23, v);
}
static inline ilanes ilanes_shift_right_1(ilanes v)
{
    return LANES_1(ilanes, neon_shift_right_1, v);
}
static inline int32x4_t neon_shift_right_16(int32x4_t v)
{
    return vreinterpretq_s32_u32(vshrq_n_u32(vreinterpretq_u32_s32(v), 16));
}
static inline ilanes ilanes_shift_right_16(ilanes v)
{
    return LANES_1(ilanes, neon_shift_right_16, v);
}
static inline float32x4_t neon_unless_below(int32x4_t a, int32x4_t b, float32x4_t v)
{
    return vreinterpretq_f32_u32(vandq_u32(vcgeq_s32(a, b), vreinterpretq_u32_f32(v)));
}
static inline lanes lanes_unless_below(ilanes a, ilanes b, lanes v)
{
    return (lanes){neon_unless_below(a.q0, b.q0, v.q0), neon_unless_below(a.q1, b.q1, v.q1),
                   neon_unless_below(a.q2, b.q2, v.q2), neon_unless_below(a.q3, b.q3, v.q3)};
}
static inline int32_t ilanes_highest(ilanes v)
{
    return vmaxvq_s32(vmaxq_s32(vmaxq_s32(v.q0, v.q1), vmaxq_s32(v.q2, v.q3)));
}
/* The low byte of each lane. */
static inline void ilanes_store_bytes(int8_t *p, ilanes v)
{
    int16x8_t lo = vcombine_s16(vmovn_s32(v.q0), vmovn_s32(v.q1));
    int16x8_t hi = vcombine_s16(vmovn_s32(v.q2), vmovn_s32(v.q3));
    vst1q_s8(p, vcombine_s8(vmovn_s16(lo), vmovn_s16(hi)));
}

/* 16 stored values */
static inline float32x4_t neon_from_f16(const uint16_t *p)
{
    return vcvt_f32_f16(vreinterpret_f16_u16(vld1_u16(p)));
}
static inline float32x4_t neon_from_bf16(const uint16_t *p)
{
    return vreinterpretq_f32_u32(vshll_n_u16(vld1_u16(p), 16));
}
static inline lanes lanes_load_f16(const uint16_t *p)
{
    return (lanes){neon_from_f16(p), neon_from_f16(p + 4), neon_from_f16(p + 8), neon_from_f16(p + 12)};
}
static inline lanes lanes_load_bf16(const uint16_t *p)
{
    return (lanes){neon_from_bf16(p), neon_from_bf16(p + 4), neon_from_bf16(p + 8), neon_from_bf16(p + 12)};
}
static inline uint16x4_t neon_round_bf16(float32x4_t v)
{
    uint32x4_t bits = vreinterpretq_u32_f32(v);
    uint32x4_t odd = vandq_u32(vshrq_n_u32(bits, 16), vdupq_n_u32(1));
    uint32x4_t up = vaddq_u32(vaddq_u32(bits, vdupq_n_u32(0x7fff)), odd);
    uint32x4_t quiet = vorrq_u32(bits, vdupq_n_u32(0x400000));
    return vshrn_n_u32(vbslq_u32(vceqq_f32(v, v), up, quiet), 16);
}
/* 16 floats to bfloat16, half to even; NaN stays NaN, quiet. */
static inline void lanes_store_bf16(uint16_t *p, lanes v)
{
    vst1_u16(p, neon_round_bf16(v.q0));
    vst1_u16(p + 4, neon_round_bf16(v.q1));
    vst1_u16(p + 8, neon_round_bf16(v.q2));
    vst1_u16(p + 12, neon_round_bf16(v.q3));
}
static inline ilanes ilanes_widen_s8(int8x16_t bytes)
{
    int16x8_t lo = vmovl_s8(vget_low_s8(bytes)), hi = vmovl_s8(vget_high_s8(bytes));
    return (ilanes){vmovl_s16(vget_low_s16(lo)), vmovl_s16(vget_high_s16(lo)), vmovl_s16(vget_low_s16(hi)),
                    vmovl_s16(vget_high_s16(hi))};
}
static inline ilanes ilanes_load_s8(const int8_t *p)
{
    return ilanes_widen_s8(vld1q_s8(p));
}
/* 16 nibbles of 8 bytes, low nibble first, as 0..15 */
static inline ilanes ilanes_load_nibbles(const uint8_t *p)
{
    uint8x8_t bytes = vld1_u8(p);
    uint8x8x2_t both = vzip_u8(vand_u8(bytes, vdup_n_u8(15)), vshr_n_u8(bytes, 4));
    return ilanes_widen_s8(vreinterpretq_s8_u8(vcombine_u8(both.val[0], both.val[1])));
}

/* 16 words in places wide enough for a product: its low words, and its high ones (of a product alone). */
typedef struct wlanes {
    uint32x4_t low[4], high[4];
} wlanes;

static inline wlanes wlanes_set(uint32_t x)
{
    wlanes v;
    for (size_t i = 0; i < 4; i++)
        v.low[i] = v.high[i] = vdupq_n_u32(x);
    return v;
}
static inline wlanes wlanes_count(uint32_t from) /* from + lane */
{
    static const uint32_t places[16] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
    wlanes v = wlanes_set(from);
    for (size_t i = 0; i < 4; i++)
        v.low[i] = vaddq_u32(v.low[i], vld1q_u32(places + 4 * i));
    return v;
}
static inline wlanes wlanes_mul(wlanes a, uint32_t b)
{
    wlanes v;
    uint32x4_t factor = vdupq_n_u32(b);
    for (size_t i = 0; i < 4; i++) {
        uint32x4_t first = vreinterpretq_u32_u64(vmull_u32(vget_low_u32(a.low[i]), vget_low_u32(factor)));
        uint32x4_t second = vreinterpretq_u32_u64(vmull_high_u32(a.low[i], factor));
        v.low[i] = vuzp1q_u32(first, second);
        v.high[i] = vuzp2q_u32(first, second);
    }
    return v;
}
static inline wlanes wlanes_high(wlanes a)
{
    for (size_t i = 0; i < 4; i++)
        a.low[i] = a.high[i];
    return a;
}
static inline wlanes wlanes_xor_3(wlanes a, wlanes b, wlanes c)
{
    for (size_t i = 0; i < 4; i++)
        a.low[i] = veorq_u32(veorq_u32(a.low[i], b.low[i]), c.low[i]);
    return a;
}
static inline ilanes ilanes_from_wide(wlanes a)
{
    return (ilanes){vreinterpretq_s32_u32(a.low[0]), vreinterpretq_s32_u32(a.low[1]), vreinterpretq_s32_u32(a.low[2]),
                    vreinterpretq_s32_u32(a.low[3])};
}

#endif
