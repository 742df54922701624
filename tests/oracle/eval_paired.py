"""Golden values for the paired tests, equivalence, power, temperature and special functions of src/eval.

Writes tests/golden/eval_paired.json, by SciPy, statsmodels and mpmath (tests/oracle/eval_reference.py).

    python tests/oracle/eval_paired.py
"""

import json
import pathlib
import warnings

import eval_reference as reference
import mpmath
import numpy as np
from scipy import special, stats
from statsmodels.stats.contingency_tables import SquareTable
from statsmodels.stats.multitest import multipletests

OUT = pathlib.Path(__file__).resolve().parents[1] / "golden" / "eval_paired.json"


def exactly(function, points):
    with mpmath.workdps(50):
        return [{"x": x, "y": float(function(mpmath.mpf(x)))} for x in points]


def binomial_pmf(k, n, p):
    p = mpmath.mpf(p)
    if p == 0 or p == 1:
        return mpmath.mpf(int(k == (n if p == 1 else 0)))
    logs = mpmath.loggamma(n + 1) - mpmath.loggamma(k + 1) - mpmath.loggamma(n - k + 1)
    return mpmath.exp(logs + k * mpmath.log(p) + (n - k) * mpmath.log1p(-p))


def binomial_cases():
    points = [(0, 1, 0.5), (3, 10, 0.3), (10, 10, 0.3), (0, 10, 0.01), (40, 50, 0.9), (500, 1000, 0.5), (430, 1000, 0.5)]
    points += [(18, 20, 0.0), (20, 20, 1.0), (0, 5, 1.0), (16, 33, 0.45), (100, 100000, 0.001), (49500, 100000, 0.5)]
    points += [(100300, 1000000, 0.1), (99000, 1000000, 0.1), (5, 1000000, 1e-6)]
    cases = []
    with mpmath.workdps(50):
        for k, n, p in points:
            # Terms outward from k until they no longer matter.
            cdf, i = mpmath.mpf(0), k
            while i >= 0:
                term = binomial_pmf(i, n, p)
                cdf += term
                if i < n * p and term < cdf * mpmath.mpf(10) ** -25:
                    break
                i -= 1
            cases.append({"k": k, "n": n, "p": p, "pmf": float(binomial_pmf(k, n, p)), "cdf": float(min(cdf, 1))})
    return cases


def special_cases():
    grid = [1e-300, 1e-20, 1e-5, 0.01, 0.3, 0.5, 0.70710678, 0.75, 0.999999, 1.0, 1.0000001, 1.4, 2.0, 2.718, 10.0, 12345.678, 1e200]
    chi = [(0.001, 1), (0.5, 1), (3.84, 1), (40.0, 1), (500.0, 1), (2.0, 2), (1.0, 5), (9.0, 5), (30.0, 29), (300.0, 255), (200.0, 255)]
    chi += [(1000.0, 12), (0.3, 40)]
    with mpmath.workdps(50):
        chi_square = [
            {"x": x, "df": df, "y": float(mpmath.gammainc(mpmath.mpf(df) / 2, mpmath.mpf(x) / 2, regularized=True))}
            for x, df in chi
        ]
    signed = [0.0, 1e-10, 0.1, -0.1, 0.5, 1.0, -1.0, 1.5, 1.9599, -2.5, 3.0, 6.0, 10.0, 20.0, 37.0]
    quantiles = [1e-300, 1e-20, 1e-9, 0.001, 0.025, 0.05, 0.1, 0.3, 0.499, 0.5, 0.501, 0.8, 0.95, 0.975, 0.999999]
    return {
        "exp": exactly(mpmath.exp, [-745.0, -720.5, -700.0, -88.8, -30.25, -1.0, -0.3466, -1e-9, 0.0, 0.3465, 0.3467, 1.0, 7.7, 300.0, 709.7]),
        "ln": exactly(mpmath.log, grid + [5e-324, 1e-310]),
        "ln1p": exactly(mpmath.log1p, [-0.999, -0.5, -0.2500001, -0.25, -0.2, -1e-3, -1e-12, 0.0, 1e-15, 1e-5, 0.1, 0.3999, 0.4, 5.0]),
        "log_gamma": exactly(mpmath.loggamma, [0.1, 0.5, 1.0, 1.5, 2.0, 3.0, 7.25, 14.5, 15.0, 128.5, 1000.0, 1e6]),
        "normal_sf": exactly(lambda x: mpmath.erfc(x / mpmath.sqrt(2)) / 2, signed),
        "normal_quantile": [{"x": p, "y": float(stats.norm.ppf(p))} for p in quantiles],
        "chi_square_sf": chi_square,
    }


