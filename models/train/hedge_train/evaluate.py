"""Recall at no more than 0.1 false boxes a picture, by class, set, size and night.

    python -m hedge_train.evaluate --data DIR/dev --network hedge-n.onnx [--json out.json]
    python -m hedge_train.evaluate --data DIR/dev --network trio --models DIR      (faces and people)
    python -m hedge_train.evaluate --data DIR/dev --network hedge-n.onnx --conditions   (a row for every condition)

Input 640x384 (or --size), letterboxed, smaller pictures enlarged to fit. A hit covers at least 80 % of the
labelled box after every found box has grown by the margin.
"""

import argparse
import json
import os

import cv2
import numpy as np

from . import CLASSES
from .conditions import CONDITIONS, seen
from .export import OUTPUTS
from .pictures import letterbox, load_set, nms, tensor
from .teach import YoloxNano, YuNet, session

SIZE = (640, 384)
COVER, MARGIN, FALSE_RATE, FLOOR, MOST = 0.8, 0.10, 0.1, 0.02, 600
MANIFEST = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "models.json")
LOWER = (0.3, 1.0)  # further rates of false boxes a picture that plates are measured at


class Hedge:
    """Any network with Hedge's outputs (export.OUTPUTS): rows of a box and the scores of the output's classes."""

    def __init__(self, path, size=SIZE):
        self.run, self.size = session(path), size

    def canvas(self, canvas):
        tables = self.run.run(list(OUTPUTS), {"images": tensor(canvas)})
        return {c: (rows[0, :, :4], rows[0, :, 4 + i]) for rows, kinds in zip(tables, OUTPUTS.values()) for i, c in enumerate(kinds)}


class Trio:
    """The public networks for faces and people, for comparison in the same run."""

    size = SIZE

    def __init__(self, models):
        self.yunet = YuNet(os.path.join(models, "yunet_s_dynamic.onnx"))
        self.yolox = YoloxNano(os.path.join(models, "yolox_nano_dynamic.onnx"))

    def canvas(self, canvas):
        boxes, scores = self.yolox.canvas(canvas, (0,))
        empty = (np.zeros((0, 4), np.float32), np.zeros(0, np.float32))
        return {"face": self.yunet.canvas(canvas, FLOOR), "person": (boxes, scores[:, 0]), "plate": empty, "vehicle": empty}


def find(network, image):
    """Per class (boxes in picture pixels, scores) after suppression, and the letterbox's scale."""
    canvas, r, x0, y0 = letterbox(image, *network.size)
    found = {}
    for name, (boxes, scores) in network.canvas(canvas).items():
        hit = scores >= FLOOR
        boxes, scores = boxes[hit], scores[hit]
        best = np.argsort(-scores, kind="stable")[:MOST]
        boxes, scores = boxes[best], scores[best]
        keep = nms(boxes, scores, 0.45)
        found[name] = ((boxes[keep] - np.array([x0, y0, x0, y0], np.float32)) / r, scores[keep])
    return found, r


def covered_at(box, boxes, scores):
    """The best score among the boxes that, grown by the margin, cover enough of box; 0 without one."""
    grow = np.stack((boxes[:, 2] - boxes[:, 0], boxes[:, 3] - boxes[:, 1]), 1) * MARGIN
    a, b = boxes[:, :2] - grow, boxes[:, 2:] + grow
    w = np.minimum(b[:, 0], box[2]) - np.maximum(a[:, 0], box[0])
    h = np.minimum(b[:, 1], box[3]) - np.maximum(a[:, 1], box[1])
    share = np.clip(w, 0, None) * np.clip(h, 0, None) / ((box[2] - box[0]) * (box[3] - box[1]))
    return float(scores[share >= COVER].max(initial=0.0))


def threshold(scores, pictures, rate=FALSE_RATE):
    """The least score at which at most `rate` false boxes a picture remain."""
    allowed = int(rate * pictures)
    ordered = np.sort(np.concatenate(scores))[::-1]
    return float(np.nextafter(ordered[allowed], 2)) if len(ordered) > allowed else FLOOR


def labelled(entries, kind):
    for e in entries:
        for b in e["boxes"]:
            if b["class"] == kind and not b.get("ignore"):
                yield e, np.array([b["x"], b["y"], b["x"] + b["w"], b["y"] + b["h"]], np.float32)


