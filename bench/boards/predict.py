#!/usr/bin/env python3
"""Predicts what Hedge takes of a board's cores, and holds what a board measures against
it. Call it through `make predict` and `make board`.

    predict.py [-write]             the prediction; -write puts it into both READMEs
    predict.py -measured FILE [-board NAME]

FILE holds lines "time NAME NANOSECONDS", as scripts/board.sh writes them.

Cycles per instruction of a board come from work whose time somebody has published and
whose instructions were counted here. They reach from the lowest of these ratios to the
highest, wider by what the same method misses on the machine of here.txt, and so does the
prediction: an interval is a pair (low, high).
"""
import argparse
import json
import pathlib
import sys

HERE = pathlib.Path(__file__).parent
# Pixels as a share of 1080p, and pictures a second.
MODES = {"1080p30": (1.0, 30), "720p30": (1280 * 720 / (1920 * 1080), 30), "1080p15": (1.0, 15)}
NETWORKS = {"hedge-p": "hedge-p@384x256", "hedge-n": "hedge-n@640x384"}
FILLS = ("solid", "frost", "background")
X264 = {1.0: "superfast-1920x1080", MODES["720p30"][0]: "superfast-1280x720"}
# Per frame beside the fill. The first grows with the picture, the others do not.
PATH = ("prepare/640x360", "motion/640x360", "track/objects=50")
# The core time that inferences may take (pipeline.Config.Cores): while something moves, one
# follows the other, at most one a picture. At rest there is one a second.
BUDGET = 1.0
FRAME_BYTES = 1920 * 1080 * 1.5
BEGIN, END = "<!-- predicted: make predict -->", "<!-- end -->"


def plus(*intervals):
    return sum(i[0] for i in intervals), sum(i[1] for i in intervals)


def times(interval, factor):
    return interval[0] * factor, interval[1] * factor


def span(intervals):
    return min(i[0] for i in intervals), max(i[1] for i in intervals)


def text(interval):
    """Returns "1.2 to 3.4", or one number where both ends read the same."""
    low, high = (f"{v:.3g}" if abs(v) < 100 else f"{v:.0f}" for v in interval)
    return low if low == high else f"{low} to {high}"


class Data:
    """What was counted here, and what others have published."""

    def __init__(self, folder=HERE):
        read = lambda name: json.loads((folder / name).read_text())
        self.counts = {(r["work"], t): n for r in read("counted.json")["rows"] for t, n in r["instructions"].items()}
        for r in read("instructions.json")["rows"]:
            for t, n in r["instructions"].items():
                self.counts[r["work"], t] = self.counts.get((r["work"], t), 0) + n
        published = read("published.json")
        self.known, self.rest, self.sources = published["known"], published["rest"], published["sources"]
        self.boards = {b["name"]: b for b in published["boards"]}
        # The machine at hand: what it measured of other work stands for what others have published.
        self.here = next(b for b in self.boards.values() if "check" in b)
        ms = self.ms = measured(folder / self.here["check"])
        self.rest["x264_ms"] = ms[X264[1.0]]
        self.own = [{"board": self.here["name"], "kind": kind, "work": [w], "ms": (ms[w], ms[w]), "ghz": (1, 1)}
                    for kind, works in self.here["known"].items() for w in works]

    def ratios(self, known):
        """Returns the cycles per instruction that follow from something known."""
        counts = [self.counts[w, self.boards[known["board"]]["counts"]] for w in known["work"]]
        return known["ms"][0] * known["ghz"][0] * 1e6 / max(counts), known["ms"][1] * known["ghz"][1] * 1e6 / min(counts)

    def cycles(self, board, kind):
        """Returns cycles per instruction of a kind of work, from all that is known of it on that board."""
        low, high = span([self.ratios(k) for k in self.known + self.own if (k["board"], k["kind"]) == (board["name"], kind)])
        if board is not self.here:
            missed = self.missed(kind)
            low, high = low * missed[0], high * missed[1]
        return max(low, 1 / board["width"] if "width" in board else 0), high

    def missed(self, kind):
        """Returns how far the method misses what the machine at hand measured, as factors of both ends."""
        low, high = self.cycles(self.here, kind)
        ratios = [self.ms[w] * 1e6 / self.counts[w, self.here["counts"]] for w in (NETWORKS if kind == "network" else X264).values()]
        return min(1, min(ratios) / low), max(1, max(ratios) / high)

    def predict(self, board):
        """Returns milliseconds of one core by work, for a picture or an inference."""
        ms = lambda work, cycles: times(cycles, self.counts[work, board["counts"]] / (board["ghz"] * 1e6))
        network, x264 = self.cycles(board, "network"), self.cycles(board, "x264")
        parts = {w: ms(w, network) for w in NETWORKS.values()} | {w: ms(w, x264) for w in X264.values()}
        # Nothing of the kernels' kind is published: their cycles per instruction are those of anything known.
        parts |= {w: ms(w, span([network, x264])) for w, t in self.counts if t == board["counts"] and "/" in w}
        copy = [FRAME_BYTES / (gbs * 1e6) for gbs in reversed(board["memcpy_gbs"])]
        parts["copies"] = times(copy, 2)
        # What counts of kernels leave out is at most what a live run spends, which grows as x264's time does.
        parts["rest"] = (0, self.rest["ms"] * parts[X264[1.0]][1] / self.rest["x264_ms"])
        return parts


