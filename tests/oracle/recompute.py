"""Recomputes the figures of a study from its predictions and compares them with its record.

Reads OUT/results.json and OUT/predictions.jsonl (docs/results.md) and recomputes every member of `results`,
`against_fp32`, `flips`, `groups` and `roadmap`, and those of `null` that follow from its values, with NumPy, SciPy, scikit-learn
and statsmodels; the bootstrap on the same Philox stream. Prints how many figures were compared and the largest
difference; exits 1 where one differs by more than 1e-9 (relative to max(1, |x|)), or is not known here.

    python tests/oracle/recompute.py OUT [OUT ...]
"""

import collections
import json
import pathlib
import sys

import eval_reference as reference
import numpy as np
from scipy import optimize, special, stats
from sklearn import metrics
from statsmodels.stats.contingency_tables import SquareTable, mcnemar
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.proportion import proportion_confint

TOLERANCE = 1e-9
BINS = 15
MOST_FLIPS_LISTED = 500
# Members of an entry of results that do not follow from logits and labels.
NOT_FROM_PREDICTIONS = {"tokens", "truncated", "empty", "untrained_head"}


class Comparison:
    """What was compared so far."""

    def __init__(self):
        self.figures, self.others, self.worst, self.worst_at, self.problems = 0, 0, 0.0, "", []

    def problem(self, where, text):
        self.problems.append(f"{where}: {text}")

    def compare(self, got, want, where):
        """got: of the record; want: recomputed."""
        if isinstance(got, dict) and isinstance(want, dict):
            for key in sorted(set(got) | set(want)):
                if key not in want:
                    self.problem(f"{where}.{key}", "is in the record, and is not known here")
                elif key not in got:
                    self.problem(f"{where}.{key}", "is missing in the record")
                else:
                    self.compare(got[key], want[key], f"{where}.{key}")
        elif isinstance(got, list) and isinstance(want, list):
            if len(got) != len(want):
                self.problem(where, f"has {len(got)} items, {len(want)} were recomputed")
            for i, (a, b) in enumerate(zip(got, want)):
                self.compare(a, b, f"{where}[{i}]")
        elif is_number(got) and is_number(want):
            difference = abs(got - want) / max(1.0, abs(want))
            self.figures += 1
            if difference > self.worst or difference != difference:
                self.worst, self.worst_at = difference, where
            if not difference <= TOLERANCE:
                self.problem(where, f"is {got!r}, recomputed {want!r}")
        else:
            self.others += 1
            if got != want or type(got) is not type(want):
                self.problem(where, f"is {got!r}, recomputed {want!r}")


def is_number(value):
    return isinstance(value, (int, float)) and not isinstance(value, bool)


# ---- Reading ----


class Predictions:
    """The lines of one model, variant and set, in the order of the file."""

    def __init__(self):
        self.rows, self.texts, self.pairs, self.truth, self.pred = [], [], [], [], []
        self.logits, self.probs = [], []

    def add(self, line):
        self.rows.append(line["row"])
        self.texts.append(line["text"])
        self.pairs.append(line.get("pair"))
        self.truth.append(line["truth"])
        self.pred.append(line["pred"])
        self.logits.append(line["logits"])
        self.probs.append(line["probs"])

    def finish(self):
        # The nine digits of the file give back the same float.
        self.logits = np.array(self.logits, dtype=np.float32)
        self.probs = np.array(self.probs)


def read(folder):
    record = json.loads((folder / "results.json").read_text(encoding="utf-8"))
    predictions = collections.defaultdict(Predictions)
    with open(folder / "predictions.jsonl", encoding="utf-8") as lines:
        for line in lines:
            entry = json.loads(line)
            predictions[entry["model"], entry["variant"], entry["data"]].add(entry)
    for each in predictions.values():
        each.finish()
    return record, predictions


