"""Tables of what run.py measured, in Markdown, and their place in docs/performance.md: a section a machine and level
between two comments, so that a run replaces its own section and leaves the others. Standard library only.

usage: tables.py RESULT.json...     (prints)
"""
import json
import pathlib
import re
import sys

NAMES = {"ort": "ONNX Runtime", "torch": "PyTorch", "ov": "OpenVINO", "ct2": "CTranslate2", "timbang": "Timbang"}
# Title, ours, peers.
GROUPS = [
    ("INT8", "timbang_int8", ["ort_int8", "ort_int8_plain", "ov_int8", "torch_int8", "ct2_int8"]),
    ("FP32", "timbang_fp32", ["ort_fp32", "ov_fp32", "torch_fp32", "ct2_fp32"]),
    ("INT4", "timbang_int4", ["ort_int4"]),
    ("BF16 compute", "timbang_bf16", ["ov_bf16", "torch_bf16"]),
]
# Ours beside ours: (what, over what).
OWN_RATIOS = [("timbang_int8", "timbang_fp32"), ("timbang_int4", "timbang_int8"), ("timbang_fp16", "timbang_fp32"),
              ("timbang_bf16_file", "timbang_fp32")]
PLACES = {"padded": "one batch", "single": "one by one", "packed": "packed"}


def family(engine):
    return engine.split("_")[0]


def title(engine):
    words = engine.split("_")
    return NAMES[words[0]] + (" (plain graph)" if words[-1] == "plain" else "")


def table(head, rows):
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in rows])


def figure(result):
    """A peer's time; where it had a choice, with its choice."""
    if not result:
        return "–"
    chosen = f" ({PLACES[result['mode']]})" if result["other_modes_ms"] else ""
    return f"{result['median_ms']:.2f}{chosen}"


def group_table(record, name, ours, peers):
    """None where nothing of the group ran."""
    ran = [p for p in peers if p in record["engines"]]
    here = ours in record["engines"]
    if not ran or not here:
        return None
    rows = []
    for shape, results in record["results"].items():
        best = min((p for p in ran if p in results), key=lambda p: results[p]["median_ms"])
        ratio = results[best]["median_ms"] / results[ours]["median_ms"]
        rows.append([shape, f"{results[ours]['median_ms']:.2f}", *(figure(results.get(p)) for p in ran),
                     f"**{ratio:.2f}** ({title(best)})"])
    return f"{name}, ms:\n\n" + table(["shape", "Timbang", *map(title, ran), "best peer / Timbang"], rows)


def own_table(record):
    pairs = [(a, b) for a, b in OWN_RATIOS if a in record["engines"] and b in record["engines"]]
    if not pairs:
        return None
    rows = [[shape, *(f"{results[a]['median_ms'] / results[b]['median_ms']:.2f}" for a, b in pairs)]
            for shape, results in record["results"].items()]
    heads = [f"{a.removeprefix('timbang_').replace('_', ' ')} / {b.removeprefix('timbang_')}" for a, b in pairs]
    return "Timbang's own schemes, time over time:\n\n" + table(["shape", *heads], rows)


def machine(record):
    cpu = record["cpu"]
    name = f"{cpu['name']} (family {cpu['family']}, model {cpu['model']})"
    return name + (f", held to {record['level'].upper()}" if record["level"] else "")


def versions(record):
    found = {}
    for engine, facts in record["engines"].items():
        found[NAMES[family(engine)]] = facts.get("version", "?")
    return ", ".join(f"{name} {version}" for name, version in sorted(found.items()))


def distances(record):
    known = [(e, f["distance"]) for e, f in record["engines"].items() if f.get("distance") is not None]
    return ", ".join(f"{e} {d:.1e}" for e, d in known)


def markdown(record):
    cpu = record["cpu"]
    level = next((f["level"] for e, f in record["engines"].items() if family(e) == "timbang"), "?")
    parts = [f"### {machine(record)}",
             f"{record['date']}, {cpu['cpus']} CPUs, {', '.join(cpu['features'])}; {record['threads']} threads, Timbang's "
             f"level {level}; {record['rounds']} bursts of {record['burst_seconds']} s each. {versions(record)}."]
    if record["not_held"]:
        parts.append(", ".join(NAMES[f] for f in record["not_held"]) +
                     " cannot be held to this level and uses all that the processor has.")
    parts += [t for t in (group_table(record, *group) for group in GROUPS) if t]
    parts += [t for t in [own_table(record)] if t]
    if distances(record):
        parts.append("Largest distance of a logit from PyTorch's FP32, as a part of the largest logit: " +
                     distances(record) + ".")
    return "\n\n".join(parts)


def key(record):
    cpu = record["cpu"]
    words = [cpu["name"], cpu["family"], cpu["model"], record["level"] or ""]
    return re.sub(r"[^a-z0-9]+", "-", " ".join(words).lower()).strip("-")


def put_section(text, name, section):
    """Text with the section in its place: instead of the one of that name, else before the mark of the end."""
    begin, end = f"<!-- machine: {name} -->", f"<!-- end of machine: {name} -->"
    block = f"{begin}\n{section}\n{end}"
    if begin in text:
        head, rest = text.split(begin, 1)
        return head + block + rest.split(end, 1)[1]
    last = "<!-- machines end -->"
    if last not in text:
        raise ValueError(f"there is no '{last}' to write before")
    head, rest = text.split(last, 1)
    return head + block + "\n\n" + last + rest


def write(record, docs):
    page, name = docs / "performance.md", key(record)
    page.write_text(put_section(page.read_text(encoding="utf-8"), name, markdown(record)), encoding="utf-8")
    folder = docs / "performance"
    folder.mkdir(exist_ok=True)
    (folder / f"{name}.json").write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    for path in sys.argv[1:]:
        print(markdown(json.loads(pathlib.Path(path).read_text(encoding="utf-8"))))
