"""info, init and quantize: what they write, that it is reproducible, and how they treat folders that exist."""
import json
import struct
import unittest

from common import LABELS, TEXTS, CliTest, read_safetensors, run, write_config, write_safetensors, write_torch_zip

SCHEMES = ["fp32", "fp16", "bf16", "int8", "int4", "int4-g64", "int4-e4", "int8-pertensor", "int4-pertensor"]


class Init(CliTest):
    def test_folder(self):
        folder = self.model(sidecar=True)
        self.assertEqual(self.listing(folder), ["config.json", "model.safetensors", "timbang.json",
                                                "tokenizer_config.json", "vocab.txt"])
        header, tensors = read_safetensors(folder / "model.safetensors")
        self.assertTrue(all(t["dtype"] == "F32" for t in header.values()))
        self.assertEqual(header["bert.embeddings.word_embeddings.weight"]["shape"][1], 64)
        self.assertEqual(header["classifier.weight"]["shape"], [3, 64])
        self.assertEqual(set(struct.unpack("<64f", tensors["bert.embeddings.LayerNorm.weight"][2])), {1.0})
        self.assertEqual(set(struct.unpack("<64f", tensors["bert.encoder.layer.1.output.dense.bias"][2])), {0.0})
        raw = tensors["bert.encoder.layer.0.intermediate.dense.weight"][2]
        values = struct.unpack(f"<{len(raw) // 4}f", raw)
        mean = sum(values) / len(values)
        sd = (sum((v - mean) ** 2 for v in values) / len(values)) ** 0.5
        self.assertAlmostEqual(mean, 0, delta=0.01)
        self.assertAlmostEqual(sd, 0.2, delta=0.01)
        written = json.loads((folder / "config.json").read_text())
        self.assertEqual([written["id2label"][str(i)] for i in range(3)], LABELS)

    def test_seed_decides(self):
        a, b, c = (self.model(name, seed) for name, seed in (("a", 1), ("b", 1), ("c", 2)))
        weights = [(m / "model.safetensors").read_bytes() for m in (a, b, c)]
        self.assertEqual(weights[0], weights[1])
        self.assertNotEqual(weights[0], weights[2])
        self.ok("init", self.dir / "a-config", "-o", self.dir / "d", "--seed", 1, "--threads", 3)
        self.assertEqual((self.dir / "d" / "model.safetensors").read_bytes(), weights[0])

    def test_config_file_or_folder(self):
        folder = write_config(self.dir / "c")
        self.ok("init", folder / "config.json", "-o", self.dir / "a")
        self.ok("init", folder, "-o", self.dir / "b")
        self.assertEqual((self.dir / "a" / "model.safetensors").read_bytes(),
                         (self.dir / "b" / "model.safetensors").read_bytes())
        self.assertTrue((self.dir / "a" / "vocab.txt").is_file())

    def test_base_model_has_no_head(self):
        folder = self.model("base", id2label=None, label2id=None, architectures=["BertModel"])
        header, _ = read_safetensors(folder / "model.safetensors")
        self.assertIn("embeddings.word_embeddings.weight", header)
        self.assertFalse([name for name in header if "classifier" in name])
        self.assertIs(self.json("info", folder, "--json")["untrained_head"], True)

    def test_existing_folders(self):
        folder = self.model(sidecar=True)
        with self.leaves_nothing():
            self.fails("init", self.dir / "model-config", "-o", folder, has="model")
        self.ok("init", self.dir / "model-config", "-o", folder, "--force", "--seed", 5)
        other = self.write("other/precious.txt", "x")
        with self.leaves_nothing():
            self.fails("init", self.dir / "model-config", "-o", other.parent, has="other")

    def test_mistakes(self):
        with self.leaves_nothing():
            self.fails("init", self.dir / "none", "-o", self.dir / "x", has="none")
        for name, changes, has in [("a", {"hidden_size": 63}, "63"), ("b", {"model_type": "roberta"}, "roberta"),
                                   ("c", {"hidden_act": "silu"}, "silu"), ("d", {"num_hidden_layers": 0}, "layers"),
                                   ("e", {"vocab_size": 10 ** 15}, "vocab_size"),
                                   ("f", {"initializer_range": -1}, "initializer_range")]:
            folder = write_config(self.dir / name, **changes)
            with self.leaves_nothing():
                self.fails("init", folder, "-o", self.dir / "x", has=[has, "config.json"])
        self.write("g/config.json", "{\"model_type\": ")
        self.fails("init", self.dir / "g", "-o", self.dir / "x", has="config.json")


