#!/usr/bin/env python3
"""FP32 logits against a float64 evaluation and against PyTorch FP32's own error.

Usage: model_logits.py TIMBANG MODEL_DIR DATA_FILE [LIMIT]
The rows are those that timbang reads (`predict --jsonl`); each text is evaluated alone, without padding.
Exit 1 where our largest error exceeds max(2e-5, 2 x PyTorch's).
"""
import json
import subprocess
import sys

import torch
from transformers import AutoModelForSequenceClassification, AutoTokenizer


def main():
    timbang, model_dir, data = sys.argv[1:4]
    limit = ["--limit", sys.argv[4]] if len(sys.argv) > 4 else []
    out = subprocess.run([timbang, "predict", "--model", model_dir, "--data", data, "--jsonl", *limit], check=True,
                         capture_output=True, text=True).stdout
    rows = [json.loads(line) for line in out.splitlines()]
    tokenizer = AutoTokenizer.from_pretrained(model_dir)
    single = AutoModelForSequenceClassification.from_pretrained(model_dir, dtype=torch.float32).eval()
    double = AutoModelForSequenceClassification.from_pretrained(model_dir, dtype=torch.float32).double().eval()
    ours = theirs = 0.0
    with torch.no_grad():
        for row in rows:
            inputs = tokenizer(row["text"], truncation=True, max_length=512, return_tensors="pt")
            exact = double(**inputs).logits[0]
            ours = max(ours, (torch.tensor(row["logits"], dtype=torch.float64) - exact).abs().max().item())
            theirs = max(theirs, (single(**inputs).logits[0].double() - exact).abs().max().item())
    bound = max(2e-5, 2 * theirs)
    print(f"{len(rows)} texts: largest error of timbang {ours:.3e}, of PyTorch FP32 {theirs:.3e}, bound {bound:.3e}")
    sys.exit(ours > bound)


main()
