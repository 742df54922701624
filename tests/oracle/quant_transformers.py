"""Do transformers and compressed-tensors read our quantized folders as we do?

    quant_transformers.py FOLDER --values VALUES.safetensors [--data smsa.tsv --limit N --words N] [--logits OURS.json]

VALUES.safetensors comes from `quantize_tool --dump FOLDER VALUES.safetensors`: our dequantized matrices.
Checks
  (a) every dequantized matrix equals ours exactly;
  (b) on the texts of --data, one a batch, with the scale rule of dynamic activations patched to ours (absmax/127 of a
      token; the stock rule is absmax/127.5, and one scale for the whole pooled batch):
      - a simulation of the integer arithmetic with the stored integers gives the same logits to 1e-3 when both round
        alike. Two float paths differ in the last bit, so a value next to a tie may be rounded up by one and down by the
        other, and from there on the two passes drift apart by as much as the scheme's own noise. Therefore transformers
        is made to take the simulation's integer wherever its own value lies within 0.001 of the tie, and only there;
      - without that help, and for logits of --logits (`timbang predict --json`): how many texts agree to 1e-3 (those
        without such a value), quantiles of the rest, labels. --words 2 cuts texts to two words: few values, few ties.
  (c) with the stock rule at least 99 % of the labels of whole texts agree.
Exits with 1 when (a), the first part of (b), or (c) fails; with --words 1 or 2 also when less than half of the texts
agree to 1e-3. Logits of --logits must be those of the same (cut) texts.
"""

import argparse
import json
import os
import sys

os.environ.setdefault("HF_HUB_OFFLINE", "1")

import compressed_tensors.quantization.lifecycle.forward as ct_forward
import torch
from safetensors import safe_open
from safetensors.torch import load_file
from transformers import AutoModelForSequenceClassification, AutoTokenizer, PreTrainedModel

stock_rule = ct_forward.compute_dynamic_scales_and_zp
stock_quantize = ct_forward.forward_quantize


def our_rule(value, args, module, global_scale=None):
    """absmax/127 of each token for symmetric per-token activations; the stock rule for others."""
    if args.strategy != "token" or not args.symmetric:
        return stock_rule(value, args, module, global_scale=global_scale)
    absmax = value.abs().amax(dim=-1, keepdim=True)
    scale = torch.where(absmax > 0, absmax / 127, torch.ones_like(absmax))
    return scale, torch.zeros_like(scale)


class IntegerLinear(torch.nn.Module):
    """((q_x . q_w) * s_x) * s_w + bias with integers of the file; sums in double are exact here."""

    def __init__(self, q, scale, bias):
        super().__init__()
        self.q, self.scale, self.bias = q.double(), scale.float(), bias.float()

    def forward(self, x):
        absmax = x.abs().amax(dim=-1, keepdim=True)
        inverse = torch.where(absmax > 0, 127 / absmax, torch.zeros_like(absmax))
        self.rounded = torch.round(x * inverse).clamp(-127, 127)
        acc = (self.rounded.double() @ self.q.T).float()
        return (acc * (absmax / 127)) * self.scale + self.bias


class SharedRounding:
    """Makes transformers' modules round as the simulation's do, next to ties only; counts where and how far."""

    def __init__(self, model, twin):
        self.twins = {module: twin.get_submodule(name) for name, module in model.named_modules()}
        self.values = self.taken = 0

    def __call__(self, module, value, base_name, args):
        twin = self.twins.get(module)
        if base_name != "input" or not isinstance(twin, IntegerLinear):
            return stock_quantize(module, value, base_name, args)
        scale, _ = our_rule(value, args, module)
        exact, theirs = value / scale, twin.rounded
        rounded = torch.where((exact - theirs).abs() <= 0.501, theirs, torch.round(exact))
        self.values += rounded.numel()
        self.taken += (rounded != torch.round(exact)).sum().item()
        return rounded * scale


def unpack_int4(packed, columns):
    nibbles = packed.contiguous().view(torch.uint8)
    return (torch.stack((nibbles & 15, nibbles >> 4), -1).view(packed.shape[0], -1)[:, :columns].to(torch.int8)) - 8


