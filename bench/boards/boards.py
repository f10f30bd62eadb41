#!/usr/bin/env python3
"""Turns the instruction counts of the per-frame kernels into a table and holds them
against the published ones. A count is the same on every machine and under any load,
so that a change that makes a kernel dearer is seen without a board and without a
quiet computer. Call it through `make arm64`.

    boards.py [-publish] [-built TOOLS] arm64=FILE amd64=FILE amd64_avx2=FILE

The files hold what `internal/kernelsum -cost` and scripts/arm64/count.c wrote.
"""
import argparse
import json
import pathlib
import re
import sys

# What instructions are counted of: arm64 (Cortex-A72), amd64 without and with AVX2.
TARGETS = ("arm64", "amd64", "amd64_avx2")
# The growth of a count, as a share, that still passes.
TOLERANCE = 0.10
# The count per frame from which a function gets a row: what is below is bookkeeping, whose count may double without a cost.
FEWEST = 2000
MODULE = "github.com/hedgecam/hedge/"
# The functions in C.
KERNELS = ("redact_sum_cells", "redact_fill_frost", "redact_fill_field", "redact_pull", "redact_push", "redact_grow", "hedge_box", "hedge_resample", "hedge_fill_bgr",
           "shrink", "diff", "box_mean", "classify", "learn", "gather")


def kernel_of(symbol):
    """Returns the row's name of a function in a symbol table, None if it has none."""
    if symbol.startswith(MODULE):
        # pkg/path.(*Type).Method; a dot in a path does not occur in the module.
        return "Go: " + symbol[len(MODULE):].split(".")[0]
    # A static function may have become part of cgo's wrapper; name.avx2.0 and name.constprop.0 are versions of a function.
    name = re.sub(r"^_cgo_.*?_Cfunc_", "", symbol).split(".")[0]
    return name if name in KERNELS else None


def read(path):
    """Returns instructions per frame by workload and kernel, or by package for what is in Go."""
    works, sums = {}, {}
    for line in pathlib.Path(path).read_text().splitlines():
        m = re.fullmatch(r"(work|insn) (\d+) (\d+) (.+)", line)  # a symbol may hold spaces
        if not m or m[1] == "work" and int(m[3]) == 0:
            sys.exit(f"boards: {path}: line {line!r} is neither a workload nor a count")
        if m[1] == "work":
            works[m[2]] = (m[4], int(m[3]))
        elif kernel_of(m[4]):
            key = (m[2], kernel_of(m[4]))
            sums[key] = sums.get(key, 0) + int(m[3])
    counts = {(works[s][0], kernel): n // works[s][1] for (s, kernel), n in sums.items() if s in works and n // works[s][1] >= FEWEST}
    if not counts:
        sys.exit(f"boards: {path}: no kernel was counted: was the program stripped, or the plugin not loaded?")
    return counts


def table(now, then):
    """Returns thousands of instructions per frame and, in brackets, the change since then."""
    lines = ["| work on a 1080p frame | kernel | " + " | ".join(TARGETS) + " |", "| --- | --- |" + " ---: |" * len(TARGETS)]
    for (work, kernel), count in sorted(now.items()):
        cells = []
        for t in TARGETS:
            n, was = count.get(t), then.get((work, kernel), {}).get(t)
            change = f" ({100 * (n / was - 1):+.1f} %)" if n and was and was != n else ""
            cells.append(f"{n / 1000:.1f}{change}" if n else "")
        lines.append(f"| {work} | {kernel} | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n\nThousands of instructions per frame; in brackets the change against what is published."


def compare(now, then):
    """Returns a line for every row that has become dearer, and for every one that is not the published table's."""
    bad = []
    for t in TARGETS:
        for key in sorted(now.keys() | then.keys()):
            n, was, name = now.get(key, {}).get(t), then.get(key, {}).get(t), ", ".join(key)
            if was and not n:
                bad.append(f"{name}: {t} has no count, {was} is published")
            elif n and not was:
                bad.append(f"{name}: {t} takes {n} instructions a frame, none are published")
            elif n and n > was * (1 + TOLERANCE):
                bad.append(f"{name}: {t} takes {n} instructions a frame, {100 * (n / was - 1):+.1f} % of the published {was}")
    return bad


def main(args=None):
    p = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    p.add_argument("-published", default="bench/boards/instructions.json", help="the published counts")
    p.add_argument("-publish", action="store_true", help="write the counts to the published file instead of comparing")
    p.add_argument("-built", default="", help="the compilers used; counts of other compilers are not compared")
    p.add_argument("counts", nargs="+", metavar="TARGET=FILE")
    o = p.parse_args(args)
    now = {}
    for arg in o.counts:
        target, _, path = arg.partition("=")
        if target not in TARGETS or not path:
            p.error(f"argument {arg!r} is not one of {', '.join(TARGETS)}, each with =FILE")
        for key, n in read(path).items():
            now.setdefault(key, {})[target] = n
    published = pathlib.Path(o.published)
    if o.publish:
        rows = [{"work": w, "kernel": k, "instructions": dict(sorted(c.items()))} for (w, k), c in sorted(now.items())]
        published.write_text(json.dumps({"built": o.built, "rows": rows}, indent=2) + "\n")
        return
    was = json.loads(published.read_text())
    then = {(r["work"], r["kernel"]): r["instructions"] for r in was["rows"]}
    print(table(now, then))
    if was["built"] != o.built:
        print(f"\nNot compared: published with {was['built']}, counted with {o.built}.")
        return
    bad = compare(now, then)
    if bad:
        sys.exit("boards: " + "\n".join([*bad, "where this is meant, publish with `scripts/arm64.sh publish` and say why in the commit"]))


if __name__ == "__main__":
    main()
