"""train on tiny models: learning, the same bits, QAT that needs no conversion, kill and resume, seeds, bad input."""
import hashlib
import json
import random
import resource
import signal
import struct
import subprocess
import time
import unittest

from common import LABELS, PROGRAM, CliTest, read_safetensors, run, write_safetensors

TELLING = {"positive": ["bagus", "mantap", "puas"], "neutral": ["biasa", "cukup", "saja"],
           "negative": ["jelek", "kecewa", "kasar"]}
FILLER = "film makanan pelayanan harga yang ini itu saya kami dan".split()
FAST = ["--learning-rate", "3e-3", "--epochs", "6", "--batch", "8"]


def texts(n, seed, labels=LABELS):
    """(text, label): two words that tell the label among others that do not."""
    draw = random.Random(seed)
    rows = []
    for i in range(n):
        label = labels[i % len(labels)]
        words = [draw.choice(TELLING[label]) for _ in range(2)] + [draw.choice(FILLER) for _ in range(draw.randrange(1, 6))]
        draw.shuffle(words)
        rows.append((f"{' '.join(words)} {draw.choice('abcdefgh')}{draw.choice('ijklmn')}", label))
    return rows


def files(folder, but=("run.json",)):
    """{path below the folder: bytes}"""
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*"))
            if p.is_file() and p.name not in but}


class Train(CliTest):
    def setUp(self):
        super().setUp()
        self.train_rows, self.valid_rows = texts(160, 1), texts(60, 2)
        self.train = self.data("train.tsv", self.train_rows)
        self.valid = self.data("valid.tsv", self.valid_rows)
        self.base = self.model("base", id2label=None, label2id=None, architectures=["BertModel"])

    def args(self, *more, model=None, out="out"):
        return ["train", model or self.base, "--data", self.train, "--valid", self.valid, "-o", self.dir / out, *more]

    def fit(self, *more, model=None, out="out", threads=1):
        done = self.ok(*self.args(*FAST, *more, model=model, out=out), "--threads", threads, "--json")
        return json.loads(done.stdout)

    def log(self, out="out"):
        return [json.loads(line) for line in (self.dir / out / "log.jsonl").read_text().splitlines()]

    def same(self, a, b, but=("run.json",)):
        a, b = files(self.dir / a, but), files(self.dir / b, but)
        self.assertEqual(sorted(a), sorted(b))
        for name in a:
            self.assertTrue(a[name] == b[name], f"{name} differs")


