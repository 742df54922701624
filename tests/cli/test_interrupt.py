"""Ctrl-C and SIGTERM in mid-run: the exit code says so, and no half file or hidden folder is left; a study keeps what it
has finished and goes on from there."""
import json
import os
import random
import signal
import subprocess
import time
import unittest

from common import LABELS, PROGRAM, CliTest, write_config


class Interrupt(CliTest):
    def interrupted(self, args, seconds, number=signal.SIGINT):
        """Runs the verb, sends the signal after a while; returns (returncode, standard error)."""
        env = {k: v for k, v in os.environ.items() if k != "TIMBANG_CPU"}
        process = subprocess.Popen([*PROGRAM, *map(str, args)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=env,
                                   encoding="utf-8")
        time.sleep(seconds)
        process.send_signal(number)
        try:
            _, stderr = process.communicate(timeout=60)
        finally:
            process.kill()
        return process.returncode, stderr

    def sweep(self, *args):
        """Signals at growing delays until the run ends before the signal; each stopped run must leave nothing."""
        stopped = 0
        for delay in (0.05, 0.15, 0.4, 1, 2.5):
            before = self.listing()
            code, stderr = self.interrupted([*args, "-o", self.dir / "out", "--threads", "1"], delay)
            if code == 0:
                break
            self.assertIn(code, (130, -signal.SIGINT), stderr) # by the signal itself before it is caught
            if code == 130:
                stopped += 1
                self.assertEqual(stderr.strip().splitlines()[-1], "timbang: interrupted")
            self.assertEqual(self.listing(), before)
        self.assertGreater(stopped, 0)

    def test_quantize(self):
        big = self.model(hidden_size=512, intermediate_size=2048, num_hidden_layers=6)
        self.sweep("quantize", big, "--to", "int4")

    def test_init(self):
        big = write_config(self.dir / "big", hidden_size=512, intermediate_size=2048, num_hidden_layers=8)
        self.sweep("init", big)

    def test_study_goes_on(self):
        """Stopped and killed at random moments; each run goes on where the one before was; the result is the same."""
        tiny = self.model(num_hidden_layers=4, hidden_size=128)
        data = self.data(rows=[(f"filmnya bagus sekali {i}", LABELS[i % 3]) for i in range(600)])
        args = ["study", "--model", tiny, "--data", data, "--variants", "fp32,int8", "--null", "2", "--bootstrap", "200",
                "--threads", "1"]
        self.ok(*args, "-o", self.dir / "whole")
        partial, out, rng = self.dir / "out.partial", self.dir / "out", random.Random(1)
        kept = 0
        for number in [signal.SIGINT, signal.SIGKILL, signal.SIGTERM, signal.SIGKILL] * 2:
            resume = ["--resume"] if partial.is_dir() else []
            code, stderr = self.interrupted([*args, "-o", out, *resume], rng.uniform(0.2, 2), number)
            self.assertIn(code, (128 + number, -number), stderr)
            self.assertFalse(out.exists())
            kept += partial.is_dir()
        self.assertGreater(kept, 2)
        self.ok(*args, "-o", out, "--resume")
        self.assertFalse(partial.exists())
        self.assertEqual((out / "predictions.jsonl").read_bytes(), (self.dir / "whole/predictions.jsonl").read_bytes())
        whole, resumed = (json.loads((folder / "results.json").read_text()) for folder in (self.dir / "whole", out))
        for own in ("measured", "host", "time"):
            del whole[own], resumed[own]
        for results in (whole, resumed):
            del results["options"]["command"]
        self.assertEqual(whole, resumed)

    def long_run(self):
        """A prediction of many seconds. One text at a time: between two of them it looks whether it should stop."""
        tiny = self.model(num_hidden_layers=8, hidden_size=256)
        data = self.data(rows=[(f"filmnya bagus sekali {i} " * 8, LABELS[i % 3]) for i in range(4000)])
        return ["predict", "--model", tiny, "--data", data, "--threads", "1", "--batch", "1"]

    def test_predict_keeps_the_old_file(self):
        old = self.write("out.json", "old")
        code, _ = self.interrupted([*self.long_run(), "-o", old], 0.5)
        self.assertEqual(code, 130)
        self.assertEqual(old.read_text(), "old")

    def test_sigterm_says_so(self):
        code, stderr = self.interrupted(self.long_run(), 0.5, signal.SIGTERM)
        self.assertEqual(code, 128 + signal.SIGTERM, stderr)

    def test_waiting_for_standard_input(self):
        read, write = os.pipe()
        process = subprocess.Popen([*PROGRAM, "predict", "--model", str(self.model()), "-"], stdin=read,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        time.sleep(0.5)
        process.send_signal(signal.SIGINT)
        try:
            process.communicate(timeout=20)
        finally:
            process.kill()
            os.close(write)
            os.close(read)
        self.assertEqual(process.returncode, 130)


if __name__ == "__main__":
    unittest.main()
