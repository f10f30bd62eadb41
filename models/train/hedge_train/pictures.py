"""Reading labelled sets, letterboxing, and non-maximum suppression."""

import json
import os

import cv2
import numpy as np

PAD = 114  # the grey that YOLOX was trained with


def load_set(folder):
    """The entries of folder/labels.jsonl, each with its absolute "path" and "set"."""
    name = os.path.basename(folder.rstrip("/"))
    entries = []
    with open(os.path.join(folder, "labels.jsonl"), encoding="utf-8") as lines:
        for line in lines:
            e = json.loads(line)
            e["set"] = name
            e["path"] = os.path.join(folder, e["image"])
            entries.append(e)
    return entries


def load_sets(roots):
    """Entries of every set folder under the given roots, sorted by set name and path."""
    entries = []
    for root in roots:
        for name in sorted(os.listdir(root)):
            if os.path.exists(os.path.join(root, name, "labels.jsonl")):
                entries += load_set(os.path.join(root, name))
    return entries


def letterbox(image, width, height):
    """Scales a BGR picture to fit (up or down) in the middle of a grey canvas.

    Returns the canvas, the scale and the left and top offset in pixels.
    """
    h, w = image.shape[:2]
    r = min(width / w, height / h)
    nw, nh = max(1, round(w * r)), max(1, round(h * r))
    how = cv2.INTER_AREA if r < 1 else cv2.INTER_LINEAR
    canvas = np.full((height, width, 3), PAD, np.uint8)
    x0, y0 = (width - nw) // 2, (height - nh) // 2
    canvas[y0 : y0 + nh, x0 : x0 + nw] = cv2.resize(image, (nw, nh), interpolation=how)
    return canvas, r, x0, y0


def tensor(image):
    """A BGR picture as f32[1,3,h,w], 0..255."""
    return np.ascontiguousarray(image.transpose(2, 0, 1)[None], dtype=np.float32)


def iou_to_many(box, boxes):
    x1, y1 = np.maximum(box[0], boxes[:, 0]), np.maximum(box[1], boxes[:, 1])
    x2, y2 = np.minimum(box[2], boxes[:, 2]), np.minimum(box[3], boxes[:, 3])
    inter = np.clip(x2 - x1, 0, None) * np.clip(y2 - y1, 0, None)
    area = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    return inter / ((box[2] - box[0]) * (box[3] - box[1]) + area - inter + 1e-9)


def nms(boxes, scores, limit=0.45):
    """Indices kept by greedy suppression, best first."""
    order = np.argsort(-scores, kind="stable")
    keep = []
    while len(order):
        i, order = order[0], order[1:]
        keep.append(i)
        order = order[iou_to_many(boxes[i], boxes[order]) <= limit]
    return keep
