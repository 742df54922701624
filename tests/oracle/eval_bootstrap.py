"""Golden values for the bootstrap of src/eval: the stream of docs/results.md, with figures by scikit-learn and NumPy.

Writes tests/golden/eval_bootstrap.json.

    python tests/oracle/eval_bootstrap.py
"""

import json
import pathlib
import warnings

import eval_reference as reference
import numpy as np
from sklearn import metrics

OUT = pathlib.Path(__file__).resolve().parents[1] / "golden" / "eval_bootstrap.json"
FIRST = 12  # replicates that are compared one by one


def by_scikit_learn(truth, predicted, confidence, index):
    t, p = truth[index], predicted[index]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return {
            "accuracy": metrics.accuracy_score(t, p),
            "macro_f1": metrics.f1_score(t, p, labels=np.unique(t), average="macro", zero_division=0),
            "weighted_f1": metrics.f1_score(t, p, average="weighted", zero_division=0),
            "mcc": metrics.matthews_corrcoef(t, p),
            "mean_confidence": confidence[index].mean(),
        }


def case(rng, n, classes, rights, seed, replicates):
    truth = rng.integers(0, classes, n)
    base = rng.integers(0, classes, n)
    predicted, confidence = [], []
    for right in rights:
        predicted.append(np.where(rng.random(n) < right, truth, base))
        confidence.append(rng.random(n))
    predicted.append(predicted[0].copy())  # one that agrees with the first everywhere
    confidence.append(confidence[0] * 0.5)
    all_figures = reference.replicates(truth, predicted, confidence, classes, replicates, seed)
    out = []
    for v in range(len(predicted)):
        first = [by_scikit_learn(truth, predicted[v], confidence[v], reference.draws(seed, b, n)) for b in range(FIRST)]
        for key, values in all_figures.items():
            assert np.allclose(values[v][:FIRST], [f[key] for f in first], rtol=1e-12, atol=1e-12)
        out.append(
            {
                "predicted": predicted[v].tolist(),
                "confidence": confidence[v].tolist(),
                "first": {key: [f[key] for f in first] for key in all_figures},
                "interval": {key: reference.interval(values[v]) for key, values in all_figures.items()},
                "p": reference.bootstrap_p(all_figures["macro_f1"][v] - all_figures["macro_f1"][0]),
            }
        )
    return {"classes": classes, "truth": truth.tolist(), "seed": seed, "replicates": replicates, "classifiers": out}


def main():
    rng = np.random.default_rng(20260203)
    cases = [
        case(rng, 60, 3, [0.6, 0.8], 0, 400),
        case(rng, 1, 2, [1.0], 7, 20),
        case(rng, 301, 5, [0.5, 0.55, 0.45], 12345, 201),
        case(rng, 7, 2, [0.5, 0.9], 2**40 + 3, 101),
        case(rng, 40, 1, [1.0], 5, 15),
        case(rng, 90, 30, [0.3, 0.7], 99, 60),
    ]
    draws = []
    for seed, replicate, n in [(0, 0, 500), (1, 1999, 3), (2**63 + 5, 2**32 + 17, 3), (42, 2**32, 1), (9, 4, 10**6)]:
        index = reference.draws(seed, replicate, n)[:40]
        draws.append({"seed": str(seed), "replicate": str(replicate), "n": n, "index": index.tolist()})
    text = json.dumps({"cases": cases, "draws": draws}, default=float, separators=(",", ":"))
    OUT.write_text(text + "\n")


if __name__ == "__main__":
    main()
