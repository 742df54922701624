"""The command line's manners: help, versions, exit codes, options, option files, where output goes."""
import json
import os
import pathlib
import signal
import subprocess
import unittest

from common import PROGRAM, TEXTS, CliTest, run

VERBS = ["predict", "tokenize", "info", "init", "quantize", "eval", "study", "train", "bench"]


class Help(CliTest):
    def test_version(self):
        self.assertRegex(self.ok("--version").stdout, r"^timbang \d+\.\d+\.\d+\n$")

    def test_overview_names_every_verb(self):
        for args in (["--help"], ["-h"], ["help"]):
            out = self.ok(*args).stdout
            for verb in VERBS:
                self.assertRegex(out, rf"(?m)^  {verb} ")

    def test_every_verb_has_help_with_options_and_examples(self):
        for verb in VERBS:
            out = self.ok(verb, "--help").stdout
            self.assertEqual(out, self.ok("help", verb).stdout)
            self.assertIn(f"usage: timbang {verb}", out)
            self.assertIn("Examples:\n  timbang " + verb, out)
            for option in ("--threads", "--batch", "--max-length", "--seed", "--limit", "--quiet", "--no-progress",
                           "--color", "--config"):
                self.assertIn(option, out)
            self.assertTrue(all(len(line) <= 120 for line in out.splitlines()))

    def test_help_needs_nothing_else(self):
        self.ok("quantize", "--help", "--to", "int8")


class Mistakes(CliTest):
    def test_no_verb(self):
        self.fails(has="no verb")

    def test_unknown_verb_suggests(self):
        done = self.fails("predcit", "x", has=["'predcit'", "did you mean timbang predict?"])
        self.assertEqual(done.stdout, "")
        self.fails("quant", has="did you mean timbang quantize?")
        self.assertNotIn("did you mean", self.fails("serve").stderr)

    def test_unknown_option_suggests(self):
        self.fails("predict", "--modle", "x", has=["--modle", "did you mean --model?"])
        self.fails("eval", "--label-mpa=a=b", has=["--label-mpa:", "did you mean --label-map?"])
        self.fails("predict", "-jelek", has="put --")
        self.fails("info", "--to", "int8", has="--to")

    def test_values(self):
        for bad in ("0", "1025", "-1", "x", "1.5", "", "99999999999999999999"):
            self.fails("info", "--cpu", "--threads", bad, has=["--threads", f"'{bad}'", "1 to 1024"])
        self.fails("info", "--cpu", "--color", "red", has=["--color", "'red'", "auto|always|never"])
        self.fails("quantize", "m", "--to", "int4", "--group", "48", "-o", "x", has=["--group", "32|64|128"])
        self.fails("predict", "x", "--model", has="--model wants a value")
        self.fails("predict", "x", "--json=1", has="--json takes no value")
        self.fails("predict", "x", "--json", "--jsonl", has="exclude each other")
        self.fails("predict", "x", "--header", "--no-header", has="exclude each other")
        self.fails("info", "a", "b", has="unexpected argument 'b'")
        self.fails("info", "a", "--model", "b", has="two were named")

    def test_nothing_to_do(self):
        self.fails("predict", has="no text was given")
        self.fails("predict", "x", "--data", "y", has="exclude each other")
        self.fails("eval", has="no data was named")
        self.fails("study", has="no data was named")
        self.fails("init", has="no config.json")
        self.fails("init", "x", has="-o DIR")
        self.fails("quantize", "x", "-o", "y", has="no scheme")
        self.fails("quantize", "x", "--to", "int8", has="-o DIR")

    def test_invalid_utf8(self):
        self.fails(b"predict".decode(), b"bagus\xff".decode("utf-8", "surrogateescape"), has="not valid UTF-8")

    def test_hub_name_prints_the_download_command(self):
        self.fails("info", "indobenchmark/indobert-base-p2",
                   has="huggingface-cli download indobenchmark/indobert-base-p2 --local-dir indobert-base-p2")
        self.fails("predict", "x", "--model", "org/name",
                   has="huggingface-cli download org/name --local-dir name")
        self.fails("info", "bert-base-uncased", has="huggingface-cli download bert-base-uncased --local-dir bert-base-uncased")
        done = self.fails("predict", "x", "--weights", "runs/qat.pt", "--config", self.dir, has="runs/qat.pt: no such file")
        self.assertNotIn("huggingface", done.stderr)
        self.assertNotIn("huggingface", self.fails("info", "model", has="model: no such file").stderr)
        self.assertNotIn("huggingface", self.fails("info", "/a/b/c", has="/a/b/c").stderr)


class OptionFiles(CliTest):
    def test_lines(self):
        path = self.write("o.txt", "# comment\n\n threads = 3 \r\ncolor=\"never\"\nvariants = fp32,int8\njson = true\n")
        self.assertEqual(self.json("info", "--cpu", "--config", path)["threads"], 3)
        self.assertEqual(self.json("info", "--cpu", "--config", path, "--threads", "2")["threads"], 2)

    def test_json(self):
        path = self.write("o.json", json.dumps({"threads": 3, "json": True, "model-labels": ["a", "b"]}))
        self.assertEqual(self.json("info", "--cpu", "--config", path)["threads"], 3)

    def test_false_flag(self):
        path = self.write("o.txt", "json = false\n")
        self.assertNotEqual(self.ok("info", "--cpu", "--config", path).stdout[0], "{")

    def test_mistakes(self):
        for text, has in [("thread = 3\n", ["thread", "did you mean threads?"]), ("threads = x\n", "'x'"),
                          ("threads\n", "line 1"), ("config = y\n", "no place"), ("{\"threads\": }", "line 1"),
                          ("{\"threads\": null}", "threads"), ("[1]", "line"), ("json = maybe\n", "true or false"),
                          (b"\xff = 1\n", "UTF-8"), (b"a\0b", "zero byte")]:
            path = self.write("o.txt", text)
            self.fails("info", "--cpu", "--config", path, has=["o.txt", *([has] if isinstance(has, str) else has)])
        self.fails("info", "--cpu", "--config", self.dir / "none", has="none")
        self.fails("info", "--cpu", "--config", self.dir, has="is a folder")


