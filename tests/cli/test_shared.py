"""The command line on real models and data; skipped where they are absent."""
import json
import os
import unittest

from common import CliTest, shared_or_skip


class Real(CliTest):
    def setUp(self):
        super().setUp()
        self.mini = shared_or_skip("models", "mini-id-smsa")

    def test_predict(self):
        got = self.json("predict", "--model", self.mini, "--json", "Filmnya bagus sekali", "Pelayanannya buruk sekali")
        self.assertEqual([r["label"] for r in got], ["positive", "negative"])

    @unittest.skipIf(os.environ.get("TIMBANG_EXE_WRAPPER"), "too long under emulation; tests/cli/test_study.py runs there")
    def test_eval(self):
        got = self.json("eval", "--model", self.mini, "--data", shared_or_skip("data", "smsa", "test.tsv"), "--json",
                        "--limit", "60", "--threads", "1")
        self.assertEqual(got["n"], 60)
        self.assertGreater(got["accuracy"], 0.75)

    def test_tweets_with_a_byte_order_mark_and_extra_columns(self):
        got = self.json("eval", "--model", self.mini, "--data", shared_or_skip("data", "tweets", "tv.csv"), "--json",
                        "--limit", "20", "--threads", "1")
        self.assertEqual(got["labels_present"], 2)

    def test_tokenizer_without_weights(self):
        folder = shared_or_skip("tokenizer", "indobert-base-p2")
        got = self.json("tokenize", "--model", folder, "--json", "Filmnya bagus sekali")
        self.assertEqual(got["tokens"][0], "[CLS]")
        self.assertEqual("".join(got["tokens"][1:-1]).replace("##", ""), "filmnyabagussekali")

    def test_headless_torch_checkpoint(self):
        base = shared_or_skip("models", "mini-id")
        got = self.json("info", base, "--json")
        self.assertEqual((got["container"], got["untrained_head"]), ("torch-zip", True))
        self.assertGreater(got["skipped"]["other"], 0)
        self.fails("predict", "--model", base, "x", has="--labels")
        self.assertIs(self.json("predict", "--model", base, "--labels", "a,b,c", "x", "--json")["untrained_head"], True)

    @unittest.skipIf(os.environ.get("TIMBANG_EXE_WRAPPER"), "too long under emulation; tests/cli/test_study.py runs there")
    def test_study(self):
        base = shared_or_skip("models", "mini-id")
        self.ok("study", "--model", self.mini, "--model", base, "--data", shared_or_skip("data", "smsa", "test.tsv"),
                "--limit", "12", "--variants", "fp32,int8", "-o", self.dir / "out", "--threads", "1", timeout=600)
        results = json.loads((self.dir / "out" / "results.json").read_text())
        self.assertEqual(len(results["results"]), 4)


if __name__ == "__main__":
    unittest.main()
