"""What the comparisons of training with PyTorch share: texts as token ids, models in float, the test program train_tool."""
import json
import pathlib
import random
import subprocess
import tempfile

import torch
from safetensors.torch import load_file
from tokenizers import BertWordPieceTokenizer, Tokenizer
from transformers import AutoModelForSequenceClassification
from transformers.utils import logging

logging.disable_progress_bar()
logging.set_verbosity_error()
LABELS = ["positive", "neutral", "negative"]  # the order of mini-id-smsa
DECAY_FREE = ("bias", "LayerNorm.weight")


def read_tsv(path, model_dir, max_length=128, labels=LABELS):
    """[(ids, label number)] of a file of text, tab, label."""
    folder = pathlib.Path(model_dir)
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json")) if (folder / "tokenizer.json").exists() else \
        BertWordPieceTokenizer(str(folder / "vocab.txt"))
    tokenizer.no_padding()
    tokenizer.enable_truncation(min(max_length, json.loads((folder / "config.json").read_text())["max_position_embeddings"]))
    rows = [line.rstrip("\n").split("\t") for line in open(path, encoding="utf-8", newline="\n")]
    rows = [row for row in rows if len(row) == 2 and row[1] in labels]
    encoded = tokenizer.encode_batch([row[0] for row in rows])
    return [(item.ids, labels.index(row[1])) for item, row in zip(encoded, rows)]


def pick(texts, n, size, seed=1):
    """n batches of `size` texts, none twice."""
    rng = random.Random(seed)
    chosen = rng.sample(texts, n * size)
    return [chosen[i * size:(i + 1) * size] for i in range(n)]


def write_batches(path, batches):
    """As train_tool reads them."""
    json.dump([{"ids": [ids for ids, _ in batch], "labels": [label for _, label in batch]} for batch in batches],
              open(path, "w"))


def padded(batch):
    longest = max(len(ids) for ids, _ in batch)
    ids = torch.tensor([ids + [0] * (longest - len(ids)) for ids, _ in batch])
    mask = torch.tensor([[1] * len(ids) + [0] * (longest - len(ids)) for ids, _ in batch])
    return ids, mask, torch.tensor([label for _, label in batch])


def load(model_dir, dtype=torch.float32, **options):
    """In evaluation mode, which has no dropout and the same gradients."""
    return AutoModelForSequenceClassification.from_pretrained(model_dir, dtype=torch.float32, **options).to(dtype).eval()


def with_head(model_dir, out, seed=1, labels=LABELS):
    """A folder with the model's weights and a new head, so that both sides start from the same values."""
    torch.manual_seed(seed)
    model = load(model_dir, id2label=dict(enumerate(labels)), label2id={n: i for i, n in enumerate(labels)})
    model.save_pretrained(out)
    for name in ("tokenizer.json", "tokenizer_config.json", "vocab.txt"):
        source = pathlib.Path(model_dir) / name
        if source.exists():
            (pathlib.Path(out) / name).write_bytes(source.read_bytes())
    return out


def has_head(model_dir):
    config = json.loads((pathlib.Path(model_dir) / "config.json").read_text())
    return "BertForSequenceClassification" in config.get("architectures", [])


def groups(model, decay):
    """Biases and LayerNorm without weight decay."""
    named = list(model.named_parameters())
    plain = [p for name, p in named if name.endswith(DECAY_FREE)]
    return [{"params": [p for name, p in named if not name.endswith(DECAY_FREE)], "weight_decay": decay},
            {"params": plain, "weight_decay": 0.0}]


def tool_gradients(tool, model_dir, batches, *options):
    """(gradients by name, loss, logits or None) of train_tool."""
    with tempfile.TemporaryDirectory() as scratch:
        batch_file, out = f"{scratch}/batches.json", f"{scratch}/out.safetensors"
        batches(batch_file) if callable(batches) else write_batches(batch_file, batches)
        subprocess.run([tool, "gradients", str(model_dir), batch_file, out, *map(str, options)], check=True,
                       stdout=subprocess.DEVNULL)
        found = load_file(out)
    return found, found.pop("loss").item(), found.pop("logits", None)


def tool_losses(tool, model_dir, batches, steps, *options):
    with tempfile.TemporaryDirectory() as scratch:
        write_batches(f"{scratch}/batches.json", batches)
        out = subprocess.run([tool, "steps", str(model_dir), f"{scratch}/batches.json", str(steps),
                              *map(str, options)], check=True, capture_output=True, text=True).stdout
    return [float(line) for line in out.split()]


def compare(ours, theirs, bound=1e-4, floor=1e-3):
    """Rows (part of the bound that is used, name, ||ours - theirs||, ||theirs||), worst first, and names that only one
    side has. A tensor passes where ||ours - theirs|| <= bound * max(||theirs||, floor * ||all of theirs||)."""
    names = sorted(set(ours) & set(theirs))
    norms = {name: theirs[name].double().norm().item() for name in names}
    everything = sum(norm * norm for norm in norms.values()) ** 0.5
    rows = []
    for name in names:
        a, b = ours[name].double().reshape(-1), theirs[name].double().reshape(-1)
        distance = (a - b).norm().item() if a.shape == b.shape else float("inf")
        allowed = bound * max(norms[name], floor * everything)
        rows.append((distance / allowed if allowed > 0 else (0.0 if distance == 0 else float("inf")), name, distance,
                     norms[name]))
    rows.sort(key=lambda row: -row[0] if row[0] == row[0] else float("-inf"))
    return rows, sorted(set(ours) ^ set(theirs))


def report(title, rows, alone, worst=3):
    """Prints the worst tensors; True where all pass."""
    passed = not alone and all(row[0] <= 1 for row in rows)
    print(f"{title}: {len(rows)} tensors, worst at {rows[0][0]:.3f} of what is allowed: {'ok' if passed else 'FAILED'}")
    for part, name, distance, norm in rows[:worst if passed else 20]:
        print(f"    {part:.3f}  {name}  |delta| {distance:.3e}  |g| {norm:.3e}")
    for name in alone:
        print(f"    only on one side: {name}")
    return passed
