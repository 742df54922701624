# SPDX-License-Identifier: Apache-2.0
"""Writes results.json beside this file: a whole record of a study that never ran, for the tests of src/report.

Predictions are drawn at random and every figure is computed from them, so that the record is as consistent as a real
one (docs/results.md). Its names are hostile on purpose: a model is called <script>..., a set has an escape sequence.
Needs numpy and scipy (tests/oracle/requirements.txt).  Usage: make_results.py > results.json
"""
import hashlib
import json
import math
import pathlib
import sys

import numpy as np
from scipy import stats

HERE = pathlib.Path(__file__).resolve().parent
LABELS = ["positive", "neutral", "negative"]
SETS = {"smsa": (208, 88, 204), "tweets \u2028\u001b[31m": (61, 0, 139)}
MODELS = ["mini-id-smsa", "mini-id-smsa-s123", "<script>alert(1)</script>"]
VARIANTS = ["fp32", "fp16", "int8", "int4-pertensor"]
INTEGER = ["int8", "int4-pertensor"]
ALPHA, POWER, MARGIN, BINS, REPLICATES, NULL, LISTED = 0.05, 0.8, 0.01, 15, 2000, 99, 24
PARAMETERS = 15489027
rng = np.random.Generator(np.random.PCG64(20260131))


# ---- Predictions ----

def softmax(z):
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def base_logits(truth, correct):
    """FP32: exactly `correct` texts are right."""
    n = len(truth)
    wanted = truth.copy()
    for i in rng.choice(n, n - correct, replace=False):
        wanted[i] = rng.choice([c for c in range(3) if c != truth[i]])
    z = rng.normal(0, 0.7, (n, 3))
    for i in range(n):
        top = z[i].argmax()
        z[i, [top, wanted[i]]] = z[i, [wanted[i], top]]
        z[i, wanted[i]] += rng.gamma(2.0, 1.7 if wanted[i] == truth[i] else 0.5)
    return z


def close(z, scale):
    """A variant that says the same labels."""
    v = z + rng.normal(0, scale, z.shape)
    for i in np.nonzero(v.argmax(1) != z.argmax(1))[0]:
        v[i] = z[i]
    return v


def turn(v, truth, to_right, to_wrong):
    """Lets the least certain texts change sides."""
    order = np.argsort(np.sort(v, axis=1)[:, -1] - np.sort(v, axis=1)[:, -2])
    for i in order:
        right = v[i].argmax() == truth[i]
        if (right and to_wrong) or (not right and to_right):
            target = np.argsort(v[i])[-2] if right else truth[i]
            v[i, target] = v[i].max() + rng.uniform(0.005, 0.08)
            to_wrong, to_right = to_wrong - right, to_right - (not right)
        if not to_right and not to_wrong:
            return v
    raise SystemExit("too few texts to turn")


def variants_of(model, truth):
    n = len(truth)
    if model == 2:
        z = rng.normal(0, 0.12, (n, 3)) + np.array([0.02, 0.15, -0.05])
        turned = [0, 3, 40]
    else:
        z = base_logits(truth, [[430, 148], [427, 151]][model][0 if n == 500 else 1])
    out = {"fp32": z, "fp16": close(z, 0.0008 if model < 2 else 1e-5)}
    if model == 2:
        out["int8"] = z + rng.normal(0, 0.004, z.shape)
        out["int4-pertensor"] = z + rng.normal(0, 0.08, z.shape) + np.array([0, 0.08, 0])
    else:
        out["int8"] = turn(close(z, 0.03), truth, *[[(1, 0), (2, 1)], [(1, 2), (0, 1)]][model][0 if n == 500 else 1])
        out["int4-pertensor"] = 0.8 * z + rng.normal(0, 0.75, z.shape) + np.array([0, 1.1, 0])
    return out


# ---- Figures of one variant ----

def wilson(k, n):
    w = stats.binomtest(int(k), int(n)).proportion_ci(method="wilson")
    return [float(w.low), float(w.high)]


