"""Proves small rules about the repository itself: no machine's own paths, no unfinished marks, files of readable size
that say what they are, a library that neither prints nor exits, links that lead somewhere. Standard library only.
"""
import os
import pathlib
import re
import sys
import unittest

ROOT = pathlib.Path(os.environ.get("TIMBANG_SOURCE", pathlib.Path(__file__).resolve().parents[2]))
SKIPPED_FOLDERS = re.compile(r"^(\.git|\.cache|build.*|dist|__pycache__)$")
TEXT_SUFFIXES = {".c", ".h", ".inc", ".S", ".py", ".sh", ".md", ".build", ".txt", ".mk", ".ini", ".json", ".tsv", ".csv",
                 ".yml", ".html", ".js", ".css", ""}
WARN_LINES, MAX_LINES = 600, 900
# Joined here so that this file does not hold what it looks for.
MACHINE_PATHS = re.compile("|".join(["/wor" + "k/(main|shared)", "/tm" + "p/b-", "/op" + "t/oracle", "/roo" + "t/"]))
UNFINISHED = re.compile(r"\b(TO" + r"DO|FIX" + r"ME|XX" + r"X|HA" + r"CK)\b|not (yet )?implem" + r"ented", re.I)
FORBIDDEN_CALLS = re.compile(r"\b(abort|exit|_exit|quick_exit|printf|vprintf|puts|putchar|perror|assert|setlocale)\s*\(|"
                             r"\bfprintf\s*\(\s*std(err|out)|\bfputs\s*\([^;]*,\s*std(err|out)")
LOCALE_CALLS = re.compile(r"\b(strtod|strtof|strtold|atof|isalpha|isdigit|isspace|isalnum|isupper|islower|tolower|toupper|"
                          r"strcoll|strcasecmp|strncasecmp)\s*\(")


def walk(top):
    for folder, folders, files in os.walk(top):
        folders[:] = sorted(f for f in folders if not SKIPPED_FOLDERS.match(f))
        for name in sorted(files):
            yield pathlib.Path(folder, name)


def text_files():
    for path in walk(ROOT):
        if path.suffix in TEXT_SUFFIXES and path.stat().st_size < 4_000_000 and not path.is_symlink():
            data = path.read_bytes()
            if b"\0" not in data[:4096]:
                yield path, data.decode("utf-8")


def c_files(*folders):
    for folder in folders:
        for path in walk(ROOT / folder):
            if path.suffix in (".c", ".h", ".inc"):
                yield path, path.read_text(encoding="utf-8")


def generated(text):
    """Tables that a script wrote say so in their first lines."""
    return re.search(r"(generated|made) by (tests|scripts)/", "\n".join(text.split("\n")[:8]), re.I) is not None


def code_only(text):
    """C code without comments and without the contents of strings."""
    pattern = r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\''
    return re.sub(pattern, lambda m: '""' if m.group()[0] in "\"'" else " ", text, flags=re.S)


def name_of(path):
    return str(path.relative_to(ROOT))


