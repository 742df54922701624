"""What `make install` lays down: files, manual pages, completions, and that C and C++ programs build against the shared
and the static library with pkg-config and run.

TIMBANG_BUILD is the build folder, TIMBANG_MESON the meson that made it, TIMBANG_CC the compiler; CXX names a C++
compiler. Cases whose tools are absent skip.
"""
import os
import pathlib
import re
import shlex
import shutil
import subprocess
import tempfile
import unittest

from common import SOURCE, run

BUILD = os.environ.get("TIMBANG_BUILD", "")
MESON = shlex.split(os.environ.get("TIMBANG_MESON", "meson"))
CC = shlex.split(os.environ.get("TIMBANG_CC", "cc"))
CXX = shlex.split(os.environ.get("CXX", "")) or next(([c] for c in ("c++", "g++", "clang++") if shutil.which(c)), [])
FOREIGN = os.environ.get("TIMBANG_EXE_WRAPPER")
SANITIZED = os.environ.get("TIMBANG_SANITIZE", "none") != "none"

PROGRAM = '''#include <timbang.h>
#include <stdio.h>
int main(void)
{
    timbang_context *ctx = NULL;
    timbang_model *model = NULL;
    timbang_result *result = NULL;
    timbang_model_options options;
    const char *texts[] = {"Filmnya bagus sekali"};
    timbang_model_options_init(&options);
    if (timbang_context_create(NULL, &ctx) != TIMBANG_OK ||
        timbang_model_load(ctx, &options, &model) != TIMBANG_OK ||
        timbang_predict(ctx, model, texts, NULL, 1, NULL, &result) != TIMBANG_OK)
        return fprintf(stderr, "%s\\n", timbang_error_text(ctx)), 1;
    printf("%s %s\\n", timbang_version(), timbang_model_label(model, timbang_result_label(result, 0)));
    timbang_result_free(result);
    timbang_model_free(model);
    timbang_context_free(ctx);
    return 0;
}
'''


def output(*args, **kwargs):
    done = subprocess.run([str(a) for a in args], capture_output=True, encoding="utf-8", check=False, **kwargs)
    if done.returncode:
        raise AssertionError(f"{args}\n{done.stdout}{done.stderr}")
    return done.stdout


def verbs():
    return re.findall(r"^  ([a-z]+) +\S", run("help").stdout.split("A model is")[0], re.M)


def options(verb):
    return re.findall(r"^  (?:-\w, |    )?(--[a-z-]+)", run(verb, "--help").stdout, re.M)