def holm_cases(rng):
    lists = [[0.04], [0.01, 0.04, 0.03], [0.5, 0.5, 0.5], [1.0, 0.001, 1.0, 0.02], [0.049, 0.0001, 0.2, 0.2, 0.011]]
    lists += [rng.random(n).tolist() for n in [2, 6, 12]]
    return [{"p": p, "adjusted": multipletests(p, method="holm")[1].tolist()} for p in lists]


def marginal_cases(rng):
    tables = [
        [[180, 3, 10], [2, 60, 9], [1, 2, 233]],
        [[10, 4], [9, 20]],
        rng.integers(0, 30, (4, 4)).tolist(),
        rng.integers(1, 9, (7, 7)).tolist(),
        # what the study saw: fewer POSITIVE than in FP32
        [[140, 31, 40], [5, 250, 18], [3, 25, 670]],
    ]
    cases = []
    for table in tables:
        want = SquareTable(np.array(table, dtype=float), shift_zeros=False).homogeneity(method="stuart_maxwell")
        statistic, df, p, shifts = reference.marginal(table)
        assert abs(statistic - want.statistic) < 1e-9 * (1 + statistic) and df == want.df
        assert abs(p - want.pvalue) < 1e-12  # statsmodels subtracts from 1, so that its small p have few digits
        cases.append({"table": table, "statistic": float(want.statistic), "df": df, "p": p, "shifts": shifts})
    deficient = [
        [[5, 2, 0, 0], [1, 5, 0, 0], [0, 0, 7, 3], [0, 0, 0, 2]],  # two pairs of classes that nothing links
        [[5, 2, 0], [4, 5, 0], [0, 0, 0]],  # a class that neither predicts
        [[9, 0, 0], [0, 3, 0], [0, 0, 1]],  # nothing differs
        [[9, 2], [2, 4]],  # as many there as back
        [[0, 7, 0], [0, 0, 0], [0, 0, 3]],  # all of a class moved
        [[12]],
    ]
    for table in deficient:
        statistic, df, p, shifts = reference.marginal(table)
        cases.append({"table": table, "statistic": statistic, "df": df, "p": p, "shifts": shifts})
    return cases


def signed_rank_cases(rng):
    lists = [[0.5], [-0.25, 0.25], [0.0, 0.0, 1.0, 2.0, -3.0], [1.0, 1.0, 1.0, 1.0], rng.normal(0.1, 1, 60).tolist()]
    lists += [np.round(rng.normal(0, 1, 80), 1).tolist(), rng.normal(-0.5, 1, 300).tolist()]
    cases = []
    for d in lists:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            want = stats.wilcoxon(d, zero_method="wilcox", correction=False, method="asymptotic")
        cases.append(
            {
                "d": d,
                "mean": float(np.mean(d)),
                "sd": float(np.std(d, ddof=1)) if len(d) > 1 else 0.0,
                "statistic": float(want.statistic),
                "p": float(want.pvalue),
            }
        )
    cases.append({"d": [0.0, 0.0, 0.0], "mean": 0.0, "sd": 0.0, "statistic": 0.0, "p": 1.0})
    return cases


