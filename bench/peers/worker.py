"""One peer in a process of its own, which run.py drives with the commands of engine.c: token ids in, logits or times out.

usage: worker.py FOLDER PEER THREADS     (FOLDER: made by prepare.py)
MODE is "padded", all texts in one batch padded to the longest, or "single", one text after the other. Where no text is
padded, PyTorch gets no mask: its attention is faster without.
"""
import importlib.metadata
import json
import os
import pathlib
import sys
import time

import numpy as np

MAX_PASSES, MIN_PASSES, WARM_UPS = 200, 3, 2
PACKAGES = {"ort": "onnxruntime", "torch": "torch", "ov": "openvino", "ct2": "ctranslate2"}


def load_ort(base, name, threads):
    import onnxruntime
    file = {"ort_fp32": "fp32_opt", "ort_int8": "int8_opt", "ort_int8_plain": "int8", "ort_int4": "int4_opt"}[name]
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    session = onnxruntime.InferenceSession(base / f"{file}.onnx", options, providers=["CPUExecutionProvider"])
    names = [i.name for i in session.get_inputs()]
    return (lambda ids, mask: dict(zip(names, (ids, mask))),
            lambda feed: session.run(["logits"], feed)[0])


def load_torch(base, name, threads):
    import torch
    from transformers import AutoModelForSequenceClassification
    torch.set_num_threads(threads)
    dtype = torch.bfloat16 if name == "torch_bf16" else torch.float32
    model = AutoModelForSequenceClassification.from_pretrained(base / "hf", dtype=dtype).eval()
    if name == "torch_int8":
        model = torch.ao.quantization.quantize_dynamic(model, {torch.nn.Linear}, dtype=torch.qint8)

    def feed(ids, mask):
        feed = {"input_ids": torch.from_numpy(ids)}
        return feed if mask.all() else {**feed, "attention_mask": torch.from_numpy(mask)}

    def run(feed):
        with torch.inference_mode():
            return model(**feed).logits.float().numpy()
    return feed, run


def load_ov(base, name, threads):
    import openvino
    config = {"INFERENCE_NUM_THREADS": threads, "PERFORMANCE_HINT": "LATENCY"}
    if name == "ov_fp32" or os.environ.get("ONEDNN_MAX_CPU_ISA") == "AVX2":  # its bfloat16 needs AVX-512
        config["INFERENCE_PRECISION_HINT"] = "f32"
    model = openvino.Core().compile_model(base / ("ov_int8.xml" if name == "ov_int8" else "fp32.onnx"), "CPU", config)
    request, out = model.create_infer_request(), model.output(0)
    return (lambda ids, mask: {"input_ids": ids, "attention_mask": mask},
            lambda feed: request.infer(feed, share_inputs=True)[out])


def load_ct2(base, name, threads):
    import ctranslate2
    from safetensors.numpy import load_file
    encoder = ctranslate2.Encoder(str(base / "ct2"), compute_type="int8_float32" if name == "ct2_int8" else "float32",
                                  intra_threads=threads)
    head = load_file(base / "hf" / "model.safetensors")  # it has no classifier of its own
    weight, bias = head["classifier.weight"].T.copy(), head["classifier.bias"]

    def feed(ids, mask):
        return ids.astype(np.int32), mask.sum(1).astype(np.int32)

    def run(feed):
        ids, lengths = (ctranslate2.StorageView.from_array(array) for array in feed)
        return np.array(encoder.forward_batch(ids, lengths).pooler_output) @ weight + bias
    return feed, run


LOADERS = {"ort": load_ort, "torch": load_torch, "ov": load_ov, "ct2": load_ct2}


def batches(texts, mode):
    """Arrays of ids and mask: one of all texts, or one a text."""
    groups = [texts] if mode == "padded" else [[text] for text in texts]
    for group in groups:
        longest = max(len(text) for text in group)
        ids, mask = np.zeros((len(group), longest), np.int64), np.zeros((len(group), longest), np.int64)
        for i, text in enumerate(group):
            ids[i, :len(text)], mask[i, :len(text)] = text, 1
        yield ids, mask


def parse_shape(words):
    n = int(words[0])
    lengths, ids = list(map(int, words[1:n + 1])), list(map(int, words[n + 1:]))
    starts = np.cumsum([0] + lengths)
    return [ids[starts[i]:starts[i + 1]] for i in range(n)]


def main():
    base, name, threads = pathlib.Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
    out = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what libraries print goes elsewhere

    def answer(value):
        print(json.dumps(value), file=out, flush=True)

    family = name.split("_")[0]
    make_feed, run = LOADERS[family](base, name, threads)
    answer({"ready": True, "version": importlib.metadata.version(PACKAGES[family])})
    shapes, feeds = {}, {}
    for line in sys.stdin:
        command, *words = line.split()
        if command == "shape":
            shapes[words[0]] = parse_shape(words[1:])
            answer(True)
            continue
        key = (words[0], words[1])
        if key not in feeds:
            feeds[key] = [make_feed(*batch) for batch in batches(shapes[words[0]], words[1])]
        if command == "logits":
            answer([row.tolist() for feed in feeds[key] for row in run(feed)])
            continue
        times = []
        for _ in range(WARM_UPS):
            for feed in feeds[key]:
                run(feed)
        begin = time.perf_counter()
        while len(times) < MIN_PASSES or (time.perf_counter() - begin < float(words[2]) and len(times) < MAX_PASSES):
            start = time.perf_counter()
            for feed in feeds[key]:
                run(feed)
            times.append((time.perf_counter() - start) * 1e3)
        answer(times)


if __name__ == "__main__":
    main()