class Learning(Train):
    def test_a_toy_task_is_learnt(self):
        got = self.fit()
        out = self.dir / "out"
        self.assertEqual(sorted(p.name for p in out.iterdir()),
                         ["config.json", "log.jsonl", "model.safetensors", "report.html", "run.json", "timbang.json",
                          "tokenizer_config.json", "vocab.txt"])
        self.assertFalse((self.dir / "out.partial").exists())
        steps = [line for line in self.log() if "loss" in line]
        evaluations = [line for line in self.log() if "valid_loss" in line]
        self.assertEqual([line["step"] for line in steps], list(range(1, 121)))
        self.assertEqual([line["step"] for line in evaluations], [20, 40, 60, 80, 100, 120])
        self.assertEqual([line["epoch"] for line in evaluations], [1, 2, 3, 4, 5, 6])
        self.assertEqual(set(steps[0]), {"step", "epoch", "loss", "learning_rate", "gradient_norm"})
        self.assertLess(sum(line["loss"] for line in steps[-20:]), 0.2 * sum(line["loss"] for line in steps[:20]))
        self.assertEqual(steps[0]["learning_rate"], 0)  # warm-up
        self.assertEqual(max(line["learning_rate"] for line in steps), 3e-3)
        self.assertGreater(got["seeds"][0]["best"]["macro_f1"], 0.95)
        self.assertEqual((got["role"], got["scheme"]), ("fine-tuned", "fp32"))
        # What was measured while it was trained is what the saved model gives.
        again = self.json("eval", "--model", out, "--data", self.valid, "--max-length", "64", "--json")
        best = got["seeds"][0]["best"]
        self.assertEqual((again["macro_f1"], again["accuracy"], again["nll"]),
                         (best["macro_f1"], best["accuracy"], best["loss"]))
        self.assertEqual(again["labels"], sorted(LABELS))  # of the data
        self.assertFalse(again["untrained_head"])
        # Best: the first of the largest.
        largest = max(line["macro_f1"] for line in evaluations)
        self.assertEqual(best["step"], next(line["step"] for line in evaluations if line["macro_f1"] == largest))
        seen = -1
        for line in evaluations:
            self.assertEqual(line["best"], line["macro_f1"] > seen)
            seen = max(seen, line["macro_f1"])

    def test_the_best_checkpoint_is_what_is_saved(self):
        # A rate that ruins the model after the warm-up's first steps.
        self.ok(*self.args("--learning-rate", "0.3", "--epochs", "4", "--batch", "16", "--warmup", "1",
                           "--evaluate-every", "3", "--threads", "1"))
        evaluations = [line for line in self.log() if "valid_loss" in line]
        best = json.loads((self.dir / "out" / "run.json").read_text())["best"]
        self.assertLess(best["step"], evaluations[-1]["step"])
        again = self.json("eval", "--model", self.dir / "out", "--data", self.valid, "--max-length", "64", "--json")
        self.assertEqual((again["macro_f1"], again["nll"]), (best["macro_f1"], best["loss"]))
        self.assertNotEqual(best["loss"], evaluations[-1]["valid_loss"])

    def test_records(self):
        self.fit("--dropout", "0.2", "--seed", "7")
        sidecar = json.loads((self.dir / "out" / "timbang.json").read_text())
        run = json.loads((self.dir / "out" / "run.json").read_text())
        parent = hashlib.sha256((self.base / "model.safetensors").read_bytes()).hexdigest()
        self.assertEqual((sidecar["role"], sidecar["seed"], sidecar["parent_sha256"], sidecar["untrained_head"]),
                         ("fine-tuned", 7, parent, False))
        recipe = sidecar["recipe"]
        self.assertEqual((recipe["learning_rate"], recipe["epochs"], recipe["batch"], recipe["dropout"]["hidden"]),
                         (3e-3, 6, 8, 0.2))
        self.assertEqual(recipe["labels"], sorted(LABELS))
        self.assertEqual(run["recipe_hash"], sidecar["recipe_hash"])
        self.assertIn("timbang train", run["command"])
        for key in ("cpu", "level", "threads"):
            self.assertIn(key, run["host"])
        for key in ("started", "finished", "seconds", "texts_per_s", "resumed"):
            self.assertIn(key, run["time"])
        info = self.json("info", self.dir / "out", "--json")
        self.assertEqual((info["scheme"], info["labels"]), ("fp32", sorted(LABELS)))

    def test_report_is_drawn_from_log_and_run_alone(self):
        self.fit()
        page = (self.dir / "out" / "report.html").read_text()
        self.assertEqual(page[:15].lower(), "<!doctype html>")
        self.assertEqual(page.count("<svg"), 4)
        self.assertNotIn("http://", page.replace("http://www.w3.org/2000/svg", ""))
        self.assertNotIn(str(self.dir / "out"), page)
        (self.dir / "drawn").mkdir()
        for name in ("log.jsonl", "run.json"):
            (self.dir / "drawn" / name).write_bytes((self.dir / "out" / name).read_bytes())
        self.assertIn("report.html", self.ok("report", self.dir / "drawn").stdout)
        self.assertEqual((self.dir / "drawn" / "report.html").read_text(), page)
        self.ok("report", self.dir / "drawn", "--lang", "id")
        self.assertIn('<html lang="id">', (self.dir / "drawn" / "report.html").read_text())
        log = (self.dir / "drawn" / "log.jsonl").read_text()
        (self.dir / "drawn" / "log.jsonl").write_text(log + "{\"step\": 1, \"epoch\": 1}\n")
        self.fails("report", self.dir / "drawn", has=["log.jsonl, line 127", "neither"])

    def test_anonymous(self):
        self.fit("--anonymous")
        for path in ("run.json", "report.html", "timbang.json", "log.jsonl"):
            self.assertNotIn(str(self.dir), (self.dir / "out" / path).read_text(), path)
        self.assertNotIn("cpu", json.loads((self.dir / "out" / "run.json").read_text())["host"])

    def test_a_trained_model_keeps_its_labels(self):
        tiny = self.model("tiny")
        got = self.fit(model=tiny)
        self.assertGreater(got["seeds"][0]["best"]["macro_f1"], 0.8)
        self.assertEqual(self.json("info", self.dir / "out", "--json")["labels"], LABELS)
        self.fit("--labels", "negative,positive,neutral", out="named")
        self.assertEqual(self.json("info", self.dir / "named", "--json")["labels"], ["negative", "positive", "neutral"])

    def test_frozen_parts_keep_their_values(self):
        tiny = self.model("tiny")
        self.fit("--freeze", "1", model=tiny)
        before = read_safetensors(tiny / "model.safetensors")[1]
        after = read_safetensors(self.dir / "out" / "model.safetensors")[1]
        self.assertEqual(sorted(before), sorted(after))
        for name in before:
            frozen = ".embeddings." in name or ".layer.0." in name
            self.assertEqual(before[name] == after[name], frozen, name)

    def test_other_recipes_learn_too(self):
        soft = ["--label-smoothing", "0.1", "--class-weights", "balanced", "--layer-decay", "0.9", "--schedule",
                "cosine", "--accumulate", "2", "--batch", "8", "--group-by-length", "--weight-decay", "0.05"]
        done = self.ok(*self.args("--learning-rate", "3e-3", "--epochs", "8", *soft, "--json"))
        self.assertGreater(json.loads(done.stdout)["seeds"][0]["best"]["macro_f1"], 0.9)
        recipe = json.loads((self.dir / "out" / "timbang.json").read_text())["recipe"]
        self.assertEqual((recipe["schedule"], recipe["accumulate"], recipe["label_smoothing"]), ("cosine", 2, 0.1))
        self.assertEqual(len(recipe["class_weights"]), 3)

    def test_accumulation_is_one_large_batch(self):
        self.fit(out="whole")
        parts = ["--learning-rate", "3e-3", "--epochs", "6", "--batch", "2", "--accumulate", "4"]
        self.ok(*self.args(*parts, out="parts"), "--threads", "2")
        self.assertEqual((self.dir / "whole" / "model.safetensors").read_bytes(),
                         (self.dir / "parts" / "model.safetensors").read_bytes())

    def test_pairs_clean_up_limits_and_bf16(self):
        rows = "".join(f"{t.upper()}\tyang itu http://x.y\t{label}\n" for t, label in self.train_rows)
        self.train = self.valid = self.write("pairs.tsv", "a\tb\tlabel\n" + rows)
        got = self.fit("--text-column", "a", "--text-pair", "b", "--clean", "urls,lower", "--limit", "120", "--compute",
                       "bf16")
        self.assertGreater(got["seeds"][0]["best"]["macro_f1"], 0.8)
        recipe = json.loads((self.dir / "out" / "timbang.json").read_text())["recipe"]
        self.assertEqual((recipe["train"]["texts"], recipe["valid"]["texts"], recipe["compute"]), (120, 160, "bf16"))
        self.assertEqual(sorted(recipe["clean"].split(",")), ["lower", "urls"])

    def test_early_stopping(self):
        got = self.fit("--early-stopping", "2", "--epochs", "30")
        best = got["seeds"][0]["best"]
        self.assertTrue(got["seeds"][0]["stopped_early"])
        self.assertEqual(got["seeds"][0]["steps"], best["step"] + 40)

    def test_distillation(self):
        self.fit(out="teacher")
        got = self.fit("--distill", self.dir / "teacher", "--distill-weight", "1", "--distill-hidden", "0.1", "--distill-attention", "0.1",
                       "--epochs", "10")
        self.assertGreater(got["seeds"][0]["best"]["macro_f1"], 0.9)
        recipe = json.loads((self.dir / "out" / "timbang.json").read_text())["recipe"]
        self.assertEqual(recipe["distill"]["weight"], 1)
        other = self.model("other", id2label={"0": "a", "1": "b"}, label2id={"a": 0, "b": 1})
        self.fails(*self.args("--distill", other, out="no"), has="label")

    def test_masked_words(self):
        plain = self.write("plain.txt", "".join(f"{t}\n" for t, _ in texts(200, 3)))
        held = self.write("held.txt", "".join(f"{t}\n" for t, _ in texts(50, 4)))
        args = ["train", self.base, "--task", "mlm", "--learning-rate", "3e-3", "--epochs", "8", "--threads", "2"]
        got = self.json(*args, "--data", plain, "--valid", held, "-o", self.dir / "mlm", "--json")
        lines = [line for line in self.log("mlm") if "valid_loss" in line]
        self.assertLess(lines[-1]["valid_loss"], 0.8 * lines[0]["valid_loss"])
        self.assertNotIn("macro_f1", lines[0])
        self.assertEqual((got["role"], got["seeds"][0]["best"]["loss"]),
                         ("mlm", min(line["valid_loss"] for line in lines)))
        # It goes on as any base model does.
        again = self.fit(model=self.dir / "mlm")
        self.assertGreater(again["seeds"][0]["best"]["macro_f1"], 0.9)
        self.ok("train", self.base, "--task", "mlm", "--data", plain, "--epochs", "1", "-o", self.dir / "unseen")
        self.assertIsNone(json.loads((self.dir / "unseen" / "run.json").read_text())["best"])
        # A column of a table, with its labels left aside.
        table = self.write("table.csv", "label,isi\n" + "".join(f'x,"{t}"\n' for t, _ in texts(200, 3)))
        self.ok(*args, "--data", table, "--text-column", "isi", "-o", self.dir / "table")
        self.ok(*args, "--data", plain, "-o", self.dir / "lines")
        self.assertEqual((self.dir / "table" / "model.safetensors").read_bytes(),
                         (self.dir / "lines" / "model.safetensors").read_bytes())
        # From the model with its masked-language head as well.
        self.ok("train", self.dir / "mlm", "--task", "mlm", "--data", plain, "--epochs", "1", "-o", self.dir / "more")