def equivalence_cases():
    cases = []
    points = [(5, 5, 500, 0.01, 0.05), (0, 0, 500, 0.01, 0.05), (1, 0, 500, 0.01, 0.05), (61, 44, 1182, 0.01, 0.05)]
    points += [(153, 21, 1182, 0.02, 0.05), (3, 9, 11000, 0.01, 0.05), (0, 1, 1, 0.1, 0.05), (7, 0, 7, 0.2, 0.1)]
    points += [(2, 30, 60, 0.3, 0.01), (0, 0, 1, 0.5, 0.05), (400, 380, 1000000, 0.001, 0.05), (1, 1, 3, 0.9, 0.25)]
    for gained, lost, n, margin, alpha in points:
        p_lower, p_upper, low, high = reference.equivalence(gained, lost, n, margin, alpha, precise=True)
        closed = reference.equivalence(gained, lost, n, margin, alpha)
        assert np.allclose(closed, [p_lower, p_upper, low, high], rtol=1e-10, atol=1e-11), (closed, p_lower, p_upper, low, high)
        cases.append(
            {"gained": gained, "lost": lost, "n": n, "margin": margin, "alpha": alpha}
            | {"p_lower": p_lower, "p_upper": p_upper, "low": low, "high": high}
        )
    return cases


def power_cases():
    cases = []
    points = [(500, 0.02, 0.01, 0.05, 0.8), (500, 0.0, 0.01, 0.05, 0.8), (500, 0.002, 0.01, 0.05, 0.8), (1182, 105 / 1182, 0.01, 0.05, 0.8)]
    points += [(1182, 174 / 1182, 0.02, 0.05, 0.9), (3, 1 / 3, 0.01, 0.05, 0.8), (1, 1.0, 0.01, 0.05, 0.8), (40, 1.0, 0.2, 0.0625, 0.8)]
    # p of 5-0, 6-0 and 7-0 are exactly these levels, and not below them
    points += [(10, 0.6, 0.2, 0.0625, 0.5), (12, 0.7, 0.2, 0.03125, 0.5), (30, 0.3, 0.2, 0.015625, 0.3)]
    points += [(3000, 0.5, 0.05, 0.01, 0.8), (11000, 0.004, 0.01, 0.05, 0.8), (20000, 0.15, 0.01, 0.05, 0.8)]
    for n, rate, margin, alpha, wanted in points:
        smallest, detectable, shown, most = reference.power(n, rate, margin, alpha, wanted)
        cases.append(
            {"n": n, "rate": rate, "margin": margin, "alpha": alpha, "power": wanted}
            | {"smallest": smallest, "detectable": detectable, "equivalence_power": shown, "most_flips": most}
        )
    return cases


def temperature_cases(rng):
    cases = []
    for n, classes, scale, noise in [(60, 3, 1.0, 2.0), (200, 2, 6.0, 1.5), (50, 5, 0.2, 1.0), (30, 3, 1.0, 0.0), (40, 4, 3.0, 30.0)]:
        truth = rng.integers(0, classes, n)
        logits = ((rng.normal(0, noise, (n, classes)) + 2.0 * np.eye(classes)[truth]) * scale).astype(np.float32)
        value, at_bound = reference.fit_temperature(logits, truth)
        if not at_bound:  # a minimum, by another way
            nll = lambda t: -special.log_softmax(logits.astype(float) / t, axis=1)[np.arange(n), truth].sum()
            assert nll(value) <= min(nll(value * 1.001), nll(value * 0.999))
        cases.append({"classes": classes, "logits": logits.ravel().tolist(), "truth": truth.tolist(), "value": value, "at_bound": at_bound})
    cases.append({"classes": 2, "logits": [1.0, 1.0, -2.0, -2.0], "truth": [0, 1], "value": 1.0, "at_bound": False})
    return cases


def main():
    rng = np.random.default_rng(20260202)
    golden = {
        "special": special_cases(),
        "binomial": binomial_cases(),
        "holm": holm_cases(rng),
        "marginal": marginal_cases(rng),
        "signed_rank": signed_rank_cases(rng),
        "equivalence": equivalence_cases(),
        "power": power_cases(),
        "temperature": temperature_cases(rng),
    }
    OUT.write_text(json.dumps(golden, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