@unittest.skipUnless(BUILD, "TIMBANG_BUILD names no build folder")
class Install(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        cls.dir = pathlib.Path(tempfile.mkdtemp(prefix="timbang-install-"))
        cls.addClassCleanup(shutil.rmtree, cls.dir, ignore_errors=True)
        output(*MESON, "install", "-C", BUILD, "--no-rebuild", "--destdir", cls.dir)
        found = list(cls.dir.rglob("timbang.pc"))
        assert len(found) == 1, found
        cls.pc = found[0]
        cls.lib = cls.pc.parent.parent
        below = re.search(r"^prefix=(.*)$", cls.pc.read_text(), re.M).group(1)
        cls.prefix = cls.dir / below.lstrip("/")

    def pkg_config(self, *args):
        return shlex.split(output("pkg-config", f"--define-variable=prefix={self.prefix}", *args, "timbang", env={
            **os.environ, "PKG_CONFIG_PATH": str(self.pc.parent)}))

    def test_files(self):
        for name in ("bin/timbang", "include/timbang.h", "share/man/man1/timbang.1", "share/timbang/gates/deployment.rules",
                     "share/bash-completion/completions/timbang.bash", "share/zsh/site-functions/_timbang",
                     "share/fish/vendor_completions.d/timbang.fish"):
            self.assertTrue((self.prefix / name).is_file(), name)
        for verb in verbs():
            self.assertTrue((self.prefix / f"share/man/man1/timbang-{verb}.1").is_file(), f"no manual page of {verb}")
        self.assertEqual((self.prefix / "include/timbang.h").read_bytes(), (SOURCE / "include/timbang.h").read_bytes())
        self.assertTrue((self.lib / "libtimbang.a").is_file())
        version = run("--version").stdout.split()[1]
        self.assertIn(f"Version: {version}\n", self.pc.read_text())
        shared = self.lib / f"libtimbang.so.{version}"
        if shared.exists():
            self.assertEqual(os.readlink(self.lib / "libtimbang.so.0"), shared.name)

    def test_nothing_names_the_build_folder(self):
        for path in self.prefix.rglob("*"):
            if path.is_file() and path.suffix in (".pc", ".1", ".bash", ".fish", ".h", ""):
                data = path.read_bytes()
                if b"\0" not in data[:4096]:
                    self.assertNotIn(os.fsencode(BUILD), data, path)

    def test_exports(self):
        shared = self.lib / "libtimbang.so"
        if not shared.exists():
            self.skipTest("this build has no shared library")
        names = [line.split()[-1] for line in output("nm", "-D", "--defined-only", shared).splitlines()]
        foreign = re.compile(r"timbang_\w+@@TIMBANG_0$|TIMBANG_0$|_init$|_fini$|__(asan|ubsan|odr_asan|sancov|tsan)")
        self.assertEqual([n for n in names if not foreign.match(n)], [])
        self.assertGreater(len(names), 50)
        self.assertIn("[libtimbang.so.0]", output("readelf", "-d", shared).split("SONAME")[1].split("\n")[0])

    def build_and_run(self, compiler, language, static):
        if FOREIGN:
            self.skipTest("the libraries are for another machine")
        if SANITIZED:
            self.skipTest("a sanitizer wants its own program")
        if not shutil.which("pkg-config"):
            self.skipTest("no pkg-config here")
        if not static and not (self.lib / "libtimbang.so").exists():
            self.skipTest("this build has no shared library")
        suffix = "static" if static else "shared"
        program = self.dir / f"try-{language}-{suffix}"
        source = self.dir / f"try.{'c' if language == 'c' else 'cc'}"
        source.write_text(PROGRAM if language == "c" else PROGRAM.replace("(void)", "()"))
        flags = self.pkg_config("--cflags")
        if static: # the archive by its name, so that the rest may be shared
            libs = [str(self.lib / "libtimbang.a") if word == "-ltimbang" else word
                    for word in self.pkg_config("--static", "--libs")]
        else:
            libs = self.pkg_config("--libs")
        output(*compiler, "-Wall", "-Wextra", "-Werror", *flags, source, *libs, "-o", program)
        path = {} if static else {"LD_LIBRARY_PATH": str(self.lib)}
        self.assertEqual(output(program, env={**os.environ, **path}), run("--version").stdout.split()[1] + " positive\n")
        needs = re.findall(r"NEEDED.*\[(.*)\]", output("readelf", "-d", program))
        self.assertEqual("libtimbang.so.0" in needs, not static, needs)

    def test_c_shared(self):
        self.build_and_run(CC, "c", False)

    def test_c_static(self):
        self.build_and_run(CC, "c", True)

    @unittest.skipUnless(CXX, "no C++ compiler here")
    def test_cxx_shared(self):
        self.build_and_run(CXX, "c++", False)

    @unittest.skipUnless(CXX, "no C++ compiler here")
    def test_cxx_static(self):
        self.build_and_run(CXX, "c++", True)

    @unittest.skipIf(FOREIGN, "the program is for another machine")
    def test_installed_program(self):
        self.assertEqual(output(self.prefix / "bin/timbang", "--version"), run("--version").stdout)


class Pages(unittest.TestCase):
    """Manual pages and completions as the program prints them."""

    def setUp(self):
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="timbang-pages-"))
        self.addCleanup(shutil.rmtree, self.dir, ignore_errors=True)

    def page(self, *verb):
        done = run("help", "--man", *verb)
        self.assertEqual(done.returncode, 0, done.stderr)
        path = self.dir / ("-".join(["timbang", *verb]) + ".1")
        path.write_text(done.stdout)
        return path

    def test_every_option_has_its_place(self):
        shells = {s: run("help", "--completion", s).stdout for s in ("bash", "zsh", "fish")}
        top = self.page().read_text()
        self.assertGreater(len(verbs()), 8)
        for verb in verbs():
            self.assertIn(rf".BR timbang\-{verb} (1)", top)
            text = self.page(verb).read_text()
            self.assertGreater(len(options(verb)), 8, verb)
            for option in options(verb):
                self.assertIn(option.replace("-", r"\-"), text, verb)
                self.assertRegex(shells["bash"], rf"(?m)^ +{verb}\) words='.* {option}[ ']")
                self.assertRegex(shells["fish"], rf"__fish_seen_subcommand_from {verb}' -l {option[2:]} ")
                zsh = shells["zsh"].split(f"\n    {verb})")[1].split(";;")[0]
                self.assertRegex(zsh, rf"'\*?{option}=?\[")

    def test_pages_render_without_warnings(self):
        pages = [self.page()] + [self.page(v) for v in verbs()]
        checked = 0
        if shutil.which("man"):
            for path in pages:
                done = subprocess.run(["man", "--warnings", "-l", str(path)], capture_output=True, encoding="utf-8",
                                      check=False, env={**os.environ, "MANWIDTH": "80", "MANPAGER": "cat", "LC_ALL": "C.UTF-8"})
                self.assertEqual((done.returncode, done.stderr), (0, ""), path)
                for part in ("NAME", "SYNOPSIS", "DESCRIPTION", "OPTIONS", "EXIT STATUS", "EXAMPLES", "SEE ALSO"):
                    self.assertIn(part, done.stdout)
            checked += 1
        if shutil.which("mandoc"):
            done = subprocess.run(["mandoc", "-Tlint", "-Wwarning", *map(str, pages)], capture_output=True, encoding="utf-8",
                                  check=False)
            self.assertEqual((done.stdout, done.stderr), ("", ""))
            checked += 1
        if not checked:
            self.skipTest("neither man nor mandoc here")

    def test_completions_parse(self):
        for shell, name in (("bash", "bash"), ("zsh", "zsh"), ("fish", "fish")):
            if not shutil.which(name):
                continue
            path = self.dir / ("completion." + shell)
            path.write_text(run("help", "--completion", shell).stdout)
            done = subprocess.run([name, "-n", str(path)], capture_output=True, encoding="utf-8", check=False)
            self.assertEqual((done.returncode, done.stderr), (0, ""), shell)

    @unittest.skipUnless(shutil.which("bash"), "no bash here")
    def test_bash_offers(self):
        script = self.dir / "try.sh"
        script.write_text(run("help", "--completion", "bash").stdout + '''
for words in "$@"; do
    COMP_WORDS=($words); [[ $words == *" " ]] && COMP_WORDS+=("")
    COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); _timbang 2>/dev/null; echo "${COMPREPLY[*]}"
done''')
        asked = {"timbang stu": "study", "timbang study --pri": "--primary", "timbang study --primary ": "accuracy macro_f1",
                 "timbang study --primary = mac": "macro_f1", "timbang help ga": "gate", "timbang gate --rul": "--rules",
                 "timbang study --alpha ": "", "timbang gate --rules ": "", "timbang quantize --group ": "32 64 128"}
        got = output("bash", script, *asked).split("\n")
        self.assertEqual(dict(zip(asked, got)), asked)

    def test_what_is_no_page(self):
        for args, said in ((("--man", "nada"), "'nada' is no verb"), (("--completion", "tcsh"), "bash, zsh or fish"),
                           (("--completion",), "bash, zsh or fish"), (("--man", "study", "x"), "unexpected argument 'x'"),
                           (("--mann",), "'--mann' comes after a verb")):
            done = run("help", *args)
            self.assertEqual((done.returncode, done.stdout), (2, ""), args)
            self.assertIn(said, done.stderr)


if __name__ == "__main__":
    unittest.main()
