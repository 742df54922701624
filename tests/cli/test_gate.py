"""timbang gate: exit codes, the table, JSON, where rules and results come from. The record is made by hand."""
import json
import unittest

from common import SOURCE, CliTest, run


def entry(variant, data, accuracy, **against):
    compared = {"agreement": 0.98, "delta_accuracy": -0.01, "delta_macro_f1": -0.005,
                "equivalence": {"equivalent": True}, "primary": {"significant": False},
                "marginal": {"p_holm": 0.4}, **against}
    return {"model": "m", "variant": variant, "data": data, "n": 100, "accuracy": accuracy, "macro_f1": accuracy,
            "ece": 0.05, "untrained_head": False, "against_fp32": None if variant == "fp32" else compared}


def record():
    return {
        "timbang": {"version": "0.1.0", "schema": 1},
        "models": [{"name": "m", "parameters": 10}],
        "data": [{"name": "clean", "duplicates": {"conflicting": 0}}, {"name": "tweets", "duplicates": {"conflicting": 0}}],
        "variants": [{"model": "m", "variant": "fp32", "size_bytes": 400_000_000},
                     {"model": "m", "variant": "int8", "size_bytes": 100_000_000}],
        "results": [entry("fp32", "clean", 0.9), entry("int8", "clean", 0.89), entry("fp32", "tweets", 0.8),
                    entry("int8", "tweets", 0.795, agreement=0.96)],
        "measured": {
            "resident": [{"model": "m", "variant": "int8", "resident_bytes": 110_000_000}],
            "latency": [{"model": "m", "variant": v, "data": "clean", "ratio": r, "energy_j": None, "total": {"median": t}}
                        for v, r, t in (("fp32", 1, 30.0), ("int8", 0.4, 12.0))]},
        "null": [], "groups": [],
    }