class SameBits(Train):
    def test_threads(self):
        for threads in (1, 2, 3):
            self.fit(out=f"fp32-{threads}", threads=threads)
            self.fit("--qat", "int8", out=f"int8-{threads}", threads=threads)
        for scheme in ("fp32", "int8"):
            self.same(f"{scheme}-1", f"{scheme}-2")
            self.same(f"{scheme}-1", f"{scheme}-3")

    def test_levels(self):
        levels = self.json("info", "--cpu", "--json")["levels"]
        for level in levels:
            self.ok(*self.args(*FAST, "--epochs", "1", out=level), env={"TIMBANG_CPU": level})
            self.assertEqual((self.dir / level / "model.safetensors").read_bytes(),
                             (self.dir / levels[0] / "model.safetensors").read_bytes(), level)


class Quantized(Train):
    def test_what_is_trained_is_what_is_saved(self):
        for scheme in ("int8", "int4", "int4-g64-e4", "fp16", "int8-pertensor", "int4-pertensor"):
            out = self.dir / scheme
            got = self.fit("--qat", scheme, out=scheme)
            self.assertEqual((got["role"], got["scheme"]), ("qat", scheme))
            self.ok("quantize", out / "master", "--to", scheme, "-o", self.dir / "again", "--force")
            for name in ("model.safetensors", "config.json"):
                self.assertEqual((out / name).read_bytes(), (self.dir / "again" / name).read_bytes(), (scheme, name))
            best = got["seeds"][0]["best"]
            saved = self.json("eval", "--model", out, "--data", self.valid, "--max-length", "64", "--json")
            self.assertEqual((saved["scheme"], saved["macro_f1"], saved["nll"]),
                             (scheme, best["macro_f1"], best["loss"]))
            floats = self.json("info", out / "master", "--json")
            self.assertEqual((floats["scheme"], floats["sidecar"]["role"]), ("fp32", "qat"))
            self.assertGreater(best["macro_f1"], 0.8, scheme)

    def test_control_has_the_order_and_the_rate_of_qat(self):
        tiny = self.model("tiny")
        args = ["--epochs", "2", "--batch", "16"]
        self.ok(*self.args(*args, "--qat", "int8", model=tiny, out="qat"))
        self.ok(*self.args(*args, "--control", model=tiny, out="control"))
        qat, control = (json.loads((self.dir / n / "timbang.json").read_text()) for n in ("qat", "control"))
        self.assertEqual((qat["role"], control["role"], control["scheme"]), ("qat", "control", "fp32"))
        different = {k for k in qat["recipe"] if qat["recipe"][k] != control["recipe"][k]}
        self.assertEqual(different, {"qat", "control"})
        self.assertEqual(qat["recipe"]["learning_rate"], 1e-4)
        a, b = ([line["learning_rate"] for line in self.log(n) if "loss" in line] for n in ("qat", "control"))
        self.assertEqual(a, b)
        self.assertFalse((self.dir / "control" / "master").exists())