class Info(CliTest):
    def test_folder(self):
        folder = self.model()
        got = self.json("info", folder, "--json")
        header, tensors = read_safetensors(folder / "model.safetensors")
        self.assertEqual({t["name"]: (t["dtype"], t["shape"], t["bytes"]) for t in got["tensors"]},
                         {n: (d, s, len(raw)) for n, (d, s, raw) in tensors.items()})
        self.assertEqual(got["scheme"], "fp32")
        self.assertEqual(got["labels"], LABELS)
        self.assertEqual(got["container"], "safetensors")
        self.assertEqual(got["bytes"]["total"], (folder / "model.safetensors").stat().st_size)
        self.assertEqual(sum(got["bytes"][p] for p in ("embeddings", "encoder", "head", "other")), got["bytes"]["total"])
        self.assertEqual(got["parameters"] * 4, sum(len(raw) for _, _, raw in tensors.values()))
        self.assertEqual(got["config"]["hidden_size"], 64)
        self.assertEqual(got["skipped"], {"observers": 0, "other": 0})
        text = self.ok("info", folder).stdout
        for part in ("fp32", "positive, neutral, negative", "classifier.weight"):
            self.assertIn(part, text)

    def test_file_alone(self):
        got = self.json("info", self.model() / "model.safetensors", "--json")
        self.assertEqual((got["scheme"], got["labels"]), ("fp32", []))
        self.assertEqual(len(got["tensors"]), 41)

    def test_torch_checkpoint_and_skipped_keys(self):
        _, tensors = read_safetensors(self.model() / "model.safetensors")
        tensors["bert.encoder.layer.0.attention.self.query.weight_fake_quant.scale"] = ("F32", [1], b"\0\0\x80?")
        tensors["cls.predictions.bias"] = ("F32", [1], b"\0" * 4)
        path = self.dir / "pytorch_model.bin"
        write_torch_zip(path, tensors)
        got = self.json("info", path, "--json")
        self.assertEqual(got["container"], "torch-zip")
        self.assertEqual(got["skipped"], {"observers": 1, "other": 1})

    def test_quantized_parameters_and_bytes(self):
        folder = self.model()
        want = self.json("info", folder, "--json")["parameters"]
        for scheme in SCHEMES:
            out = self.dir / scheme
            self.ok("quantize", folder, "--to", scheme, "-o", out)
            got = self.json("info", out, "--json")
            self.assertEqual((got["scheme"], got["parameters"]), (scheme, want), scheme)

    def test_without_a_name_it_is_the_embedded_model(self):
        done = run("info")
        if done.returncode == 0:
            self.assertIn("(embedded)", done.stdout)
        else: # a build without one
            self.assertEqual(done.returncode, 2)
            self.assertIn("no embedded model", done.stderr)