class Gate(CliTest):
    def setUp(self):
        super().setUp()
        self.results = self.write("study/results.json", json.dumps(record()))

    def gate(self, rules, *args, code=0, results=None):
        done = run("gate", results or self.results, "--rules", self.write("r.rules", rules), *args)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        return done

    def test_holds(self):
        done = self.gate("# all of it\nint8 * accuracy >= 0.98 * fp32\n* size_bytes <= 400 MB\n")
        self.assertEqual(done.stderr, "")
        self.assertIn("2 rules, 4 checks: all hold\n", done.stdout)
        self.assertNotIn("FAIL", done.stdout)
        self.assertRegex(done.stdout, r"(?m)^pass +m +int8 +tweets +0\.795 +>= +0\.784 +int8 \* accuracy >= 0\.98 \* fp32$")
        self.assertRegex(done.stdout, r"(?m)^pass +m +fp32 +- +400\.00 MB +<= +400\.00 MB +\* size_bytes <= 400 MB$")

    def test_fails(self):
        done = self.gate("int8   *  agreement >= 0.97\nece <= 0.08\n", code=1)
        self.assertEqual(done.stderr, "")
        self.assertRegex(done.stdout, r"(?m)^pass +m +int8 +clean +0\.98 +>= +0\.97 +int8 \* agreement >= 0\.97$")
        self.assertRegex(done.stdout, r"(?m)^FAIL +m +int8 +tweets +0\.96 +>= +0\.97 +int8 \* agreement >= 0\.97$")
        self.assertIn("1 of 2 rules fail, 1 of 6 checks\n", done.stdout)

    def test_not_available_fails(self):
        done = self.gate("int8 * energy_j <= 1 J\n", code=1)
        self.assertRegex(done.stdout, r"(?m)^FAIL +m +int8 +clean +- +int8 \* energy_j <= 1 J: not available$")
        self.assertIn("1 of 1 rule fails, 1 of 1 check\n", done.stdout)

    def test_json(self):
        rules = "int8 * agreement >= 0.97  # why\naccuracy >= fp32 - 0.02\n"
        got = json.loads(self.gate(rules, "--json", code=1).stdout)
        self.assertEqual((got["pass"], got["passed"], got["failed"]), (False, 3, 1))
        first, second = got["rules"]
        self.assertEqual({k: first[k] for k in ("line", "rule", "model", "variant", "data", "figure", "op", "bound", "pass")}, {
            "line": 1, "rule": "int8 * agreement >= 0.97", "model": "*", "variant": "int8", "data": "*",
            "figure": "results.against_fp32.agreement", "op": ">=", "bound": 0.97, "pass": False})
        self.assertEqual(first["checks"][1], {"model": "m", "variant": "int8", "data": "tweets", "value": 0.96, "bound": 0.97,
                                              "reference": None, "pass": False, "reason": None})
        self.assertEqual(second["bound"], {"factor": 1.0, "variant": "fp32", "offset": -0.02})
        self.assertEqual(second["checks"][0]["reference"], {"variant": "fp32", "value": 0.9})
        self.assertAlmostEqual(second["checks"][0]["bound"], 0.88)
        self.assertEqual([s["variant"] for s in second["skipped"]], ["fp32", "fp32"])
        line = self.gate(rules, "--jsonl", code=1).stdout
        self.assertEqual((line.count("\n"), json.loads(line)), (1, got))
        self.gate(rules, "-o", self.dir / "out.json", code=1)
        self.assertEqual(json.loads((self.dir / "out.json").read_text()), got)

    def test_where_from(self):
        rules = "int8 * accuracy >= 0.5\n"
        want = self.gate(rules).stdout
        self.assertEqual(self.gate(rules, results=self.dir / "study").stdout, want)
        self.assertEqual(self.ok("gate", self.results, "--rules", "-", stdin=rules).stdout, want)
        as_json = '{"rules": [{"variant": "int8", "figure": "accuracy", "op": ">=", "bound": 0.5}]}'
        self.assertEqual(self.gate(as_json).stdout, want)
        config = self.write("options.txt", f"rules = {self.dir / 'r.rules'}\n")
        self.assertEqual(self.ok("gate", self.results, "--config", config).stdout, want)

    def test_wrong_rules(self):
        for rules, said in (("acuracy >= 1", "did you mean accuracy?"), ("int9 * accuracy >= 1", "did you mean int8?"),
                            ("accuracy 1", "has no comparison"), ("", "holds no rule"),
                            ("fp32 * agreement >= 1", "it covers nothing"), ("accuracy <= 3 MB", "not MB")):
            done = self.gate(rules + "\n", code=2)
            self.assertEqual(done.stdout, "")
            self.assertIn(said, done.stderr)
            self.assertIn("r.rules", done.stderr)
            self.assertEqual(done.stderr.count("\n"), 1, done.stderr)
        self.fails("gate", self.results, "--rules", "-", stdin="\n\nacuracy >= 1\n", has="standard input: line 3: acuracy >= 1")

    def test_wrong_files(self):
        rules = self.write("r.rules", "accuracy >= 0.5\n")
        self.fails("gate", has="no study was named")
        self.fails("gate", self.results, has="no rules were named")
        self.fails("gate", self.dir / "nothing", "--rules", rules, has="nothing")
        self.fails("gate", self.results, "--rules", self.dir / "nothing", has="nothing")
        self.fails("gate", self.dir, "--rules", rules, has="results.json")
        self.fails("gate", self.results, self.results, "--rules", rules, has="unexpected argument")
        self.fails("gate", self.write("x.json", "{}"), "--rules", rules, has="no results.json of a study")
        self.fails("gate", self.write("x.json", "[1,"), "--rules", rules, has="x.json")
        self.fails("gate", self.results, "--rules", rules, "-o", "x.tsv", has="no TSV")

    def test_examples(self):
        for path in sorted((SOURCE / "examples/gates").glob("*.rules")):
            done = run("gate", self.results, "--rules", path)
            self.assertIn(done.returncode, (0, 1), f"{path.name}: {done.stderr}")
            self.assertIn("int8", done.stdout)
        self.assertEqual(run("gate", self.results, "--rules", SOURCE / "examples/gates/lanes.rules").returncode, 0)
        self.assertEqual(run("gate", self.results, "--rules", SOURCE / "examples/gates/deployment.rules").returncode, 1)

    def test_readme_of_gates(self):
        text = (SOURCE / "docs/gates.md").read_text()
        block = text.split("```")[1].replace("smsa", "clean")
        self.gate(block, code=1)


if __name__ == "__main__":
    unittest.main()