def confusion_of(truth, pred):
    m = np.zeros((3, 3), int)
    np.add.at(m, (truth, pred), 1)
    return m


def ratio(a, b):
    return float(a / b) if b else 0.0


def per_class(m):
    out = []
    for c in range(3):
        p, r = ratio(m[c, c], m[:, c].sum()), ratio(m[c, c], m[c].sum())
        out.append((p, r, ratio(2 * m[c, c], m[:, c].sum() + m[c].sum())))
    return np.array(out)


def scores(truth, pred):
    m = confusion_of(truth, pred)
    k, support = per_class(m), m.sum(1)
    present, weights = support > 0, support / support.sum()
    n, c, t, p = m.sum(), np.trace(m), m.sum(1), m.sum(0)
    below = math.sqrt(float(n**2 - (p**2).sum()) * float(n**2 - (t**2).sum()))
    return {
        "accuracy": c / n, "macro_f1": k[present, 2].mean(), "weighted_f1": (weights * k[:, 2]).sum(),
        "macro_precision": k[present, 0].mean(), "macro_recall": k[present, 1].mean(),
        "weighted_precision": (weights * k[:, 0]).sum(), "weighted_recall": (weights * k[:, 1]).sum(),
        "mcc": float(c * n - (t * p).sum()) / below if below else 0.0,
    }


