"""Reference statistics for the golden values of src/eval and for recompute.py, by SciPy, statsmodels, NumPy and mpmath.

Where no library has a method (Tango's score test, power sums, temperature, the Philox stream) it stands here in
another way than in C: by maximizing a likelihood, by direct sums, by high precision.
"""

import math

import mpmath
import numpy as np
from scipy import optimize, special, stats

LOW_WORD = np.uint64(0xFFFFFFFF)
SHIFT = np.uint64(32)


def philox(seed, stream, counter):
    """Philox 4x32-10 (Salmon et al. 2011) of an array of 64-bit counters: words [len(counter), 4] as uint64."""
    counter = np.asarray(counter, dtype=np.uint64)
    words = [counter & LOW_WORD, counter >> SHIFT]
    words += [np.full_like(counter, stream & 0xFFFFFFFF), np.full_like(counter, stream >> 32)]
    key = [seed & 0xFFFFFFFF, seed >> 32]
    for _ in range(10):
        a, b = np.uint64(0xD2511F53) * words[0], np.uint64(0xCD9E8D57) * words[2]
        words = [
            (b >> SHIFT) ^ words[1] ^ np.uint64(key[0]),
            b & LOW_WORD,
            (a >> SHIFT) ^ words[3] ^ np.uint64(key[1]),
            a & LOW_WORD,
        ]
        key = [(key[0] + 0x9E3779B9) & 0xFFFFFFFF, (key[1] + 0xBB67AE85) & 0xFFFFFFFF]
    return np.stack(words, axis=1)


# The generator's published known answers (Random123, kat_vectors).
assert [int(w) for w in philox(0, 0, [0])[0]] == [0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8]
assert [int(w) for w in philox(0x299F31D0A4093822, 0x0370734413198A2E, [0x85A308D3243F6A88])[0]] == [
    0xD16CFE09,
    0x94FDCCEB,
    0x5001E420,
    0x24126EA1,
]


