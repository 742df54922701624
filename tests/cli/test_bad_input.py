"""Bad input of every kind: exit 2, one sentence that names the file and the place, nothing left behind."""
import json
import os
import pathlib
import shutil
import struct
import subprocess
import unittest

from common import LABELS, CliTest, config, read_safetensors, run, write_config, write_safetensors, write_torch_zip

QUERY = "bert.encoder.layer.1.attention.self.query.weight"


def header_of(path):
    raw = pathlib.Path(path).read_bytes()
    size = struct.unpack("<Q", raw[:8])[0]
    return json.loads(raw[8:8 + size]), raw[8 + size:]


def file_of(text, data=b"", size=None):
    text = text if isinstance(text, bytes) else text.encode()
    return struct.pack("<Q", len(text) if size is None else size) + text + data


class Weights(CliTest):
    """A whole model in which only the file of weights is wrong."""

    def setUp(self):
        super().setUp()
        self.good = self.model("good")
        self.bad = self.dir / "bad"
        shutil.copytree(self.good, self.bad)
        self.weights = self.bad / "model.safetensors"
        self.header, self.bytes = header_of(self.weights)
        self.header.pop("__metadata__", None)

    def refused(self, has, name="model.safetensors"):
        """Every verb that reads a model refuses it alike, and leaves nothing."""
        with self.leaves_nothing():
            self.fails("predict", "--model", self.bad, "x", has=[name, *([has] if isinstance(has, str) else has)])
            self.fails("quantize", self.bad, "--to", "int8", "-o", self.dir / "out", has=name)

    def put(self, header, data=None, **changes):
        self.weights.write_bytes(file_of(json.dumps(header), self.bytes if data is None else data, **changes))

    def test_missing(self):
        self.weights.unlink()
        self.refused("pytorch_model.bin")

    def test_cut_short(self):
        raw = self.weights.read_bytes()
        for length in (0, 7, 8, 100, len(raw) // 2, len(raw) - 1):
            self.weights.write_bytes(raw[:length])
            self.refused([])

    def test_longer(self):
        self.weights.write_bytes(self.weights.read_bytes() + b"x")
        self.refused([])

    def test_header(self):
        for raw in (file_of("{}", size=2 ** 63), file_of("{}", size=100_000_001), file_of("{}", size=3),
                    file_of("[]"), file_of(" {}"), file_of("{"), file_of(b"{\"\xff\": 1}"), file_of("{\"a\": 1}"),
                    file_of('{"a": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}, '
                            '"a": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}}', b"\0" * 4)):
            self.weights.write_bytes(raw)
            self.refused([])

    def test_entries(self):
        name = "classifier.bias"
        begin, end = self.header[name]["data_offsets"]
        for change in ({"dtype": "F31"}, {"shape": [4]}, {"shape": [-3]}, {"shape": [2 ** 40, 2 ** 40]}, {"shape": [1] * 99},
                       {"shape": "3"}, {"data_offsets": [end, begin]}, {"data_offsets": [begin, end + 4]},
                       {"data_offsets": [begin + 4, end + 4]}, {"data_offsets": [0, end - begin]},
                       {"data_offsets": [begin]}, {"data_offsets": [begin, 2 ** 64 - 1]}):
            header = json.loads(json.dumps(self.header))
            header[name].update(change)
            self.put(header)
            self.refused([])

    def test_gap_at_the_start(self):
        header = {n: {**t, "data_offsets": [o + 4 for o in t["data_offsets"]]} for n, t in self.header.items()}
        self.put(header, b"\0" * 4 + self.bytes)
        self.refused([])

    def test_missing_tensor(self):
        _, tensors = read_safetensors(self.weights)
        del tensors[QUERY]
        write_safetensors(self.weights, tensors)
        self.refused("encoder.layer.1.attention.self.query.weight")

    def test_shape_at_odds_with_the_config(self):
        _, tensors = read_safetensors(self.weights)
        dtype, shape, raw = tensors[QUERY]
        tensors[QUERY] = (dtype, [shape[0] // 2, shape[1] * 2], raw)
        write_safetensors(self.weights, tensors)
        self.refused(["encoder.layer.1.attention.self.query.weight", "[32, 128]", "[64, 64]"])
        tensors[QUERY] = (dtype, shape, raw)
        write_safetensors(self.weights, tensors)
        (self.bad / "config.json").write_text(json.dumps(config(intermediate_size=256)))
        self.refused(["intermediate.dense", "128", "256"])

    def test_nan_and_infinity_name_the_tensor(self):
        _, tensors = read_safetensors(self.weights)
        dtype, shape, raw = tensors[QUERY]
        for value in (float("nan"), float("inf"), float("-inf")):
            tensors[QUERY] = (dtype, shape, raw[:400] + struct.pack("<f", value) + raw[404:])
            write_safetensors(self.weights, tensors)
            self.refused(["encoder.layer.1.attention.self.query.weight[1, 36]"])

    def test_lora_and_packed_checkpoints(self):
        _, tensors = read_safetensors(self.weights)
        write_safetensors(self.weights, {**tensors, "base.lora_A.weight": ("F32", [1], b"\0" * 4)})
        self.refused("LoRA")
        self.weights.unlink()
        (self.bad / "adapter_config.json").write_text("{}")
        write_safetensors(self.bad / "adapter_model.safetensors", {"x": ("F32", [1], b"\0" * 4)})
        self.refused("LoRA", name="bad")

    def test_torch_checkpoints(self):
        _, tensors = read_safetensors(self.weights)
        self.weights.unlink()
        path = self.bad / "pytorch_model.bin"
        write_torch_zip(path, tensors)
        self.ok("predict", "--model", self.bad, "x")
        raw = path.read_bytes()
        for length in (0, 4, 100, len(raw) // 2, len(raw) - 10):
            path.write_bytes(raw[:length])
            self.refused([], name="pytorch_model.bin")
        path.write_bytes(b"\x80\x02cposix\nsystem\nX\x04\x00\x00\x00true\x85R.")
        self.refused([], name="pytorch_model.bin")

    def test_hostile_pickle_is_refused_and_not_run(self):
        marker = self.dir / "run"
        _, tensors = read_safetensors(self.weights)
        self.weights.unlink()

        class Evil:
            def __reduce__(self):
                return os.system, (f"touch {marker}",)
        write_torch_zip(self.bad / "pytorch_model.bin", tensors, {"evil": Evil()})
        self.refused("system", name="pytorch_model.bin")
        self.assertFalse(marker.exists())

    def test_shards(self):
        _, tensors = read_safetensors(self.weights)
        names = sorted(tensors)
        self.weights.unlink()
        parts = {"model-00001-of-00002.safetensors": names[:20], "model-00002-of-00002.safetensors": names[20:]}
        for part, members in parts.items():
            write_safetensors(self.bad / part, {n: tensors[n] for n in members})
        index = {"metadata": {}, "weight_map": {n: part for part, members in parts.items() for n in members}}
        path = self.bad / "model.safetensors.index.json"
        path.write_text(json.dumps(index))
        self.ok("predict", "--model", self.bad, "x")
        index["weight_map"][names[0]] = "../good/model.safetensors"
        path.write_text(json.dumps(index))
        self.refused([], name="model.safetensors.index.json")
        index["weight_map"][names[0]] = "model-00001-of-00002.safetensors"
        path.write_text(json.dumps(index))
        (self.bad / "model-00002-of-00002.safetensors").unlink()
        self.refused([], name="model-00002-of-00002.safetensors")


class Configs(CliTest):
    def test_foreign_and_broken(self):
        good = self.model("good")
        for changes, has in [({"model_type": "roberta"}, "roberta"), ({"problem_type": "multi_label_classification"}, "multi_label"),
                             ({"position_embedding_type": "relative_key"}, "relative_key"),
                             ({"hidden_act": "swish"}, "swish"), ({"num_attention_heads": 5}, "5"),
                             ({"hidden_size": "64"}, "hidden_size"), ({"layer_norm_eps": 0}, "layer_norm_eps"),
                             ({"id2label": {"0": "a", "2": "b"}}, "id2label"),
                             ({"vocab_size": 9}, "9")]:
            shutil.copytree(good, self.dir / "bad")
            (self.dir / "bad" / "config.json").write_text(json.dumps(config(**changes)))
            with self.leaves_nothing():
                self.fails("predict", "--model", self.dir / "bad", str(changes), has=["bad", has])
            shutil.rmtree(self.dir / "bad")

    def test_fewer_layers_than_the_weights_have(self):
        good = self.model("good")
        (good / "config.json").write_text(json.dumps(config(num_hidden_layers=1)))
        with self.leaves_nothing():
            self.fails("predict", "--model", good, "x", has=["model.safetensors", "encoder.layer.1.", "num_hidden_layers 1"])
            self.fails("quantize", good, "--to", "int8", "-o", self.dir / "q", has="num_hidden_layers 1")

    def test_not_json(self):
        good = self.model("good")
        for text in ("", "{", "[]", "{\"model_type\": \"bert\",}", b"\xff\xfe"):
            self.write("good/config.json", text)
            self.fails("predict", "--model", good, "x", has="config.json")

    def test_missing_parts(self):
        good = self.model("good")
        (good / "vocab.txt").rename(good / "v")
        self.fails("predict", "--model", good, "x", has="vocab.txt")
        (good / "v").rename(good / "vocab.txt")
        (good / "config.json").unlink()
        self.fails("predict", "--model", good, "x", has="config.json")
        self.fails("predict", "--model", self.dir / "none", "x", has="none")

    def test_vocabulary_of_another_model(self):
        good = self.model("good")
        with open(good / "vocab.txt", "a", encoding="utf-8") as file:
            file.write("baru\n")
        self.fails("predict", "--model", good, "x", has=["vocab"])


class Data(CliTest):
    def setUp(self):
        super().setUp()
        self.tiny = self.model()

    def refused(self, path, *has, args=()):
        with self.leaves_nothing():
            self.fails("eval", "--model", self.tiny, "--data", path, *args, has=[os.path.basename(path), *has])
            self.fails("study", "--model", self.tiny, "--data", path, *args, "-o", self.dir / "out", "--threads", "1",
                       has=list(has))

    def test_missing_and_empty(self):
        self.refused(self.dir / "none.tsv")
        for text in ("", "\n\n", "\ufeff"):
            self.refused(self.write("empty.tsv", text))

    def test_labels(self):
        self.refused(self.write("a.tsv", "bagus\tpositive\njelek\tnetral\n"), "row 2", "'netral'")
        self.refused(self.write("b.tsv", "bagus\tpositive\njelek\t\n"), "2")
        self.refused(self.write("c.tsv", "bagus\tpositive\njelek\n"), "2")
        self.refused(self.write("d.tsv", "bagus sekali\t0\njelek\t1\nbiasa\t0\nkasar\t7\n"), "row 4", "'7'")

    def test_invalid_utf8_names_the_row(self):
        self.refused(self.write("a.tsv", b"bagus\tpositive\njel\xffek\tnegative\n"), "2")

    def test_broken_tables(self):
        self.refused(self.write("a.csv", 'text,label\n"bagus,positive\n'), "2")
        self.refused(self.write("b.jsonl", '{"text": "a", "label": "positive"}\n{"text": \n'), "2")
        self.refused(self.write("c.jsonl", '{"text": "a", "label": "positive"}\n{"label": "negative"}\n'), "2")
        self.refused(self.write("d.tsv", "bagus\tpositive\n"), "teks", args=["--text-column", "teks"])
        self.refused(self.write("e.tsv", "bagus\tpositive\n"), "9", args=["--label-column", "9"])

    def test_a_folder_is_no_data(self):
        self.refused(self.tiny)


class Places(CliTest):
    """Where results cannot be written."""

    @unittest.skipIf(os.geteuid() == 0, "root may write everywhere")
    def test_unwritable_folder(self):
        tiny, data = self.model(), self.data()
        locked = self.dir / "locked"
        locked.mkdir(mode=0o500)
        for args in (["quantize", tiny, "--to", "int8"], ["init", self.dir / "model-config"],
                     ["study", "--model", tiny, "--data", data, "--variants", "fp32,int8"]):
            self.fails(*args, "-o", locked / "out", has="locked")
        self.assertEqual(self.listing(locked), [])

    def test_parent_is_a_file(self):
        tiny, data, file = self.model(), self.data(), self.write("file", "x")
        with self.leaves_nothing():
            for args in (["quantize", tiny, "--to", "int8"], ["init", self.dir / "model-config"],
                         ["study", "--model", tiny, "--data", data, "--variants", "fp32,int8"]):
                self.fails(*args, "-o", file / "out", has="file")

    def test_full_disk(self):
        """A small file system where mounting is allowed, else a limit on file sizes."""
        tiny, data = self.model(hidden_size=256, intermediate_size=512), self.data()
        disk = self.dir / "disk"
        disk.mkdir()
        mounted = os.geteuid() == 0 and subprocess.run(
            ["mount", "-t", "tmpfs", "-o", "size=600k", "tmpfs", str(disk)], capture_output=True, check=False).returncode == 0
        if not mounted:
            self.skipTest("a small file system cannot be mounted here")
        try:
            for args in (["quantize", tiny, "--to", "int8"], ["init", self.dir / "model-config"],
                         ["study", "--model", tiny, "--data", data, "--variants", "fp32,fp16"]):
                done = self.fails(*args, "-o", disk / "out", has="No space left on device")
                self.assertIn("disk", done.stderr)
                self.assertFalse((disk / "out").exists())
                shutil.rmtree(disk / "out.partial", ignore_errors=True) # of a study: what it has finished
                self.assertEqual(self.listing(disk), [])
            big = self.data("big.tsv", [("x" * 400, LABELS[i % 3]) for i in range(2000)]) # long texts of one token
            self.fails("predict", "--model", tiny, "--data", big, "-o", disk / "out.json", has="No space left on device")
            self.assertEqual(self.listing(disk), [])
        finally:
            subprocess.run(["umount", str(disk)], check=False)

    @unittest.skipUnless(os.path.exists("/dev/full"), "no /dev/full here")
    def test_full_standard_output(self):
        tiny = self.model()
        for args in (["predict", "--model", tiny, "x"], ["tokenize", "--model", tiny, "x", "--json"],
                     ["info", tiny], ["eval", tiny, "--data", self.data()]):
            with open("/dev/full", "w", encoding="utf-8") as full:
                done = run(*args, stdout=full)
            self.assertEqual(done.returncode, 2, args)
            self.assertIn("No space left on device", done.stderr)


if __name__ == "__main__":
    unittest.main()
