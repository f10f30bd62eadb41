"""Training scenes: random crops, mosaics, drawn plates, and the target maps that go with them."""

import json

import cv2
import numpy as np
import torch

from . import plates
from .augment import degrade
from .pictures import PAD, iou_to_many, load_sets
from .teach import session

STRIDES = (8, 16, 32)
# Longest side of a box in pixels that each stride answers for; neighbours overlap on purpose.
REACH = ((0, 56), (40, 136), (100, 1e9))
LEAST = 9  # a narrower plate is neither hit nor miss
LONG_SIDE = 1024


class Picture:
    """A decoded picture with plates float32[n,4], places not to be judged, and vehicles."""

    def __init__(self, entry, vehicles):
        """vehicles: rows x1,y1,x2,y2,score of the teacher, or None where it was not asked."""
        image = cv2.imread(entry["path"])
        r = min(1.0, LONG_SIDE / max(image.shape[:2]))
        if r < 1:
            image = cv2.resize(image, None, fx=r, fy=r, interpolation=cv2.INTER_AREA)
        self.image = image
        boxes, ignored = [], []
        for b in entry["boxes"]:
            if b["class"] == "plate":
                (ignored if b.get("ignore") else boxes).append([b["x"], b["y"], b["x"] + b["w"], b["y"] + b["h"]])
        self.boxes = np.array(boxes, np.float32).reshape(-1, 4) * r
        self.ignored = [np.array(b, np.float32) * r for b in ignored]
        sure = [v[:4] for v in vehicles or () if v[4] >= 0.35]
        self.vehicles = np.array(sure, np.float32).reshape(-1, 4) * r
        # Without a vehicle there is no plate; with one, plates are known only where they were labelled.
        empty = vehicles is not None and not any(v[4] >= 0.15 for v in vehicles)
        self.known = "plate" in entry.get("complete", []) or empty


def load_pictures(roots, teacher_files):
    """Pictures by set; those with neither complete plates nor a teacher's word are left out."""
    vehicles = {}
    for path in teacher_files:
        with open(path, encoding="utf-8") as f:
            for row in map(json.loads, f):
                vehicles[row["set"], row["image"]] = row["vehicle"]
    by_set = {}
    for e in load_sets(roots):
        seen = vehicles.get((e["set"], e["image"]))
        if seen is not None or "plate" in e.get("complete", []):
            by_set.setdefault(e["set"], []).append(Picture(e, seen))
    return by_set


