"""Proves that bench/peers/tables.py picks the fastest peer, divides the right way round, and replaces its own section of
docs/performance.md alone. Standard library only; no engine runs.
"""
import json
import os
import pathlib
import sys
import tempfile
import unittest

ROOT = pathlib.Path(os.environ.get("TIMBANG_SOURCE", pathlib.Path(__file__).resolve().parents[2]))
sys.path.insert(0, str(ROOT / "bench" / "peers"))

import tables  # noqa: E402


def result(ms, mode="padded", others=()):
    return {"median_ms": ms, "p10_ms": ms, "p90_ms": ms, "passes": 9, "mode": mode, "other_modes_ms": dict(others)}


def record(level=None):
    engines = {"timbang_int8": {"version": "0.1.0", "level": "avx512", "distance": 0.02},
               "timbang_fp32": {"version": "0.1.0", "level": "avx512", "distance": 2e-7},
               "ort_int8": {"version": "1.2", "distance": None}, "ov_int8": {"version": "3.4", "distance": 0.01}}
    return {"cpu": {"name": "Some CPU @ 2 GHz", "family": "25", "model": "17", "features": ["avx2"], "cpus": 2},
            "date": "2026-01-31", "threads": 2, "level": level, "not_held": ["ort"] if level else [], "rounds": 3,
            "burst_seconds": 0.5, "engines": engines,
            "results": {"1x16": {"timbang_int8": result(4.0, "packed"), "timbang_fp32": result(16.0, "packed"),
                                 "ort_int8": result(6.0), "ov_int8": result(5.0)},
                        "mixed8": {"timbang_int8": result(50.0, "packed"), "timbang_fp32": result(220.0, "packed"),
                                   "ort_int8": result(90.0, "single", {"padded": 120.0}.items()),
                                   "ov_int8": result(100.0, "padded", {"single": 130.0}.items())}}}


class Tables(unittest.TestCase):
    def test_ratios(self):
        text = tables.markdown(record())
        self.assertIn("| 1x16 | 4.00 | 6.00 | 5.00 | **1.25** (OpenVINO) |", text)
        self.assertIn("| mixed8 | 50.00 | 90.00 (one by one) | 100.00 (one batch) | **1.80** (ONNX Runtime) |", text)
        self.assertIn("| 1x16 | 0.25 |", text)  # INT8 over FP32
        self.assertIn("Some CPU", text)
        self.assertIn("ONNX Runtime 1.2, OpenVINO 3.4, Timbang 0.1.0", text)
        self.assertNotIn("FP32, ms", text)  # no FP32 peer ran
        self.assertNotIn("cannot be held", text)
        self.assertIn("ONNX Runtime cannot be held", tables.markdown(record("avx2")))

    def test_lines_of_a_table_have_the_same_cells(self):
        for line in tables.markdown(record()).splitlines():
            if line.startswith("| 1x16 | 4") or line.startswith("| shape | Timbang |"):
                self.assertEqual(line.count("|"), 6, line)

    def test_a_section_replaces_itself_alone(self):
        page = (ROOT / "docs" / "performance.md").read_text(encoding="utf-8")
        with tempfile.TemporaryDirectory() as folder:
            docs = pathlib.Path(folder)
            (docs / "performance.md").write_text(page, encoding="utf-8")
            tables.write(record(), docs)
            first = (docs / "performance.md").read_text(encoding="utf-8")
            tables.write(record("avx2"), docs)
            both = (docs / "performance.md").read_text(encoding="utf-8")
            tables.write(record(), docs)
            self.assertEqual((docs / "performance.md").read_text(encoding="utf-8"), both)
            self.assertEqual(both.count("<!-- machine: some-cpu-2-ghz-25-17 -->"), 1)
            self.assertEqual(both.count("<!-- machine: some-cpu-2-ghz-25-17-avx2 -->"), 1)
            self.assertLess(len(page), len(first))
            kept = json.loads((docs / "performance" / "some-cpu-2-ghz-25-17-avx2.json").read_text())
            self.assertEqual(kept, record("avx2"))
        with self.assertRaises(ValueError):
            tables.put_section("no place", "a", "b")


if __name__ == "__main__":
    unittest.main()
