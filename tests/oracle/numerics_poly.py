# SPDX-License-Identifier: Apache-2.0
"""Derives the polynomial coefficients of src/kernels/constants.h and prints them as hex floats.

Weighted minimax fits by Lawson's iteration (reweighted least squares on a dense Chebyshev grid, in double precision on
values from mpmath). Coefficients are rounded to float32 one at a time, lowest degree first, and the others refitted
after each rounding, so that the later ones make up for the rounding of the earlier ones.

    python tests/oracle/numerics_poly.py
"""
import mpmath
import numpy as np

mpmath.mp.dps = 40


def grid(lo, hi, n=1500):
    """Chebyshev points of [lo, hi], ends included."""
    t = np.cos(np.pi * np.arange(n) / (n - 1))
    return lo + (hi - lo) * (t + 1) / 2


def minimax(x, target, weight, powers, iterations=300):
    """Coefficients c minimizing max |weight * (target - sum c[i] x**powers[i])|."""
    basis = np.stack([x**p for p in powers], axis=1)
    scale = np.abs(basis).max(axis=0)
    basis = basis / scale
    lawson = np.full(len(x), 1.0 / len(x))
    best, best_error = None, np.inf
    for _ in range(iterations):
        row = np.sqrt(lawson) * weight
        c, *_ = np.linalg.lstsq(basis * row[:, None], target * row, rcond=None)
        error = np.abs(weight * (target - basis @ c))
        if error.max() < best_error:
            best, best_error = c, error.max()
        lawson = lawson * error
        lawson = lawson / lawson.sum()
    return best / scale, best_error


def fit_float32(x, target, weight, powers):
    """Like minimax, with float32 coefficients."""
    fixed = []
    for done in range(len(powers)):
        rest = target - sum((c * x**p for c, p in zip(fixed, powers)), np.zeros_like(x))
        c, _ = minimax(x, rest, weight, powers[done:])
        fixed.append(float(np.float32(c[0])))
    error = np.abs(weight * (target - sum(c * x**p for c, p in zip(fixed, powers))))
    return fixed, error.max()


def values(function, x):
    return np.array([float(function(mpmath.mpf(float(v)))) for v in x])


def define(name, value):
    mantissa, exponent = float(value).hex().split("p")
    print(f"#define {name} {mantissa.rstrip('0').rstrip('.')}p{exponent}f")


def show(title, names, coefficients, error):
    print(f"/* {title}: {error:.2e} before rounding of the operations */")
    for name, c in zip(names, coefficients):
        define(name, c)


def main():
    # exp(r) = 1 + r + r^2 (c2 + c3 r + ... + c6 r^4) on |r| <= ln(2)/2, relative error.
    half = float(mpmath.log(2) / 2) * 1.0001
    x = grid(-half, half)
    x = x[np.abs(x) > 1e-4]
    target = values(lambda v: (mpmath.exp(v) - 1 - v) / v**2, x)
    powers = range(5)
    c, error = fit_float32(x, target, x**2 / np.exp(x), list(powers))
    show("exp(r), |r| <= ln(2)/2", [f"TB_EXP_C{p + 2}" for p in powers], c, error)

    # ln(2) = high + low, high with few enough bits that n * high is exact for |n| <= 160.
    high = float(np.float32(np.floor(float(mpmath.log(2)) * 2**15) / 2**15))
    low = float(np.float32(float(mpmath.log(2) - mpmath.mpf(high))))
    define("TB_LN2_HIGH", high)
    define("TB_LN2_LOW", low)
    define("TB_LOG2_E", np.float32(float(1 / mpmath.log(2))))

    # tanh(x) = x + x^3 (c0 + c1 x^2 + ...) on |x| <= 0.625, relative error.
    x = grid(1e-3, 0.625 * 1.0001)
    target = values(lambda v: (mpmath.tanh(v) - v) / v**3, x)
    powers = list(range(0, 10, 2))
    c, error = fit_float32(x, target, x**3 / np.tanh(x), powers)
    show("tanh(x), |x| < 0.625", [f"TB_TANH_C{p // 2}" for p in powers], c, error)

    # erf(x) = x + x (c0 + c1 x^2 + ...) on |x| <= 0.921875, relative error.
    x = grid(1e-3, 0.921875 * 1.0001)
    target = values(lambda v: mpmath.erf(v) / v - 1, x)
    powers = list(range(0, 12, 2))
    weight = 1 / values(lambda v: mpmath.erf(v) / v, x)
    c, error = fit_float32(x, target, weight, powers)
    show("erf(x), |x| < 0.921875", [f"TB_ERF_C{p // 2}" for p in powers], c, error)

    # erf(x) = 1 - exp(-x + x (c0 + c1 x + ...)) on 0.921875 <= x <= 4: error of erf, so an error of the exponent
    # weighs as much as erfc(x) does against erf(x).
    x = grid(0.921875 * 0.9999, 4.0)
    target = values(lambda v: (mpmath.log(mpmath.erfc(v)) + v) / v, x)
    weight = values(lambda v: v * mpmath.erfc(v) / mpmath.erf(v), x)
    powers = list(range(0, 7))
    c, error = fit_float32(x, target, weight, powers)
    show("erf(x), 0.921875 <= x <= 4", [f"TB_ERF_D{p}" for p in powers], c, error)


if __name__ == "__main__":
    main()
