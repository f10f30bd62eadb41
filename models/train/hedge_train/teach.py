"""Looks for vehicles in every training picture with YOLOX-nano, and runs the public networks.

    python -m hedge_train.teach --models DIR --sets DIR [DIR ...] --out vehicles.jsonl

Where there is no vehicle there is no plate, and drawn plates are put on vehicles. A picture that is
already in the output is not looked at again.
"""

import argparse
import json
import os

import cv2
import numpy as np
import onnxruntime as ort

from .pictures import letterbox, load_sets, nms, tensor


def session(path, threads=1):
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    return ort.InferenceSession(path, options, providers=["CPUExecutionProvider"])


def cells(width, height, stride):
    gy, gx = np.mgrid[0 : height // stride, 0 : width // stride]
    return np.stack((gx.ravel(), gy.ravel()), 1).astype(np.float32)


class YuNet:
    """Faces as (boxes x1,y1,x2,y2 in picture pixels, scores)."""

    def __init__(self, path, threads=1):
        self.run = session(path, threads)
        self.names = [o.name for o in self.run.get_outputs()]

    def canvas(self, canvas, least):
        height, width = canvas.shape[:2]
        out = dict(zip(self.names, self.run.run(None, {self.run.get_inputs()[0].name: tensor(canvas)})))
        boxes, scores = [], []
        for s in (8, 16, 32):
            score = np.sqrt(np.clip(out[f"cls_{s}"][0, :, 0], 0, 1) * np.clip(out[f"obj_{s}"][0, :, 0], 0, 1))
            hit = np.nonzero(score >= least)[0]
            raw = out[f"bbox_{s}"][0][hit]
            c = (cells(width, height, s)[hit] + raw[:, :2]) * s
            half = np.exp(raw[:, 2:]) * s / 2
            boxes.append(np.concatenate((c - half, c + half), 1))
            scores.append(score[hit])
        return np.concatenate(boxes), np.concatenate(scores)


class YoloxNano:
    """Boxes of chosen COCO classes as (boxes, scores, class numbers)."""

    def __init__(self, path, threads=1):
        self.run = session(path, threads)

    def canvas(self, canvas, classes):
        height, width = canvas.shape[:2]
        out = self.run.run(None, {"images": tensor(canvas)})[0][0]
        boxes = []
        start = 0
        for s in (8, 16, 32):
            g = cells(width, height, s)
            raw = out[start : start + len(g)]
            start += len(g)
            c = (raw[:, :2] + g) * s
            half = np.exp(np.minimum(raw[:, 2:4], 8)) * s / 2
            boxes.append(np.concatenate((c - half, c + half), 1))
        boxes = np.concatenate(boxes)
        scores = out[:, 4:5] * out[:, [5 + c for c in classes]]
        return boxes, scores


def vehicles(yolox, image, least):
    """Rows x1,y1,x2,y2,score in picture pixels."""
    h, w = image.shape[:2]
    canvas, r, x0, y0 = letterbox(image, 640, 640 if h > w else 448)
    boxes, scores = yolox.canvas(canvas, (2, 3, 5, 7))
    boxes, best = (boxes - np.array([x0, y0, x0, y0], np.float32)) / r, scores.max(1)
    hit = best >= least
    boxes, best = boxes[hit], best[hit]
    return [[*map(float, np.round(boxes[k], 1)), round(float(best[k]), 3)] for k in nms(boxes, best)]


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--models", required=True, help="folder with yolox_nano_dynamic.onnx")
    p.add_argument("--sets", nargs="+", required=True)
    p.add_argument("--out", required=True)
    p.add_argument("--part", default="0/1", help="this process's share, as in 0/2")
    a = p.parse_args()
    cv2.setNumThreads(1)
    done = set()
    if os.path.exists(a.out):
        with open(a.out, encoding="utf-8") as f:
            done = {(e["set"], e["image"]) for e in map(json.loads, f)}
    yolox = YoloxNano(os.path.join(a.models, "yolox_nano_dynamic.onnx"))
    part, parts = map(int, a.part.split("/"))
    with open(a.out, "a", encoding="utf-8") as out:
        for i, e in enumerate(load_sets(a.sets)):
            if i % parts != part or (e["set"], e["image"]) in done:
                continue
            row = {"set": e["set"], "image": e["image"], "vehicle": vehicles(yolox, cv2.imread(e["path"]), 0.1)}
            out.write(json.dumps(row) + "\n")
            out.flush()


if __name__ == "__main__":
    main()