def fill(parts, name):
    """Returns a picture's time for a fill that hides from a twentieth to all of it."""
    if name == "solid":  # a memset, which is not counted: more than nothing, and less than frost
        return 0, parts["frost/area=100%"][1]
    return parts[f"{name}/area=5%"][0], parts[f"{name}/area=100%"][1]


def frame(parts, name, pixels):
    """Returns a picture's time for all but networks and encoder."""
    kernels = plus(fill(parts, name), parts[PATH[0]], parts["copies"])
    low, high = plus(times(kernels, pixels), *(parts[p] for p in PATH[1:]))
    return low, max(high, parts["rest"][1] * pixels)


def cores(board, parts, mode, name, network, hardware):
    """Returns the cores that a mode takes, of which a board has so many."""
    pixels, rate = MODES[mode]
    encoder = times(parts[X264[pixels]], rate / 1000)
    if hardware:
        encoder = times(board["encoder_cores"], pixels * rate / 30)
    looks = tuple(min(BUDGET, t * rate / 1000) for t in parts[NETWORKS[network]])
    return plus(encoder, looks, times(frame(parts, name, pixels), rate / 1000))


def table(head, rows):
    line = lambda cells: "| " + " | ".join(cells) + " |"
    return "\n".join([line(head), line(["---"] * len(head)), *map(line, rows)])


def taken(interval, board):
    """Returns cores taken, and whether the board has as many."""
    more = " (too much)" if interval[0] > board["cores"] else " (may be too much)" if interval[1] > board["cores"] else ""
    return " to ".join(dict.fromkeys(f"{v:.1f}" for v in interval)) + more


def shares(board, parts):
    """Returns the rows of the table of a board's cores. Fills that read the same share one."""
    for mode in MODES:
        rows = {}
        for name in FILLS:
            cells = ["-" if hardware and not board["encoder_cores"] else taken(cores(board, parts, mode, name, network, hardware), board)
                     for hardware in (False, True) for network in NETWORKS]
            rows.setdefault(tuple(cells), []).append(name)
        for cells, names in rows.items():
            yield [f"{board['name']}, {board['cores']} cores", mode, ", ".join(names), *cells]


SHARES = ["board", "mode", "fill", *(f"{e}, {n}" for e in ("x264", "encoder in hardware") for n in NETWORKS)]
PARTS = {"hedge-p, an inference": NETWORKS["hedge-p"], "hedge-n, an inference": NETWORKS["hedge-n"],
         "x264 superfast, 1080p": X264[1.0], "x264 superfast, 720p": X264[MODES["720p30"][0]]}
KERNELS = (*PATH, "frost/area=5%", "frost/area=100%", "background/area=5%", "background/area=100%")


def page(data):
    """Returns what stands between the markers of bench/boards/README.md."""
    boards = [b for b in data.boards.values() if b is not data.here]
    predicted = {b["name"]: data.predict(b) for b in boards}
    parts = table(["ms of one core", *predicted], [[what, *(text(p[w]) for p in predicted.values())] for what, w in PARTS.items()] +
                  [["all but networks and encoder, 1080p, frost", *(text(frame(p, "frost", 1)) for p in predicted.values())]])
    known = table(["board", "known", "as ms of one core", "at GHz", "counted", "cycles per instruction", "source"],
                  [[k["board"], k["what"], text(k["ms"]), text(k["ghz"]), ", ".join(k["work"]), text(data.ratios(k)), ", ".join(k["from"])] for k in data.known])
    return "\n\n".join(["Cores taken while something moves; at rest there is one inference a second:", table(SHARES, [r for b in boards for r in shares(b, predicted[b["name"]])]),
                        "Time of the parts:", parts, "The same method on a machine that was measured:", compare(data, data.here, data.ms)[0],
                        "What is known, and the ratios that follow:", known,
                        "\n".join(f"- {name}: {what}" for name, what in data.sources.items())])


