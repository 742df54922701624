"""Golden values for src/formats/weights*.c and src/quant: writes tests/golden/quant_golden.json.

packing   compressed_tensors' pack_to_int32 of 4 and 8 bits, along rows and along columns (zero points)
foreign   small modules compressed by compressed_tensors in the layouts that timbang reads, with their dequantized values
dynamic   torch.ao's quantize_dynamic with its default configuration: scale and integers of the weight
patterns  Python's re.match
Floats are written so that they read back as the same float32.
"""

import json
import os
import re

import torch
from compressed_tensors.compressors import BaseCompressor
from compressed_tensors.compressors.pack_quantized.helpers import pack_to_int32
from compressed_tensors.quantization import QuantizationArgs, QuantizationScheme
from compressed_tensors.quantization.utils import calculate_qparams

OUT = os.path.join(os.path.dirname(__file__), "..", "golden", "quant_golden.json")


def flat(tensor):
    return tensor.flatten().tolist()


def packing(generator):
    cases = []
    for bits in (4, 8):
        for rows, columns in ((1, 1), (2, 7), (3, 8), (2, 33), (3, 64)):
            low, high = -(1 << (bits - 1)), (1 << (bits - 1))
            q = torch.randint(low, high, (rows, columns), generator=generator, dtype=torch.int8)
            q[0, 0] = low
            words = pack_to_int32(q, bits)
            cases.append({"bits": bits, "rows": rows, "columns": columns, "q": flat(q), "words": flat(words)})
    return cases


def foreign(generator):
    cases = []
    for format_name, bits, strategy, group, symmetric in (
        ("pack-quantized", 4, "group", 32, True),
        ("pack-quantized", 4, "group", 32, False),
        ("pack-quantized", 4, "group", 16, False),
        ("pack-quantized", 4, "channel", None, True),
        ("pack-quantized", 4, "channel", None, False),
        ("pack-quantized", 4, "tensor", None, True),
        ("pack-quantized", 8, "group", 64, False),
        ("pack-quantized", 8, "channel", None, True),
        ("int-quantized", 8, "channel", None, True),
        ("int-quantized", 8, "channel", None, False),
        ("int-quantized", 8, "tensor", None, True),
        ("int-quantized", 8, "group", 32, True),
        ("naive-quantized", 8, "tensor", None, False),
        ("int-quantized", 4, "channel", None, True),
    ):
        rows, columns = 11, 64
        args = QuantizationArgs(num_bits=bits, strategy=strategy, group_size=group, symmetric=symmetric)
        w = torch.randn(rows, columns, generator=generator) * torch.rand(rows, 1, generator=generator)
        parts = w.unflatten(-1, (-1, group)) if group else w.unflatten(-1, (1, -1))
        low, high = parts.amin(-1), parts.amax(-1)
        if strategy == "tensor":
            low, high = low.amin().reshape(1), high.amax().reshape(1)
        scale, zero = calculate_qparams(low, high, args)
        scheme = QuantizationScheme(targets=["Linear"], weights=args, format=format_name)
        compressor = BaseCompressor.get_value_from_registry(format_name)
        state = {"weight": w, "weight_scale": scale, "weight_zero_point": zero.to(torch.int8)}
        compressed = compressor.compress(state, scheme)
        values = compressor.decompress(compressed, scheme)["weight"]
        tensors = {
            name: {"dtype": str(t.dtype).removeprefix("torch."), "shape": list(t.shape), "data": flat(t)}
            for name, t in sorted(compressed.items())
        }
        cases.append(
            {
                "format": format_name,
                "bits": bits,
                "strategy": strategy,
                "group_size": group,
                "symmetric": symmetric,
                "rows": rows,
                "columns": columns,
                "tensors": tensors,
                "values": flat(values.float()),
            }
        )
    return cases


def dynamic(generator):
    ties = torch.tensor([[127.5, 0.5, 1.5, 2.5, -0.5, -1.5, -127.5, 3.25]]) / 64  # scale 1/64: ties
    matrices = [
        torch.randn(6, 40, generator=generator) * 0.05,
        -torch.rand(3, 17, generator=generator),
        torch.zeros(2, 5),
        torch.full((2, 3), 1e-8),
        ties,
        torch.randn(3, 100, generator=generator),
    ]
    cases = []
    for w in matrices:
        linear = torch.nn.Linear(w.shape[1], w.shape[0])
        linear.weight.data.copy_(w)
        made = torch.ao.quantization.quantize_dynamic(torch.nn.Sequential(linear), {torch.nn.Linear})
        weight = made[0].weight()
        assert weight.q_zero_point() == 0
        cases.append(
            {
                "rows": w.shape[0],
                "columns": w.shape[1],
                "w": flat(w),
                "scale": float(torch.tensor(weight.q_scale(), dtype=torch.float32)),
                "q": flat(weight.int_repr()),
            }
        )
    return cases


PATTERNS = [
    r".*",
    r"bert\.encoder\.layer\.\d+\.output\.dense",
    r".*attention.*(query|key|value)$",
    r".*\.layer\.(0|1[01])\..*",
    r"^bert\.pooler",
    r"(?!.*classifier).*dense",
    r".*layer\.[2-9]\.",
    r".*layer\.[^0-3]\.",
    r"bert(?:\.\w+)+?\.dense$",
    r".*\.(?=dense).*",
    r"classifier",
    r"er",
    r".*\d{2}.*",
    r"(bert\.)?encoder.*",
    r"\w+\.\w+\.\w+\.1{1,2}\.",
    r"a|b|",
    r".*output\b.dense",
    r"[\w.]+[-a-z]\.dense",
    r"(a*)*x",
    r".*\Bert.*",
]
NAMES = [
    "bert.encoder.layer.0.attention.self.query",
    "bert.encoder.layer.1.attention.output.dense",
    "bert.encoder.layer.11.output.dense",
    "bert.encoder.layer.3.intermediate.dense",
    "encoder.layer.7.output.dense",
    "bert.pooler.dense",
    "classifier",
    "bert.embeddings.word_embeddings",
    "",
]


def main():
    generator = torch.Generator().manual_seed(7)
    golden = {
        "packing": packing(generator),
        "foreign": foreign(generator),
        "dynamic": dynamic(generator),
        "patterns": [{"pattern": p, "match": [bool(re.match(p, n)) for n in NAMES]} for p in PATTERNS],
        "names": NAMES,
    }
    with open(OUT, "w", encoding="utf-8") as f:
        json.dump(golden, f, separators=(",", ":"))
        f.write("\n")


if __name__ == "__main__":
    main()