class Tile:
    """A crop of one picture at a random scale with its boxes in tile pixels."""

    def __init__(self, pic, width, height, bank, rng, shrink):
        r, ox, oy = self.place(pic, width, height, rng, shrink)
        stretch = np.exp(rng.normal(0, 0.07))
        rx, ry = r * stretch, r / stretch
        self.image = crop(pic.image, width, height, rx, ry, ox, oy)
        scale = np.array([rx, ry, rx, ry], np.float32)
        shift = np.array([ox, oy, ox, oy], np.float32)
        self.boxes = [list(b * scale + shift) for b in pic.boxes]
        self.ignored = [b * scale + shift for b in pic.ignored]
        vehicles = pic.vehicles * scale + shift
        h, w = pic.image.shape[:2]
        if not pic.known:
            self.ignored.append(np.array([0, 0, w, h], np.float32) * scale + shift)
        self.draw_plates(vehicles, bank, rng)
        if rng.random() < 0.5:
            self.image = np.ascontiguousarray(self.image[:, ::-1])
            self.boxes = [[width - b[2], b[1], width - b[0], b[3]] for b in self.boxes]
            self.ignored = [np.array([width - b[2], b[1], width - b[0], b[3]]) for b in self.ignored]

    @staticmethod
    def place(pic, width, height, rng, shrink):
        """A scale and an offset: round a plate of a wanted width, or the picture as a whole."""
        h, w = pic.image.shape[:2]
        fit = min(width / w, height / h)
        if len(pic.boxes) and rng.random() < 0.75:
            b = pic.boxes[rng.integers(len(pic.boxes))]
            wanted = np.exp(rng.uniform(np.log(14), np.log(200)))
            r = np.clip(wanted / max(b[2] - b[0], 1), 0.12, 2.2) * shrink
            r = max(r, fit * 0.5)
            cx, cy = (b[0] + b[2]) / 2 * r, (b[1] + b[3]) / 2 * r
            ox, oy = rng.uniform(0.1, 0.9) * width - cx, rng.uniform(0.1, 0.9) * height - cy
        else:
            r = fit * np.exp(rng.uniform(np.log(0.7), np.log(2.2)))
            ox, oy = rng.uniform(0, 1) * (width - w * r), rng.uniform(0, 1) * (height - h * r)
        if rng.random() < 0.85:  # mostly no empty margin where the picture could fill it
            ox = np.clip(ox, width - w * r, 0) if w * r >= width else np.clip(ox, 0, width - w * r)
            oy = np.clip(oy, height - h * r, 0) if h * r >= height else np.clip(oy, 0, height - h * r)
        return r, ox, oy

    def draw_plates(self, vehicles, bank, rng):
        for i, b in enumerate(self.boxes):
            if b[2] - b[0] >= 10 and rng.random() < 0.3:
                plate = self.fitting(bank, (b[2] - b[0]) / max(b[3] - b[1], 1), rng)
                self.boxes[i] = plates.paste(self.image, plate, b, rng) or b
        mine = [np.array(b, np.float32) for b in self.boxes]
        for v in vehicles:
            vw, vh = v[2] - v[0], v[3] - v[1]
            if vw < 40 or rng.random() < 0.6:
                continue
            plate = bank[rng.integers(len(bank))]
            aspect = plate.shape[1] / plate.shape[0]
            pw = vw * rng.uniform(0.16, 0.3) * min(1.0, aspect / 3.5 + 0.3)
            cx, cy = v[0] + vw * rng.uniform(0.25, 0.75), v[1] + vh * rng.uniform(0.55, 0.88)
            box = np.array([cx - pw / 2, cy - pw / aspect / 2, cx + pw / 2, cy + pw / aspect / 2], np.float32)
            if pw < LEAST or (mine and iou_to_many(box, np.stack(mine)).max() > 0):
                continue
            drawn = plates.paste(self.image, plate, box, rng)
            if drawn:
                mine.append(np.array(drawn, np.float32))
                self.boxes.append(drawn)

    @staticmethod
    def fitting(bank, aspect, rng):
        """A plate of about the wanted aspect."""
        picks = [bank[i] for i in rng.integers(0, len(bank), 6)]
        return min(picks, key=lambda p: abs(np.log(p.shape[1] / p.shape[0] / max(aspect, 0.5))))


def crop(image, width, height, rx, ry, ox, oy):
    """The tile of the scaled picture whose top left lies at (ox, oy); grey where there is none."""
    out = np.full((height, width, 3), PAD, np.uint8)
    h, w = image.shape[:2]
    x1, y1 = max(0.0, -ox / rx), max(0.0, -oy / ry)
    x2, y2 = min(float(w), (width - ox) / rx), min(float(h), (height - oy) / ry)
    sx1, sy1, sx2, sy2 = int(x1), int(y1), int(np.ceil(x2)), int(np.ceil(y2))
    if sx2 - sx1 < 2 or sy2 - sy1 < 2:
        return out
    part = image[sy1:sy2, sx1:sx2]
    if min(rx, ry) < 0.8:
        tw, th = max(1, round(part.shape[1] * rx)), max(1, round(part.shape[0] * ry))
        part = cv2.resize(part, (tw, th), interpolation=cv2.INTER_AREA)
        kx, ky = tw / (sx2 - sx1), th / (sy2 - sy1)
    else:
        kx = ky = 1.0
    m = np.array([[rx / kx, 0, sx1 * rx + ox], [0, ry / ky, sy1 * ry + oy]], np.float32)
    # Half-pixel centres, so that boxes and pixels agree.
    m[0, 2] += 0.5 * m[0, 0] - 0.5
    m[1, 2] += 0.5 * m[1, 1] - 0.5
    return cv2.warpAffine(part, m, (width, height), dst=out, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_TRANSPARENT)


