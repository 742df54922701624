#!/usr/bin/env python3
"""Writes tests/golden/model/bf16.json: logits of the tiny models when linear layers compute in BF16.

Every linear layer's input and weights are rounded to bfloat16 by PyTorch; everything else is float64, so what is left
between these logits and a BF16 implementation is the rounding of its float sums, and values that it rounds to the
other neighbour.

Usage: model_bf16.py GOLDEN   (GOLDEN = tests/golden/model, made by model_make_tiny.py)
"""
import json
import pathlib
import sys

import torch
from transformers import BertForSequenceClassification


def rounded(x):
    return x.float().bfloat16().double()


class Linear(torch.nn.Module):
    def __init__(self, linear):
        super().__init__()
        self.weight, self.bias = rounded(linear.weight.detach()), linear.bias.detach().double()

    def forward(self, x):
        return rounded(x) @ self.weight.T + self.bias


def replace(module):
    for name, child in module.named_children():
        if isinstance(child, torch.nn.Linear):
            setattr(module, name, Linear(child))
        else:
            replace(child)


def main():
    golden = pathlib.Path(sys.argv[1])
    out = {"torch": torch.__version__, "cases": {}}
    for act, case in json.loads((golden / "expected.json").read_text())["cases"].items():
        model = BertForSequenceClassification.from_pretrained(golden / f"tiny-{act}", attn_implementation="eager")
        model = model.double().eval()
        replace(model)
        rows = []
        with torch.no_grad():
            for s in case["sequences"]:
                logits = model(input_ids=torch.tensor([s["ids"]]), token_type_ids=torch.tensor([s["type_ids"]])).logits
                rows.append(logits[0].tolist())
        change = max(abs(a - b) for r, e in zip(rows, case["float64"]) for a, b in zip(r, e))
        print(f"{act}: BF16 changes logits by {change:.3f} at most")
        out["cases"][act] = rows
    (golden / "bf16.json").write_text(json.dumps(out) + "\n")


main()
