"""PyTorch's training steps in a process of its own, driven by train_steps.py with the commands of bench/train.c.

usage: train_worker.py FOLDER PLAN SHAPE THREADS fp32|bf16     (bf16: autocast)
Batches are padded to their longest text; where no text is padded, PyTorch gets no mask: its attention is faster without.
"""
import json
import os
import resource
import sys
import time

import torch
from transformers import AutoModelForSequenceClassification
from transformers.utils import logging

FIRST_ID, RATE = 5, 2e-5


def batch_of(lengths, vocabulary, classes, generator):
    longest = max(lengths)
    ids = torch.randint(FIRST_ID, vocabulary, (len(lengths), longest), generator=generator)
    feed = {"input_ids": ids, "labels": torch.randint(0, classes, (len(lengths),), generator=generator)}
    if min(lengths) < longest:
        mask = (torch.arange(longest)[None] < torch.tensor(lengths)[:, None]).long()
        ids *= mask
        feed["attention_mask"] = mask
    return feed


def main():
    folder, plan, shape, threads, precision = sys.argv[1:6]
    out = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what libraries print goes elsewhere
    logging.disable_progress_bar()
    torch.set_num_threads(int(threads))
    model = AutoModelForSequenceClassification.from_pretrained(folder, dtype=torch.float32).train()
    optimizer = torch.optim.AdamW(model.parameters(), RATE, fused=True)
    batches = json.load(open(plan))[shape]
    generator = torch.Generator().manual_seed(1)

    def step(lengths):
        feed = batch_of(lengths, model.config.vocab_size, model.config.num_labels, generator)
        begin = time.perf_counter()
        with torch.autocast("cpu", torch.bfloat16, enabled=precision == "bf16"):
            loss = model(**feed).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()
        return {"seconds": time.perf_counter() - begin, "texts": len(lengths), "tokens": sum(lengths)}

    print(json.dumps({"ready": True, "version": torch.__version__}), file=out, flush=True)
    done = 0
    for line in sys.stdin:
        if line.startswith("peak"):
            answer = {"bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024}
        else:
            answer = step(batches[done % len(batches)])
            done += 1
        print(json.dumps(answer), file=out, flush=True)


if __name__ == "__main__":
    main()