class View:
    """A model's predictions on a set over the classes that count."""

    def __init__(self, predictions, labels, restricted_to_present):
        present = set(predictions.truth)
        self.labels = [x for x in labels if x in present or not restricted_to_present]
        columns = [labels.index(x) for x in self.labels]
        index = {x: i for i, x in enumerate(self.labels)}
        self.predictions, self.n, self.k = predictions, len(predictions.truth), len(self.labels)
        self.restricted = len(self.labels) < len(labels)
        self.n_present = len(present)
        self.truth = np.array([index[x] for x in predictions.truth])
        self.logits = predictions.logits[:, columns]
        self.probs = reference.softmax(self.logits)
        self.predicted = self.logits.argmax(axis=1)
        self.confidence = self.probs[np.arange(self.n), self.predicted]
        self.right = self.predicted == self.truth
        self.confusion = metrics.confusion_matrix(self.truth, self.predicted, labels=range(self.k))
        # What the lines say of themselves.
        wide = np.zeros((self.n, len(labels)))
        wide[:, columns] = self.probs
        assert np.allclose(wide, predictions.probs, rtol=1e-8, atol=1e-12), "probs are not the softmax of the logits"
        assert [self.labels[p] for p in self.predicted] == predictions.pred, "pred is not the largest logit"


# ---- One classifier ----


def calibration(view, probs):
    clipped = np.clip(probs[np.arange(view.n), view.truth], np.finfo(float).eps, None)
    onehot = np.eye(view.k)[view.truth]
    confidence = probs[np.arange(view.n), view.predicted]
    return {
        "nll": float(-np.log(clipped).mean()),
        "brier": float(((probs - onehot) ** 2).sum(axis=1).mean()),
        "mean_confidence": float(confidence.mean()),
        "ece": reference.gaps(reference.bins_of(confidence, view.right, BINS, False))[0],
    }


def temperature(view, validation, name):
    value, at_bound = reference.fit_temperature(validation.logits, validation.truth)
    out = {"value": value, "fitted_on": name, "n": validation.n, "at_bound": at_bound}
    return out | calibration(view, reference.softmax(view.logits, value))


def label_order(view, trained):
    """The best assignment of labels, where it is more than 0.2 better (exact binomial p < 1e-6)."""
    if not trained:
        return None
    rows, columns = optimize.linear_sum_assignment(-view.confusion)
    order = np.empty(view.k, dtype=int)
    order[columns] = rows
    moved = [j for j in range(view.k) if order[j] != j]
    gained = int(sum(view.confusion[order[j], j] for j in moved))
    lost = int(sum(view.confusion[j, j] for j in moved))
    if gained - lost <= 0.2 * view.n or stats.binomtest(lost, gained + lost, 0.5).pvalue >= 1e-6:
        return None
    accuracy = sum(view.confusion[order[j], j] for j in range(view.k)) / view.n
    return {"labels": [view.labels[j] for j in order], "accuracy": float(accuracy)}


def one_classifier(view, trained):
    labels = list(range(view.k))
    present = np.unique(view.truth)
    precision, recall, f1, support = metrics.precision_recall_fscore_support(
        view.truth, view.predicted, labels=labels, zero_division=0
    )
    averages = {
        average: metrics.precision_recall_fscore_support(
            view.truth, view.predicted, labels=present, average=average, zero_division=0
        )
        for average in ["macro", "weighted"]
    }
    predicted = np.bincount(view.predicted, minlength=view.k)
    width = reference.bins_of(view.confidence, view.right, BINS, False)
    mass = reference.bins_of(view.confidence, view.right, BINS, True)
    majority = int(support.argmax())
    correct = int(view.right.sum())
    one = len(set(view.truth) | set(view.predicted)) == 1
    return {
        "n": view.n,
        "correct": correct,
        "accuracy": float(metrics.accuracy_score(view.truth, view.predicted)),
        "accuracy_interval": [float(x) for x in proportion_confint(correct, view.n, method="wilson")],
        "macro_precision": float(averages["macro"][0]),
        "macro_recall": float(averages["macro"][1]),
        "macro_f1": float(averages["macro"][2]),
        "weighted_precision": float(averages["weighted"][0]),
        "weighted_recall": float(averages["weighted"][1]),
        "weighted_f1": float(averages["weighted"][2]),
        "mcc": 0.0 if one else float(metrics.matthews_corrcoef(view.truth, view.predicted)),
        "majority": {"label": view.labels[majority], "accuracy": float(support[majority] / view.n)},
        "confidence_sd": float(view.confidence.std(ddof=1)) if view.n > 1 else 0.0,
        "ece_bins": BINS,
        "ece_mass": reference.gaps(mass)[0],
        "mce": reference.gaps(width)[1],
        "reliability": {"equal_width": width, "equal_mass": mass},
        "overconfident_errors": int((~view.right & (view.confidence >= 0.9)).sum()),
        "labels": view.labels,
        "labels_present": view.n_present,
        "restricted": view.restricted,
        "per_class": {
            label: {
                "precision": float(precision[c]),
                "recall": float(recall[c]),
                "f1": float(f1[c]),
                "support": int(support[c]),
                "predicted": int(predicted[c]),
            }
            for c, label in enumerate(view.labels)
        },
        "label_counts": {label: int(support[c]) for c, label in enumerate(view.labels)},
        "predicted_counts": {label: int(predicted[c]) for c, label in enumerate(view.labels)},
        "confusion": view.confusion.tolist(),
        "label_order": label_order(view, trained),
    } | calibration(view, view.probs)


