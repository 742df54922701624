"""Golden values for src/study/figures*.c: whole entries of results and flips, as recompute.py makes them.

Writes tests/golden/eval_figures.json from made-up logits.

    python tests/oracle/eval_figures.py
"""

import json
import pathlib

import eval_reference as reference
import numpy as np
import recompute

OUT = pathlib.Path(__file__).resolve().parents[1] / "golden" / "eval_figures.json"
PLAN = {
    "primary": "accuracy",
    "alpha": 0.05,
    "power": 0.8,
    "margin": 0.01,
    "bootstrap": {"replicates": 300, "seed": 42},
    "restrict_labels": False,
    "valid": True,
}


def predictions(labels, truth, logits):
    out = recompute.Predictions()
    for i, (t, x) in enumerate(zip(truth, logits)):
        probs = [0.0] * len(labels)
        line = {"row": i + 1, "text": f"text {i}", "truth": labels[t], "logits": x.tolist()}
        out.add(line | {"pred": None, "probs": probs})
    out.finish()
    return out


def consistent(study):
    """Fills in what View checks of a predictions file."""
    for (model, _, _), p in study.predictions.items():
        labels = study.labels[model]
        present = set(p.truth)
        columns = [i for i, x in enumerate(labels) if x in present or not study.plan["restrict_labels"]]
        p.probs = np.zeros((len(p.truth), len(labels)))
        p.probs[:, columns] = reference.softmax(p.logits[:, columns])
        p.pred = [labels[columns[c]] for c in p.logits[:, columns].argmax(axis=1)]


def short(logits):
    """Few digits, so that the golden file stays small; as they are written, they give back the same floats."""
    return np.round(logits, 3).astype(np.float32)


def written(logits):
    return [round(float(x), 3) for x in logits.ravel()]


def made_logits(rng, truth, classes, noise, scale):
    return short((rng.normal(0, noise, (len(truth), classes)) + 2.0 * np.eye(classes)[truth]) * scale)


def case(rng, labels, n, present, variants, steps, scale=1.0, plan=(), valid_n=30, trained=True, noise=1.5):
    plan = PLAN | dict(plan)
    truth = rng.choice(present, n)
    valid_truth = np.concatenate([present, rng.choice(present, valid_n)]) if valid_n else []
    base = made_logits(rng, truth, len(labels), noise, scale)
    valid_base = made_logits(rng, valid_truth, len(labels), noise, scale) if valid_n else None
    plan["valid"] = valid_n > 0
    record = {"plan": {"content": plan}, "models": [{"name": "m", "labels": labels}]}
    sets, all_logits, all_valid = {}, [], []
    for variant, step in zip(variants, steps):
        logits = short(base + rng.normal(0, step, base.shape))
        sets["m", variant, "set"] = predictions(labels, truth, logits)
        all_logits.append(written(logits))
        if valid_n:
            valid = short(valid_base + rng.normal(0, step, valid_base.shape))
            sets["m", variant, "valid"] = predictions(labels, valid_truth, valid)
            all_valid.append(written(valid))
    study = recompute.Study(record, sets)
    consistent(study)
    entries = study.entries("m", "set", variants, trained, "valid" if valid_n else None)
    views = {v: study.view("m", v, "set") for v in variants}
    return {
        "labels": labels,
        "trained": trained,
        "plan": plan,
        "truth": [int(t) for t in truth],
        "valid_truth": [int(t) for t in valid_truth],
        "variants": variants,
        "logits": all_logits,
        "valid_logits": all_valid,
        "results": [entries[v] for v in variants],
        "flips": recompute.flips(views),
    }


def seeds(rng):
    labels, n = ["a", "b", "c"], 50
    truth = rng.integers(0, 3, n)
    record = {"plan": {"content": PLAN | {"valid": False}}, "models": [{"name": f"s{i}", "labels": labels} for i in range(3)]}
    sets, logits, fp32 = {}, [], []
    for i in range(3):
        base = made_logits(rng, truth, 3, 1.5, 1.0)
        own = short(base + rng.normal(0, 1.0, base.shape))
        sets[f"s{i}", "fp32", "set"] = predictions(labels, truth, base)
        sets[f"s{i}", "int8", "set"] = predictions(labels, truth, own)
        logits.append(written(own))
        fp32.append(written(base))
    study = recompute.Study(record, sets)
    consistent(study)
    for key in sets:
        study.results[key] = recompute.one_classifier(study.view(*key), True)
    want = study.seeds(["s0", "s1", "s2"], "int8", "set")
    out = {k: want[k] for k in ["accuracy", "macro_f1", "delta_accuracy", "delta_macro_f1"]}
    plan = record["plan"]["content"]
    return {"labels": labels, "plan": plan, "truth": truth.tolist(), "logits": logits, "fp32": fp32, "result": out}


def main():
    rng = np.random.default_rng(20260204)
    three = ["positive", "neutral", "negative"]
    macro = {"primary": "macro_f1", "margin": 0.05, "alpha": 0.1, "power": 0.9}
    none = {"bootstrap": {"replicates": 0, "seed": 0}}
    cases = [
        case(rng, three, 80, [0, 1, 2], ["fp32", "fp16", "int8", "int4"], [0, 0.002, 0.3, 2.0]),
        case(rng, three, 70, [0, 2], ["fp32", "int8", "int4"], [0, 1.0, 3.0], plan=macro | {"restrict_labels": True}),
        case(rng, three, 60, [0, 2], ["fp32", "int4"], [0, 2.0], plan=macro, trained=False),
        case(rng, ["no", "yes"], 1, [1], ["fp32", "int8"], [0, 3.0], valid_n=0),
        case(rng, ["no", "yes"], 40, [0, 1], ["fp32", "int8"], [0, 0.5], plan=none, valid_n=0),
        case(rng, three, 50, [0, 1, 2], ["int8", "int4"], [0, 1.0]),  # no baseline
        case(rng, three, 45, [0, 1, 2], ["fp32", "int8"], [0, 0.5], scale=400.0),  # probabilities of 0 and 1
        case(rng, [f"c{i}" for i in range(12)], 40, list(range(12)), ["fp32", "int4"], [0, 3.0]),
    ]
    # The labels of the model in another order than it says.
    shifted = case(rng, three, 90, [0, 1, 2], ["fp32", "int8"], [0, 0.2], valid_n=0)
    shifted["truth"] = [(t + 1) % 3 for t in shifted["truth"]]
    sets = {}
    for variant, logits in zip(shifted["variants"], shifted["logits"]):
        sets["m", variant, "set"] = predictions(three, shifted["truth"], np.array(logits, dtype=np.float32).reshape(-1, 3))
    study = recompute.Study({"plan": {"content": shifted["plan"]}, "models": [{"name": "m", "labels": three}]}, sets)
    consistent(study)
    entries = study.entries("m", "set", shifted["variants"], True, None)
    assert entries["fp32"]["label_order"]
    shifted["results"] = [entries[v] for v in shifted["variants"]]
    shifted["flips"] = recompute.flips({v: study.view("m", v, "set") for v in shifted["variants"]})
    cases.append(shifted)
    golden = {"cases": cases, "seeds": seeds(rng)}
    OUT.write_text(json.dumps(golden, default=float, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
