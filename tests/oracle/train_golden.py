"""Golden values for src/train and src/model/loss.c, by PyTorch and transformers.

Writes tests/golden/train.json: a training of small tensors with torch.optim.AdamW (weight decay on matrices alone,
warm-up, layer decay, clipping, a frozen tensor), and cross-entropies with class weights, label smoothing and a teacher's
soft targets, with their derivatives. Inputs come from a generator that the tests repeat (tests/train/golden.h).

    python tests/oracle/train_golden.py
"""

import json
import pathlib

import torch
from torch.nn import functional
from transformers import get_linear_schedule_with_warmup

OUT = pathlib.Path(__file__).resolve().parents[1] / "golden" / "train.json"


class Numbers:
    """Floats in [-scale / 2, scale / 2): the upper 24 bits of a linear congruential generator."""

    def __init__(self, seed):
        self.state = seed

    def take(self, n, scale):
        values = []
        for _ in range(n):
            self.state = (self.state * 1664525 + 1013904223) % 2**32
            values.append(((self.state >> 8) / 2**24 - 0.5) * scale)
        return torch.tensor(values, dtype=torch.float32)


# name, kind, rows, columns, depth, frozen
TENSORS = [
    ("embeddings.word", "embedding", 6, 5, 0, False),
    ("embeddings.gamma", "norm", 5, 1, 0, False),
    ("layer.0.weight", "linear", 7, 5, 1, False),
    ("layer.0.bias", "bias", 7, 1, 1, False),
    ("layer.1.weight", "linear", 4, 7, 2, True),
    ("layer.1.bias", "bias", 4, 1, 2, False),
    ("classifier.weight", "linear", 3, 23, 3, False),
]


def adamw(layer_decay, beta2, max_norm):
    steps, warmup, rate, weight_decay = 20, 4, 5e-3, 0.05
    numbers = Numbers(7)
    parameters, groups = [], []
    deepest = max(depth for *_, depth, _ in TENSORS)
    for _, kind, rows, columns, depth, frozen in TENSORS:
        p = torch.nn.Parameter(numbers.take(rows * columns, 1.0), requires_grad=not frozen)
        parameters.append(p)
        if not frozen:
            decay = weight_decay if kind in ("linear", "embedding") else 0.0
            groups.append({"params": [p], "weight_decay": decay, "lr": rate * layer_decay ** (deepest - depth)})
    optimizer = torch.optim.AdamW(groups, betas=(0.9, beta2), eps=1e-8, foreach=False)
    schedule = get_linear_schedule_with_warmup(optimizer, warmup, steps)
    norms = []
    for step in range(steps):
        for p in parameters:
            gradient = numbers.take(p.numel(), 0.05 * (step % 5 + 1))
            p.grad = gradient if p.requires_grad else None
        norms.append(float(torch.nn.utils.clip_grad_norm_(parameters, max_norm)))
        optimizer.step()
        schedule.step()
    state = [optimizer.state[p] for p in parameters if p.requires_grad]
    return {
        "steps": steps, "warmup": warmup, "rate": rate, "weight_decay": weight_decay, "layer_decay": layer_decay,
        "beta2": beta2, "max_norm": max_norm, "norms": norms,
        "tensors": [
            {"name": name, "kind": kind, "rows": rows, "columns": columns, "depth": depth, "frozen": frozen,
             "values": p.detach().tolist()}
            for (name, kind, rows, columns, depth, frozen), p in zip(TENSORS, parameters)
        ],
        "m": [s["exp_avg"].tolist() for s in state],
        "v": [s["exp_avg_sq"].tolist() for s in state],
    }


def cross_entropy(rows, classes, scale, weighted=False, smoothing=0.0, soft_weight=None, temperature=1.0):
    numbers = Numbers(11)
    logits = numbers.take(rows * classes, scale).double().reshape(rows, classes).requires_grad_()
    truth = torch.tensor([(5 * i + 1) % classes for i in range(rows)])
    weights = (numbers.take(classes, 1.0) + 1).double() if weighted else None
    loss = functional.cross_entropy(logits, truth, weight=weights, label_smoothing=smoothing)
    if soft_weight is not None:
        teacher = numbers.take(rows * classes, scale).double().reshape(rows, classes)
        soft = functional.kl_div(
            functional.log_softmax(logits / temperature, dim=1),
            functional.softmax(teacher / temperature, dim=1),
            reduction="batchmean",
        )
        loss = (1 - soft_weight) * loss + soft_weight * temperature**2 * soft
    loss.backward()
    return {
        "rows": rows, "classes": classes, "scale": scale, "weighted": weighted, "smoothing": smoothing,
        "soft_weight": soft_weight, "temperature": temperature, "loss": float(loss.detach()),
        "gradient": logits.grad.flatten().tolist(),
    }


golden = {
    "torch": torch.__version__.split("+")[0],
    "adamw": [adamw(1.0, 0.999, 0.6), adamw(0.8, 0.98, 0.3)],
    "cross_entropy": [
        cross_entropy(7, 3, 6.0),
        cross_entropy(7, 3, 6.0, weighted=True),
        cross_entropy(7, 3, 6.0, smoothing=0.1),
        cross_entropy(9, 5, 6.0, weighted=True, smoothing=0.2),
        cross_entropy(3, 37, 400.0),
        cross_entropy(3, 37, 400.0, smoothing=0.1),
        cross_entropy(7, 3, 6.0, soft_weight=0.5, temperature=2.0),
        cross_entropy(9, 5, 6.0, weighted=True, smoothing=0.1, soft_weight=0.7, temperature=4.0),
        cross_entropy(4, 3, 6.0, soft_weight=1.0, temperature=0.5),
        cross_entropy(4, 21, 80.0, soft_weight=0.3, temperature=1.0),
    ],
}
OUT.write_text(json.dumps(golden, indent=1) + "\n")
