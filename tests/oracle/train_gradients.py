#!/usr/bin/env python3
"""Gradients of every tensor against PyTorch, without dropout, on a batch of texts of mixed lengths.

Usage: train_gradients.py TRAIN_TOOL MODEL_DIR DATA_TSV [--texts N] [--mlm BASE_DIR]
Criterion for each tensor: ||ours - PyTorch|| <= 1e-4 * max(||g||, 1e-3 * ||all g||), with PyTorch in FP32; the distances of
both from float64 are printed as well. Cases: plain; class weights and label smoothing; two batches as one step; with
--mlm the masked-language-model loss of a base model. A model without a classifier gets the same new head on both sides.
"""
import argparse
import json
import pathlib
import random
import tempfile

import torch
import train_common as common
from transformers import BertForMaskedLM

WEIGHTS = [0.5, 2.0, 1.25, 0.75, 1.5]


def pytorch(model, batches, weight=None, smoothing=0.0):
    """(gradients, loss, logits): the mean over the texts of all batches, each text alone and without padding."""
    model.zero_grad()
    dtype = next(model.parameters()).dtype
    weight = None if weight is None else torch.tensor(weight, dtype=dtype)
    logits, truth = [], []
    for batch in batches:
        for ids, label in batch:
            logits.append(model(input_ids=torch.tensor([ids])).logits)
            truth.append(label)
    logits, truth = torch.cat(logits), torch.tensor(truth)
    loss = torch.nn.functional.cross_entropy(logits, truth, weight=weight, label_smoothing=smoothing)
    loss.backward()
    return {name: p.grad.clone() for name, p in model.named_parameters()}, loss.item(), logits.detach()


def masked_batch(texts, seed=3):
    """A seventh of the tokens between [CLS] and [SEP], as (texts with [MASK], flat places, targets)."""
    rng, places, targets, changed, at = random.Random(seed), [], [], [], 0
    for ids, _ in texts:
        ids = list(ids)
        for i in range(1, len(ids) - 1):
            if rng.random() < 1 / 7:
                places.append(at + i)
                targets.append(ids[i])
                ids[i] = 4 if rng.random() < 0.9 else ids[i]
        changed.append(ids)
        at += len(ids)
    return changed, places, targets


def pytorch_mlm(model, changed, places, targets):
    model.zero_grad()
    hidden = torch.cat([model.bert(input_ids=torch.tensor([ids])).last_hidden_state[0] for ids in changed])
    scores = model.cls(hidden[places])
    loss = torch.nn.functional.cross_entropy(scores, torch.tensor(targets))
    loss.backward()
    return {name: p.grad.clone() for name, p in model.named_parameters()}, loss.item()


def against_float64(single, double, ours):
    """Largest relative distance of a tensor from float64: ours, PyTorch's."""
    far = []
    for side in (ours, single):
        rows, _ = common.compare(side, double, bound=1.0)
        far.append(rows[0][0])
    return "distance from float64: ours %.1e, PyTorch FP32 %.1e" % tuple(far)


def case(title, args, folder, single, double, batches, options, **how):
    ours, our_loss, our_logits = common.tool_gradients(args.tool, folder, batches, *options)
    wanted, loss, logits = pytorch(single, batches, **how)
    exact, _, _ = pytorch(double, batches, **how)
    rows, alone = common.compare(ours, wanted)
    passed = common.report(title, rows, alone)
    gap = (our_logits - logits).abs().max().item()
    print(f"    loss {our_loss:.7f}, PyTorch {loss:.7f}; logits apart by {gap:.1e}; {against_float64(wanted, exact, ours)}")
    return passed and abs(our_loss - loss) <= 1e-5 * max(1, abs(loss))


def mlm_case(args, texts):
    changed, places, targets = masked_batch(texts)
    batch = [{"ids": changed, "places": places, "targets": targets}]
    ours, our_loss, _ = common.tool_gradients(args.tool, args.mlm, lambda path: json.dump(batch, open(path, "w")), "--task",
                                              "mlm", "--threads", args.threads)
    model = BertForMaskedLM.from_pretrained(args.mlm, dtype=torch.float32).eval()
    wanted, loss = pytorch_mlm(model, changed, places, targets)
    exact, _ = pytorch_mlm(model.double(), changed, places, targets)
    rows, alone = common.compare(ours, wanted)
    passed = common.report(f"MLM, {len(targets)} masked tokens", rows, alone)
    print(f"    loss {our_loss:.7f}, PyTorch {loss:.7f}; {against_float64(wanted, exact, ours)}")
    return passed


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("tool")
    parser.add_argument("model")
    parser.add_argument("data")
    parser.add_argument("--texts", type=int, default=24)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--mlm", help="a base model with its MLM head")
    args = parser.parse_args()
    torch.set_num_threads(2)
    with tempfile.TemporaryDirectory() as scratch:
        folder = args.model if common.has_head(args.model) else common.with_head(args.model, f"{scratch}/model")
        single, double = common.load(folder), common.load(folder, torch.float64)
        texts = common.read_tsv(args.data, args.model)
        batch, other = common.pick(texts, 2, args.texts)
        labels = single.config.num_labels
        batch, other = ([(ids, label % labels) for ids, label in part] for part in (batch, other))
        lengths = sorted(len(ids) for ids, _ in batch)
        print(f"{pathlib.Path(args.model).name}: {len(batch)} texts of {lengths[0]} to {lengths[-1]} tokens")
        threads = ["--threads", args.threads]
        weights = WEIGHTS[:labels]
        passed = [case("cross-entropy", args, folder, single, double, [batch], threads),
                  case("class weights, label smoothing 0.1", args, folder, single, double, [batch],
                       [*threads, "--smoothing", 0.1, "--class-weights", ",".join(map(str, weights))], weight=weights,
                       smoothing=0.1),
                  case("two batches, one step", args, folder, single, double, [batch, other[:7]], threads)]
    if args.mlm:
        passed.append(mlm_case(args, batch[:8]))
    raise SystemExit(not all(passed))


main()