class Output(CliTest):
    def test_file_is_written_whole_and_format_follows_its_name(self):
        for name, start in (("a.json", "{"), ("a.jsonl", "{\""), ("a.txt", "cpu")):
            self.assertEqual(self.ok("info", "--cpu", "-o", self.dir / name).stdout, "")
            self.assertTrue((self.dir / name).read_text().startswith(start))
        self.assertEqual(len((self.dir / "a.jsonl").read_text().splitlines()), 1)
        self.assertEqual(self.listing(), ["a.json", "a.jsonl", "a.txt"])
        self.fails("info", "--cpu", "-o", self.dir / "a.tsv", has="a.tsv")

    def test_failed_file_leaves_nothing(self):
        with self.leaves_nothing():
            self.fails("info", "--cpu", "-o", self.dir / "none" / "a.json", has="none/a.json")
            self.fails("info", "--cpu", "-o", self.dir, has="folder")
        old = self.write("old.json", "old")
        os.chmod(self.dir, 0o500)
        try:
            if os.geteuid() != 0:
                self.fails("info", "--cpu", "-o", old, has="old.json")
                self.assertEqual(old.read_text(), "old")
        finally:
            os.chmod(self.dir, 0o700)

    @unittest.skipUnless(os.path.exists("/dev/full"), "no /dev/full here")
    def test_full_disk(self):
        with open("/dev/full", "w", encoding="utf-8") as full:
            done = run("info", "--cpu", stdout=full)
        self.assertEqual(done.returncode, 2)
        self.assertIn("standard output", done.stderr)
        self.fails("info", "--cpu", "-o", "/dev/full", has="/dev/full")
        self.assertTrue(pathlib.Path("/dev/full").is_char_device())

    def test_device_is_not_replaced(self):
        self.ok("info", "--cpu", "-o", "/dev/null")
        self.assertTrue(pathlib.Path("/dev/null").is_char_device())

    def test_closed_output(self):
        done = subprocess.run(["sh", "-c", '"$@" info --cpu >&-', "sh", *PROGRAM], capture_output=True, check=False)
        self.assertEqual(done.returncode, 2)
        self.assertIn(b"standard output", done.stderr)

    def test_reader_that_leaves_ends_it_quietly(self):
        read, write = os.pipe()
        os.close(read)
        done = run("--help", stdout=write)
        os.close(write)
        self.assertEqual(done.returncode, -signal.SIGPIPE)
        self.assertEqual(done.stderr, "")


class Surroundings(CliTest):
    def test_cpu_level(self):
        facts = self.json("info", "--cpu", "--json")
        self.assertIn(facts["level"], facts["levels"])
        for level in facts["levels"]:
            self.assertEqual(self.json("info", "--cpu", "--json", env={"TIMBANG_CPU": level})["level"], level)
        self.fails("info", "--cpu", env={"TIMBANG_CPU": "avx9"}, has=["avx9", "scalar"])
        missing = [x for x in ("scalar", "avx2", "avx512", "amx", "neon") if x not in facts["levels"]]
        for level in missing:
            done = self.ok("info", "--cpu", env={"TIMBANG_CPU": level})
            self.assertIn("warning: TIMBANG_CPU=" + level, done.stderr)
            self.assertEqual(self.ok("info", "--cpu", "--quiet", env={"TIMBANG_CPU": level}).stderr, "")

    def test_color(self):
        self.assertNotIn("\x1b", self.fails("nada").stderr)
        self.assertNotIn("\x1b", self.fails("info", "/none").stderr)
        self.assertIn("\x1b[", self.fails_colored("info", "/none", "--color", "always"))
        self.assertNotIn("\x1b", run("info", "/none", "--color", "never").stderr)

    def fails_colored(self, *args):
        done = run(*args)
        self.assertEqual(done.returncode, 2)
        return done.stderr

    def test_escapes_in_names_do_not_reach_the_terminal(self):
        self.assertNotIn("\x1b", run("info", "/none\x1b[2J").stderr)

    def test_locale_has_no_influence(self):
        model = self.model()
        want = self.ok("predict", "--model", model, "--json", *TEXTS).stdout
        names = subprocess.run(["locale", "-a"], capture_output=True, encoding="utf-8", check=False).stdout.split()
        commas = [n for n in names if n.startswith(("de_", "fr_", "id_", "nl_"))]
        for name in commas[:2] or ["de_DE.UTF-8"]: # set even where the system lacks it
            got = self.ok("predict", "--model", model, "--json", *TEXTS, env={"LC_ALL": name, "LANG": name}).stdout
            self.assertEqual(got, want)


if __name__ == "__main__":
    unittest.main()