class Repository(unittest.TestCase):
    maxDiff = None

    def test_no_paths_of_one_machine(self):
        bad = [f"{name_of(p)}: {m.group()}" for p, text in text_files() for m in [MACHINE_PATHS.search(text)] if m]
        self.assertEqual(bad, [])

    def test_nothing_is_marked_unfinished(self):
        bad = [f"{name_of(p)}: {m.group()}" for p, text in c_files("src", "include", "cli")
               for m in [UNFINISHED.search(text)] if m]
        self.assertEqual(bad, [])

    def test_files_have_a_readable_size(self):
        bad = []
        for path, text in c_files("src", "include", "cli", "tests", "bench"):
            lines = text.count("\n")
            if generated(text) or lines <= WARN_LINES:
                continue
            print(f"note: {name_of(path)} has {lines} lines", file=sys.stderr)
            if lines > MAX_LINES:
                bad.append(f"{name_of(path)}: {lines} lines, more than {MAX_LINES}")
        self.assertEqual(bad, [])

    def test_source_files_start_by_saying_what_they_are(self):
        bad = [name_of(p) for p, text in c_files("src", "include", "cli", "tests", "bench")
               if not text.lstrip().startswith(("/*", "//"))]
        for path in walk(ROOT):
            if path.suffix in (".py", ".sh") and name_of(path).startswith(("tests/", "scripts/", "bench/")):
                text = path.read_text(encoding="utf-8")
                if not re.match(r"(#!.*\n)?(# |\"\"\"|'''|r\"\"\")", text):
                    bad.append(name_of(path))
        self.assertEqual(bad, [])

    def test_headers_are_guarded(self):
        bad = [name_of(p) for p, text in c_files("src", "include", "cli") if p.suffix == ".h" and
               not generated(text) and not re.search(r"#ifndef (\w+)\s*\n#define \1\b|#pragma once", text)]
        self.assertEqual(bad, [])

    def test_library_neither_prints_nor_exits(self):
        # A program that the build itself runs may: it has a main.
        bad = [f"{name_of(p)}: {m.group()}" for p, text in c_files("src") if not re.search(r"^int main\(", text, re.M)
               for m in [FORBIDDEN_CALLS.search(code_only(text))] if m]
        self.assertEqual(bad, [])

    def test_library_asks_no_locale(self):
        # base/text.c is the one place that turns numbers into text and back, in the C locale.
        bad = [f"{name_of(p)}: {m.group()}" for p, text in c_files("src") if name_of(p) != "src/base/text.c"
               for m in [LOCALE_CALLS.search(code_only(text))] if m]
        self.assertEqual(bad, [])

    def test_every_source_and_test_is_built(self):
        bad = []
        for top in ("src", "cli", "tests"):
            for path in walk(ROOT / top):
                is_test = top == "tests" and re.match(r"test_.*\.(c|py|sh)$", path.name)
                if (top != "tests" and path.suffix == ".c") or is_test:
                    # The nearest meson.build at or above the file names it, with or without its suffix.
                    folder = path.parent
                    while not (folder / "meson.build").exists():
                        folder = folder.parent
                    listed = (folder / "meson.build").read_text(encoding="utf-8")
                    if not re.search(rf"(?<![A-Za-z0-9_]){re.escape(path.stem)}(?![A-Za-z0-9_])|"
                                     rf"'{re.escape(path.stem.removeprefix('test_'))}'", listed):
                        bad.append(name_of(path))
        self.assertEqual(bad, [], "in no meson.build")

    def test_links_in_the_documents_lead_somewhere(self):
        bad = []
        for path in walk(ROOT):
            if path.suffix != ".md" or name_of(path).startswith("models/"):
                continue
            text = re.sub(r"```.*?```", "", path.read_text(encoding="utf-8"), flags=re.S)
            for target in re.findall(r"\]\(([^)\s]+)\)", text):
                if not re.match(r"[a-z]+:|#", target) and not (path.parent / target.split("#")[0]).exists():
                    bad.append(f"{name_of(path)}: {target}")
        self.assertEqual(bad, [])

    def test_what_a_newcomer_needs_is_there(self):
        for name in ("README.md", "LICENSE", "CONTRIBUTING.md", "Makefile", "docs/design.md", "docs/numerics.md",
                     "data/ulasan.tsv", "include/timbang.h", ".clang-format", ".editorconfig"):
            self.assertTrue((ROOT / name).is_file(), name)
        readme = (ROOT / "README.md").read_text(encoding="utf-8")
        makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
        for command in ("demo", "test"):
            self.assertIn(f"make {command}", readme)
            self.assertRegex(makefile, rf"(?m)^{command}:")

    def test_version_is_the_same_everywhere(self):
        header = (ROOT / "include" / "timbang.h").read_text(encoding="utf-8")
        parts = [re.search(rf"TIMBANG_VERSION_{part} (\d+)", header).group(1) for part in ("MAJOR", "MINOR", "PATCH")]
        self.assertIn(f"version: '{'.'.join(parts)}'", (ROOT / "meson.build").read_text(encoding="utf-8"))


class TheChecksBite(unittest.TestCase):
    def test_calls_are_found_in_code_and_not_in_comments_or_strings(self):
        self.assertTrue(FORBIDDEN_CALLS.search(code_only("if (x) abort ();")))
        self.assertTrue(FORBIDDEN_CALLS.search(code_only("fprintf(stderr, s);")))
        self.assertTrue(FORBIDDEN_CALLS.search(code_only('char c = \'"\'; exit(1); char d = \'"\';')))
        self.assertFalse(FORBIDDEN_CALLS.search(code_only('/* exit(1) */ s = "abort()"; // printf(x)\nsnprintf(a, b, c);')))
        self.assertTrue(LOCALE_CALLS.search(code_only("y = strtod(s, &end);")))
        self.assertFalse(LOCALE_CALLS.search(code_only("y = tb_strtod(s, &end);")))

    def test_marks_and_paths_are_found(self):
        self.assertTrue(UNFINISHED.search("/* TO" + "DO: more */"))
        self.assertTrue(UNFINISHED.search("this is not imple" + "mented"))
        self.assertFalse(UNFINISHED.search("implemented in ref/gemm.c"))
        self.assertTrue(MACHINE_PATHS.search("see /wor" + "k/shared/data"))
        self.assertFalse(MACHINE_PATHS.search("see ../shared/data"))

    def test_generated_tables_are_told_apart(self):
        self.assertTrue(generated("/* Made by tests/oracle/unicode.py */\n"))
        self.assertFalse(generated("/* Tables for the tokenizer. */\n"))


if __name__ == "__main__":
    unittest.main()
