"""Recall at no more than 0.1 false boxes a picture, by class, set, size and night.

    python -m hedge_train.evaluate --data DIR/dev --network hedge-n.onnx [--json out.json]
    python -m hedge_train.evaluate --data DIR/dev --network trio --models DIR      (faces and people)

Input 640x384 (or --size), letterboxed, smaller pictures enlarged to fit. A hit covers at least 80 % of the
labelled box after every found box has grown by the margin.
"""

import argparse
import json
import os

import cv2
import numpy as np

from . import CLASSES
from .pictures import letterbox, load_set, nms, tensor
from .teach import YoloxNano, YuNet, session

SIZE = (640, 384)
COVER, MARGIN, FALSE_RATE, FLOOR, MOST = 0.8, 0.10, 0.1, 0.02, 600
LOWER = (0.3, 1.0)  # further rates of false boxes a picture that plates are measured at


class Hedge:
    """Any network with Hedge's output: [1,rows,8] of box and four scores."""

    def __init__(self, path, size=SIZE):
        self.run, self.size = session(path), size

    def canvas(self, canvas):
        out = self.run.run(None, {"images": tensor(canvas)})[0][0]
        return {c: (out[:, :4], out[:, 4 + i]) for i, c in enumerate(CLASSES)}


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


def find(network, path):
    """Per class (boxes in picture pixels, scores) after suppression, and the letterbox's scale."""
    canvas, r, x0, y0 = letterbox(cv2.imread(path), *network.size)
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


def best_scores(network, entries, kind):
    """Rows (entry, box, letterbox scale, score) of every labelled box of the kind."""
    rows, looked = [], {}
    for e, box in labelled(entries, kind):
        if e["path"] not in looked:
            looked[e["path"]] = find(network, e["path"])
        found, r = looked[e["path"]]
        rows.append((e, box, r, covered_at(box, *found[kind])))
    return rows


def share(rows, least):
    n = len(rows)
    return {"recall": round(100 * sum(s >= least and s > 0 for *_, s in rows) / n, 1) if n else None, "boxes": n}


def short(row):
    return min(row[1][2] - row[1][0], row[1][3] - row[1][1])


def wide(row):
    return (row[1][2] - row[1][0]) * row[2]


def measure(network, data):
    def of(name):
        return load_set(os.path.join(data, name))

    coco = of("people_coco")
    negatives = [find(network, e["path"])[0] for e in of("negatives")]
    free = [find(network, e["path"])[0] for e in coco if not e["boxes"]]
    least = {c: threshold([f[c][1] for f in negatives + free], len(negatives) + len(free)) for c in ("face", "person")}
    least["plate"] = threshold([f["plate"][1] for f in negatives], len(negatives))
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
        lower = threshold([f["plate"][1] for f in negatives], len(negatives), rate)
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
    a = p.parse_args()
    result = measure(Trio(a.models) if a.network == "trio" else Hedge(a.network, tuple(a.size)), a.data)
    for k, v in result.items():
        print(f"{k:36s} {v if k == 'thresholds' else '%s %% of %d' % (v['recall'], v['boxes'])}")
    if a.json:
        with open(a.json, "w", encoding="utf-8") as f:
            json.dump(result, f, indent=1)


if __name__ == "__main__":
    main()