def draws(seed, replicate, n):
    """The n indices that a replicate of n things draws (docs/results.md, "Bootstrap")."""
    words = philox(seed, replicate, np.arange((n + 3) // 4)).ravel()[:n]
    return ((words * np.uint64(n)) >> SHIFT).astype(np.int64)


def confusion_figures(confusion):
    """Accuracy, macro-F1 over the classes that the truth holds, weighted F1, Matthews; [.., truth, predicted]."""
    confusion = np.asarray(confusion, dtype=np.float64)
    support, predicted = confusion.sum(axis=-1), confusion.sum(axis=-2)
    hits, n = np.diagonal(confusion, axis1=-2, axis2=-1), confusion.sum(axis=(-2, -1))
    with np.errstate(invalid="ignore", divide="ignore"):
        f1 = np.where(support + predicted > 0, 2 * hits / (support + predicted), 0.0)
        spread = (n**2 - (predicted**2).sum(-1)) * (n**2 - (support**2).sum(-1))
        cross = hits.sum(-1) * n - (support * predicted).sum(-1)
        mcc = np.where(spread > 0, cross / np.sqrt(spread), 0.0)
    present = support > 0
    return {
        "accuracy": hits.sum(-1) / n,
        "macro_f1": np.where(present, f1, 0).sum(-1) / present.sum(-1),
        "weighted_f1": (f1 * support).sum(-1) / n,
        "mcc": mcc,
    }


def replicates(truth, predicted, confidence, classes, count, seed):
    """{figure: [classifiers, count]} of the bootstrap of one set; predicted, confidence: one array a classifier."""
    n = len(truth)
    codes = [truth * classes + p for p in predicted]
    figures = {key: np.zeros((len(codes), count)) for key in ["accuracy", "macro_f1", "weighted_f1", "mcc", "mean_confidence"]}
    for b in range(count):
        times = np.bincount(draws(seed, b, n), minlength=n).astype(np.float64)
        tables = np.stack([np.bincount(c, weights=times, minlength=classes**2) for c in codes])
        for key, values in confusion_figures(tables.reshape(-1, classes, classes)).items():
            figures[key][:, b] = values
        figures["mean_confidence"][:, b] = [times @ c / n for c in confidence]
    return figures


def interval(values):
    return [float(x) for x in np.quantile(values, [0.025, 0.975])]


def bootstrap_p(differences):
    rarer = min(int((differences <= 1e-12).sum()), int((differences >= -1e-12).sum()))
    return min(1.0, 2 * (1 + rarer) / (len(differences) + 1))


# ---- Softmax ----

LN2_HIGH, LN2_LOW = float.fromhex("0x1.62e42feep-1"), float.fromhex("0x1.a39ef35793c76p-33")


def exp_same_bits(x):
    """The exponential of src/eval/special.c, operation by operation. What depends on the order of confidences (ranks,
    bins) has to be recomputed from the same bits; that they are right is checked against SciPy's softmax."""
    x = np.asarray(x, dtype=np.float64)
    turns = x * float.fromhex("0x1.71547652b82fep+0")
    k = np.trunc(np.where(turns < 0, turns - 0.5, turns + 0.5))
    k = np.clip(k, -1100, 1100)
    r = (x - k * LN2_HIGH) - k * LN2_LOW
    q = np.zeros_like(r)
    for i in range(13, 1, -1):
        q = q * r + 1.0 / math.factorial(i)
    half = np.trunc(k / 2)
    value = (1 + (r + r * r * q)) * np.exp2(half) * np.exp2(k - half)
    return np.where(x < -745.2, 0.0, value)


def softmax(logits, temperature=1.0):
    """Rows of probabilities, the sum taken from the first class to the last."""
    x = np.asarray(logits, dtype=np.float64) / temperature
    weights = exp_same_bits(x - x.max(axis=1, keepdims=True))
    total = np.zeros(len(x))
    for c in range(x.shape[1]):
        total = total + weights[:, c]
    probs = weights / total[:, None]
    assert np.allclose(probs, special.softmax(x, axis=1), rtol=1e-13, atol=1e-300)
    return probs


def fit_temperature(logits, truth):
    """The root of the slope of the mean NLL in 1 / T over [1/20, 20]; value and whether it lies at a bound."""
    x = np.asarray(logits, dtype=np.float64)
    own = x[np.arange(len(x)), truth]

    def slope(beta):
        return float(((special.softmax(beta * x, axis=1) * (x - own[:, None])).sum(axis=1)).sum())

    low, high = slope(1 / 20), slope(20.0)
    if low == 0 and high == 0:
        return 1.0, False
    if low >= 0:
        return 20.0, True
    if high <= 0:
        return 0.05, True
    return 1 / optimize.brentq(slope, 1 / 20, 20.0, xtol=1e-300, rtol=8.9e-16, maxiter=1000), False


# ---- Calibration ----


def bins_of(confidence, right, bins, equal_mass):
    """[{low, high, n, confidence, accuracy}] as docs/results.md defines them."""
    out = []
    order = np.lexsort((np.arange(len(confidence)), confidence))
    for b in range(bins):
        if equal_mass:
            members = order[b * len(order) // bins : (b + 1) * len(order) // bins]
        else:
            inside = (confidence > b / bins) & (confidence <= (b + 1) / bins)
            members = np.flatnonzero(inside | (confidence == 0) if b == 0 else inside)
        full = len(members) > 0
        low, high = (b / bins, (b + 1) / bins) if not equal_mass else (None, None)
        if equal_mass and full:
            low, high = float(confidence[members[0]]), float(confidence[members[-1]])
        out.append(
            {
                "low": low,
                "high": high,
                "n": len(members),
                "confidence": float(confidence[members].mean()) if full else None,
                "accuracy": float(right[members].mean()) if full else None,
            }
        )
    return out


def gaps(bins):
    full = [b for b in bins if b["n"]]
    sizes = np.array([b["n"] for b in full])
    gap = np.array([abs(b["accuracy"] - b["confidence"]) for b in full])
    return float((sizes * gap).sum() / sizes.sum()), float(gap.max())


# ---- Paired tests ----


def marginal(table):
    """Stuart-Maxwell with the generalized inverse: statistic, df, p, shifts; table [fp32, variant]."""
    table = np.asarray(table, dtype=np.float64)
    shifts = table.sum(axis=0) - table.sum(axis=1)
    covariance = -(table + table.T)
    np.fill_diagonal(covariance, table.sum(axis=0) + table.sum(axis=1) - 2 * np.diag(table))
    df = int(np.linalg.matrix_rank(covariance))
    statistic = float(shifts @ np.linalg.pinv(covariance, hermitian=True) @ shifts) if df else 0.0
    return statistic, df, float(stats.chi2.sf(statistic, df)) if df else 1.0, [int(s) for s in shifts]


def tango_by_likelihood(gained, lost, n, delta):
    """Tango's statistic with the constrained likelihood maximized numerically: its slope in the rate of losses falls,
    and bisection in 40 digits finds where it is zero."""
    with mpmath.workdps(40):
        delta = mpmath.mpf(delta)
        low, high = max(mpmath.mpf(0), -delta), (1 - delta) / 2

        def slope(rate):
            value = mpmath.mpf(0)
            value += gained / (rate + delta) if gained else 0
            value += lost / rate if lost else 0
            value -= 2 * (n - gained - lost) / (1 - 2 * rate - delta) if n - gained - lost else 0
            return value

        for _ in range(140):
            middle = (low + high) / 2
            if slope(middle) > 0:
                low = middle
            else:
                high = middle
        rate = (low + high) / 2
        variance = n * (2 * rate + delta - delta**2)
        return (gained - lost - n * delta) / mpmath.sqrt(variance) if variance > 0 else mpmath.mpf(0)


def tango(gained, lost, n, delta):
    """The closed form of the paper, vectorized."""
    gained, lost = np.asarray(gained, dtype=np.float64), np.asarray(lost, dtype=np.float64)
    a, b, c = 2 * n, -gained - lost + (2 * n - gained + lost) * delta, -lost * delta * (1 - delta)
    root = np.sqrt(np.maximum(b * b - 4 * a * c, 0))
    with np.errstate(invalid="ignore", divide="ignore"):
        rate = np.where(b <= 0, root - b, -4 * a * c / (root + b)) / (2 * a)
        variance = n * (2 * rate + delta * (1 - delta))
        return np.where(variance > 0, (gained - lost - n * delta) / np.sqrt(variance), 0.0)


def equivalence(gained, lost, n, margin, alpha, precise=False):
    """p_lower, p_upper, low, high."""
    statistic = tango_by_likelihood if precise else tango
    p_lower = float(stats.norm.sf(float(statistic(gained, lost, n, -margin))))
    p_upper = float(stats.norm.cdf(float(statistic(gained, lost, n, margin))))
    z, observed = stats.norm.isf(alpha), (gained - lost) / n

    def bound(end, sign):
        outer = end * (1 - 1e-13)
        distance = lambda delta: float(statistic(gained, lost, n, delta)) - sign * z
        if observed == end or distance(outer) * distance(observed) > 0:
            return float(end)
        return optimize.brentq(distance, *sorted([observed, outer]), xtol=1e-16, rtol=8.9e-16, maxiter=500)

    return p_lower, p_upper, bound(-1.0, 1), bound(1.0, -1)


def critical_values(numbers, alpha):
    """Largest k with 2 P(X <= k) < alpha, X binomial (m, 1/2); -1: none."""
    numbers = np.asarray(numbers)
    k = stats.binom.ppf(alpha / 2, numbers, 0.5).astype(np.int64) + 1
    for _ in range(4):  # from above, by the test itself; dyadic p are exact in integers
        p = np.array([significant_p(int(x), int(m)) for x, m in zip(k, numbers)])
        k = np.where((k >= 0) & ~(p < alpha), k - 1, k)
    return k


def significant_p(k, m):
    if k < 0:
        return 0.0
    if m <= 1000:  # exact
        tail = sum(math.comb(m, i) for i in range(k + 1))
        return float(mpmath.mpf(2 * tail) / mpmath.mpf(2) ** m)
    return 2 * float(stats.binom.cdf(k, m, 0.5))


def power(n, rate, margin, alpha, wanted):
    """smallest, detectable, equivalence_power, most_flips by direct sums over the number of discordant texts."""
    smallest = next(k for k in range(1, 4000) if 2 * 0.5**k < alpha)
    spread = 15 * math.sqrt(n * rate * (1 - rate)) + 60
    numbers = np.arange(max(0, int(n * rate - spread)), min(n, int(n * rate + spread)) + 1)
    weights = stats.binom.pmf(numbers, n, rate)
    critical = critical_values(numbers, alpha)

    def mcnemar_power(delta):
        gained = min(1.0, (1 + delta / rate) / 2)
        seen = stats.binom.cdf(critical, numbers, gained) + stats.binom.cdf(critical, numbers, 1 - gained)
        return float((weights * np.where(critical >= 0, seen, 0)).sum())

    detectable = None
    if rate > 0 and mcnemar_power(rate) >= wanted:
        detectable = optimize.brentq(lambda d: mcnemar_power(d) - wanted, 0, rate, xtol=1e-16, rtol=8.9e-16)

    def shown(gained, lost):
        lower = stats.norm.sf(tango(gained, lost, n, -margin)) < alpha
        return lower & (stats.norm.cdf(tango(gained, lost, n, margin)) < alpha)

    total = 0.0
    for m, weight in zip(numbers, weights):
        gained = np.arange(m + 1)
        hits = shown(gained, m - gained)
        total += weight * float((stats.binom.pmf(gained, m, 0.5) * hits).sum())
    pairs = np.arange(n // 2 + 1)
    equal = np.flatnonzero(shown(pairs, pairs))
    return smallest, detectable, total, int(2 * equal.max()) if len(equal) else -1