def best_scores(network, entries, kind, condition="daylight"):
    """Rows (entry, box, letterbox scale, score) of every labelled box of the kind, seen under a condition."""
    rows = []
    for entry in entries:
        if not any(True for _ in labelled([entry], kind)):
            continue
        image, seen_entry = seen(condition, cv2.imread(entry["path"]), entry)
        found, r = find(network, image)
        rows += [(e, box, r, covered_at(box, *found[kind])) for e, box in labelled([seen_entry], kind)]
    return rows


def inventions(network, entries, condition="daylight"):
    """What the network finds in pictures without anything: class to score arrays, one for every picture."""
    found = [find(network, seen(condition, cv2.imread(e["path"]), e)[0])[0] for e in entries]
    return {c: [f[c][1] for f in found] for c in CLASSES}


def share(rows, least):
    n = len(rows)
    return {"recall": round(100 * sum(s >= least and s > 0 for *_, s in rows) / n, 1) if n else None, "boxes": n}


def short(row):
    return min(row[1][2] - row[1][0], row[1][3] - row[1][1])


def wide(row):
    return (row[1][2] - row[1][0]) * row[2]


def thresholds(negatives, free, rate=FALSE_RATE):
    """Per class the least score with so many false boxes a picture; pictures without people may hold plates."""
    least = {c: threshold(negatives[c] + free[c], len(negatives[c]) + len(free[c]), rate) for c in ("face", "person")}
    return {**least, "plate": threshold(negatives["plate"], len(negatives["plate"]), rate)}


def published(path):
    """The thresholds of models.json for a network's file, or None."""
    with open(MANIFEST, encoding="utf-8") as f:
        for m in json.load(f)["models"]:
            if m["file"] == os.path.basename(path):
                return {c["class"]: c["threshold"] for c in m["classes"] if c["class"] != "vehicle"}
    return None


def condition_row(network, data, condition, every, daylight, default):
    """Recall and inventions under a condition. daylight: thresholds of 0.1 false boxes a picture there; default: models.json's."""
    def of(name, step=every):
        return load_set(os.path.join(data, name))[::step]

    coco = of("people_coco", 1)
    negatives, free = inventions(network, of("negatives"), condition), inventions(network, [e for e in coco if not e["boxes"]], condition)
    own = thresholds(negatives, free)
    people = [r for r in best_scores(network, coco, "person", condition) if short(r) >= 16]
    faces = [r for r in best_scores(network, of("faces_wider_small"), "face", condition) if short(r) >= 16]
    near = [r for n in ("us", "eu", "br") for r in best_scores(network, of(f"plates_openalpr_{n}"), "plate", condition)]
    parts = {
        "person 16+": ("person", people), "person 16-32": ("person", [r for r in people if short(r) < 32]),
        "face 16+": ("face", faces), "face 16-32": ("face", [r for r in faces if short(r) < 32]),
        "face dlib": ("face", best_scores(network, of("faces_dlib_voc", 1), "face", condition)),
        "plate near": ("plate", near), "plate dashcam": ("plate", best_scores(network, of("plates_ro_dashcam"), "plate", condition)),
    }
    row = {n: {"own": share(rows, own[c]), "daylight": share(rows, daylight[c])} for n, (c, rows) in parts.items()}
    kinds = ("face", "person", "plate")
    row["false"] = {c: round(float(np.mean([(s >= daylight[c]).sum() for s in negatives[c]])), 3) for c in kinds}
    row["any false"] = round(100 * float(np.mean([any((negatives[c][i] >= default[c]).any() for c in kinds) for i in range(len(negatives["face"]))])), 1)
    return row


def by_condition(network, data, every, default, conditions=CONDITIONS):
    """{condition: row}. Under conditions only every so many pictures of the large sets are looked at, in daylight all."""
    negatives = load_set(os.path.join(data, "negatives"))
    free = [e for e in load_set(os.path.join(data, "people_coco")) if not e["boxes"]]
    daylight = thresholds(inventions(network, negatives), inventions(network, free))
    rows = {}
    for c in conditions:
        rows[c] = condition_row(network, data, c, 1 if c == "daylight" else every, daylight, default or daylight)
        print(table(c, rows[c], not len(rows) > 1), flush=True)
    return {"thresholds": daylight, "every": every, "rows": rows}