# ---- Against FP32 ----


def sentence(n, right_to_wrong, wrong_to_right, p, alpha):
    texts = wrong_to_right - right_to_wrong
    if right_to_wrong + wrong_to_right == 0:
        return f"every text is as right or wrong as in FP32 (one text in {n} is {1 / n:.4f})"
    if texts == 0:
        start = f"no net change in {n} texts"
    else:
        start = f"{texts / n:+.4f} is {abs(texts)} text{'' if abs(texts) == 1 else 's'} in {n}"
    shown = "< 0.001" if p < 0.001 else f"= {p:.3f}"
    chance = "" if p < alpha else ", within chance"
    return f"{start}: {right_to_wrong} turned wrong, {wrong_to_right} turned right, exact McNemar p {shown}{chance}"


def marginal(base, view):
    table = np.zeros((view.k, view.k))
    np.add.at(table, (base.predicted, view.predicted), 1)
    statistic, df, p, shifts = reference.marginal(table)
    used = np.flatnonzero(table.sum(axis=0) + table.sum(axis=1))
    if df and df == len(used) - 1:  # where statsmodels can, it agrees
        want = SquareTable(table[np.ix_(used, used)], shift_zeros=False).homogeneity(method="stuart_maxwell")
        assert abs(want.statistic - statistic) < 1e-9 * max(1, statistic)
    moved = any(shifts)
    return {
        "statistic": statistic,
        "df": df,
        "p": p,
        "shifts": dict(zip(view.labels, shifts)),
        "gains": view.labels[int(np.argmax(shifts))] if moved else None,
        "loses": view.labels[int(np.argmin(shifts))] if moved else None,
    }


def confidence_test(base, view):
    d = view.confidence - base.confidence
    out = {
        "mean_difference": float(d.mean()),
        "sd_difference": float(d.std(ddof=1)) if view.n > 1 else 0.0,
        "statistic": 0.0,
        "p": 1.0,
    }
    if (d != 0).any():
        test = stats.wilcoxon(d, zero_method="wilcox", correction=False, method="asymptotic")
        out |= {"statistic": float(test.statistic), "p": float(test.pvalue)}
    return out


