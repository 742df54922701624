"""Proves that include/timbang.h stands alone in C11, C17 and C++, that the shared library exports exactly what it
declares, and that a C++ program links with it. Standard library and compilers only.

TIMBANG_CC is the compiler of the build, TIMBANG_NM its nm, TIMBANG_LIBRARY the shared library (empty where none was
built), TIMBANG_EXE_WRAPPER the command that starts a program of another machine. CXX names a C++ compiler; without it
the usual ones are tried, and where there is none the C++ cases skip.
"""
import os
import pathlib
import re
import shlex
import shutil
import subprocess
import tempfile
import unittest

ROOT = pathlib.Path(os.environ.get("TIMBANG_SOURCE", pathlib.Path(__file__).resolve().parents[2]))
HEADER = ROOT / "include" / "timbang.h"
CC = shlex.split(os.environ.get("TIMBANG_CC", "cc"))
NM = shlex.split(os.environ.get("TIMBANG_NM", "nm"))
LIBRARY = os.environ.get("TIMBANG_LIBRARY", "")
CXX = shlex.split(os.environ.get("CXX", "")) or next(([c] for c in ("c++", "g++", "clang++") if shutil.which(c)), [])
WARNINGS = ["-Wall", "-Wextra", "-Wpedantic", "-Wshadow", "-Wconversion", "-Werror"]

# Twice, to see the guard; first, so that nothing before it helps.
PROGRAM = '''#include "timbang.h"
#include "timbang.h"
int main(void)
{
    timbang_model_options options;
    timbang_model_options_init(&options);
    return options.struct_size == sizeof options && timbang_version()[0] != 0 ? 0 : 1;
}
'''


def check(compiler, language, standard, header, program=PROGRAM):
    """The compiler's complaints about a program that includes the header; empty: none."""
    with tempfile.TemporaryDirectory(prefix="timbang-header-") as folder:
        (pathlib.Path(folder) / "timbang.h").write_text(header, encoding="utf-8")
        done = subprocess.run([*compiler, "-x", language, "-std=" + standard, *WARNINGS, "-I", folder, "-fsyntax-only", "-"],
                              input=program, capture_output=True, encoding="utf-8", check=False)
    return done.stderr if done.returncode else ""


def declared(header):
    """Names of the functions that the header declares as part of the library."""
    code = re.sub(r"/\*.*?\*/|//[^\n]*", " ", header, flags=re.S)
    code = re.sub(r"^[ \t]*#(?:[^\n]*\\\n)*[^\n]*", " ", code, flags=re.M)
    names = set(re.findall(r"\bTIMBANG_API\b[^;{(]*?\b(\w+)\s*\(", code))
    return names | {name + "_init_sized" for name in re.findall(r"\bTIMBANG_DECLARE_INIT\((\w+)\)", code)}


def exported(listing):
    """Names in the output of nm -D --defined-only, without those that the linker or a sanitizer adds, and without the
    name of the version itself."""
    names = {line.split()[-1].split("@")[0] for line in listing.splitlines() if line.strip()}
    return {n for n in names if not re.match(r"(_init|_fini|_edata|_end|__bss_start|TIMBANG_\d+)$|__(asan|odr_asan|ubsan|tsan|sancov)_|"
                                             r"__odr_asan", n)}


class Header(unittest.TestCase):
    maxDiff = None

    def test_c(self):
        for standard in ("c11", "c17"):
            self.assertEqual(check(CC, "c", standard, HEADER.read_text(encoding="utf-8")), "", standard)

    @unittest.skipUnless(CXX, "no C++ compiler here")
    def test_cxx(self):
        program = PROGRAM.replace("(void)", "()")
        for standard in ("c++11", "c++17", "c++20"):
            self.assertEqual(check(CXX, "c++", standard, HEADER.read_text(encoding="utf-8"), program), "", standard)


@unittest.skipUnless(LIBRARY, "this build has no shared library")
class SharedLibrary(unittest.TestCase):
    maxDiff = None

    def test_exports_what_the_header_declares_and_nothing_else(self):
        listing = subprocess.run([*NM, "-D", "--defined-only", LIBRARY], capture_output=True, encoding="utf-8", check=True).stdout
        names = exported(listing)
        self.assertEqual(sorted(n for n in names if not n.startswith("timbang_")), [])
        self.assertEqual(sorted(names), sorted(declared(HEADER.read_text(encoding="utf-8"))))

    @unittest.skipUnless(CXX, "no C++ compiler here")
    @unittest.skipIf(os.environ.get("TIMBANG_EXE_WRAPPER"), "the C++ compiler found here is for this machine")
    @unittest.skipIf(os.environ.get("TIMBANG_SANITIZE", "none") != "none", "a sanitizer wants its own program")
    def test_cxx_program_links_and_runs(self):
        with tempfile.TemporaryDirectory(prefix="timbang-header-") as folder:
            source, program = pathlib.Path(folder, "try.cc"), pathlib.Path(folder, "try")
            source.write_text(PROGRAM.replace("(void)", "()"), encoding="utf-8")
            subprocess.run([*CXX, "-I", str(HEADER.parent), str(source), LIBRARY, "-o", str(program)], check=True)
            path = str(pathlib.Path(LIBRARY).resolve().parent)
            done = subprocess.run([str(program)], env={**os.environ, "LD_LIBRARY_PATH": path}, check=False)
            self.assertEqual(done.returncode, 0)


class TheChecksBite(unittest.TestCase):
    def test_c_faults(self):
        good = HEADER.read_text(encoding="utf-8")
        for fault in ("#include <nothing/of/that/name.h>\n", "inline int f(void) { int x = 1L << 40; return x; }\n",
                      "int f();\nint f(a) int a; { return b; }\n"):
            self.assertNotEqual(check(CC, "c", "c11", good + fault), "", fault)
        self.assertNotEqual(check(CC, "c", "c11", good.replace("#include <stdint.h>\n", "")), "")
        self.assertNotEqual(check(CC, "c", "c11", good.replace("#define TIMBANG_H\n", "")), "", "no guard")

    @unittest.skipUnless(CXX, "no C++ compiler here")
    def test_cxx_faults(self):
        good = HEADER.read_text(encoding="utf-8")
        for fault in ("struct s { int class; };\n", "static inline int *f(void *p) { return p; }\n"):
            self.assertNotEqual(check(CXX, "c++", "c++11", good + fault, PROGRAM.replace("(void)", "()")), "", fault)

    def test_names(self):
        header = ("/* TIMBANG_API int no(void); */\n#define TIMBANG_DECLARE_INIT(type) \\\n    TIMBANG_API void type##_x(int);\n"
                  "TIMBANG_API const char *timbang_a(int x);\nTIMBANG_DECLARE_INIT(timbang_b)\nint own(void);\n")
        self.assertEqual(declared(header), {"timbang_a", "timbang_b_init_sized"})
        listing = "0000000000001000 T timbang_a\n0000000000002000 B tb_state\n0000000000003000 R __odr_asan.tb_x\n"
        self.assertEqual(exported(listing), {"timbang_a", "tb_state"})
        self.assertGreater(len(declared(HEADER.read_text(encoding="utf-8"))), 50)


if __name__ == "__main__":
    unittest.main()