def table(condition, row, header):
    """One line of the table of conditions: recall at 0.1 false boxes a picture there / at daylight's threshold."""
    names = [n for n in row if n not in ("false", "any false")]
    lines = []
    if header:
        lines += ["| condition | " + " | ".join(names) + " | false boxes a picture: face, person, plate | pictures with any |", "| --- |" + " --- |" * (len(names) + 2)]
    cells = [f"{row[n]['own']['recall']} / {row[n]['daylight']['recall']}" for n in names]
    return "\n".join([*lines, f"| {condition} | " + " | ".join(cells) + f" | {', '.join(str(v) for v in row['false'].values())} | {row['any false']} % |"])


def measure(network, data):
    def of(name):
        return load_set(os.path.join(data, name))

    coco = of("people_coco")
    negatives, free = inventions(network, of("negatives")), inventions(network, [e for e in coco if not e["boxes"]])
    least = thresholds(negatives, free)
    out = {"thresholds": {k: round(v, 4) for k, v in least.items()}}

    people = [r for r in best_scores(network, coco, "person") if short(r) >= 16]
    out["person people_coco >=16"] = share(people, least["person"])
    out["person people_coco 16-32"] = share([r for r in people if short(r) < 32], least["person"])
    small = [r for r in best_scores(network, of("faces_wider_small"), "face") if short(r) >= 16]
    out["face faces_wider_small >=16"] = share(small, least["face"])
    out["face faces_wider_small 16-32"] = share([r for r in small if short(r) < 32], least["face"])
    out["face faces_dlib_voc"] = share(best_scores(network, of("faces_dlib_voc"), "face"), least["face"])
    plates = {f"openalpr {n}": best_scores(network, of(f"plates_openalpr_{n}"), "plate") for n in ("us", "eu", "br")}
    rows = plates["ro_dashcam"] = best_scores(network, of("plates_ro_dashcam"), "plate")
    for name, part in plates.items():
        out[f"plate {name}"] = share(part, least["plate"])
    night = [r for r in rows if "night" in r[0]["video"]]
    day = [r for r in rows if "night" not in r[0]["video"]]
    out["plate ro_dashcam day"], out["plate ro_dashcam night"] = share(day, least["plate"]), share(night, least["plate"])
    for low, high in ((0, 24), (24, 48), (48, 1e9)):
        name = f"plate ro_dashcam {low}-{high:g} px" if high < 1e9 else f"plate ro_dashcam {low} px up"
        out[name] = share([r for r in rows if low <= wide(r) < high], least["plate"])
    plates["ro_dashcam 24-48 px"] = [r for r in rows if 24 <= wide(r) < 48]
    for rate in LOWER:
        lower = threshold(negatives["plate"], len(negatives["plate"]), rate)
        out["thresholds"][f"plate at {rate}"] = round(lower, 4)
        for name, part in plates.items():
            out[f"at {rate}: plate {name}"] = share(part, lower)
    return out


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--data", required=True, help="the folder with the development sets")
    p.add_argument("--network", required=True, help="an ONNX file, or trio")
    p.add_argument("--models", help="folder of the public networks, for trio")
    p.add_argument("--size", type=int, nargs=2, default=SIZE, help="width and height of the input")
    p.add_argument("--json", help="also write the figures here")
    p.add_argument("--conditions", nargs="*", metavar="NAME", help=f"a table instead, of these conditions or of all: {', '.join(CONDITIONS)}")
    p.add_argument("--every", type=int, default=1, help="under conditions look at every so-manieth picture of the large sets only")
    a = p.parse_args()
    network = Trio(a.models) if a.network == "trio" else Hedge(a.network, tuple(a.size))
    if a.conditions is not None:
        result = by_condition(network, a.data, a.every, published(a.network), a.conditions or CONDITIONS)
    else:
        result = measure(network, a.data)
        for k, v in result.items():
            print(f"{k:36s} {v if k == 'thresholds' else '%s %% of %d' % (v['recall'], v['boxes'])}")
    if a.json:
        with open(a.json, "w", encoding="utf-8") as f:
            json.dump(result, f, indent=1)


if __name__ == "__main__":
    main()
