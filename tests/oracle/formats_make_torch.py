#!/usr/bin/env python3
"""Writes small PyTorch checkpoints in every form that the reader must know, and what PyTorch reads from them.

    python tests/oracle/formats_make_torch.py

writes tests/golden/formats/*.bin and tests/golden/formats/torch.json. The values are deterministic; the files' bytes are
not quite (PyTorch writes serialization ids and addresses), so the files are stored, not made by the tests.
"""

import collections
import io
import json
import os
import pathlib
import struct
import warnings
import zipfile

import torch

warnings.simplefilter("ignore")
OUT = pathlib.Path(__file__).resolve().parents[1] / "golden" / "formats"
NAMES = {
    torch.float64: "F64", torch.float32: "F32", torch.float16: "F16", torch.bfloat16: "BF16", torch.int64: "I64",
    torch.int32: "I32", torch.int16: "I16", torch.int8: "I8", torch.uint8: "U8", torch.bool: "BOOL",
}
expected = {}


def raw(tensor):
    """Row-major bytes in the tensor's own type."""
    flat = tensor.detach().contiguous().reshape(-1)
    return flat.view(torch.uint8).numpy().tobytes() if flat.numel() else b""


def record(name, state, container):
    expected[name] = {
        "container": container,
        "tensors": [
            {
                "name": key,
                "dtype": NAMES[value.dtype],
                "shape": list(value.shape),
                "bytes": raw(value).hex(),
                "f32": raw(value.float()).hex() if value.dtype.is_floating_point and value.isfinite().all() else None,
            }
            for key, value in state.items()
            if isinstance(value, torch.Tensor)
        ],
    }


def save(name, obj, state=None, zipped=True, protocol=2):
    torch.save(obj, OUT / name, _use_new_zipfile_serialization=zipped, pickle_protocol=protocol)
    if state is not None:
        record(name, state, "torch-zip" if zipped else "torch-legacy")


def values(*shape, dtype=torch.float32, start=0):
    n = 1
    for size in shape:
        n *= size
    x = (torch.arange(n, dtype=torch.float64) + start) * 0.37 - 1.25
    return x.to(dtype).reshape(shape)


def simple():
    module = torch.nn.Sequential(torch.nn.Linear(3, 2), torch.nn.LayerNorm(2))
    with torch.no_grad():
        for i, parameter in enumerate(module.parameters()):
            parameter.copy_(values(*parameter.shape, start=10 * i))
    return module.state_dict()  # an OrderedDict with _metadata


def dtypes():
    state = {str(t).split(".")[1]: values(2, 3, dtype=t) for t in NAMES if t.is_floating_point}
    for t in NAMES:
        if not t.is_floating_point:
            state[str(t).split(".")[1]] = torch.tensor([[0, 1, 2], [100, 101, 7]]).to(t)
    state["scalar"] = torch.tensor(2.5)
    state["empty"] = torch.zeros(0, 4)
    return state


def strided():
    base = values(6, 5)
    big = values(4, 3, 2, dtype=torch.bfloat16)
    return {
        "whole": base,
        "transposed": base.T,
        "rows": base[2:5],
        "columns": base[:, 1:4],
        "every_other": base[::2, ::2],
        "permuted": big.permute(2, 0, 1),
        "expanded": values(3).expand(4, 3),
        "tied": base,
        "one_wide": values(7, 1)[::3],
    }


def bert_names():
    """A tiny checkpoint under TensorFlow's LayerNorm names, with the prefix, an MLM head and position ids."""
    return collections.OrderedDict([
        ("bert.embeddings.word_embeddings.weight", values(4, 2)),
        ("bert.embeddings.LayerNorm.gamma", values(2)),
        ("bert.embeddings.LayerNorm.beta", values(2, start=3)),
        ("bert.embeddings.position_ids", torch.arange(5).expand(1, -1)),
        ("bert.encoder.layer.0.attention.self.query.weight", values(2, 2, start=1)),
        ("cls.predictions.bias", values(4)),
    ])