class Quantize(CliTest):
    def test_every_scheme_predicts(self):
        folder = self.model()
        want = self.json("predict", "--model", folder, "--json", *TEXTS)
        for scheme in SCHEMES:
            out = self.dir / scheme
            done = self.ok("quantize", folder, "--to", scheme, "-o", out)
            self.assertIn(scheme, done.stdout)
            got = self.json("predict", "--model", out, "--json", *TEXTS)
            self.assertEqual([list(r["probs"]) for r in got], [LABELS] * len(TEXTS))
            worst = max(abs(a - b) for r, w in zip(got, want) for a, b in zip(r["logits"], w["logits"]))
            self.assertLess(worst, 1e-6 if scheme == "fp32" else 2.5, scheme)
            if scheme != "fp32":
                self.assertGreater(worst, 0, scheme)
            for name in ("config.json", "model.safetensors", "timbang.json", "vocab.txt", "tokenizer_config.json"):
                self.assertTrue((out / name).is_file(), name)

    def test_same_bytes_every_time(self):
        folder = self.model()
        self.ok("quantize", folder, "--to", "int4", "-o", self.dir / "a", "--threads", "1", env={"TIMBANG_CPU": "scalar"})
        self.ok("quantize", folder, "--to", "int4", "-o", self.dir / "b", "--threads", "3")
        for name in self.listing(self.dir / "a"):
            self.assertEqual((self.dir / "a" / name).read_bytes(), (self.dir / "b" / name).read_bytes(), name)

    def test_options(self):
        folder = self.model()
        self.ok("quantize", folder, "--to", "int4", "--group", "64", "--embeddings", "int4", "-o", self.dir / "a")
        self.assertEqual(self.json("info", self.dir / "a", "--json")["scheme"], "int4-g64-e4")
        made = self.json("quantize", "--model", folder, "--to", "int8", "--embeddings", "keep", "-o", self.dir / "b", "--json")
        self.assertIn("F32", made["dtypes"]["embeddings"])
        with self.leaves_nothing():
            self.fails("quantize", folder, "--to", "int5", "-o", self.dir / "x", has=["int5", "int8"])
            self.fails("quantize", folder, "--to", "int8", "--group", "64", "-o", self.dir / "x", has="group")
            self.fails("quantize", self.dir / "b", "--to", "int4", "-o", self.dir / "x", has="quantized already")

    def test_bare_state_dict(self):
        folder = self.model()
        want = self.json("predict", "--model", folder, "--json", TEXTS[0])
        _, tensors = read_safetensors(folder / "model.safetensors")
        tensors["bert.pooler.dense.activation_post_process.min_val"] = ("F32", [1], b"\0" * 4)
        write_torch_zip(self.dir / "qat.pt", tensors)
        write_config(self.dir / "conf")
        for option in ("--config", "--config-dir"):
            got = self.json("predict", "--weights", self.dir / "qat.pt", option, self.dir / "conf", "--json", TEXTS[0])
            self.assertEqual(got["logits"], want["logits"])
        self.assertIn("1 fake-quant observer", self.ok("predict", "--weights", self.dir / "qat.pt", "--config",
                                                       self.dir / "conf", "x").stderr)
        self.ok("quantize", "--weights", self.dir / "qat.pt", "--config", self.dir / "conf", "--to", "int8", "-o", self.dir / "q")
        self.ok("quantize", folder, "--to", "int8", "-o", self.dir / "r")
        self.assertEqual((self.dir / "q" / "model.safetensors").read_bytes(), (self.dir / "r" / "model.safetensors").read_bytes())
        other = self.model("other", sidecar=True) # whose sidecar says that its own head was never trained
        made = self.json("quantize", "--weights", self.dir / "qat.pt", "--config", other, "--to", "int8", "-o",
                         self.dir / "s", "--json")
        self.assertIs(made["sidecar"]["untrained_head"], False)
        self.assertIsNone(made["sidecar"]["seed"])
        self.fails("predict", "--config", self.dir / "conf", "x", has="--weights")
        self.fails("predict", "--weights", self.dir / "none.pt", "--config", self.dir / "conf", "x", has="none.pt")
        self.fails("predict", "--model", self.dir / "qat.pt", "x", has=["qat.pt", "--weights"])

    def test_names_of_the_file_are_not_replaced_in_silence(self):
        folder = self.model()
        done = self.ok("quantize", folder, "--to", "int8", "--model-labels", "a,neutral,negative", "-o", self.dir / "q")
        self.assertIn("calls label 0 'positive'; it is called 'a' now", done.stderr)
        done = self.ok("predict", "--model", folder, "--labels", "positive,neutral,b", "x")
        self.assertIn("calls label 2 'negative'; it is called 'b' now", done.stderr)
        done = self.ok("predict", "--model", folder, "--labels", "positive,neutral,negative", "x")
        self.assertEqual(done.stderr, "")

    def test_a_scheme_of_another_tool_is_named(self):
        self.ok("quantize", self.model(), "--to", "int8", "-o", self.dir / "q")
        self.assertEqual(self.ok("predict", "--model", self.dir / "q", "x").stderr, "")
        path = self.dir / "q" / "config.json"
        changed = json.loads(path.read_text())
        for group in changed["quantization_config"]["config_groups"].values():
            group["input_activations"] = None
        path.write_text(json.dumps(changed))
        self.assertIn("14 matrices are in a scheme of another tool (foreign int8)",
                      self.ok("predict", "--model", self.dir / "q", "x").stderr)

    def test_headless_model(self):
        base = self.model("base", id2label=None, label2id=None, architectures=["BertModel"])
        self.fails("quantize", base, "--to", "int8", "-o", self.dir / "x", has="--labels")
        made = self.json("quantize", base, "--to", "int8", "--labels", "a,b", "-o", self.dir / "q", "--json")
        self.assertIs(made["untrained_head"], True)
        self.assertEqual(made["labels"], ["a", "b"])
        want = self.json("predict", "--model", base, "--labels", "a,b", "--json", TEXTS[0])
        got = self.json("predict", "--model", self.dir / "q", "--json", TEXTS[0])
        self.assertLess(max(abs(a - b) for a, b in zip(got["logits"], want["logits"])), 0.5)

    def test_half_precision_source(self):
        folder = self.model()
        _, tensors = read_safetensors(folder / "model.safetensors")
        half = {n: ("F16", s, struct.pack(f"<{len(raw) // 4}e", *struct.unpack(f"<{len(raw) // 4}f", raw)))
                for n, (_, s, raw) in tensors.items()}
        other = write_config(self.dir / "half")
        write_safetensors(other / "model.safetensors", half)
        self.assertEqual(self.json("info", other, "--json")["scheme"], "fp16")
        self.ok("quantize", folder, "--to", "fp16", "-o", self.dir / "q")
        self.assertEqual(self.json("predict", "--model", other, "--json", *TEXTS),
                         self.json("predict", "--model", self.dir / "q", "--json", *TEXTS))

    def test_existing_folders(self):
        folder = self.model()
        out = self.dir / "q"
        self.ok("quantize", folder, "--to", "int8", "-o", out)
        with self.leaves_nothing():
            self.fails("quantize", folder, "--to", "int8", "-o", out, has=["q", "--force"])
        self.ok("quantize", folder, "--to", "int4", "-o", out, "--force")
        self.assertEqual(self.json("info", out, "--json")["scheme"], "int4")
        file = self.write("file", "x")
        with self.leaves_nothing():
            self.fails("quantize", folder, "--to", "int8", "-o", file, has="file")


if __name__ == "__main__":
    unittest.main()
