"""Golden values for src/eval, by scikit-learn, SciPy, statsmodels and NumPy.

Writes tests/golden/eval_metrics.json: cases of logits and truth with their figures, pairs of logits with their
comparison, Wilson intervals, exact McNemar tests, label orders and timings. Everything is made from fixed seeds.

    python tests/oracle/eval_metrics.py
"""

import itertools
import json
import pathlib

import eval_reference as reference
import numpy as np
from scipy import special, stats
from sklearn import metrics
from statsmodels.stats.contingency_tables import mcnemar
from statsmodels.stats.proportion import proportion_confint

OUT = pathlib.Path(__file__).resolve().parents[1] / "golden" / "eval_metrics.json"


def ece(probs, truth, bins=15):
    """Expected calibration error over equal-width bins (lo, hi], written as in Guo et al. 2017."""
    confidence = probs.max(axis=1)
    hit = probs.argmax(axis=1) == truth
    edges = np.linspace(0, 1, bins + 1)
    total = 0.0
    for low, high in zip(edges[:-1], edges[1:]):
        inside = (confidence > low) & (confidence <= high)
        if inside.any():
            total += inside.mean() * abs(hit[inside].mean() - confidence[inside].mean())
    return total


def figures(logits, truth):
    classes = logits.shape[1]
    probs = special.softmax(logits.astype(np.float64), axis=1)
    predicted = probs.argmax(axis=1)
    present = np.unique(truth)
    labels = list(range(classes))
    precision, recall, f1, support = metrics.precision_recall_fscore_support(
        truth, predicted, labels=labels, zero_division=0
    )
    correct = int((predicted == truth).sum())
    low, high = proportion_confint(correct, len(truth), alpha=0.05, method="wilson")
    onehot = np.eye(classes)[truth]
    confidence, right = probs.max(axis=1), predicted == truth
    averages = {
        average: metrics.precision_recall_fscore_support(
            truth, predicted, labels=present, average=average, zero_division=0
        )
        for average in ["macro", "weighted"]
    }
    width, mass = (reference.bins_of(confidence, right, 15, equal_mass) for equal_mass in [False, True])
    assert abs(reference.gaps(width)[0] - ece(probs, truth)) < 1e-12
    return {
        "macro_precision": averages["macro"][0],
        "macro_recall": averages["macro"][1],
        "weighted_precision": averages["weighted"][0],
        "weighted_recall": averages["weighted"][1],
        "mcc": metrics.matthews_corrcoef(truth, predicted),
        "confidence_sd": confidence.std(ddof=1) if len(truth) > 1 else 0.0,
        "overconfident_errors": int((~right & (confidence >= 0.9)).sum()),
        "equal_width": width,
        "equal_mass": mass,
        "ece_mass": reference.gaps(mass)[0],
        "mce": reference.gaps(width)[1],
        "accuracy": metrics.accuracy_score(truth, predicted),
        "accuracy_low": low,
        "accuracy_high": high,
        "macro_f1": metrics.f1_score(truth, predicted, labels=present, average="macro", zero_division=0),
        "weighted_f1": metrics.f1_score(truth, predicted, labels=present, average="weighted", zero_division=0),
        "majority_accuracy": np.bincount(truth).max() / len(truth),
        "ece": ece(probs, truth),
        "nll": metrics.log_loss(truth, probs, labels=labels),
        "brier": float(np.mean(np.sum((probs - onehot) ** 2, axis=1))),
        "mean_confidence": probs.max(axis=1).mean(),
        "precision": precision.tolist(),
        "recall": recall.tolist(),
        "f1": f1.tolist(),
        "support": support.tolist(),
        "predicted": np.bincount(predicted, minlength=classes).tolist(),
        "confusion": metrics.confusion_matrix(truth, predicted, labels=labels).tolist(),
    }


def comparison(a, b, truth):
    log_a = special.log_softmax(a.astype(np.float64), axis=1)
    log_b = special.log_softmax(b.astype(np.float64), axis=1)
    pa, pb = a.argmax(axis=1), b.argmax(axis=1)
    right_a, right_b = pa == truth, pb == truth
    table = [
        [int((right_a & right_b).sum()), int((right_a & ~right_b).sum())],
        [int((~right_a & right_b).sum()), int((~right_a & ~right_b).sum())],
    ]
    return {
        "agree": int((pa == pb).sum()),
        "mean_kl": float(np.mean([stats.entropy(np.exp(x), np.exp(y)) for x, y in zip(log_a, log_b)])),
        "max_abs_dlogit": float(np.abs(a.astype(np.float64) - b.astype(np.float64)).max()),
        "right_to_wrong": table[0][1],
        "wrong_to_right": table[1][0],
        "wrong_to_other": int((~right_a & ~right_b & (pa != pb)).sum()),
        "mcnemar_p": float(mcnemar(table, exact=True).pvalue),
        "delta_accuracy": float(metrics.accuracy_score(truth, pb) - metrics.accuracy_score(truth, pa)),
    }