def against_fp32(base, view, figures, base_figures, bootstrap, plan):
    n, alpha, margin = view.n, plan["alpha"], plan["margin"]
    rw, wr = int((base.right & ~view.right).sum()), int((~base.right & view.right).sum())
    table = [[int((base.right & view.right).sum()), rw], [wr, int((~base.right & ~view.right).sum())]]
    p = min(1.0, float(mcnemar(table, exact=True).pvalue)) if rw + wr else 1.0
    agree = int((base.predicted == view.predicted).sum())
    log_a, log_b = (special.log_softmax(v.logits.astype(float), axis=1) for v in (base, view))
    differences = None
    if bootstrap is not None:
        keys = ["accuracy", "macro_f1", "weighted_f1", "mean_confidence"]
        differences = {f"delta_{key}": bootstrap[key] - bootstrap["base"][key] for key in keys}
    macro_p = reference.bootstrap_p(differences["delta_macro_f1"]) if differences else None
    by_macro = plan["primary"] == "macro_f1"
    p_lower, p_upper, low, high = reference.equivalence(wr, rw, n, margin, alpha)
    smallest, detectable, shown, most = reference.power(n, (rw + wr) / n, margin, alpha, plan["power"])
    delta = (wr - rw) / n
    return {
        "agreement": agree / n,
        "agree": agree,
        "agreement_interval": [float(x) for x in proportion_confint(agree, n, method="wilson")],
        "mean_kl": float((np.exp(log_a) * (log_a - log_b)).sum(axis=1).mean()),
        "max_abs_dlogit": float(np.abs(base.logits.astype(float) - view.logits.astype(float)).max()),
        "right_to_wrong": rw,
        "wrong_to_right": wr,
        "wrong_to_other": int((~base.right & ~view.right & (base.predicted != view.predicted)).sum()),
        "delta_accuracy": delta,
        "delta_texts": wr - rw,
        "delta_macro_f1": figures["macro_f1"] - base_figures["macro_f1"],
        "delta_weighted_f1": figures["weighted_f1"] - base_figures["weighted_f1"],
        "delta_mean_confidence": figures["mean_confidence"] - base_figures["mean_confidence"],
        "bootstrap": {k: reference.interval(v) for k, v in differences.items()} if differences else None,
        "mcnemar_p": p,
        "delta_macro_f1_p": macro_p,
        "primary": {
            "figure": plan["primary"],
            "delta": figures["macro_f1"] - base_figures["macro_f1"] if by_macro else delta,
            "p": macro_p if by_macro else p,
        },
        "marginal": marginal(base, view),
        "confidence": confidence_test(base, view),
        "equivalence": {
            "margin": margin,
            "p_lower": p_lower,
            "p_upper": p_upper,
            "p": max(p_lower, p_upper),
            "interval": [low, high],
            "equivalent": max(p_lower, p_upper) < alpha,
        },
        "power": {
            "smallest_texts": smallest,
            "smallest": smallest / n,
            "discordant_rate": (rw + wr) / n,
            "detectable": detectable,
            "equivalence_power": shown,
            "equivalence_most_flips": most,
        },
        "sentence": sentence(n, rw, wr, p, alpha),
    }


def add_holm(entries, alpha):
    """Over the variants of one model on one set, each kind of test by itself."""
    for kind in ["primary", "marginal", "confidence"]:
        tests = [entry[kind] for entry in entries]
        made = [test for test in tests if test["p"] is not None]
        adjusted = multipletests([test["p"] for test in made], method="holm")[1] if made else []
        for test in tests:
            test["p_holm"] = None
        for test, value in zip(made, adjusted):
            test["p_holm"] = float(value)
    for entry in entries:
        p = entry["primary"]["p_holm"]
        entry["primary"]["significant"] = p is not None and p < alpha


# ---- Flips ----


def flips(views):
    """views: {variant: View}, FP32 first."""
    names = list(views)
    base = views[names[0]]
    changed = np.zeros(base.n, dtype=bool)
    if names[0] == "fp32":
        for name in names[1:]:
            changed |= views[name].predicted != base.predicted
    texts = []
    for i in np.flatnonzero(changed)[:MOST_FLIPS_LISTED]:
        variants = []
        for name, view in views.items():
            if view.predicted[i] == base.predicted[i]:
                kind = "same"
            elif base.right[i]:
                kind = "right_to_wrong"
            else:
                kind = "wrong_to_right" if view.right[i] else "wrong_to_other"
            pred = view.labels[view.predicted[i]]
            variants.append({"variant": name, "pred": pred, "kind": kind, "probs": view.probs[i].tolist()})
        lines = base.predictions
        texts.append(
            {
                "row": lines.rows[i],
                "text": lines.texts[i],
                "pair": lines.pairs[i],
                "truth": lines.truth[i],
                "variants": variants,
            }
        )
    return {"total": int(changed.sum()), "listed": len(texts), "texts": texts}


# ---- The record ----


def ordered(values):
    return list(dict.fromkeys(values))


