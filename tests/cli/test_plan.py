"""What study fixes beforehand, its record of the command, and the verbs on a finished study: verify, report."""
import json
import shlex
import shutil
import unittest

from common import CliTest, run


class Plan(CliTest):
    def setUp(self):
        super().setUp()
        self.tiny, self.rows = self.model(), self.data()

    def plan(self, *args, **kwargs):
        return self.json("study", "--model", self.tiny, "--data", self.rows, "--plan", *args, **kwargs)

    def refused(self, *args, has):
        with self.leaves_nothing():
            done = self.fails("study", "--model", self.tiny, "--data", self.rows, "-o", self.dir / "out", *args, has=has)
        self.assertEqual(done.stdout, "")
        return done

    def test_defaults_are_written_out(self):
        with self.leaves_nothing():
            got = self.plan(cwd=self.dir)
        self.assertEqual(got["variants"], ["fp32", "fp16", "int8", "int4"])
        want = {"primary": "accuracy", "alpha": 0.05, "power": 0.8, "margin": 0.01, "null_models": 0, "valid": False,
                "bootstrap": {"replicates": 2000, "seed": 42}}
        self.assertEqual({k: got[k] for k in want}, want)

    def test_what_is_asked_for(self):
        got = self.plan("--primary", "macro_f1", "--alpha", "0.01", "--power", "0.9", "--margin", "2e-2", "--bootstrap", "500",
                        "--null", "99", "--valid", self.rows, "--variants", "fp32,int8", "--seed", "7")
        want = {"primary": "macro_f1", "alpha": 0.01, "power": 0.9, "margin": 0.02, "null_models": 99, "valid": True,
                "bootstrap": {"replicates": 500, "seed": 7}, "variants": ["fp32", "int8"]}
        self.assertEqual({k: got[k] for k in want}, want)
        self.assertEqual(self.plan("--bootstrap", "0")["bootstrap"]["replicates"], 0)
        self.refused("--primary", "macro_f1", "--bootstrap", "0", has=["macro_f1", "--bootstrap 0"])

    def test_option_file(self):
        lines = self.write("o.txt", "margin = 0.03\nprimary = macro_f1\nnull = 20\nplan = true\nbootstrap = 50\nanonymous = yes\n"
                                    "alpha = 0.1\nlang = id\n")
        as_json = self.write("o.json", json.dumps({"margin": 0.03, "primary": "macro_f1", "null": 20, "plan": True,
                                                   "bootstrap": 50, "anonymous": True, "alpha": 0.1, "lang": "id"}))
        for path in (lines, as_json):
            got = self.json("study", "--model", self.tiny, "--data", self.rows, "--config", path)
            self.assertEqual((got["margin"], got["primary"], got["null_models"], got["bootstrap"]["replicates"], got["alpha"]),
                             (0.03, "macro_f1", 20, 50, 0.1))
        got = self.plan("--config", lines, "--margin", "0.05")
        self.assertEqual(got["margin"], 0.05)
        self.refused("--config", self.write("bad.txt", "margin = 3\n"), has=["bad.txt: margin: '3' is not", "below 1"])

    def test_plan_file(self):
        path = self.write("plan.json", json.dumps(self.plan("--margin", "0.02", "--null", "20")))
        got = self.plan("--plan-file", path)
        self.assertEqual((got["margin"], got["null_models"]), (0.02, 20))
        self.assertEqual(self.plan("--plan-file", path, "--margin", "0.02"), got)
        self.refused("--plan-file", path, "--margin", "0.03", has=["--margin", "plan.json"])
        self.refused("--plan-file", path, "--null", "21", has=["--null", "plan.json"])
        self.refused("--plan-file", path, "--null", "0", has=["--null", "plan.json"])
        none = self.write("none-planned.json", json.dumps(self.plan()))
        self.assertEqual(self.plan("--plan-file", none, "--null", "0")["null_models"], 0)
        self.refused("--plan-file", path, "--primary", "macro_f1", has=["--primary", "plan.json"])
        self.refused("--plan-file", self.dir / "none.json", has="none.json")
        self.refused("--plan-file", self.write("x.json", "[]"), has=["x.json", "no plan"])
        self.refused("--plan-file", self.write("x.json", '{"a": 1}'), has=["x.json", "no plan"])
        self.refused("--plan-file", self.rows, has="data.tsv")

    def test_bad_values(self):
        for option in ("--margin", "--alpha", "--power"):
            for value in ("0", "1", "-0.1", "5 %", "nan", "0x1", "", "1e-400"):
                self.refused(f"{option}={value}", has=[option + ": '" + value + "' is not a number above 0 and below 1"])
        self.refused("--alpha", "0.7", has="0.5")
        self.refused("--primary", "acuracy", has=["'acuracy' is not one of accuracy|macro_f1", "did you mean accuracy?"])
        self.refused("--primary", "macro-f1", has="did you mean macro_f1?")
        self.refused("--null", "10001", has="'10001' is not a whole number from 0 to 10000")
        self.refused("--bootstrap", "-1", has="'-1' is not a whole number")
        self.refused("--bootstrap", "9999999", has="from 0 to 1000000")
        self.refused("--lang", "de", has="'de' is not one of en|id")
        self.refused("--resume", has=["nothing to resume", "out.partial"])
        self.refused("--valid", self.dir / "none.tsv", has="none.tsv")
        self.refused("--margn", "0.1", has="did you mean --margin?")