def bins_of(confidence, right):
    n = len(confidence)
    width, mass = [], []

    def one(low, high, at):
        if not len(at):
            return {"low": low, "high": high, "n": 0, "confidence": None, "accuracy": None}
        return {"low": low, "high": high, "n": len(at), "confidence": float(confidence[at].mean()),
                "accuracy": float(right[at].mean())}

    for b in range(BINS):
        at = np.nonzero((confidence > b / BINS) & (confidence <= (b + 1) / BINS))[0]
        width.append(one(b / BINS, (b + 1) / BINS, at))
    order = np.argsort(confidence, kind="stable")
    for b in range(BINS):
        at = order[b * n // BINS:(b + 1) * n // BINS]
        mass.append(one(float(confidence[at[0]]), float(confidence[at[-1]]), at))
    return width, mass


def calibration(z, truth):
    probs = softmax(z)
    n, confidence, right = len(truth), probs.max(1), probs.argmax(1) == truth
    width, mass = bins_of(confidence, right)

    def gap(bins):
        return [abs(b["confidence"] - b["accuracy"]) * b["n"] / n for b in bins if b["n"]]

    onehot = np.eye(3)[truth]
    return {
        "mean_confidence": float(confidence.mean()), "confidence_sd": float(confidence.std(ddof=1)),
        "ece": float(sum(gap(width))), "ece_bins": BINS, "ece_mass": float(sum(gap(mass))),
        "mce": max(abs(b["confidence"] - b["accuracy"]) for b in width if b["n"]),
        "reliability": {"equal_width": width, "equal_mass": mass},
        "overconfident_errors": int(((confidence >= 0.9) & ~right).sum()),
        "nll": float(-np.log(np.maximum(probs[np.arange(n), truth], 2.0**-52)).mean()),
        "brier": float(((probs - onehot)**2).sum(1).mean()),
    }


def temperature(z, truth):
    ts = np.exp(np.linspace(math.log(0.05), math.log(20), 2000))
    best = float(ts[int(np.argmin([calibration(z / t, truth)["nll"] for t in ts[::20]])) * 20])
    c = calibration(z / best, truth)
    return {"value": best, "fitted_on": "valid", "n": 1260, "at_bound": False, "nll": c["nll"], "ece": c["ece"],
            "brier": c["brier"], "mean_confidence": c["mean_confidence"]}


# ---- The paired comparison ----

def tango_z(b, c, n, delta):
    """Score test for paired proportions (Tango 1998); b: wrong to right, c: right to wrong."""
    a2, b2, c2 = 2 * n, -b - c + (2 * n - b + c) * delta, -c * delta * (1 - delta)
    q = (math.sqrt(max(b2 * b2 - 4 * a2 * c2, 0)) - b2) / (2 * a2)
    variance = n * (2 * q + delta * (1 - delta))
    return (b - c - n * delta) / math.sqrt(variance) if variance > 0 else math.copysign(math.inf, b - c - n * delta)


def tango_interval(b, c, n):
    z = stats.norm.ppf(1 - ALPHA)
    ends = []
    for sign in (1, -1):
        low, high = (-1 + 1e-12, (b - c) / n) if sign > 0 else ((b - c) / n, 1 - 1e-12)
        for _ in range(100):
            mid = (low + high) / 2
            inside = abs(tango_z(b, c, n, mid)) <= z
            if sign > 0:
                low, high = (low, mid) if inside else (mid, high)
            else:
                low, high = (mid, high) if inside else (low, mid)
        ends.append((low + high) / 2)
    return ends


def equivalence(b, c, n):
    lower, upper = stats.norm.sf(tango_z(b, c, n, -MARGIN)), stats.norm.cdf(tango_z(b, c, n, MARGIN))
    p = float(max(lower, upper))
    return {"margin": MARGIN, "p_lower": float(lower), "p_upper": float(upper), "p": p,
            "interval": tango_interval(b, c, n), "equivalent": p < ALPHA}


def power(b, c, n):
    smallest = next(k for k in range(1, 100) if 2 * 0.5**k < ALPHA)
    rate = (b + c) / n
    za, zb = stats.norm.ppf(1 - ALPHA / 2), stats.norm.ppf(POWER)
    detectable = next((d for d in np.arange(1, 10000) / 10000
                       if d <= rate and (za * math.sqrt(rate) + zb * math.sqrt(rate - d * d))**2 / d**2 <= n), None)
    most = max((k for k in range(0, n // 4) if equivalence(k, k, n)["equivalent"]), default=-1)
    spread = math.sqrt(rate / n) if rate else 0
    shown = max(0.0, 2 * stats.norm.cdf(MARGIN / spread - stats.norm.ppf(1 - ALPHA)) - 1) if spread else 1.0
    return {"smallest_texts": smallest, "smallest": smallest / n, "discordant_rate": rate,
            "detectable": None if detectable is None else float(detectable), "equivalence_power": float(shown),
            "equivalence_most_flips": 2 * most if most >= 0 else -1}


def marginal(pred, other):
    """Stuart-Maxwell, variant (other) against FP32 (pred)."""
    m = confusion_of(pred, other)
    shifts = m.sum(0) - m.sum(1)
    d = shifts.astype(float)
    s = -(m + m.T).astype(float)
    for i in range(3):
        s[i, i] = m[i].sum() + m[:, i].sum() - 2 * m[i, i]
    rank = int(np.linalg.matrix_rank(s)) if shifts.any() else 0
    statistic = float(d @ np.linalg.pinv(s) @ d) if rank else 0.0
    return {"statistic": statistic, "df": rank, "p": float(stats.chi2.sf(statistic, rank)) if rank else 1.0,
            "shifts": {l: int(x) for l, x in zip(LABELS, shifts)},
            "gains": LABELS[int(shifts.argmax())] if shifts.any() else None,
            "loses": LABELS[int(shifts.argmin())] if shifts.any() else None}


def confidence_test(a, b):
    d = b - a
    sd = float(d.std(ddof=1))
    if not d.any():
        return {"mean_difference": 0.0, "sd_difference": 0.0, "statistic": 0.0, "p": 1.0}
    w = stats.wilcoxon(d, zero_method="wilcox", correction=False, method="asymptotic")
    return {"mean_difference": float(d.mean()), "sd_difference": sd, "statistic": float(w.statistic),
            "p": float(w.pvalue)}


def sentence(b, c, n, p):
    if b + c == 0:
        return f"every text is as right or wrong as in FP32 (one text in {n} is {1 / n:.4f})"
    head = f"no net change in {n} texts" if b == c else \
        f"{(b - c) / n:+.4f} is {abs(b - c)} text{'' if abs(b - c) == 1 else 's'} in {n}"
    tail = "< 0.001" if p < 0.001 else f"= {p:.3f}"
    return f"{head}: {c} turned wrong, {b} turned right, exact McNemar p {tail}{'' if p < 0.05 else ', within chance'}"


def against(z, v, truth, draws):
    p, q, n = softmax(z), softmax(v), len(truth)
    pred, other = p.argmax(1), q.argmax(1)
    right, now = pred == truth, other == truth
    b, c = int((~right & now).sum()), int((right & ~now).sum())
    mcnemar = float(stats.binomtest(b, b + c).pvalue) if b + c else 1.0
    before, after = scores(truth, pred), scores(truth, other)
    deltas = {k: [] for k in ("accuracy", "macro_f1", "weighted_f1", "mean_confidence")}
    for at in draws:
        x, y = scores(truth[at], pred[at]), scores(truth[at], other[at])
        for k in ("accuracy", "macro_f1", "weighted_f1"):
            deltas[k].append(y[k] - x[k])
        deltas["mean_confidence"].append((q.max(1) - p.max(1))[at].mean())
    d = np.array(deltas["macro_f1"])
    same = bool((pred == other).all())
    f1_p = 1.0 if same else min(1.0, 2 * (1 + min((d <= 0).sum(), (d >= 0).sum())) / (len(d) + 1))
    return {
        "agreement": float((pred == other).mean()), "agree": int((pred == other).sum()),
        "agreement_interval": wilson((pred == other).sum(), n),
        "mean_kl": float((p * (np.log(p) - np.log(q))).sum(1).mean()), "max_abs_dlogit": float(abs(z - v).max()),
        "right_to_wrong": c, "wrong_to_right": b,
        "wrong_to_other": int((~right & ~now & (pred != other)).sum()),
        "delta_accuracy": (b - c) / n, "delta_texts": b - c,
        "delta_macro_f1": float(after["macro_f1"] - before["macro_f1"]),
        "delta_weighted_f1": float(after["weighted_f1"] - before["weighted_f1"]),
        "delta_mean_confidence": float((q.max(1) - p.max(1)).mean()),
        "bootstrap": {"delta_" + k: [float(x) for x in np.quantile(x_, [0.025, 0.975])] for k, x_ in deltas.items()},
        "mcnemar_p": mcnemar, "delta_macro_f1_p": float(f1_p),
        "primary": {"figure": "accuracy", "delta": (b - c) / n, "p": mcnemar},
        "marginal": marginal(pred, other), "confidence": confidence_test(p.max(1), q.max(1)),
        "equivalence": equivalence(b, c, n), "power": power(b, c, n), "sentence": sentence(b, c, n, mcnemar),
    }


def holm(entries):
    ps = [e["p"] for e in entries]
    order, worst = np.argsort(ps, kind="stable"), 0.0
    for rank, i in enumerate(order):
        worst = max(worst, min(1.0, (len(ps) - rank) * ps[i]))
        entries[i]["p_holm"] = float(worst)


# ---- Everything else ----

def timing(x):
    q = np.quantile(x, [0.1, 0.5, 0.9, 0.99])
    return {"mean": float(x.mean()), "sd": float(x.std(ddof=1)), "median": float(q[1]), "p10": float(q[0]),
            "p90": float(q[2]), "p99": float(q[3]), "min": float(x.min()), "max": float(x.max())}


def latencies(model, name, texts):
    length = np.clip(rng.gamma(3.5, 9.0, texts), 4, 120)
    tokenize = 0.01 + 0.0008 * length
    out, first = [], None
    for variant, factor in zip(VARIANTS, (1.0, 1.03, 0.41, 1.18)):
        forward = (0.8 + 0.115 * length) * factor * rng.lognormal(0, 0.02, texts)
        total = tokenize + forward
        first = total if first is None else first
        r = float(np.median(total / first))
        out.append({
            "model": MODELS[model], "variant": variant, "data": name, "texts": texts, "rounds": 12,
            "seconds": float(total.sum() * 12 / 1000), "tokenize": timing(tokenize), "forward": timing(forward),
            "total": timing(total), "interval": [float(total.mean() * 0.988), float(total.mean() * 1.013)],
            "quantiles": [float(x) for x in np.quantile(total, np.linspace(0, 1, 21))], "ratio": r,
            "ratio_interval": [r, r] if variant == "fp32" else [r * 0.991, r * 1.008], "ratio_to": "fp32",
            "outliers": 1 if variant == "fp16" and model == 0 else 0, "energy_j": None,
            "texts_per_s": float(1000 / total.mean() * 1.7)})
    return out


def null_figure(real, fp32, values):
    below, equal = sum(v < real for v in values), sum(v == real for v in values)
    above = NULL - below - equal
    return {"real": real, "fp32": fp32, "values": values, "below": below, "equal": equal, "above": above,
            "p": min(1.0, 2 * min(1 + below + equal, 1 + equal + above) / (NULL + 1))}


def null_entry(model, variant, name, result, fp32):
    n, a = result["n"], result["against_fp32"]
    flips = n - a["agree"]
    centre = result["accuracy"] if variant == "int4-pertensor" else fp32["accuracy"]
    turned = rng.binomial(2 * max(flips, 2), 0.5, NULL) - max(flips, 2)
    accuracy = [float(round(centre * n + t * 0.8)) / n for t in turned]
    f1 = [float(result["macro_f1"] + (x - result["accuracy"]) * 1.05 + rng.normal(0, 0.0008)) for x in accuracy]
    agreement = [float(n - rng.poisson(max(flips, 1.5))) / n for _ in range(NULL)]
    error = 0.0000625 if variant == "int8" else 0.0131
    errors = [float(error * x) for x in rng.uniform(0.97, 1.03, NULL)]
    return {"model": MODELS[model], "variant": variant, "data": name, "models": NULL,
            "weight_error": {"real": error, "values": errors,
                             "largest_deviation": max(abs(x / error - 1) for x in errors)},
            "accuracy": null_figure(result["accuracy"], fp32["accuracy"], accuracy),
            "macro_f1": null_figure(result["macro_f1"], fp32["macro_f1"], f1),
            "agreement": null_figure(a["agreement"], 1.0, agreement)}


def spread(values, interval=None):
    out = {"mean": float(np.mean(values)), "sd": float(np.std(values, ddof=1)), "values": [float(v) for v in values]}
    if interval:
        out["interval"] = interval
    return out


def kind_of(truth, before, after):
    if before == after:
        return "same"
    return "right_to_wrong" if before == truth else "wrong_to_right" if after == truth else "wrong_to_other"


def flips_of(model, name, truth, logits, texts):
    probs = {v: softmax(z) for v, z in logits.items()}
    pred = {v: p.argmax(1) for v, p in probs.items()}
    rows = [i for i in range(len(truth)) if any(pred[v][i] != pred["fp32"][i] for v in VARIANTS)]
    listed = []
    for i in rows[:LISTED]:
        listed.append({
            "row": i + 1, "text": texts[i % len(texts)], "pair": None, "truth": LABELS[truth[i]],
            "variants": [{"variant": v, "pred": LABELS[pred[v][i]],
                          "kind": kind_of(truth[i], pred["fp32"][i], pred[v][i]),
                          "probs": [round(float(x), 6) for x in probs[v][i]]} for v in VARIANTS]})
    if model == 0 and listed:
        listed[0]["text"] = "Barangnya <b>bagus</b> & murah </script><img src=x onerror=alert(3)> \u202e \"enak\""
        listed[1]["pair"] = "Apakah pembeli puas?"
    return {"model": MODELS[model], "data": name, "total": len(rows), "listed": len(listed), "texts": listed}


def sizes():
    out = []
    parts = {"fp32": (13080000, 48276108, 600000, 0), "fp16": (6540000, 24138054, 300000, 9000),
             "int8": (3300000, 12100000, 151000, 150000), "int4-pertensor": (13080000, 12061108, 151000, 20000)}
    memory = {"fp32": 65053913, "fp16": 65053913, "int8": 17250000, "int4-pertensor": 66120000}
    resident = []
    for model in MODELS:
        for v in VARIANTS:
            size = sum(parts[v])
            out.append({"model": model, "variant": v, "scheme": v, "made": v != "fp32", "file_bytes": size + (
                300 if v == "fp32" else 0), "size_bytes": size, "fp32_bytes": 4 * PARAMETERS,
                "ratio": size / (4 * PARAMETERS),
                "parts": dict(zip(("embeddings", "encoder", "head", "other"), parts[v])),
                "weight_error": {"int8": 0.0000625, "int4-pertensor": 0.0131}.get(v)})
            resident.append({"model": model, "variant": v, "resident_bytes": memory[v],
                             "peak_resident_bytes": None if v == "fp16" else memory[v] + 21000000})
    return out, resident


def main():
    lines = (HERE.parent.parent / "data" / "ulasan.tsv").read_text(encoding="utf-8").splitlines()[1:]
    texts = [line.split("\t")[0] for line in lines]
    names = list(SETS)
    logits, truths, results, flips, nulls, latency = {}, {}, [], [], [], []
    for name, counts in SETS.items():
        truths[name] = rng.permutation(np.repeat(np.arange(3), counts))
    for m, model in enumerate(MODELS):
        for name in names:
            truth = truths[name]
            n = len(truth)
            z = logits[m, name] = variants_of(m, truth)
            draws = [rng.integers(0, n, n) for _ in range(200)]
            first = len(results)
            for v in VARIANTS:
                pred = z[v].argmax(1)
                s, table = scores(truth, pred), confusion_of(truth, pred)
                boot = [scores(truth[at], pred[at]) for at in draws]
                r = {"model": model, "variant": v, "data": name, "untrained_head": m == 2, "n": n,
                     "correct": int((pred == truth).sum()), "accuracy": float(s["accuracy"]),
                     "accuracy_interval": wilson((pred == truth).sum(), n)}
                r |= {k: float(s[k]) for k in ("macro_f1", "weighted_f1", "macro_precision", "macro_recall",
                                               "weighted_precision", "weighted_recall", "mcc")}
                r["bootstrap"] = {k: [float(x) for x in np.quantile([b[k] for b in boot], [0.025, 0.975])]
                                  for k in ("accuracy", "macro_f1", "weighted_f1", "mcc")}
                top = int(np.argmax(SETS[name]))
                r["majority"] = {"label": LABELS[top], "accuracy": SETS[name][top] / n}
                r |= calibration(z[v], truth)
                r["temperature"] = temperature(z[v], truth) if m == 0 else None
                k = per_class(table)
                r |= {"labels": LABELS, "labels_present": sum(c > 0 for c in SETS[name]), "restricted": False,
                      "per_class": {l: {"precision": float(k[c, 0]), "recall": float(k[c, 1]), "f1": float(k[c, 2]),
                                        "support": int(table[c].sum()), "predicted": int(table[:, c].sum())}
                                    for c, l in enumerate(LABELS)},
                      "label_counts": dict(zip(LABELS, SETS[name])),
                      "predicted_counts": {l: int(table[:, c].sum()) for c, l in enumerate(LABELS)},
                      "confusion": table.tolist(), "label_order": None,
                      "tokens": {"total": 30 * n, "mean": 30.0, "max": 512 if name == "smsa" else 91},
                      "truncated": 2 if name == "smsa" else 0, "empty": 0,
                      "against_fp32": None if v == "fp32" else against(z["fp32"], z[v], truth, draws)}
                results.append(r)
            compared = [r["against_fp32"] for r in results[first:] if r["against_fp32"]]
            for part in ("primary", "marginal", "confidence"):
                holm([c[part] for c in compared])
            for c in compared:
                c["primary"]["significant"] = c["primary"]["p_holm"] < ALPHA
            flips.append(flips_of(m, name, truth, z, texts))
            latency += latencies(m, name, 100 if name == "smsa" else 80)
            nulls += [null_entry(m, r["variant"], name, r, results[first]) for r in results[first:]
                      if r["variant"] in INTEGER]
    by = {(r["model"], r["variant"], r["data"]): r for r in results}
    group = []
    for name in names:
        for v in VARIANTS:
            seeds = [by[model, v, name] for model in MODELS[:2]]
            entry = {"data": name, "variant": v, "accuracy": spread([r["accuracy"] for r in seeds]),
                     "macro_f1": spread([r["macro_f1"] for r in seeds]), "delta_accuracy": None,
                     "delta_macro_f1": None}
            if v != "fp32":
                for k in ("accuracy", "macro_f1"):
                    d = [r["against_fp32"]["delta_" + k] for r in seeds]
                    edges = [r["against_fp32"]["bootstrap"]["delta_" + k] for r in seeds]
                    entry["delta_" + k] = spread(d, [float(np.mean([e[0] for e in edges])) - 0.001,
                                                     float(np.mean([e[1] for e in edges])) + 0.001])
            group.append(entry)
    variants, resident = sizes()
    content = {"schema": 1, "models": [{"name": m, "weights": [] if i == 2 else ["cd" * 32]}
                                       for i, m in enumerate(MODELS)],
               "data": names, "variants": VARIANTS, "valid": True, "primary": "accuracy", "alpha": ALPHA,
               "power": POWER, "margin": MARGIN, "family": "variants of one model on one set",
               "bootstrap": {"replicates": REPLICATES, "seed": 0}, "null_models": NULL, "ece_bins": BINS,
               "restrict_labels": False, "clean": "", "max_length": 0, "limit": 0, "limit_seed": 0,
               "drop_labels": None, "label_map": None}
    shape = {"vocabulary": 8000, "layers": 4, "hidden": 384, "heads": 12, "intermediate": 1536, "positions": 512}
    record = {
        "timbang": {"version": "0.1.0", "schema": 1},
        "plan": {"sha256": hashlib.sha256(json.dumps(content).encode()).hexdigest(), "content": content},
        "options": {"command": "timbang study --data smsa/test.tsv --null 99 --valid 'valid <&>.tsv'", "lang": "en",
                    "anonymous": False, "valid": "valid <&>.tsv", "variants": VARIANTS, "seed": 0, "labels": None,
                    "restrict_labels": False, "train": None, "max_length": 0, "clean": "", "text_column": None,
                    "label_column": None, "pair_column": None, "header": None, "label_map": None, "drop_labels": None, "limit": 0,
                    "limit_seed": 0},
        "data": [{"name": names[0], "path": "smsa/test.tsv", "sha256": "ab" * 32, "rows": 500,
                  "label_counts": dict(zip(LABELS, SETS[names[0]])),
                  "duplicates": {"exact": 0, "normalized": 0, "conflicting": 0, "first_line": 0,
                                 "first_other_line": 0},
                  "train_overlap": {"exact": 0, "normalized": 2, "conflicting": 0, "first_line": 88,
                                    "first_other_line": 1203}, "file": None},
                 {"name": names[1], "path": "-", "sha256": None, "rows": 200,
                  "label_counts": {"positive": 61, "negative": 139},
                  "duplicates": {"exact": 2, "normalized": 3, "conflicting": 1, "first_line": 17,
                                 "first_other_line": 4}, "train_overlap": None, "file": None}],
        "models": [{"name": model, "path": [None, "runs/s123", "models/y"][m],
                    "embedded": m == 0, "bare_weights": False, "labels": LABELS,
                    "labels_from": "model" if m == 2 else "file", "untrained_head": m == 2,
                    "shipped_quantized": False, "parameters": PARAMETERS, "fp32_bytes": 4 * PARAMETERS,
                    "shape": shape, "weights": [] if m == 2 else [
                        {"file": "model.safetensors", "bytes": 30990000, "sha256": "cd" * 32}]}
                   for m, model in enumerate(MODELS)],
        "variants": variants, "results": results, "flips": flips, "null": nulls,
        "groups": [{"recipe": "9f3c51d0a2", "models": MODELS[:2], "seeds": [42, 123],
                    "differing": ["learning_rate", "epochs"], "results": group}],
        "warnings": [
            {"model": MODELS[2], "data": None, "kind": "untrained_head",
             "text": "untrained head: the model has no trained classifier, so its predictions mean nothing"},
            {"model": None, "data": names[1], "kind": "duplicates",
             "text": "3 rows repeat an earlier row (2 exactly; the first in line 17 repeats line 4)"},
            {"model": None, "data": names[1], "kind": "conflicting",
             "text": "1 of the repeated rows has another label"},
            {"model": None, "data": names[0], "kind": "train_overlap",
             "text": "2 rows also stand in train.tsv (0 exactly; the first in line 88, there line 1203)"},
            {"model": MODELS[0], "data": names[0], "kind": "truncated",
             "text": "2 of 500 texts are longer than 512 tokens and were cut; </script><img src=x onerror=alert(2)>"},
            {"model": None, "data": None, "kind": "seeds_differ",
             "text": "the seeds of recipe 9f3c51d0a2 differ in learning_rate, epochs"},
            {"model": MODELS[0], "data": names[0], "kind": "outliers",
             "text": "fp16: 1 of 12 rounds took more than 1.5 times the median round"},
        ],
        "measured": {"peak_resident_bytes": 210000000, "resident": resident, "latency": latency,
                     "energy": {"available": False, "source": "no RAPL counters under /sys/class/powercap"}},
        "host": {"cpu": "A processor", "level": "avx512", "levels": ["scalar", "avx2", "avx512"], "features": [],
                 "threads": 2},
        "time": {"started": "2026-01-31T12:00:00Z", "plan_fixed": "2026-01-31T12:00:01Z", "seconds": 61.5,
                 "resumed": 1},
    }
    record["warnings"] += [
        {"model": f["model"], "data": f["data"], "kind": "flips_cut",
         "text": f"{f['listed']} of {f['total']} texts on which a label differs are listed"}
        for f in flips if f["listed"] < f["total"]]
    write(record, sys.stdout)


def short(value):
    return float(f"{value:.10g}") if isinstance(value, float) else value


def write(value, out, indent=0):
    """JSON with one line for each array of plain values, reals with ten digits."""
    pad = " " * indent
    if isinstance(value, dict) and value:
        out.write("{\n")
        for i, (k, v) in enumerate(value.items()):
            out.write(f"{pad} {json.dumps(k)}: ")
            write(v, out, indent + 1)
            out.write(",\n" if i + 1 < len(value) else "\n")
        out.write(pad + "}")
    elif isinstance(value, list) and any(isinstance(v, (dict, list)) for v in value):
        out.write("[\n")
        for i, v in enumerate(value):
            out.write(pad + " ")
            write(v, out, indent + 1)
            out.write(",\n" if i + 1 < len(value) else "\n")
        out.write(pad + "]")
    elif isinstance(value, list):
        out.write(json.dumps([short(v) for v in value]))
    else:
        out.write(json.dumps(short(value)))
    if indent == 0:
        out.write("\n")


main()