def make(rng, n, classes, noise, present=None, scale=1.0):
    truth = rng.integers(0, classes, n) if present is None else rng.choice(present, n)
    logits = (rng.normal(0, noise, (n, classes)) + 2.0 * np.eye(classes)[truth]) * scale
    return logits.astype(np.float32), truth


def best_order(confusion):
    size = len(confusion)
    orders = itertools.permutations(range(size))
    best = max(orders, key=lambda o: sum(confusion[o[j]][j] for j in range(size)))
    return list(best), float(sum(confusion[best[j]][j] for j in range(size)) / np.sum(confusion))


def main():
    rng = np.random.default_rng(20260131)
    golden = {"cases": [], "pairs": [], "wilson": [], "mcnemar": [], "orders": [], "timings": []}
    shapes = [
        (40, 3, 1.5, None, 1.0),
        (25, 3, 2.0, [0, 2], 1.0),  # a class is missing from the truth
        (30, 5, 3.0, None, 1.0),
        (20, 2, 1.0, None, 8.0),  # very sure of itself
        (30, 3, 2.0, None, 60.0),  # probabilities that vanish
        (7, 4, 1.0, [1], 1.0),  # one class only
        (60, 3, 0.1, None, 0.01),  # nearly uniform probabilities
    ]
    more = [
        (1, 2, 1.0, None, 1.0),  # one text
        (200, 3, 4.0, None, 1.0),  # often wrong, and sure of it
        (12, 3, 0.0, [2], 1.0),  # all right, all equally sure: ties
        (80, 40, 2.0, None, 1.0),  # many classes, few texts
    ]
    for n, classes, noise, present, scale in shapes:
        logits, truth = make(rng, n, classes, noise, present, scale)
        golden["cases"].append(
            {"classes": classes, "logits": logits.ravel().tolist(), "truth": truth.tolist()} | figures(logits, truth)
        )
    for n, classes, step in [(50, 3, 0.0), (50, 3, 0.05), (60, 3, 1.0), (60, 4, 4.0), (80, 2, 1.5)]:
        a, truth = make(rng, n, classes, 2.0)
        b = (a + rng.normal(0, step, a.shape)).astype(np.float32)
        golden["pairs"].append(
            {"classes": classes, "a": a.ravel().tolist(), "b": b.ravel().tolist(), "truth": truth.tolist()}
            | comparison(a, b, truth)
        )
    for k, n in [(0, 10), (10, 10), (1, 1), (453, 500), (1, 3), (50000, 100000)]:
        low, high = proportion_confint(k, n, alpha=0.05, method="wilson")
        golden["wilson"].append({"k": k, "n": n, "low": low, "high": high})
    for b, c in [(0, 1), (44, 61), (21, 153), (6, 0), (5, 0), (10, 10), (400, 520), (1500, 1490), (30, 900)]:
        p = float(mcnemar([[0, b], [c, 0]], exact=True).pvalue)
        golden["mcnemar"].append({"b": b, "c": c, "p": min(p, 1.0)})
    for size in [2, 3, 4, 6, 7]:
        confusion = rng.integers(0, 8, (size, size))
        order = rng.permutation(size)
        while size > 2 and (order == np.arange(size)).any():
            order = rng.permutation(size)
        order = np.array([1, 0]) if size == 2 else order
        for j in range(size):
            confusion[order[j]][j] += 60
        best, accuracy = best_order(confusion.tolist())
        golden["orders"].append({"confusion": confusion.tolist(), "order": best, "accuracy": accuracy})
    for n in [1, 2, 3, 10, 101]:
        ms = rng.lognormal(2, 0.5, n)
        golden["timings"].append(
            {
                "ms": ms.tolist(),
                "mean": ms.mean(),
                "sd": ms.std(ddof=1) if n > 1 else 0.0,
                "median": np.median(ms),
                "p10": np.quantile(ms, 0.1),
                "p90": np.quantile(ms, 0.9),
                "p99": np.quantile(ms, 0.99),
                "min": ms.min(),
                "max": ms.max(),
            }
        )
    for n, classes, noise, present, scale in more:  # last, so that the cases above keep their numbers
        logits, truth = make(rng, n, classes, noise, present, scale)
        golden["cases"].append(
            {"classes": classes, "logits": logits.ravel().tolist(), "truth": truth.tolist()} | figures(logits, truth)
        )
    OUT.write_text(json.dumps(golden, default=float, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
