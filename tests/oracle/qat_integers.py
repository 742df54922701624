#!/usr/bin/env python3
"""The integers of `timbang quantize` against those that quantization-aware training in PyTorch used (qat_pytorch.py).

Usage: qat_integers.py TIMBANG MODEL_DIR SCHEME[,SCHEME...] [--train DATA_TSV --steps N]
Trains N steps straight through in PyTorch, saves the masters with save_pretrained, quantizes that folder with timbang, and
counts integers, multipliers and scales that differ from the last forward pass's. Without --train the model's own weights.
"""
import argparse
import pathlib
import subprocess
import tempfile

import qat_pytorch as qat
import torch
import train_common as common
from safetensors.torch import load_file
from transformers import get_linear_schedule_with_warmup

RATE, BATCH = 2e-4, 16


def unpack(words, columns):
    """int32 words of eight 4-bit values each, lowest bits first, as -8..7."""
    shifts = torch.arange(0, 32, 4)
    values = (words[:, :, None] >> shifts) & 15
    return values.reshape(words.shape[0], -1)[:, :columns] - 8


def stored(tensors, name, columns):
    """(integers, scales [rows, ...]) of a module in a quantized file."""
    scale = tensors[f"{name}.weight_scale"]
    packed = tensors.get(f"{name}.weight_packed")
    return tensors[f"{name}.weight"] if packed is None else unpack(packed, columns), scale


def train(model, texts, steps, threads):
    torch.set_num_threads(threads)
    torch.manual_seed(1)
    model.train()
    optimizer = torch.optim.AdamW(common.groups(model, 0.01), lr=RATE)
    schedule = get_linear_schedule_with_warmup(optimizer, steps // 10, steps + 1)
    losses = []
    for batch in common.pick(texts, steps, BATCH):
        ids, mask, labels = common.padded(batch)
        loss = torch.nn.functional.cross_entropy(model(input_ids=ids, attention_mask=mask).logits, labels)
        loss.backward()
        losses.append(loss.item())
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        optimizer.zero_grad()
    print(f"    {steps} steps straight through, loss {losses[0]:.3f} to {losses[-1]:.3f}")


def compare(model, folder):
    """Counts of (values, differing integers, scales, differing scales)."""
    tensors = load_file(folder / "model.safetensors")
    counts = [0, 0, 0, 0]
    for name, module in qat.quantized_modules(model).items():
        q, m, scale = module.parts(module.weight.detach())
        found_q, found_scale = stored(tensors, name, q.shape[1])
        own_scale = scale[:, None] if m is None else scale[:, None] * m.float()
        differ = (q.int() != found_q.int()).sum().item()
        scales = (own_scale != found_scale).sum().item()
        counts = [a + b for a, b in zip(counts, (q.numel(), differ, own_scale.numel(), scales))]
        if differ or scales:
            print(f"    {name}: {differ} integers and {scales} scales differ")
    return counts


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("timbang")
    parser.add_argument("model")
    parser.add_argument("schemes")
    parser.add_argument("--train")
    parser.add_argument("--steps", type=int, default=10)
    parser.add_argument("--threads", type=int, default=2)
    args = parser.parse_args()
    failed = False
    for scheme in args.schemes.split(","):
        print(f"{pathlib.Path(args.model).name}, {scheme}")
        with tempfile.TemporaryDirectory() as scratch:
            scratch = pathlib.Path(scratch)
            common.with_head(args.model, scratch / "start")
            model = qat.prepare(common.load(scratch / "start"), scheme)
            if args.train:
                train(model, common.read_tsv(args.train, args.model), args.steps, args.threads)
            model.save_pretrained(scratch / "master")
            for name in ("tokenizer.json", "tokenizer_config.json", "vocab.txt"):
                if (scratch / "start" / name).exists():
                    (scratch / "master" / name).write_bytes((scratch / "start" / name).read_bytes())
            subprocess.run([args.timbang, "quantize", scratch / "master", "--to", scheme, "-o", scratch / "out",
                            "--quiet"], check=True, stdout=subprocess.DEVNULL)
            values, differ, scales, scales_differ = compare(model, scratch / "out")
        print(f"    {values} integers, {differ} differ; {scales} scales, {scales_differ} differ")
        failed = failed or differ or scales_differ
    raise SystemExit(bool(failed))


main()