def compare(data, board, ms):
    """Returns a table of predicted and measured parts, and a line for each prediction that failed."""
    parts, rows, failed = data.predict(board), [], []
    for what, work in (PARTS | {k: k for k in KERNELS}).items():
        if work in ms:
            low, high = parts[work]
            holds = low <= ms[work] <= high
            rows.append([what, text(parts[work]), text((ms[work],) * 2), "yes" if holds else "**no**"])
            if not holds:
                failed.append(f"{what}: predicted {text(parts[work])} ms, measured {text((ms[work],) * 2)}")
    return table(["ms of one core", "predicted", "measured", "holds"], rows), failed


def small(data):
    """Returns the table of the README."""
    rows = []
    for b in data.boards.values():
        if b is not data.here:
            p = data.predict(b)
            cell = lambda *a: "-" if a[-1] and not b["encoder_cores"] else " to ".join(f"{v:.1f}" for v in cores(b, p, *a))
            of = (("1080p30", "hedge-n", False), ("1080p30", "hedge-n", True), ("1080p15", "hedge-n", False), ("720p30", "hedge-p", False))
            rows.append([b["name"], *(cell(mode, "frost", network, hardware) for mode, network, hardware in of)])
    return table(["cores of 4, predicted", "1080p30, hedge-n, x264", "with an encoder in hardware", "1080p15, hedge-n, x264", "720p30, hedge-p, x264"], rows)


def between(path, content):
    """Returns a file's text with the content between the markers."""
    head, begin, tail = path.read_text().partition(BEGIN)
    _, end, tail = tail.partition(END)
    if not begin or not end:
        sys.exit(f"predict: {path} lacks the markers {BEGIN} and {END}")
    return f"{head}{BEGIN}\n{content}\n{END}{tail}"


def measured(path):
    """Returns milliseconds by work."""
    ms = {}
    for line in pathlib.Path(path).read_text().splitlines():
        words = line.split()
        if len(words) != 3 or words[0] != "time" or not words[2].isdigit() or int(words[2]) == 0:
            sys.exit(f"predict: {path}: line {line!r} is no \"time NAME NANOSECONDS\"")
        ms[words[1]] = int(words[2]) / 1e6
    return ms


def report(data, path, name):
    """Returns what a board has measured, beside what was predicted for it."""
    ms = measured(path)
    missing = [w for w in (*PARTS.values(), *KERNELS) if w not in ms]
    if missing:
        sys.exit(f"predict: {path} has no time of {', '.join(missing)}: run scripts/board.sh to its end")
    if name not in data.boards:
        return "\n\n".join([f"There is no prediction for {name!r}; there is one for {', '.join(data.boards)} (BOARD=NAME).",
                            table(["ms of one core", "measured"], [[what, text((ms[w],) * 2)] for what, w in PARTS.items()])])
    board = data.boards[name]
    rows, failed = compare(data, board, ms)
    parts = data.predict(board) | {w: (v, v) for w, v in ms.items()} | {"rest": (0, 0)}
    lines = ["Cores taken, by the times measured:", table(SHARES, list(shares(board, parts))), "Predicted beside measured:", rows,
             "\n".join(["These predictions failed:", *failed]) if failed else "Every prediction held."]
    return "\n\n".join(lines)


def publish(path, to=HERE / "counted.json"):
    """Writes the counts of scripts/arm64/work.sh, lines "WORK ARCH INSTRUCTIONS"."""
    rows = {}
    for work, arch, n in map(str.split, pathlib.Path(path).read_text().splitlines()):
        n = int(n)
        if work == "nanodet_m@416x416":  # its times are published for another size, and a convolution's work is that of its pixels
            work, n = "nanodet_m@320x320", n * 320**2 // 416**2
        rows.setdefault(work, {})["amd64_avx2" if arch == "amd64" else arch] = n
    to.write_text(json.dumps({"rows": [{"work": w, "instructions": rows[w]} for w in sorted(rows)]}, indent=2) + "\n")


def main(args=None):
    p = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    p.add_argument("-write", action="store_true", help="write the tables into README.md and bench/boards/README.md")
    p.add_argument("-measured", metavar="FILE", help="what a board has measured")
    p.add_argument("-board", default="", help="its name, as in the table")
    p.add_argument("-counted", metavar="FILE", help="publish these counts")
    o = p.parse_args(args)
    if o.counted:
        publish(o.counted)
        return
    data = Data()
    if o.measured:
        print(report(data, o.measured, o.board))
        return
    if o.write:
        for path, content in ((HERE / "README.md", page(data)), (HERE.parent.parent / "README.md", small(data))):
            path.write_text(between(path, content))
    print(page(data))


if __name__ == "__main__":
    main()
