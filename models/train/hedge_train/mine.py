"""Looks for what a network wrongly takes for plates in the training pictures that hold none.

    python -m hedge_train.mine --network candidate.onnx --sets DIR [DIR ...] --teachers FILE ... --out hard.jsonl

Training (--hard) draws a share of its scenes round these places. The file is replaced as a whole.
"""

import argparse
import json
import os
import random

import cv2

from .evaluate import Hedge, find
from .pictures import load_sets


def empty(entries, teacher_files):
    """The entries without a plate in which the teacher saw no vehicle."""
    seen = {}
    for path in teacher_files:
        with open(path, encoding="utf-8") as f:
            for row in map(json.loads, f):
                seen[row["set"], row["image"]] = any(v[4] >= 0.15 for v in row["vehicle"])
    return [e for e in entries if seen.get((e["set"], e["image"])) is False and not any(b["class"] == "plate" for b in e["boxes"])]


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--network", required=True)
    p.add_argument("--sets", nargs="+", required=True)
    p.add_argument("--teachers", nargs="+", required=True)
    p.add_argument("--out", required=True)
    p.add_argument("--least", type=float, default=0.15, help="score from which a box counts")
    p.add_argument("--pictures", type=int, default=1500, help="look at this many pictures, drawn at random")
    p.add_argument("--seed", type=int, default=1)
    a = p.parse_args()
    cv2.setNumThreads(1)
    entries = empty(load_sets(a.sets), a.teachers)
    entries = random.Random(a.seed).sample(entries, min(a.pictures, len(entries)))
    network, rows = Hedge(a.network), []
    for e in entries:
        boxes, scores = find(network, cv2.imread(e["path"]))[0]["plate"]
        rows += [{"path": e["path"], "box": [round(float(v), 1) for v in b], "score": round(float(s), 3)} for b, s in zip(boxes, scores) if s >= a.least]
    with open(a.out + ".new", "w", encoding="utf-8") as f:
        f.writelines(json.dumps(r) + "\n" for r in sorted(rows, key=lambda r: -r["score"]))
    os.replace(a.out + ".new", a.out)
    print(f"{len(rows)} boxes in {len(entries)} pictures, {sum(r['score'] >= 0.5 for r in rows)} from score 0.5")


if __name__ == "__main__":
    main()