class Resume(Train):
    def killed_and_resumed(self, out, *more, seed=0, number=signal.SIGKILL):
        """Trains with kills (or other signals) at random moments; how often it was killed."""
        draw, kills, resume = random.Random(seed), 0, []
        for _ in range(200):
            child = subprocess.Popen([*PROGRAM, *map(str, self.args(*FAST, *more, out=out)), "--checkpoint-seconds", "0",
                                      "--threads", "2", *resume], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
            try:
                _, error = child.communicate(timeout=draw.uniform(0.02, 0.5))
            except subprocess.TimeoutExpired:
                child.send_signal(number)
                child.communicate()
                kills += 1
                resume = ["--resume"] if (self.dir / (out + ".partial")).is_dir() else []
                if (self.dir / out).is_dir():
                    return kills
                continue
            if child.returncode == 0:
                return kills
            self.fail(error.decode())
        self.fail("it never ended")

    def test_kill(self):
        self.fit(out="whole")
        kills = sum(self.killed_and_resumed(f"killed-{seed}", seed=seed) for seed in range(3))
        for seed in range(3):
            self.same("whole", f"killed-{seed}")
            self.assertFalse((self.dir / f"killed-{seed}.partial").exists())
        self.assertGreater(kills, 0)

    def test_kill_in_evaluations(self):
        """Long ones keep what they have finished."""
        self.valid = self.data("long.tsv", texts(900, 6))
        args = ["--epochs", "1", "--evaluate-every", "5"]
        self.fit(*args, out="whole")
        self.assertGreater(sum(self.killed_and_resumed(f"killed-{seed}", *args, seed=seed + 20) for seed in range(2)), 0)
        self.killed_and_resumed("killed-2", *args, seed=30, number=signal.SIGTERM)
        for seed in range(3):
            self.same("whole", f"killed-{seed}")

    def test_kill_qat_and_seeds(self):
        args = ["--qat", "int4", "--seeds", "1,2", "--epochs", "3", "--evaluate-every", "4"]
        self.fit(*args, out="whole")
        self.killed_and_resumed("killed", *args, seed=5)
        self.same("whole", "killed")

    def test_stop_anywhere(self):
        """After every single step, and so before and after evaluations too."""
        args = ["--epochs", "2", "--batch", "32", "--evaluate-every", "3"]
        self.fit(*args, out="whole")
        code, n = 130, 0
        while code == 130:
            done = subprocess.run([*PROGRAM, *map(str, self.args(*FAST, *args)), "--stop-after", "1",
                                   *(["--resume"] if n else [])], capture_output=True, text=True, check=False)
            code, n = done.returncode, n + 1
            if code == 130:
                self.assertIn("--resume goes on", done.stderr)
        self.assertEqual((code, n), (0, 10), done.stderr)
        self.same("whole", "out")
        self.assertEqual(json.loads((self.dir / "out" / "run.json").read_text())["time"]["resumed"], 9)

    def test_signals_keep_the_state(self):
        for number in (signal.SIGTERM, signal.SIGINT):
            out = f"out-{number.value}"
            child = subprocess.Popen([*PROGRAM, *map(str, self.args(*FAST, "--epochs", "100000", out=out))],
                                     stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
            self.addCleanup(child.kill)
            log = self.dir / (out + ".partial") / "log.jsonl"
            for _ in range(600):
                if log.exists() and log.stat().st_size > 0:
                    break
                time.sleep(0.05)
            child.send_signal(number)
            _, error = child.communicate(timeout=60)
            self.assertEqual(child.returncode, 128 + number, error)
            self.assertIn("--resume", error)
            self.assertTrue((self.dir / (out + ".partial")).is_dir())
            self.assertFalse((self.dir / out).exists())
            lines = log.read_text().splitlines()
            again = subprocess.run([*PROGRAM, *map(str, self.args(*FAST, "--epochs", "100000", out=out)), "--resume",
                                    "--stop-after", "1"], capture_output=True, text=True, check=False)
            self.assertEqual(again.returncode, 130, again.stderr)
            grown = log.read_text().splitlines()
            self.assertEqual(grown[:len(lines)], lines)
            self.assertGreater(len(grown), len(lines))

    def test_another_recipe_or_other_data_are_refused(self):
        self.stopped()
        self.fails(*self.args(*FAST, "--resume", "--warmup", "0.2"), has=["out.partial", "'warmup'", "0.1", "0.2", "--force"])
        self.fails(*self.args(*FAST, "--resume", "--seed", "43"), has="'seeds'")
        rows = self.train_rows
        self.data("train.tsv", [(rows[0][0] + " baik", rows[0][1])] + rows[1:])
        self.fails(*self.args(*FAST, "--resume"), has="'tokens'")
        self.data("train.tsv", [(rows[0][0], rows[1][1])] + rows[1:])
        self.fails(*self.args(*FAST, "--resume"), has="'sha256'")
        self.data("train.tsv", rows)
        weights = (self.base / "model.safetensors").read_bytes()
        (self.base / "model.safetensors").write_bytes(weights[:-4] + b"\0\0\x80?")
        self.fails(*self.args(*FAST, "--resume"), has="model_sha256")
        (self.base / "model.safetensors").write_bytes(weights)
        self.ok(*self.args(*FAST, "--resume"))
        self.fails(*self.args(*FAST, "--resume"), has="nothing to resume")

    def stopped(self, *more):
        done = subprocess.run([*PROGRAM, *map(str, self.args(*FAST, *more)), "--stop-after", "3"], capture_output=True,
                              text=True, check=False)
        self.assertEqual(done.returncode, 130, done.stderr)

    def test_what_is_left_is_not_overwritten(self):
        self.stopped()
        self.fails(*self.args(*FAST), has=["out.partial", "--resume", "--force"])
        self.ok(*self.args(*FAST, "--force"))
        with self.leaves_nothing():
            self.fails(*self.args(*FAST), has=["out", "--force"])
        self.ok(*self.args(*FAST, "--force"))

    def test_a_damaged_state_is_refused(self):
        self.stopped()
        state = self.dir / "out.partial" / "work" / "seed-42" / "state.bin"
        state.write_bytes(state.read_bytes()[:-1])
        self.fails(*self.args(*FAST, "--resume"), has=["state.bin", "damaged", "--force"])

    def test_disk_full(self):
        def limit():
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (300000, 300000))
        self.fails(*self.args(*FAST, "--checkpoint-seconds", "0"), has="state.bin", preexec_fn=limit)
        self.assertFalse((self.dir / "out").exists())
        self.assertFalse((self.dir / "out.partial").exists())  # nothing was finished
        self.stopped()
        self.fails(*self.args(*FAST, "--resume", "--checkpoint-seconds", "0"), has="state.bin", preexec_fn=limit)
        self.ok(*self.args(*FAST, "--resume"))  # the state before it was kept
        self.fit(out="whole")
        self.same("whole", "out")


class Seeds(Train):
    def test_several(self):
        got = self.fit("--seeds", "1,2,3")
        self.assertEqual([s["seed"] for s in got["seeds"]], [1, 2, 3])
        out = self.dir / "out"
        self.assertEqual(sorted(p.name for p in out.iterdir()), ["seed-1", "seed-2", "seed-3", "seeds.json"])
        record = json.loads((out / "seeds.json").read_text())
        losses = [s["best"]["loss"] for s in record["seeds"]]
        mean = sum(losses) / 3
        self.assertAlmostEqual(record["mean"]["loss"], mean, 12)
        self.assertAlmostEqual(record["sd"]["loss"], (sum((x - mean) ** 2 for x in losses) / 2) ** 0.5, 12)
        sidecars = [json.loads((out / f"seed-{s}" / "timbang.json").read_text()) for s in (1, 2, 3)]
        self.assertEqual(len({s["recipe_hash"] for s in sidecars}), 1)
        self.assertEqual([s["seed"] for s in sidecars], [1, 2, 3])
        self.fit("--seed", "2", out="alone")
        self.same("alone", "out/seed-2")
        text = self.ok(*self.args(*FAST, "--seeds", "1,2", "--force")).stdout
        self.assertRegex(text, r"(?m)^mean ")
        self.assertRegex(text, r"(?m)^sd ")
        self.assertEqual(sorted(p.name for p in out.iterdir()), ["seed-1", "seed-2", "seeds.json"])

    def test_mistakes(self):
        for seeds, has in (("1,1", "twice"), ("1,x", "'x'"), ("", "--seeds"), ("1,", "--seeds"), ("-1", "'-1'")):
            self.fails(*self.args(*FAST, "--seeds", seeds), has=has)
        self.fails(*self.args(*FAST, "--seeds", "1,2", "--seed", "3"), has="exclude each other")


class Mistakes(Train):
    def refused(self, *more, has, model=None, **kwargs):
        with self.leaves_nothing():
            done = self.fails(*self.args(*FAST, *more, model=model), has=has, **kwargs)
        self.assertEqual(sum(line.startswith("timbang: ") and "note:" not in line and "warning:" not in line
                             for line in done.stderr.splitlines()), 1, done.stderr)

    def test_nothing_named(self):
        self.fails("train", has="no model")
        self.fails("train", self.base, has="no training data")
        self.fails("train", self.base, "--data", self.train, has="-o DIR")
        self.fails("train", self.base, "--data", self.train, "-o", self.dir / "x", has="--valid")
        self.fails("train", "none", "--data", self.train, "--valid", self.valid, "-o", self.dir / "x", has="none")
        self.fails("train", self.base, "--data", "none.tsv", "--valid", self.valid, "-o", self.dir / "x", has="none.tsv")

    def test_options(self):
        for option, value, has in (("--learning-rate", "0", "above 0"), ("--learning-rate", "x", "'x'"),
                                   ("--dropout", "1", "dropout"), ("--layer-decay", "0", "layer-decay"),
                                   ("--qat", "int9", "int9"), ("--qat", "fp32", "fp32"), ("--freeze", "9", "--freeze"),
                                   ("--class-weights", "x=1", "--class-weights"), ("--schedule", "square", "--schedule"),
                                   ("--max-length", "65", "64 positions"), ("--task", "other", "--task"),
                                   ("--temperature", "0", "temperature"), ("--labels", "a", "label"),
                                   ("--lang", "fr", "--lang"), ("--label-smoothing", "1", "label-smoothing")):
            self.refused(option, value, has=has)
        self.refused("--qat", "int8", "--control", has="exclude each other")
        self.refused("--task", "mlm", "--qat", "int8", has="mlm")

    def test_data(self):
        good = self.train
        tiny = self.model("tiny")
        rows = self.train_rows
        cases = [
            ("unknown.tsv", rows[:5] + [("bagus", "hebat")] + rows[5:], ["unknown.tsv: row 6", "'hebat'", "positive"], tiny),
            ("one.tsv", [(t, "positive") for t, _ in rows], ["one.tsv", "'positive'", "two"], tiny),
            ("one.tsv", [(t, "positive") for t, _ in rows], ["one.tsv", "'positive'", "two"], None),
        ]
        for name, content, has, model in cases:
            self.train = self.data(name, content)
            self.refused(has=has, model=model)
        self.train = self.write("empty.tsv", "")
        self.refused(has="empty.tsv")
        self.train = self.write("heads.tsv", "text\tlabel\n")
        self.refused(has="heads.tsv")
        self.train = good
        self.valid = self.data("one.tsv", [(t, "positive") for t, _ in rows])
        self.refused(has=["one.tsv", "macro-F1", "two"])
        self.valid = self.data("other.tsv", rows[:3] + [("bagus", "hebat")])
        self.refused(has=["other.tsv: row 4", "'hebat'"])
        self.valid = self.write("empty.tsv", "")
        self.refused(has="empty.tsv")

    def test_repeated_rows_are_counted(self):
        self.valid = self.data("valid.tsv", self.valid_rows + [(self.train_rows[3][0].upper(), self.train_rows[3][1])])
        done = self.ok(*self.args(*FAST))
        self.assertIn("warning: ", done.stderr)
        self.assertIn("1 of 61 rows also occur in", done.stderr)
        self.assertIn("learnt by heart", (self.dir / "out" / "report.html").read_text())

    def test_quantized_models(self):
        self.fit(out="tuned")
        self.ok("quantize", self.dir / "tuned", "--to", "int8", "-o", self.dir / "small")
        self.refused(has=["small", "quantized", "float"], model=self.dir / "small")

    def test_a_loss_that_is_no_number(self):
        """Weights so large that the first pass overflows."""
        tiny = self.model("tiny")
        tensors = read_safetensors(tiny / "model.safetensors")[1]
        dtype, shape, raw = tensors["classifier.weight"]
        tensors["classifier.weight"] = (dtype, shape, struct.pack("<f", 3e38) * (len(raw) // 4))
        write_safetensors(tiny / "model.safetensors", tensors)
        self.refused("--epochs", "2", has=["step 1 of 40 (epoch 1)", "not finite", "classifier", "--learning-rate"],
                     model=tiny)

    def test_the_best_model_survives_a_loss_that_is_no_number(self):
        """Masters that are no numbers, put into the state behind its back: the model before is kept as a folder."""
        args = self.args(*FAST, "--evaluate-every", "2")
        self.assertEqual(run(*args, "--stop-after", "5").returncode, 130)
        path = self.dir / "out.partial" / "work" / "seed-42" / "state.bin"
        state = path.read_bytes()
        magic = state.index(b"\n") + 1
        masters = magic + 21 + int(state[magic:magic + 21])
        values = json.loads(state[magic + 21:masters])["values"]
        path.write_bytes(state[:masters] + struct.pack("<f", float("nan")) * values + state[masters + 4 * values:])
        done = self.fails(*args, "--resume", has=["step 6 of 120", "not finite", "embeddings"])
        self.assertIn("out.partial/best", done.stderr)
        kept = self.json("eval", "--model", self.dir / "out.partial" / "best", "--data", self.valid, "--max-length",
                         "64", "--json")
        logged = [json.loads(line) for line in (self.dir / "out.partial" / "log.jsonl").read_text().splitlines()]
        best = [line for line in logged if line.get("best")][-1]
        self.assertEqual((kept["macro_f1"], kept["nll"]), (best["macro_f1"], best["valid_loss"]))
        self.assertFalse((self.dir / "out").exists())
        path.write_bytes(state)
        self.ok(*args, "--resume")
        self.assertFalse((self.dir / "out" / "best").exists())


class Help(CliTest):
    def test_defaults_are_explained(self):
        out = self.ok("train", "--help").stdout
        for part in ("2e-5", "2e-4", "30 M parameters", "--early-stopping", "--distill", "--resume", "--qat"):
            self.assertIn(part, out)
        self.assertEqual(out.count("--batch "), 1)
        self.assertEqual(out.count("--max-length "), 1)


if __name__ == "__main__":
    unittest.main()
