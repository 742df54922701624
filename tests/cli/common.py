"""What the tests of the command line share: running the program, tiny models, crafting files of weights.

Standard library only. TIMBANG_PROGRAM names the program, TIMBANG_SHARED the folder with real models and data,
TIMBANG_EXE_WRAPPER the command that starts a program of another machine (scripts/cross_aarch64.sh).
"""
import json
import os
import pathlib
import pickle
import shlex
import shutil
import struct
import subprocess
import sys
import tempfile
import types
import unittest
import zipfile

PROGRAM = [*shlex.split(os.environ.get("TIMBANG_EXE_WRAPPER", "")), os.environ.get("TIMBANG_PROGRAM", "timbang")]
SHARED = pathlib.Path(os.environ.get("TIMBANG_SHARED", "/nonexistent"))
SOURCE = pathlib.Path(os.environ.get("TIMBANG_SOURCE", pathlib.Path(__file__).resolve().parents[2]))

WORDS = ("film filmnya bagus sekali jelek banget biasa saja tidak suka enak makanan pelayanan ramah kasar harga murah "
         "mahal tapi dan yang ini itu saya kami cukup sangat kurang mantap kecewa puas baik buruk").split()
VOCAB = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *".,!?-", *WORDS, *(chr(c) for c in range(97, 123)),
         *("##" + chr(c) for c in range(97, 123)), "##nya", "##an"]
LABELS = ["positive", "neutral", "negative"]
TEXTS = ["Filmnya bagus sekali", "Pelayanan kasar, makanan tidak enak!", "Biasa saja", "Harga mahal tapi saya suka",
         "Sangat kecewa", "Kurang mantap, dan mahal?"]


def run(*args, stdin=None, env=None, timeout=300, binary=False, **kwargs):
    """Runs the program; text in and out unless binary."""
    full = {k: v for k, v in os.environ.items() if not k.startswith("TIMBANG_CPU")}
    full.update(env or {})
    if stdin is None:
        kwargs.setdefault("stdin", subprocess.DEVNULL)
    else:
        kwargs["input"] = stdin
    kwargs.setdefault("stdout", subprocess.PIPE)
    kwargs.setdefault("stderr", subprocess.PIPE)
    if not binary:
        kwargs["encoding"] = "utf-8"
    if args and args[0] in ("study", "eval") and "--timing-seconds" not in args and "--help" not in args:
        args = (*args, "--timing-seconds", "0") # ten rounds, however fast: tests look at the figures, not at the times
    return subprocess.run([*PROGRAM, *map(str, args)], env=full, timeout=timeout, check=False, **kwargs)


class CliTest(unittest.TestCase):
    """A temporary folder for each test, and the usual checks."""
    maxDiff = None

    def setUp(self):
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="timbang-cli-"))
        self.addCleanup(shutil.rmtree, self.dir, ignore_errors=True)

    def ok(self, *args, **kwargs):
        done = run(*args, **kwargs)
        self.assertEqual(done.returncode, 0, f"{args}\n{done.stderr}")
        return done

    def json(self, *args, **kwargs):
        return json.loads(self.ok(*args, **kwargs).stdout)

    def fails(self, *args, code=2, has=(), **kwargs):
        """The program ends with the code and one clear sentence that has all the given parts, and prints no data."""
        done = run(*args, **kwargs)
        self.assertEqual(done.returncode, code, f"{args}\n{done.stdout}\n{done.stderr}")
        lines = [line for line in done.stderr.splitlines()
                 if not line.startswith(("hint: ", "timbang: warning: ", "timbang: note: "))]
        errors = [line for line in lines if line.startswith("timbang: ")]
        self.assertTrue(errors, done.stderr)
        for part in [has] if isinstance(has, str) else has:
            self.assertIn(part, done.stderr)
        return done

    def write(self, name, data):
        path = self.dir / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data if isinstance(data, bytes) else data.encode("utf-8"))
        return path

    def model(self, name="model", seed=1, sidecar=False, **config):
        """A tiny classifier with random weights. Without its sidecar it passes for a trained one from elsewhere."""
        config_path = write_config(self.dir / (name + "-config"), **config)
        self.ok("init", config_path, "-o", self.dir / name, "--seed", seed)
        if not sidecar:
            (self.dir / name / "timbang.json").unlink()
        return self.dir / name

    def data(self, name="data.tsv", rows=None):
        rows = rows or [(text, LABELS[i % 3]) for i, text in enumerate(TEXTS * 4)]
        return self.write(name, "".join(f"{text}\t{label}\n" for text, label in rows))

    def listing(self, folder=None):
        """Every path below a folder, to see that nothing was left behind."""
        return sorted(str(p.relative_to(folder or self.dir)) for p in (folder or self.dir).rglob("*"))

    def leaves_nothing(self):
        """A context in which the temporary folder must not change."""
        return Unchanged(self)


