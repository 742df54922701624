"""Proves that includes point upward only: a room includes itself and rooms above it in docs/design.md, nothing else.

The command line includes no header of ours but timbang.h. System headers are free.
"""
import os
import pathlib
import re
import tempfile
import unittest

ROOT = pathlib.Path(os.environ.get("TIMBANG_SOURCE", pathlib.Path(__file__).resolve().parents[2]))
ROOMS = ["base", "kernels", "formats", "text", "data", "model", "eval", "quant", "train", "explain", "study", "report",
         "serve", "api"]
INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*([<"])([^>"]+)[>"]', re.M)


def sources(folder):
    return sorted(p for p in folder.rglob("*") if p.suffix in (".c", ".h", ".inc", ".S"))


def resolve(root, path, name):
    """The file of ours that a quoted include means, or None: next to the file, under src/, under include/."""
    for base in (path.parent, root / "src", root / "include"):
        found = (base / name).resolve()
        if found.is_file():
            return found
    return None


def room_of(root, path):
    parts = path.relative_to((root / "src").resolve()).parts
    return parts[0] if len(parts) > 1 else None


def violations(root):
    """One sentence for each include that breaks the rule."""
    root = root.resolve()
    bad = []
    public = root / "include" / "timbang.h"
    for path in sources(root / "src"):
        where = path.relative_to(root)
        room = room_of(root, path)
        if room not in ROOMS:
            bad.append(f"{where}: not in a room of docs/design.md")
            continue
        for kind, name in INCLUDE.findall(path.read_text(encoding="utf-8")):
            found = resolve(root, path, name)
            if kind == "<":
                if found and (root / "src") in found.parents and (root / "src" / name).resolve() == found:
                    bad.append(f"{where}: {name} is ours and wants quotes")
                continue
            if found is None:
                bad.append(f"{where}: {name} does not exist")
            elif found == public:
                continue
            elif (root / "src") not in found.parents:
                bad.append(f"{where}: {name} lies outside src/ and include/")
            else:
                other = room_of(root, found)
                if other not in ROOMS or ROOMS.index(other) > ROOMS.index(room):
                    bad.append(f"{where}: {room} includes {name} of {other}, which is below it")
    for path in sources(root / "cli"):
        for kind, name in INCLUDE.findall(path.read_text(encoding="utf-8")):
            found = resolve(root, path, name)
            if kind == "<" and not (root / "src" / name).is_file():
                continue
            if found is None or (found != public and (root / "cli") not in found.parents):
                bad.append(f"{path.relative_to(root)}: {name} (only timbang.h and files of cli/ are allowed)")
    header = public.read_text(encoding="utf-8") if public.is_file() else ""
    for kind, name in INCLUDE.findall(header):
        if kind == '"':
            bad.append(f"include/timbang.h: {name} (the public header stands alone)")
    return bad


class Includes(unittest.TestCase):
    def test_includes_point_upward_only(self):
        self.assertEqual(violations(ROOT), [])

    def test_there_is_something_to_check(self):
        self.assertGreater(len(sources(ROOT / "src")), 40)
        self.assertGreater(len(sources(ROOT / "cli")), 0)

    def test_order_is_the_one_of_the_design(self):
        text = (ROOT / "docs" / "design.md").read_text(encoding="utf-8")
        listed = re.findall(r"^\| `src/([a-z]+)/`", text, re.M)
        self.assertEqual(listed, [room for room in ROOMS if room in listed])
        present = {p.name for p in (ROOT / "src").iterdir() if p.is_dir()}
        self.assertEqual(present - set(listed), set(), "rooms that docs/design.md does not list")


class TheCheckBites(unittest.TestCase):
    FILES = {
        "include/timbang.h": "#include <stddef.h>\n",
        "src/base/mem.h": '#include "timbang.h"\n',
        "src/model/model.h": '#include "base/mem.h"\n',
        "src/model/model.c": '#include "model.h"\n#include <stdio.h>\n',
        "cli/main.c": '#include "timbang.h"\n#include "cli.h"\n',
        "cli/cli.h": "#include <stdio.h>\n",
    }

    def run_with(self, extra):
        with tempfile.TemporaryDirectory() as name:
            root = pathlib.Path(name)
            for path, text in {**self.FILES, **extra}.items():
                (root / path).parent.mkdir(parents=True, exist_ok=True)
                (root / path).write_text(text, encoding="utf-8")
            return violations(root)

    def test_clean_tree(self):
        self.assertEqual(self.run_with({}), [])

    def test_each_fault_is_found(self):
        for path, text in (
            ("src/base/up.c", '#include "model/model.h"\n'),
            ("src/base/rel.c", '#include "../model/model.h"\n'),
            ("src/base/spaced.c", '  #  include "model/model.h"\n'),
            ("src/model/angle.c", "#include <base/mem.h>\n"),
            ("src/model/gone.c", '#include "base/gone.h"\n'),
            ("src/model/outside.c", '#include "../../cli/cli.h"\n'),
            ("src/unknown/a.c", ""),
            ("cli/inner.c", '#include "base/mem.h"\n'),
            ("cli/inner2.c", "#include <base/mem.h>\n"),
            ("include/timbang.h", '#include "base/mem.h"\n'),
        ):
            with self.subTest(path=path):
                self.assertEqual(len(self.run_with({path: text})), 1)


if __name__ == "__main__":
    unittest.main()
