#!/usr/bin/env python3
"""Makes tests/golden/model: tiny BERT classifiers with random weights, and what PyTorch says of them.

For each activation: a Hugging Face folder (F32 safetensors, a vocabulary of our own) and, in expected.json, float64
logits of some token sequences, computed one by one without padding; for the first also the logits of PyTorch's
dynamic INT8 quantization (torch.ao.quantization.quantize_dynamic, batch 1).

Usage: model_make_tiny.py OUT   (OUT = tests/golden/model)
"""
import json
import pathlib
import sys
import warnings

import torch
from safetensors.torch import save_file
from transformers import BertConfig, BertForSequenceClassification

warnings.filterwarnings("ignore")

WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "film", "##nya", "bagus", "jelek", "sekali", "tidak", "bukan",
         "enak", "makan", "##an", "pelayanan", "ramah", "lambat", "mahal", "murah", "tapi", "dan", "yang", "ini", "itu",
         "saya", "suka", "benci", "biasa", "saja", "tempat", "##ku", ".", ",", "!", "?", "a", "b", "c", "d", "##a", "##b"]


def make(folder, act, seed, hidden, heads, layers, wide, labels):
    torch.manual_seed(seed)
    config = BertConfig(vocab_size=len(WORDS), hidden_size=hidden, num_hidden_layers=layers, num_attention_heads=heads,
                        intermediate_size=wide, max_position_embeddings=64, hidden_act=act, layer_norm_eps=1e-12,
                        initializer_range=0.25, id2label=dict(enumerate(labels)),
                        label2id={n: i for i, n in enumerate(labels)}, hidden_dropout_prob=0.0,
                        attention_probs_dropout_prob=0.0)
    model = BertForSequenceClassification(config).eval()
    with torch.no_grad():  # biases and LayerNorm away from their trivial values, and outlier channels as real models have
        for name, p in model.named_parameters():
            if name.endswith("bias"):
                p.normal_(0, 0.1)
            elif "LayerNorm.weight" in name:
                p.uniform_(0.5, 1.5)
                p[3] = 6.0
    folder.mkdir(parents=True, exist_ok=True)
    save_file({n: t.contiguous() for n, t in model.state_dict().items() if "position_ids" not in n},
              folder / "model.safetensors", metadata={"format": "pt"})
    raw = json.loads(config.to_json_string(use_diff=False))
    keep = ["hidden_act", "hidden_size", "intermediate_size", "layer_norm_eps", "max_position_embeddings",
            "num_attention_heads", "num_hidden_layers", "type_vocab_size", "vocab_size", "initializer_range"]
    out = {"architectures": ["BertForSequenceClassification"], "model_type": "bert", **{k: raw[k] for k in keep},
           "id2label": {str(i): n for i, n in enumerate(labels)}, "label2id": {n: i for i, n in enumerate(labels)},
           "pad_token_id": 0, "problem_type": "single_label_classification"}
    (folder / "config.json").write_text(json.dumps(out, indent=2) + "\n")
    (folder / "vocab.txt").write_text("\n".join(WORDS) + "\n")
    (folder / "tokenizer_config.json").write_text(json.dumps(
        {"do_lower_case": True, "tokenizer_class": "BertTokenizer", "unk_token": "[UNK]", "sep_token": "[SEP]",
         "pad_token": "[PAD]", "cls_token": "[CLS]", "mask_token": "[MASK]"}, indent=2) + "\n")
    return model


def sequences(n):
    g = torch.Generator().manual_seed(5)
    rows = []
    for i in range(n):
        length = [3, 1, 2, 5, 9, 16, 17, 31, 33, 64][i % 10]
        ids = torch.randint(4, len(WORDS), (length,), generator=g).tolist()
        ids[0] = 2
        ids[-1] = 3 if length > 1 else ids[-1]
        cut = length // 2 if i % 3 == 0 and length > 4 else length
        rows.append((ids, [0] * cut + [1] * (length - cut)))
    return rows


def logits_of(model, rows):
    with torch.no_grad():
        return [model(input_ids=torch.tensor([ids]), token_type_ids=torch.tensor([types])).logits[0].double().tolist()
                for ids, types in rows]


def main():
    out = pathlib.Path(sys.argv[1])
    shapes = {"gelu": (64, 4, 3, 128, ["positive", "neutral", "negative"]), "gelu_new": (40, 5, 2, 72, ["a", "b"]),
              "relu": (32, 1, 1, 64, ["senang", "sedih", "marah", "takut", "cinta"])}
    expected = {"torch": torch.__version__, "cases": {}}
    rows = sequences(20)
    for seed, (act, (hidden, heads, layers, wide, labels)) in enumerate(shapes.items()):
        model = make(out / f"tiny-{act}", act, seed, hidden, heads, layers, wide, labels)
        case = {"sequences": [{"ids": i, "type_ids": t} for i, t in rows]}
        case["float64"] = logits_of(model.double(), rows)
        model = model.float()
        case["float32"] = logits_of(model, rows)
        if act == "gelu":
            quantized = torch.ao.quantization.quantize_dynamic(model, {torch.nn.Linear}, dtype=torch.qint8)
            case["quantize_dynamic"] = logits_of(quantized, rows)
        expected["cases"][act] = case
    (out / "expected.json").write_text(json.dumps(expected) + "\n")


main()
