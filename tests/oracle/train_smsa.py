#!/usr/bin/env python3
"""PyTorch's fine-tuning of a small model on SmSA: the figures that `timbang train` is measured against.

Usage: train_smsa.py MODEL_DIR TRAIN_TSV VALID_TSV [--seeds 42,123,...] [--bf16] [--out FILE]
Recipe: AdamW 2e-4, weight decay 0.01 (none on biases and LayerNorm), batches of 32 shuffled texts, length 128, 4 epochs,
10 % warm-up and a linear way down, gradient norm clipped to 1, dropout as the model's config says.
Writes a line of JSON per seed and epoch with validation loss, accuracy and macro-F1, evaluated in FP32; nothing here
reads a test set. A batch is computed in parts of like length, which adds up the same gradient with less padding.
"""
import argparse
import json
import pathlib
import random
import time

import torch
from sklearn.metrics import f1_score
from tokenizers import Tokenizer
from transformers import AutoModelForSequenceClassification, get_linear_schedule_with_warmup

LABELS = ["positive", "neutral", "negative"]


def read(path, tokenizer):
    rows = [line.rstrip("\n").split("\t") for line in open(path, encoding="utf-8", newline="\n")]
    rows = [row for row in rows if row[1] in LABELS]
    encoded = tokenizer.encode_batch([row[0] for row in rows])
    return [(item.ids, LABELS.index(row[1])) for item, row in zip(encoded, rows)]


def padded(texts):
    longest = max(len(ids) for ids, _ in texts)
    ids = torch.tensor([ids + [0] * (longest - len(ids)) for ids, _ in texts])
    mask = torch.tensor([[1] * len(ids) + [0] * (longest - len(ids)) for ids, _ in texts])
    return ids, mask, torch.tensor([label for _, label in texts])


def parts(texts, size):
    texts = sorted(texts, key=lambda text: len(text[0]))
    return [padded(texts[i:i + size]) for i in range(0, len(texts), size)]


@torch.no_grad()
def evaluate(model, texts):
    model.eval()
    truth, predicted, loss = [], [], 0.0
    for ids, mask, labels in parts(texts, 32):
        logits = model(input_ids=ids, attention_mask=mask).logits.float()
        loss += torch.nn.functional.cross_entropy(logits, labels, reduction="sum").item()
        truth += labels.tolist()
        predicted += logits.argmax(1).tolist()
    correct = sum(a == b for a, b in zip(truth, predicted))
    return {"valid_loss": loss / len(truth), "valid_accuracy": correct / len(truth),
            "valid_macro_f1": f1_score(truth, predicted, average="macro")}


def groups(model, decay):
    plain = [p for name, p in model.named_parameters() if p.dim() < 2]
    return [{"params": [p for p in model.parameters() if p.dim() >= 2], "weight_decay": decay},
            {"params": plain, "weight_decay": 0.0}]


def train(args, seed, train_texts, valid_texts, write):
    random.seed(seed)
    torch.manual_seed(seed)
    model = AutoModelForSequenceClassification.from_pretrained(
        args.model, dtype=torch.float32, id2label=dict(enumerate(LABELS)),
        label2id={label: i for i, label in enumerate(LABELS)})
    optimizer = torch.optim.AdamW(groups(model, 0.01), lr=args.lr, fused=True)
    steps_per_epoch = -(-len(train_texts) // args.batch)
    steps = steps_per_epoch * args.epochs
    schedule = get_linear_schedule_with_warmup(optimizer, steps // 10, steps)
    start, done = time.time(), 0
    for epoch in range(1, args.epochs + 1):
        order = random.sample(train_texts, len(train_texts))
        model.train()
        total = 0.0
        for i in range(0, len(order), args.batch):
            batch = order[i:i + args.batch]
            for ids, mask, labels in parts(batch, args.part):
                with torch.autocast("cpu", torch.bfloat16, enabled=args.bf16):
                    logits = model(input_ids=ids, attention_mask=mask).logits
                loss = torch.nn.functional.cross_entropy(logits.float(), labels, reduction="sum") / len(batch)
                loss.backward()
                total += loss.item() * len(batch)
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            schedule.step()
            optimizer.zero_grad()
            done += 1
            if args.steps and done == args.steps:
                print(json.dumps({"steps": done, "seconds": time.time() - start}), flush=True)
                return
        write({"seed": seed, "epoch": epoch, "train_loss": total / len(order), **evaluate(model, valid_texts),
               "seconds": round(time.time() - start, 1), "precision": "bf16-autocast" if args.bf16 else "fp32"})


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model")
    parser.add_argument("train")
    parser.add_argument("valid")
    parser.add_argument("--seeds", default="42,123,456,789,1011")
    parser.add_argument("--lr", type=float, default=2e-4)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--part", type=int, default=8, help="texts computed at once; does not change the recipe")
    parser.add_argument("--epochs", type=int, default=4)
    parser.add_argument("--max-length", type=int, default=128)
    parser.add_argument("--bf16", action="store_true", help="autocast the forward pass to BF16")
    parser.add_argument("--steps", type=int, help="stop after so many steps and print the time")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--out")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    tokenizer = Tokenizer.from_file(str(pathlib.Path(args.model) / "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.enable_truncation(args.max_length)
    train_texts, valid_texts = read(args.train, tokenizer), read(args.valid, tokenizer)
    out = open(args.out, "a") if args.out else None

    def write(line):
        print(json.dumps(line), file=out, flush=True)

    for seed in map(int, args.seeds.split(",")):
        train(args, seed, train_texts, valid_texts, write)


main()