class Scene:
    """One training picture: a single tile, or a mosaic of four or nine."""

    def __init__(self, pick, width, height, bank, rng):
        kind = rng.random()
        n = 1 if kind < 0.55 else 2 if kind < 0.85 else 3
        self.image = np.full((height, width, 3), PAD, np.uint8)
        self.boxes, self.ignored = [], []
        xs, ys = cuts(width, n, rng), cuts(height, n, rng)
        for j in range(n):
            for i in range(n):
                w, h = xs[i + 1] - xs[i], ys[j + 1] - ys[j]
                self.add(Tile(pick(), w, h, bank, rng, (1.0, 0.75, 0.6)[n - 1]), xs[i], ys[j], w, h)
        self.image = degrade(self.image, rng)

    def add(self, tile, x, y, w, h):
        self.image[y : y + h, x : x + w] = tile.image
        shift = np.array([x, y, x, y], np.float32)
        limit = np.array([w, h, w, h], np.float32)
        for box in tile.ignored:
            self.ignored.append(np.clip(box, 0, limit) + shift)
        for box in tile.boxes:
            box = np.array(box, np.float32)
            cut = np.clip(box, 0, limit)
            area = (box[2] - box[0]) * (box[3] - box[1])
            share = (cut[2] - cut[0]) * (cut[3] - cut[1]) / max(area, 1e-6)
            if share <= 0:
                continue
            if share < 0.4 or cut[2] - cut[0] < LEAST:
                self.ignored.append(cut + shift)
            else:
                self.boxes.append(cut + shift)


def cuts(length, n, rng):
    inner = [int(length * (k + rng.uniform(-0.25, 0.25) * (n < 3)) / n) for k in range(1, n)]
    return [0, *inner, length]


def targets(scene, width, height):
    """Per stride: score targets and weights [1,h,w], boxes [4,h,w], box weights [h,w]."""
    levels = []
    for s, (low, high) in zip(STRIDES, REACH):
        h, w = height // s, width // s
        score, weight = np.zeros((h, w), np.float32), np.ones((h, w), np.float32)
        box, pull = np.zeros((4, h, w), np.float32), np.zeros((h, w), np.float32)
        gx, gy = (np.arange(w) + 0.5) * s, (np.arange(h) + 0.5) * s
        for b in scene.ignored:
            inside_x, inside_y = (gx >= b[0] - s / 2) & (gx <= b[2] + s / 2), (gy >= b[1] - s / 2) & (gy <= b[3] + s / 2)
            weight[np.ix_(inside_y, inside_x)] = 0
        for b in sorted(scene.boxes, key=area_of, reverse=True):
            side = max(b[2] - b[0], b[3] - b[1])
            dx, dy = np.abs(gx - (b[0] + b[2]) / 2) / s, np.abs(gy - (b[1] + b[3]) / 2) / s
            near = np.ix_(dy <= 1.6, dx <= 1.6)
            if low * 0.6 <= side <= high * 1.6:
                # Round the middle, and at a neighbouring stride, a hit is neither asked for nor punished.
                weight[near] *= score[near] > 0
            if low <= side <= high:
                at = np.ix_(dy <= 1.0, dx <= 1.0)
                score[at], weight[at] = 1, 1
                box[(slice(None), *at)] = b[:, None, None]
                pull[at] = 4 / max(1, pull[at].size)
        levels.append((score[None], weight[None], box, pull))
    return levels


def area_of(b):
    return (b[2] - b[0]) * (b[3] - b[1])


class Stream(torch.utils.data.IterableDataset):
    """Endless (features, levels) of scenes; what comes out depends only on the seed and the worker.

    The frozen body runs here, in the worker: features are float16 [n,c,h,w] of strides 4, 8, 16, 32.
    """

    def __init__(self, pictures, weights, body, side, count, seed, drawn=600):
        self.pictures, self.body, self.side, self.count, self.seed = pictures, body, side, count, seed
        self.names = sorted(n for n in pictures if weights.get(n, 1.0) > 0)
        share = np.array([weights.get(n, 1.0) * len(pictures[n]) for n in self.names])
        self.share = share / share.sum()
        self.bank = plates.bank(drawn, seed)

    def scenes(self, rng):
        def pick():
            of = self.pictures[self.names[rng.choice(len(self.names), p=self.share)]]
            return of[rng.integers(len(of))]

        return [Scene(pick, self.side, self.side, self.bank, rng) for _ in range(self.count)]

    def __iter__(self):
        info = torch.utils.data.get_worker_info()
        rng = np.random.default_rng([self.seed, info.id if info else 0])
        cv2.setNumThreads(1)
        run = session(self.body)
        while True:
            scenes = self.scenes(rng)
            maps = [targets(s, self.side, self.side) for s in scenes]
            levels = [tuple(torch.from_numpy(np.stack(part)) for part in zip(*level)) for level in zip(*maps)]
            images = np.stack([s.image for s in scenes]).transpose(0, 3, 1, 2).astype(np.float32)
            features = [torch.from_numpy(f.astype(np.float16)) for f in run.run(None, {"images": images})]
            yield features, levels