class Study:
    def __init__(self, record, predictions):
        self.record, self.predictions = record, predictions
        self.plan = record["plan"]["content"]
        self.labels = {model["name"]: model["labels"] for model in record["models"]}
        self.views, self.replicates, self.results = {}, {}, {}

    def view(self, model, variant, data):
        key = model, variant, data
        if key not in self.views:
            self.views[key] = View(self.predictions[key], self.labels[model], self.plan["restrict_labels"])
        return self.views[key]

    def bootstrap(self, views):
        """{figure: [views, replicates]} or None."""
        count, seed = self.plan["bootstrap"]["replicates"], self.plan["bootstrap"]["seed"]
        if not count:
            return None
        predicted, confidence = [v.predicted for v in views], [v.confidence for v in views]
        return reference.replicates(views[0].truth, predicted, confidence, views[0].k, count, seed)

    def entries(self, model, data, variants, trained, fitted_on):
        """{variant: entry} of the variants of a model on a set; fitted_on: name of the validation set, or None."""
        views = {v: self.view(model, v, data) for v in variants}
        replicates = self.bootstrap(list(views.values()))
        entries = {}
        for i, (name, view) in enumerate(views.items()):
            entry = one_classifier(view, trained)
            keys = ["accuracy", "macro_f1", "weighted_f1", "mcc"]
            entry["bootstrap"] = {k: reference.interval(replicates[k][i]) for k in keys} if replicates else None
            validation = self.view(model, name, fitted_on) if fitted_on else None
            entry["temperature"] = temperature(view, validation, fitted_on) if fitted_on else None
            entry["against_fp32"] = None
            entries[name] = entry
        for i, name in enumerate(variants):
            if variants[0] != "fp32" or i == 0:
                continue
            own = {k: v[i] for k, v in replicates.items()} if replicates else None
            if own:
                own["base"] = {k: v[0] for k, v in replicates.items()}
            entries[name]["against_fp32"] = against_fp32(
                views["fp32"], views[name], entries[name], entries["fp32"], own, self.plan
            )
        add_holm([e["against_fp32"] for e in entries.values() if e["against_fp32"]], self.plan["alpha"])
        return entries

    def model_on_set(self, model, data, variants, given, comparison):
        first = given[variants[0]]
        fitted_on = (first["temperature"] or {}).get("fitted_on")
        if (fitted_on is not None) != bool(self.plan["valid"]):
            comparison.problem(f"{model} on {data}", "temperature does not go with plan.valid")
        entries = self.entries(model, data, variants, not first["untrained_head"], fitted_on)
        for name in variants:
            entries[name] |= {"model": model, "variant": name, "data": data}
            got = {k: v for k, v in given[name].items() if k not in NOT_FROM_PREDICTIONS}
            comparison.compare(got, entries[name], f"results[{model}, {name}, {data}]")
            tokens = given[name]["tokens"]
            comparison.compare(tokens["mean"], tokens["total"] / given[name]["n"], f"tokens.mean of {name}, {data}")
            self.results[model, name, data] = entries[name]

    def run(self, comparison):
        given = {(r["model"], r["variant"], r["data"]): r for r in self.record["results"]}
        flips_given = {(f["model"], f["data"]): f for f in self.record["flips"]}
        pairs = ordered((r["model"], r["data"]) for r in self.record["results"])
        if list(flips_given) != pairs:
            comparison.problem("flips", f"is of {list(flips_given)}, results of {pairs}")
        for model, data in pairs:
            variants = [v for m, v, d in given if (m, d) == (model, data)]
            of_set = {v: given[model, v, data] for v in variants}
            self.model_on_set(model, data, variants, of_set, comparison)
            want = flips({v: self.view(model, v, data) for v in variants}) | {"model": model, "data": data}
            comparison.compare(flips_given.get((model, data), {}), want, f"flips[{model}, {data}]")
        for i, entry in enumerate(self.record["null"]):
            self.null(entry, f"null[{i}]", comparison)
        for i, group in enumerate(self.record["groups"]):
            self.group(group, f"groups[{i}]", comparison)
        if "roadmap" in self.record:
            self.roadmap(self.record["roadmap"], comparison)

    # ---- Luck ----

    def null(self, entry, where, comparison):
        model, variant, data = (entry[key] for key in ["model", "variant", "data"])
        real, base = self.results[model, variant, data], self.results.get((model, "fp32", data))
        n = entry["models"]
        weight_error = entry["weight_error"]
        deviation = max(abs(v / weight_error["real"] - 1) for v in weight_error["values"])
        want = {"model": model, "variant": variant, "data": data, "models": self.plan["null_models"]}
        want["weight_error"] = weight_error | {"largest_deviation": deviation}
        figures = {"accuracy": None, "macro_f1": None, "agreement": None}
        for key in figures:
            if key == "agreement":
                values = (real["against_fp32"]["agreement"], 1.0) if base else None
            else:
                values = (real[key], base[key] if base else None)
            if values is None:
                want[key] = None
                continue
            got = np.array(entry[key]["values"])  # the logits of these models are not kept
            if len(got) != n or not ((got >= 0) & (got <= 1)).all():
                comparison.problem(f"{where}.{key}.values", f"are not {n} proportions")
            equal = int((np.abs(got - values[0]) <= 1e-12).sum())
            below, above = int((got < values[0] - 1e-12).sum()), int((got > values[0] + 1e-12).sum())
            p = min(1.0, 2 * min(1 + below + equal, 1 + equal + above) / (n + 1)) if n >= 99 else None
            want[key] = {"real": values[0], "fp32": values[1], "values": entry[key]["values"], "p": p}
            want[key] |= {"below": below, "equal": equal, "above": above}
        comparison.compare(entry, want, where)

    # ---- Seeds ----

    def group(self, group, where, comparison):
        want = {key: group[key] for key in ["recipe", "models", "seeds", "differing"]} | {"results": []}
        for entry in group["results"]:
            want["results"].append(self.seeds(group["models"], entry["variant"], entry["data"]))
        comparison.compare(group, want, where)

    def seeds(self, models, variant, data):
        own = [self.view(m, variant, data) for m in models]
        figures = [self.results[m, variant, data] for m in models]
        has_base = variant != "fp32" and all((m, "fp32", data) in self.results for m in models)
        out = {"data": data, "variant": variant, "delta_accuracy": None, "delta_macro_f1": None}
        for key in ["accuracy", "macro_f1"]:
            out[key] = spread([f[key] for f in figures])
        if not has_base:
            return out
        base = [self.view(m, "fp32", data) for m in models]
        replicates = self.bootstrap(own + base)
        for key in ["accuracy", "macro_f1"]:
            bases = [self.results[m, "fp32", data][key] for m in models]
            deltas = spread([f[key] - b for f, b in zip(figures, bases)])
            deltas["interval"] = None
            if replicates:
                differences = replicates[key][: len(models)] - replicates[key][len(models) :]
                seed = self.plan["bootstrap"]["seed"]
                means = [
                    differences[reference.draws(seed, b + 2**32, len(models)), b].mean()
                    for b in range(differences.shape[1])
                ]
                deltas["interval"] = reference.interval(np.array(means))
            out[f"delta_{key}"] = deltas
        return out

    # ---- The roadmap ----

    def roadmap(self, given, comparison):
        """Cells from results, pairs from predictions: two rows at equal bits, Holm's correction over the variants."""
        rows = []
        for row in given["rows"]:
            want = {key: row[key] for key in ["name", "stage", "scheme", "models", "seeds", "untrained_head"]}
            want["cells"] = self.cells(row)
            rows.append(want)
        training = {m["name"]: m["training"] for m in self.record["models"]}
        for row in given["rows"]:
            for model, seed in zip(row["models"], row["seeds"]):
                comparison.compare(seed, training[model]["seed"], f"roadmap.rows[{row['name']}].seeds of {model}")
                comparison.compare(row["stage"], training[model]["stage"], f"roadmap.rows[{row['name']}].stage")
        pairs = [self.pair(p) for p in given["pairs"]]
        families = collections.defaultdict(list)
        for pair in pairs:
            families[pair["kind"], pair["row"], pair["baseline"], pair["data"]].append(pair)
        for family in families.values():
            self.pairs_holm(family)
        comparison.compare(given, {"rows": rows, "pairs": pairs}, "roadmap")
        self.missing_pairs(given, comparison)

    def cells(self, row):
        cells = []
        for cell in row["cells"]:
            of_seeds = [self.results[m, cell["variant"], cell["data"]] for m in row["models"]]
            want = {key: spread([r[key] for r in of_seeds]) for key in ["accuracy", "macro_f1"]}
            trained = row["stage"] == "qat" and row["scheme"] == cell["variant"]
            cells.append(want | {"data": cell["data"], "variant": cell["variant"], "trained": trained})
        return cells

    def pair(self, given):
        out = {key: given[key] for key in ["kind", "row", "baseline", "data", "variant"]} | {"seeds": []}
        names = [(s["model"], s["baseline"]) for s in given["seeds"]]
        own = [self.view(m, given["variant"], given["data"]) for m, _ in names]
        base = [self.view(b, given["variant"], given["data"]) for _, b in names]
        replicates = self.bootstrap(own + base)
        k, seed = len(names), self.plan["bootstrap"]["seed"]
        deltas = {}
        for key in ["accuracy", "macro_f1"]:
            figures = {n: self.results[n, given["variant"], given["data"]][key] for pair in names for n in pair}
            deltas[key] = [figures[m] - figures[b] for m, b in names]
            out[f"delta_{key}"] = spread(deltas[key]) | {"interval": None, "p": None}
            if replicates:
                differences = replicates[key][:k] - replicates[key][k:]
                chosen = [reference.draws(seed, b + 2**32, k) for b in range(differences.shape[1])]
                means = np.array([differences[c, b].mean() for b, c in enumerate(chosen)])
                out[f"delta_{key}"] |= {"interval": reference.interval(means), "p": reference.bootstrap_p(means)}
        for i, (a, b) in enumerate(zip(own, base)):
            lost, won = int((b.right & ~a.right).sum()), int((a.right & ~b.right).sum())
            p = mcnemar([[0, lost], [won, 0]], exact=True).pvalue if lost + won else 1.0
            entry = {"seed": given["seeds"][i]["seed"], "model": names[i][0], "baseline": names[i][1]}
            entry |= {"right_to_wrong": lost, "wrong_to_right": won, "mcnemar_p": float(p)}
            entry |= {f"delta_{key}": deltas[key][i] for key in deltas}
            entry |= {"bootstrap": None, "delta_macro_f1_p": None}
            if replicates:
                apart = {key: replicates[key][i] - replicates[key][k + i] for key in deltas}
                entry["bootstrap"] = {f"delta_{key}": reference.interval(apart[key]) for key in deltas}
                entry["delta_macro_f1_p"] = reference.bootstrap_p(apart["macro_f1"])
            out["seeds"].append(entry)
        return out

    @staticmethod
    def pairs_holm(family):
        p = [pair["delta_macro_f1"]["p"] for pair in family]
        adjusted = multipletests(p, method="holm")[1] if None not in p else p
        for pair, value in zip(family, adjusted):
            pair["delta_macro_f1"]["p_holm"] = None if value is None else float(value)
        for s in range(len(family[0]["seeds"])):
            p = [pair["seeds"][s]["mcnemar_p"] for pair in family]
            for pair, value in zip(family, multipletests(p, method="holm")[1]):
                pair["seeds"][s]["mcnemar_p_holm"] = float(value)

    def missing_pairs(self, given, comparison):
        """Seeds are paired by their number, and every variant that both sides ran is there."""
        there = {(p["row"], p["baseline"], p["data"], p["variant"]): p for p in given["pairs"]}
        rows = {row["name"]: row for row in given["rows"]}
        for row, baseline, data in ordered(key[:3] for key in there):
            variants = {c["variant"] for c in rows[row]["cells"]} & {c["variant"] for c in rows[baseline]["cells"]}
            for variant in variants:
                if (row, baseline, data, variant) not in there:
                    comparison.problem(f"roadmap.pairs[{row}, {baseline}, {data}]", f"lacks {variant}")
        for key, pair in there.items():
            own, base = rows[pair["row"]], rows[pair["baseline"]]
            for s in pair["seeds"]:
                number = own["seeds"][own["models"].index(s["model"])]
                other = base["seeds"][base["models"].index(s["baseline"])]
                if number != s["seed"] or (len(base["models"]) > 1 and other != number):
                    comparison.problem(f"roadmap.pairs{key}", f"pairs seeds {number} and {other}")


def spread(values):
    return {
        "mean": float(np.mean(values)),
        "sd": float(np.std(values, ddof=1)) if len(values) > 1 else 0.0,
        "values": values,
    }


def main(folders):
    failed = False
    for folder in folders:
        comparison = Comparison()
        Study(*read(pathlib.Path(folder))).run(comparison)
        for problem in comparison.problems[:50]:
            print(problem, file=sys.stderr)
        if len(comparison.problems) > 50:
            print(f"... and {len(comparison.problems) - 50} more", file=sys.stderr)
        print(
            f"{folder}: {comparison.figures} figures and {comparison.others} words compared, "
            f"{len(comparison.problems)} differ; the largest difference is {comparison.worst:.1e}"
            + (f" at {comparison.worst_at}" if comparison.worst else "")
        )
        print(f"not recomputed, as they do not follow from the predictions: {', '.join(sorted(NOT_FROM_PREDICTIONS))}")
        failed |= bool(comparison.problems) or comparison.figures == 0
    return 1 if failed else 0


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    sys.exit(main(sys.argv[1:]))