def channel_factors(group_scales):
    """The channel scale and integer multipliers of our two-level groups."""
    import math
    from fractions import Fraction

    scales, multipliers = [], []
    for row in group_scales.tolist():
        parts = [Fraction(value) for value in row]
        unit = Fraction(
            math.gcd(*(p.numerator * (max(q.denominator for q in parts) // p.denominator) for p in parts)),
            max(q.denominator for q in parts),
        )
        scales.append(float(unit))
        multipliers.append([int(p / unit) for p in parts])
        assert max(multipliers[-1]) <= 15, "not a two-level row"
    return torch.tensor(scales), torch.tensor(multipliers, dtype=torch.int32)


def simulation(folder, model):
    """Replaces the linears of a float model by integer ones made from the file. None where the scheme is another."""
    tensors = load_file(os.path.join(folder, "model.safetensors"))
    for name, module in list(model.named_modules()):
        if not isinstance(module, torch.nn.Linear):
            continue
        scale, bias = tensors.get(name + ".weight_scale"), tensors[name + ".bias"]
        if scale is None or scale.ndim != 2:
            return None
        if name + ".weight_packed" in tensors:
            rows, columns = tensors[name + ".weight_shape"].tolist()
            q = unpack_int4(tensors[name + ".weight_packed"], columns).int()
            channel, m = channel_factors(scale)
            q = q * m.repeat_interleave(columns // m.shape[1], dim=1)
        else:
            q, channel = tensors[name + ".weight"], scale[:, 0]
        parent = model.get_submodule(name.rpartition(".")[0])
        setattr(parent, name.rpartition(".")[2], IntegerLinear(q, channel, bias))
    return model


def load(folder):
    try:
        return AutoModelForSequenceClassification.from_pretrained(folder).eval()
    except AttributeError as error:
        if "weight" not in str(error):
            raise
        # transformers initializes embeddings without asking whether they are packed
        print("transformers cannot load packed embeddings by itself; its initialization is guarded here")
        stock = PreTrainedModel._init_weights

        def guarded(self, module):
            if not isinstance(module, torch.nn.Embedding) or hasattr(module, "weight"):
                stock(self, module)

        PreTrainedModel._init_weights = guarded
        return AutoModelForSequenceClassification.from_pretrained(folder).eval()


def float_twin(folder, values):
    """A float model with the dequantized matrices, to be simulated."""
    from transformers import AutoConfig

    config = AutoConfig.from_pretrained(folder)
    if hasattr(config, "quantization_config"):
        del config.quantization_config
    model = AutoModelForSequenceClassification.from_config(config).float().eval()
    tensors = load_file(os.path.join(folder, "model.safetensors"))
    state = {name: tensor.float() for name, tensor in tensors.items() if tensor.ndim == 1 and "weight_" not in name}
    state.update({name: tensor for name, tensor in values.items()})
    missing, unexpected = model.load_state_dict(state, strict=False)
    assert not unexpected and all("position_ids" in name for name in missing), (missing, unexpected)
    return model


def run(model, tokenizer, texts):
    with torch.no_grad():
        rows = [model(**tokenizer(t, truncation=True, max_length=512, return_tensors="pt")).logits[0] for t in texts]
    return torch.stack(rows).float()


def check_values(model, values):
    worst = 0
    for name, ours in values.items():
        theirs = model.get_parameter(name).detach().float()
        if not torch.equal(theirs, ours):
            worst += 1
            print(f"{name}: {(theirs != ours).sum().item()} of {ours.numel()} values differ")
    print(f"values: {len(values) - worst} of {len(values)} matrices are equal")
    return worst == 0


def describe(name, theirs, ours):
    """Prints how far two sets of logits are apart; returns the share of texts within 1e-3."""
    error = (theirs - ours).abs().amax(-1)
    share = (error <= 1e-3).float().mean().item()
    marks = " ".join(f"{torch.quantile(error, q).item():.1e}" for q in (0.5, 0.9, 1.0))
    labels = (theirs.argmax(-1) == ours.argmax(-1)).float().mean().item()
    print(f"{name}: {share:.3f} of {len(ours)} texts to 1e-3; median, 90 %, most {marks}; labels {labels:.4f}")
    return share


def shared_rounding(model, twin, tokenizer, texts):
    """(b), first part: the largest difference of logits when both round alike."""
    sharing = SharedRounding(model, twin)
    ct_forward.forward_quantize = sharing
    error = 0
    for text in texts:  # the simulation first: its integers are taken
        ours = run(twin, tokenizer, [text])
        error = max(error, (run(model, tokenizer, [text]) - ours).abs().max().item())
    ct_forward.forward_quantize = stock_quantize
    print(f"rounding alike: {error:.2e} apart; {sharing.taken} of {sharing.values} values lay next to a tie")
    return error


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("folder")
    parser.add_argument("--values", required=True)
    parser.add_argument("--data")
    parser.add_argument("--limit", type=int, default=0)
    parser.add_argument("--words", type=int, default=0)
    parser.add_argument("--logits")
    args = parser.parse_args()
    torch.set_num_threads(int(os.environ.get("ORACLE_THREADS", "1")))

    tokenizer = AutoTokenizer.from_pretrained(args.folder)
    with safe_open(args.values, "pt") as f:
        values = {name: f.get_tensor(name) for name in f.keys()}
    model = load(args.folder)
    run(model, tokenizer, ["satu"])  # the first pass dequantizes
    fine = check_values(model, values)
    if not args.data:
        sys.exit(0 if fine else 1)

    with open(args.data, encoding="utf-8") as f:
        texts = [line.rstrip("\r\n").split("\t")[0] for line in f]
    texts = texts[: args.limit] if args.limit else texts
    if args.words:
        texts = [" ".join(text.split()[: args.words]) for text in texts]
    stock = run(model, tokenizer, texts)
    ct_forward.compute_dynamic_scales_and_zp = our_rule
    patched = run(model, tokenizer, texts)
    references = {}
    twin = simulation(args.folder, float_twin(args.folder, values))
    if twin is None:
        print("no simulation of this scheme: float or per-tensor")
    else:
        references["simulation"] = run(twin, tokenizer, texts)
        fine &= shared_rounding(model, twin, tokenizer, texts) <= 1e-3
    if args.logits:
        with open(args.logits, encoding="utf-8") as f:
            rows = json.load(f)
        rows = rows if isinstance(rows, list) else [rows]
        references["file"] = torch.tensor([row["logits"] for row in rows])[: len(texts)]
    for name, ours in references.items():
        share = describe(f"patched rule against {name}", patched, ours)
        describe(f"stock rule against {name}", stock, ours)
        if not args.words:
            fine &= (stock.argmax(-1) == ours.argmax(-1)).float().mean().item() >= 0.99
        elif args.words <= 2:
            fine &= share >= 0.5
    print("fine" if fine else "FAILED")
    sys.exit(0 if fine else 1)


if __name__ == "__main__":
    main()
