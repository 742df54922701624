#!/usr/bin/env python3
"""A hundred steps without dropout on the same batches: our losses follow PyTorch's.

Usage: train_losses.py TRAIN_TOOL MODEL_DIR DATA_TSV [--steps N]
AdamW 2e-4 (weight decay 0.01, none on biases and LayerNorm), batches of 32, 10 % warm-up and a linear way down, gradient
norm clipped to 1, FP32. Exit 1 where the losses of a step are more than 1e-3 apart. PyTorch in float64 from the same start
shows how far rounding alone takes FP32. A model without a classifier gets the same new head on both sides.
"""
import argparse
import tempfile

import torch
import train_common as common
from transformers import get_linear_schedule_with_warmup

RATE, DECAY, CLIP = 2e-4, 0.01, 1.0


def pytorch(model, batches, warmup):
    optimizer = torch.optim.AdamW(common.groups(model, DECAY), lr=RATE)
    schedule = get_linear_schedule_with_warmup(optimizer, warmup, len(batches))
    losses = []
    for batch in batches:
        total = 0.0
        for i in range(0, len(batch), 8):  # parts of like length: the same gradient with less padding
            part = sorted(batch, key=lambda text: len(text[0]))[i:i + 8]
            ids, mask, labels = common.padded(part)
            logits = model(input_ids=ids, attention_mask=mask).logits
            loss = torch.nn.functional.cross_entropy(logits, labels, reduction="sum") / len(batch)
            loss.backward()
            total += loss.item()
        losses.append(total)
        torch.nn.utils.clip_grad_norm_(model.parameters(), CLIP)
        optimizer.step()
        schedule.step()
        optimizer.zero_grad()
    return losses


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("tool")
    parser.add_argument("model")
    parser.add_argument("data")
    parser.add_argument("--steps", type=int, default=100)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--no-double", action="store_true", help="leave the float64 run out")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    warmup = args.steps // 10
    batches = common.pick(common.read_tsv(args.data, args.model), args.steps, 32)
    with tempfile.TemporaryDirectory() as scratch:
        folder = args.model if common.has_head(args.model) else common.with_head(args.model, f"{scratch}/model")
        ours = common.tool_losses(args.tool, folder, batches, args.steps, "--threads", args.threads, "--lr", RATE,
                                  "--weight-decay", DECAY, "--clip", CLIP, "--warmup", warmup, "--total", args.steps)
        theirs = pytorch(common.load(folder), batches, warmup)
        exact = None if args.no_double else pytorch(common.load(folder, torch.float64), batches, warmup)
    gaps = [abs(a - b) for a, b in zip(ours, theirs)]
    worst = max(range(len(gaps)), key=gaps.__getitem__)
    print(f"{args.steps} steps, loss {theirs[0]:.4f} to {sum(theirs[-10:]) / 10:.4f} (mean of the last ten)")
    print(f"largest gap {gaps[worst]:.2e} at step {worst}, gap of the last {gaps[-1]:.2e}")
    if exact:
        print("largest gap from float64: ours %.2e, PyTorch FP32 %.2e" %
              (max(abs(a - b) for a, b in zip(ours, exact)), max(abs(a - b) for a, b in zip(theirs, exact))))
    raise SystemExit(not (len(gaps) == args.steps and gaps[worst] <= 1e-3))


main()
