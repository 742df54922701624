#!/usr/bin/env python3
"""Gradients of a straight-through pass against PyTorch (qat_pytorch.py), without dropout, on texts of mixed lengths.

Usage: qat_gradients.py TRAIN_TOOL MODEL_DIR DATA_TSV [--schemes int8,int4] [--texts N]
PyTorch's forward pass is held to the contract of docs/numerics.md (qat_exact.py), so its logits must be ours by their bits
and its integers are ours; then only the backward pass differs, and the criterion is that of float training:
||ours - PyTorch|| <= 1e-4 * max(||g||, 1e-3 * ||all g||) for each tensor.
An ordinary PyTorch forward pass rounds some activations to the neighbouring integer (a value near a tie decides by its last
bit), and every such step changes what follows. Its distance is printed; its criterion is 0.2 instead of 1e-4.
"""
import argparse
import pathlib
import tempfile

import qat_exact
import qat_pytorch as qat
import torch
import train_common as common

TIES = 0.2


def gradients(model, forward, batch):
    model.zero_grad()
    logits = torch.stack([forward(ids) for ids, _ in batch])
    loss = torch.nn.functional.cross_entropy(logits, torch.tensor([label for _, label in batch]))
    loss.backward()
    return {name: p.grad.clone() for name, p in model.named_parameters()}, loss.item(), logits.detach()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("tool")
    parser.add_argument("model")
    parser.add_argument("data")
    parser.add_argument("--schemes", default="int8,int4")
    parser.add_argument("--texts", type=int, default=10)
    parser.add_argument("--threads", type=int, default=2)
    args = parser.parse_args()
    torch.set_num_threads(2)
    passed = True
    with tempfile.TemporaryDirectory() as scratch:
        folder = args.model if common.has_head(args.model) else common.with_head(args.model, f"{scratch}/model")
        batch = common.pick(common.read_tsv(args.data, args.model), 1, args.texts)[0]
        for scheme in args.schemes.split(","):
            ours, our_loss, our_logits = common.tool_gradients(args.tool, folder, [batch], "--scheme", scheme,
                                                               "--threads", args.threads)
            model = qat.prepare(common.load(folder), scheme)
            wanted, loss, logits = gradients(model, qat_exact.ExactBert(model), batch)
            print(f"{pathlib.Path(args.model).name}, {scheme}: loss {our_loss:.7f}, PyTorch {loss:.7f}")
            same = (logits.view(torch.int32) == our_logits.view(torch.int32)).sum().item()
            print(f"    {same} of {logits.numel()} logits have the same bits")
            rows, alone = common.compare(ours, wanted)
            passed = common.report("  same integers", rows, alone) and same == logits.numel() and passed
            plain, _, plain_logits = gradients(model, lambda ids: model(input_ids=torch.tensor([ids])).logits[0], batch)
            rows, alone = common.compare(ours, plain, bound=TIES)
            passed = common.report("  ordinary forward pass, ties may differ", rows, alone) and passed
            print(f"    logits apart by {(plain_logits - our_logits).abs().max().item():.1e}")
    raise SystemExit(not passed)


main()