class FakeAttention(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.query = torch.nn.Linear(4, 4)


class FakeBert(torch.nn.Module):
    """Modules under BERT's names, so that PyTorch's own QAT makes the keys that it makes for BERT."""

    def __init__(self):
        super().__init__()
        self.encoder = torch.nn.Module()
        self.encoder.layer = torch.nn.ModuleList([torch.nn.Module()])
        self.encoder.layer[0].attention = torch.nn.Module()
        self.encoder.layer[0].attention.self = FakeAttention()
        self.classifier = torch.nn.Linear(4, 3)


def qat():
    model = FakeBert()
    with torch.no_grad():
        for i, parameter in enumerate(model.parameters()):
            parameter.copy_(values(*parameter.shape, start=i))
    model.qconfig = torch.ao.quantization.get_default_qat_qconfig("fbgemm")
    model.train()
    return torch.ao.quantization.prepare_qat(model).state_dict()


class Hostile:
    def __reduce__(self):
        return os.system, ("touch timbang-hostile-pickle-ran",)


class HostileEval:
    def __reduce__(self):
        return eval, ("1 + 1",)


def rezip(name, out, compression):
    """The same records through Python's zipfile: other header order, optional compression."""
    with zipfile.ZipFile(OUT / name) as old, zipfile.ZipFile(OUT / out, "w", compression) as new:
        for item in old.namelist():
            new.writestr(item, old.read(item))


def make_zip64(name, out):
    """Moves the end record's numbers, and one record's sizes, into zip64 fields."""
    data = (OUT / name).read_bytes()
    at = data.rindex(b"PK\x05\x06")
    count, size, start = struct.unpack("<HII", data[at + 10:at + 20])
    directory = data[start:start + size]
    packed, plain = struct.unpack("<II", directory[20:28])
    name_length, extra, comment = struct.unpack("<HHH", directory[28:34])
    header = struct.unpack("<I", directory[42:46])[0]
    field = struct.pack("<HHQQQ", 1, 24, plain, packed, header)
    first = bytearray(directory[:46])
    first[20:28] = b"\xff" * 8
    first[42:46] = b"\xff" * 4
    first[30:32] = struct.pack("<H", extra + len(field))
    rest = directory[46:]
    directory = bytes(first) + rest[:name_length] + field + rest[name_length:]
    end64_at = start + len(directory)
    end64 = struct.pack("<4sQHHIIQQQQ", b"PK\x06\x06", 44, 45, 45, 0, 0, count, count, len(directory), start)
    locator = struct.pack("<4sIQI", b"PK\x06\x07", 0, end64_at, 1)
    end = struct.pack("<4sHHHHIIH", b"PK\x05\x06", 0, 0, 0xFFFF, 0xFFFF, 0xFFFFFFFF, 0xFFFFFFFF, 0)
    (OUT / out).write_bytes(data[:start] + directory + end64 + locator + end)


def main():
    OUT.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(0)
    for prefix, zipped in (("zip", True), ("legacy", False)):
        save(f"{prefix}_simple.bin", simple(), simple(), zipped)
        save(f"{prefix}_dtypes.bin", dtypes(), dtypes(), zipped)
        save(f"{prefix}_strided.bin", strided(), strided(), zipped)
        save(f"{prefix}_proto4.bin", simple(), simple(), zipped, 4)
        save(f"{prefix}_proto1.bin", simple(), simple(), zipped, 1)
        parameters = collections.OrderedDict(a=torch.nn.Parameter(values(2, 2)), b=values(3))
        save(f"{prefix}_parameter.bin", parameters, parameters, zipped)
        save(f"{prefix}_hostile.bin", {"weight": values(2), "trap": Hostile()}, None, zipped)
    save("zip_proto0.bin", simple(), simple(), True, 0)
    save("zip_hostile_eval.bin", HostileEval())

    model = torch.nn.Linear(2, 2)
    optimizer = torch.optim.AdamW(model.parameters())
    model(values(1, 2)).sum().backward()
    optimizer.step()
    wrapped = {"epoch": 3, "loss": torch.tensor(0.5), "best": None, "name": "run", "lr": 1e-3,
               "optimizer_state_dict": optimizer.state_dict(), "state_dict": simple()}
    save("zip_wrapped.bin", wrapped, simple())
    save("zip_model_state.bin", {"model_state_dict": simple(), "step": 1 << 70}, simple())
    mixed = collections.OrderedDict(epoch=3, note="text", weight=values(2, 2), nothing=None, lr=0.1, done=True,
                                    shape=(1, 2), parts=[1, 2])
    save("zip_mixed.bin", mixed, mixed)
    save("zip_bert.bin", bert_names(), bert_names())
    save("zip_qat.bin", qat(), qat())
    save("zip_whole_model.bin", torch.nn.Linear(2, 2))
    save("zip_tensor.bin", values(2))
    save("zip_no_tensors.bin", {"epoch": 1})
    quantized = torch.ao.quantization.quantize_dynamic(torch.nn.Sequential(torch.nn.Linear(4, 2)))
    save("zip_quantized.bin", quantized.state_dict())
    float8 = {"weight": values(3).to(torch.float8_e4m3fn)}
    save("zip_float8.bin", float8)

    rezip("zip_simple.bin", "zip_rezipped.bin", zipfile.ZIP_STORED)
    record("zip_rezipped.bin", simple(), "torch-zip")
    rezip("zip_simple.bin", "zip_compressed.bin", zipfile.ZIP_DEFLATED)
    make_zip64("zip_rezipped.bin", "zip_zip64.bin")
    record("zip_zip64.bin", simple(), "torch-zip")
    with zipfile.ZipFile(OUT / "zip_zip64.bin") as check:
        assert check.testzip() is None
    torch.jit.save(torch.jit.script(torch.nn.Linear(2, 2)), str(OUT / "zip_script.bin"))

    for name in expected:
        if "proto" in name or name == "zip_qat.bin":
            continue
        read = torch.load(OUT / name, weights_only=name != "zip_mixed.bin")
        read = read.get("state_dict", read.get("model_state_dict", read))
        want = {t["name"]: t["bytes"] for t in expected[name]["tensors"]}
        assert {k: raw(v).hex() for k, v in read.items() if isinstance(v, torch.Tensor)} == want, name
    (OUT / "torch.json").write_text(json.dumps(expected, indent=1) + "\n")


if __name__ == "__main__":
    main()