class Finished(CliTest):
    """One study for all of these."""

    @classmethod
    def setUpClass(cls):
        cls.shared = cls("setUp")
        cls.shared.setUp()
        cls.addClassCleanup(shutil.rmtree, cls.shared.dir, ignore_errors=True)
        tiny, rows = cls.shared.model("a model"), cls.shared.data()
        cls.out = cls.shared.dir / "it's a study"
        cls.args = ["study", "--model", tiny, "--data", rows, "--variants", "fp32,int8", "--bootstrap", "50", "-o", cls.out]
        cls.done = cls.shared.ok(*cls.args)

    def test_record_of_the_command(self):
        command = json.loads((self.out / "results.json").read_text())["options"]["command"]
        words = shlex.split(command)
        self.assertEqual(words[:len(self.args) + 1], ["timbang", *map(str, self.args)])
        self.assertIn(words[len(self.args) + 1:], ([], ["--timing-seconds", "0"])) # of these tests
        self.assertIn("'" + str(self.out).replace("'", "'\\''") + "'", command)

    def test_end_of_the_study(self):
        lines = self.done.stdout.split("\n")
        self.assertIn(f"report   {self.out}/report.html", lines)
        self.assertIn(f"results  {self.out}/results.json", lines)
        following = [line for line in lines if line.startswith("next     ")]
        self.assertEqual(len(following), 1)
        self.assertEqual(shlex.split(following[0])[1:], ["timbang", "verify", str(self.out)])

    def test_verify(self):
        done = self.ok("verify", self.out)
        self.assertRegex(done.stdout, r"(?m)^(\d+) of \1 logits have the same bits$")
        got = self.json("verify", self.out, "--json")
        self.assertEqual((got["logits"], got["same"]), (24 * 3 * 2, 24 * 3 * 2))
        self.assertEqual(got["files_changed"], [])

    def test_verify_finds_a_changed_logit(self):
        other = self.dir / "other"
        shutil.copytree(self.out, other)
        lines = (other / "predictions.jsonl").read_text().split("\n")
        row = json.loads(lines[5])
        row["logits"][1] += 1e-3
        lines[5] = json.dumps(row)
        (other / "predictions.jsonl").write_text("\n".join(lines))
        done = run("verify", other)
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertIn("143 of 144 logits have the same bits", done.stdout)

    def test_verify_refuses(self):
        self.fails("verify", has="no study was named")
        self.fails("verify", self.dir / "none", has="none")
        self.fails("verify", self.dir, has=str(self.dir))
        self.fails("verify", self.out, self.out, has="unexpected argument")

    def test_report(self):
        names = ("report.html", "methods.tex", "references.bib")
        before = {name: (self.out / name).read_bytes() for name in names}
        done = self.ok("report", self.out, "-o", self.dir / "again")
        self.assertIn(f"report   {self.dir / 'again'}/report.html", done.stdout)
        self.assertEqual({name: (self.dir / "again" / name).read_bytes() for name in names}, before)
        self.ok("report", self.out / "results.json", "--lang", "id", "-o", self.dir / "id")
        self.assertIn(b'lang="id"', (self.dir / "id/report.html").read_bytes())
        alone = self.dir / "alone"
        alone.mkdir()
        shutil.copy(self.out / "results.json", alone)
        self.ok("report", alone)
        self.assertEqual((alone / "report.html").read_bytes(), before["report.html"])

    def test_report_refuses(self):
        self.fails("report", has="no study was named")
        self.fails("report", self.dir, has="results.json")
        self.fails("report", self.write("x.json", "{}"), has="x.json")
        self.fails("report", self.out, "--lang", "de", has="en|id")

    def test_gate(self):
        rules = self.write("r.rules", "int8 * agreement >= 0\nint8 * accuracy >= 0 * fp32\nlatency_ms.median <= 60 s\n"
                                      "resident_bytes <= 1 GB\nint8 * primary.significant == false\n")
        done = run("gate", self.out, "--rules", rules)
        self.assertIn(done.returncode, (0, 1), done.stderr)
        self.assertIn("pass", done.stdout)


if __name__ == "__main__":
    unittest.main()