class Unchanged:
    def __init__(self, test):
        self.test = test

    def __enter__(self):
        self.before = self.test.listing()

    def __exit__(self, kind, value, trace):
        if kind is None:
            self.test.assertEqual(self.test.listing(), self.before)


def config(**changes):
    base = {
        "architectures": ["BertForSequenceClassification"], "model_type": "bert", "hidden_size": 64,
        "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 128, "vocab_size": len(VOCAB),
        "max_position_embeddings": 64, "type_vocab_size": 2, "hidden_act": "gelu", "layer_norm_eps": 1e-12,
        "initializer_range": 0.2, "pad_token_id": 0, "id2label": {str(i): name for i, name in enumerate(LABELS)},
        "label2id": {name: i for i, name in enumerate(LABELS)},
    }
    base.update(changes)
    return {k: v for k, v in base.items() if v is not None}


def write_config(folder, **changes):
    """config.json with a tiny vocabulary beside it; returns the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps(config(**changes), indent=1))
    (folder / "vocab.txt").write_text("\n".join(VOCAB) + "\n")
    (folder / "tokenizer_config.json").write_text(json.dumps(
        {"do_lower_case": True, "tokenizer_class": "BertTokenizer", "model_max_length": 1000000000000000019884624838656}))
    return folder


# ---- safetensors ----

def read_safetensors(path):
    """(header without metadata, {name: (dtype, shape, bytes)})"""
    raw = pathlib.Path(path).read_bytes()
    size = struct.unpack("<Q", raw[:8])[0]
    header = json.loads(raw[8:8 + size])
    header.pop("__metadata__", None)
    data = raw[8 + size:]
    return header, {name: (t["dtype"], t["shape"], data[t["data_offsets"][0]:t["data_offsets"][1]])
                    for name, t in header.items()}


def write_safetensors(path, tensors):
    header, data = {}, b""
    for name, (dtype, shape, raw) in tensors.items():
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [len(data), len(data) + len(raw)]}
        data += raw
    text = json.dumps(header).encode()
    pathlib.Path(path).write_bytes(struct.pack("<Q", len(text)) + text + data)


# ---- torch checkpoints, without torch ----

def _fake_torch():
    """Modules that pickle finds by name, so that it writes torch's globals."""
    if "torch" in sys.modules:
        return sys.modules["torch"]
    torch, utils = types.ModuleType("torch"), types.ModuleType("torch._utils")

    def _rebuild_tensor_v2(*args):
        return args
    _rebuild_tensor_v2.__module__, _rebuild_tensor_v2.__qualname__ = "torch._utils", "_rebuild_tensor_v2"
    utils._rebuild_tensor_v2 = _rebuild_tensor_v2
    torch._utils = utils
    for kind in ("FloatStorage", "HalfStorage", "LongStorage", "ByteStorage"):
        storage = type(kind, (), {"__module__": "torch"})
        setattr(torch, kind, storage)
    sys.modules["torch"], sys.modules["torch._utils"] = torch, utils
    return torch


class _Storage:
    def __init__(self, kind, key, raw, count):
        self.kind, self.key, self.raw, self.count = kind, key, raw, count


class _Tensor:
    def __init__(self, storage, shape):
        self.storage, self.shape = storage, shape

    def __reduce__(self):
        torch = _fake_torch()
        strides, step = [], 1
        for size in reversed(self.shape):
            strides.insert(0, step)
            step *= size
        return torch._utils._rebuild_tensor_v2, (self.storage, 0, tuple(self.shape), tuple(strides), False, {})


class _Pickler(pickle._Pickler):
    def persistent_id(self, obj):
        if isinstance(obj, _Storage):
            return ("storage", getattr(_fake_torch(), obj.kind), obj.key, "cpu", obj.count)
        return None


def write_torch_zip(path, tensors, extra=None):
    """pytorch_model.bin from {name: (dtype, shape, bytes)}; extra entries of the pickled dict are taken as they are."""
    import collections
    import io
    kinds = {"F32": ("FloatStorage", 4), "F16": ("HalfStorage", 2), "I64": ("LongStorage", 8), "U8": ("ByteStorage", 1)}
    state, storages = collections.OrderedDict(), []
    for i, (name, (dtype, shape, raw)) in enumerate(tensors.items()):
        kind, width = kinds[dtype]
        storage = _Storage(kind, str(i), raw, len(raw) // width)
        storages.append(storage)
        state[name] = _Tensor(storage, shape)
    state.update(extra or {})
    out = io.BytesIO()
    _Pickler(out, protocol=2).dump(state)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr("archive/data.pkl", out.getvalue())
        for storage in storages:
            archive.writestr("archive/data/" + storage.key, storage.raw)
        archive.writestr("archive/version", "3\n")


def shared_or_skip(*parts):
    path = SHARED.joinpath(*parts)
    if not path.exists():
        raise unittest.SkipTest(f"{path} is absent (TIMBANG_SHARED)")
    return path
