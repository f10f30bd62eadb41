"""Training scenes: random crops, drawn plates and drawn distractors, and the target maps that go with them."""

import json
import os

import cv2
import numpy as np
import torch

from . import plates
from .augment import FishEye, degrade
from .conditions import KEPT as KEPT_SHARE
from .conditions import LIGHTS, tilted, turned
from .pictures import PAD, iou_to_many, load_sets

STRIDES = (8, 16, 32)
# Longest side of a box in pixels that each stride answers for; neighbours overlap on purpose.
REACH = ((0, 56), (40, 136), (100, 1e9))
LEAST = 7  # a narrower plate is neither hit nor miss
LONG_SIDE = 1024
MOSAIC, BENT = 0.08, 0.06  # shares of scenes made of four parts, and seen through a wide-angle lens
TILTED, TURNED = 0.3, 0.06  # shares of scenes turned by up to 45 degrees, and upside down
MEASURED = 0.3  # share of scenes under one of the conditions that are measured, instead of degrade's mixture
DOUBT = 0.3  # weight of a vehicle on which nobody labelled a plate: tiny plates are often missing


class Picture:
    """A decoded picture with plates float32[n,4], places not to be judged, and vehicles."""

    def __init__(self, entry, vehicles):
        """vehicles: rows x1,y1,x2,y2,score of the teacher, or None where it was not asked."""
        image = cv2.imread(entry["path"])
        r = min(1.0, LONG_SIDE / max(image.shape[:2]))
        if r < 1:
            image = cv2.resize(image, None, fx=r, fy=r, interpolation=cv2.INTER_AREA)
        self.image, self.path, self.shrunk = image, entry["path"], r
        boxes, ignored = [], []
        for b in entry["boxes"]:
            if b["class"] == "plate":
                (ignored if b.get("ignore") else boxes).append([b["x"], b["y"], b["x"] + b["w"], b["y"] + b["h"]])
        self.boxes = np.array(boxes, np.float32).reshape(-1, 4) * r
        self.ignored = [np.array(b, np.float32) * r for b in ignored]
        sure = [v[:4] for v in vehicles or () if v[4] >= 0.35]
        self.vehicles = np.array(sure, np.float32).reshape(-1, 4) * r
        # Without a vehicle there is no plate; with one, plates are known only where they were labelled.
        self.empty = vehicles is not None and not len(boxes) and not any(v[4] >= 0.15 for v in vehicles)
        self.known = "plate" in entry.get("complete", []) or self.empty


def load_pictures(roots, teacher_files):
    """Pictures by set; those of which nothing is known about plates are left out."""
    vehicles = {}
    for path in teacher_files:
        with open(path, encoding="utf-8") as f:
            for row in map(json.loads, f):
                vehicles[row["set"], row["image"]] = row["vehicle"]
    by_set = {}
    for e in load_sets(roots):
        seen = vehicles.get((e["set"], e["image"]))
        if "plate" in e.get("complete", []) or seen is not None and not any(v[4] >= 0.15 for v in seen):
            by_set.setdefault(e["set"], []).append(Picture(e, seen))
    return by_set


class Hard:
    """Boxes that an earlier state of the network took for plates (hedge_train.mine), by picture path."""

    def __init__(self, path, pictures):
        self.path, self.stamp, self.rows = path, 0, []
        self.of = {p.path: p for part in pictures.values() for p in part}

    def refresh(self):
        """Reads the file again when it has changed."""
        if not self.path or not os.path.exists(self.path) or os.stat(self.path).st_mtime == self.stamp:
            return
        self.stamp = os.stat(self.path).st_mtime
        with open(self.path, encoding="utf-8") as f:
            rows = list(map(json.loads, f))
        self.rows = [(self.of[r["path"]], np.array(r["box"], np.float32)) for r in rows if r["path"] in self.of]


class Scene:
    """One crop of a picture at a random scale, with plates and distractors drawn in, as a camera sees it."""

    def __init__(self, pic, width, height, banks, rng, around=None):
        """banks: (plates, signs) of hedge_train.plates; around: a box to look at instead of a plate."""
        r, ox, oy = place(pic, width, height, rng, around)
        stretch = np.exp(rng.normal(0, 0.07))
        rx, ry = r * stretch, r / stretch
        self.image = crop(pic.image, width, height, rx, ry, ox, oy)
        scale = np.array([rx, ry, rx, ry], np.float32)
        shift = np.array([ox, oy, ox, oy], np.float32)
        boxes = [list(b * scale + shift) for b in pic.boxes]
        self.ignored = [b * scale + shift for b in pic.ignored]
        vehicles = pic.vehicles * scale + shift
        h, w = pic.image.shape[:2]
        if not pic.known:
            self.ignored.append(np.array([0, 0, w, h], np.float32) * scale + shift)
        draw_signs(self.image, boxes, pic.empty, banks[1], rng)
        draw_plates(self.image, boxes, vehicles, banks[0], rng)
        self.doubtful = [v for v in vehicles if not any(inside(b, v) for b in boxes)]
        if rng.random() < 0.5:
            self.image = np.ascontiguousarray(self.image[:, ::-1])
            boxes, self.ignored, self.doubtful = ([mirrored(b, width) for b in part] for part in (boxes, self.ignored, self.doubtful))
        self.boxes = []
        for box in boxes:
            self.keep(np.array(box, np.float32), np.array([width, height, width, height], np.float32))
        if rng.random() < BENT:
            self.bend(FishEye(width, height, rng.uniform(0.1, 1.2)))
        self.turn(rng)
        if rng.random() < MEASURED:
            self.image = LIGHTS[list(LIGHTS)[rng.integers(len(LIGHTS))]](self.image, rng)
        else:
            self.image = degrade(self.image, rng)

    def turn(self, rng):
        """Tilts the scene by up to 45 degrees, or turns it upside down; what the edge cuts is not judged."""
        kind, degrees = rng.random(), rng.uniform(-45, 45)
        if kind > TILTED + TURNED:
            return
        plain, boxes = self.image, []
        for part in (self.boxes, self.ignored, self.doubtful):
            raw = np.array(part, np.float32).reshape(-1, 4)
            if kind < TILTED:
                self.image, moved, left = tilted(plain, raw, np.zeros(len(raw), bool), degrees)
            else:
                self.image, moved = turned(plain, raw, 2)
                left = np.ones(len(raw))
            boxes.append((moved, left))
        (mine, left), (ignored, seen), (doubtful, half) = boxes
        self.boxes = list(mine[left >= KEPT_SHARE])
        self.ignored = list(ignored[seen > 0]) + list(mine[(left < KEPT_SHARE) & (left > 0)])
        self.doubtful = list(doubtful[half > 0])

    def bend(self, lens):
        self.image = lens.image(self.image)
        self.boxes, self.ignored, self.doubtful = ([lens.box(b) for b in part] for part in (self.boxes, self.ignored, self.doubtful))

    def keep(self, box, limit):
        cut = np.clip(box, 0, limit)
        share = (cut[2] - cut[0]) * (cut[3] - cut[1]) / max((box[2] - box[0]) * (box[3] - box[1]), 1e-6)
        if share <= 0:
            return
        (self.ignored if share < 0.4 or cut[2] - cut[0] < LEAST else self.boxes).append(cut)


class Mosaic:
    """Four scenes as the parts of one (Bochkovskiy et al., "YOLOv4", arXiv 2004.10934)."""

    def __init__(self, width, height, scene, rng):
        """scene(width, height) makes a part."""
        x, y = (int(side * rng.uniform(0.3, 0.7)) for side in (width, height))
        self.image = np.empty((height, width, 3), np.uint8)
        self.boxes, self.ignored, self.doubtful = [], [], []
        for x1, x2 in ((0, x), (x, width)):
            for y1, y2 in ((0, y), (y, height)):
                part = scene(x2 - x1, y2 - y1)
                self.image[y1:y2, x1:x2] = part.image
                shift, limit = np.array([x1, y1, x1, y1], np.float32), np.array([x2, y2, x2, y2], np.float32)
                for mine, theirs in ((self.boxes, part.boxes), (self.ignored, part.ignored), (self.doubtful, part.doubtful)):
                    mine += [np.clip(b + shift, shift, limit) for b in theirs]


def mirrored(b, width):
    return np.array([width - b[2], b[1], width - b[0], b[3]], np.float32)


def inside(box, outer):
    cx, cy = (box[0] + box[2]) / 2, (box[1] + box[3]) / 2
    return outer[0] <= cx <= outer[2] and outer[1] <= cy <= outer[3]


def uniform_log(rng, low, high):
    return float(np.exp(rng.uniform(np.log(low), np.log(high))))


def place(pic, width, height, rng, around):
    """A scale and an offset: round a plate, round a hard place, or anywhere in the picture."""
    h, w = pic.image.shape[:2]
    fit = min(width / w, height / h)
    target = around
    if target is None and len(pic.boxes) and rng.random() < 0.75:
        target = pic.boxes[rng.integers(len(pic.boxes))]
    if pic.empty:
        # Small pictures are enlarged to the input's size when they are looked at; a crop is half of it wide.
        r = fit * uniform_log(rng, 0.9, 3.2)
    elif target is not None and rng.random() < 0.5:
        r = np.clip(uniform_log(rng, 8, 170) / max(target[2] - target[0], 1), 0.15, 2.4)
    else:
        r = uniform_log(rng, 0.45, 1.6)
    r = max(r, fit * 0.6)
    if target is not None:
        ox = rng.uniform(0.08, 0.92) * width - (target[0] + target[2]) / 2 * r
        oy = rng.uniform(0.08, 0.92) * height - (target[1] + target[3]) / 2 * r
    else:
        ox, oy = rng.uniform(0, 1) * (width - w * r), rng.uniform(0, 1) * (height - h * r)
    if rng.random() < 0.8:  # mostly no empty margin where the picture could fill it
        ox = np.clip(ox, width - w * r, 0) if w * r >= width else np.clip(ox, 0, width - w * r)
        oy = np.clip(oy, height - h * r, 0) if h * r >= height else np.clip(oy, 0, height - h * r)
    return r, ox, oy


def draw_plates(image, boxes, vehicles, bank, rng):
    """Draws plates over some of the real ones and on vehicles without one; boxes grows."""
    for i, b in enumerate(boxes):
        if b[2] - b[0] >= 10 and rng.random() < 0.2:
            plate = fitting(bank, (b[2] - b[0]) / max(b[3] - b[1], 1), rng)
            boxes[i] = plates.paste(image, plate, b, rng) or b
    mine = [np.array(b, np.float32) for b in boxes]
    for v in vehicles:
        vw, vh = v[2] - v[0], v[3] - v[1]
        if vw < 40 or any(inside(b, v) for b in mine) or rng.random() < 0.5:
            continue
        plate = bank[rng.integers(len(bank))]
        aspect = plate.shape[1] / plate.shape[0]
        pw = vw * rng.uniform(0.16, 0.3) * min(1.0, aspect / 3.5 + 0.3)
        cx, cy = v[0] + vw * rng.uniform(0.3, 0.7), v[1] + vh * rng.uniform(0.55, 0.88)
        box = np.array([cx - pw / 2, cy - pw / aspect / 2, cx + pw / 2, cy + pw / aspect / 2], np.float32)
        if pw < LEAST or (mine and iou_to_many(box, np.stack(mine)).max() > 0):
            continue
        drawn = plates.paste(image, plate, box, rng)
        if drawn:
            mine.append(np.array(drawn, np.float32))
            boxes.append(drawn)


def draw_signs(image, boxes, empty, bank, rng):
    """Draws what resembles a plate and is none, away from the plates."""
    if rng.random() > (0.4 if empty else 0.1):
        return
    h, w = image.shape[:2]
    mine = np.array(boxes, np.float32).reshape(-1, 4)
    for _ in range(int(rng.integers(1, 4))):
        sign = bank[rng.integers(len(bank))]
        sw = uniform_log(rng, 16, 150)
        sh = sw * sign.shape[0] / sign.shape[1]
        x, y = rng.uniform(0, w), rng.uniform(0, h)
        box = np.array([x - sw / 2, y - sh / 2, x + sw / 2, y + sh / 2], np.float32)
        if not len(mine) or iou_to_many(box, mine).max() == 0:
            plates.paste(image, sign, box, rng)


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


def targets(scene, width, height):
    """Per stride: score targets and weights [1,h,w], boxes [4,h,w], box weights [h,w]."""
    levels = []
    for s, (low, high) in zip(STRIDES, REACH):
        h, w = height // s, width // s
        score, weight = np.zeros((h, w), np.float32), np.ones((h, w), np.float32)
        box, pull = np.zeros((4, h, w), np.float32), np.zeros((h, w), np.float32)
        gx, gy = (np.arange(w) + 0.5) * s, (np.arange(h) + 0.5) * s
        for part, much in ((scene.doubtful, DOUBT), (scene.ignored, 0)):
            for b in part:
                in_x, in_y = (gx >= b[0] - s / 2) & (gx <= b[2] + s / 2), (gy >= b[1] - s / 2) & (gy <= b[3] + s / 2)
                weight[np.ix_(in_y, in_x)] = much
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
    """Endless batches (images uint8[n,3,h,w], levels); what comes out depends on the seed, the worker and the hard places."""

    def __init__(self, pictures, weights, size, count, seed, hard="", drawn=800):
        self.pictures, self.size, self.count, self.seed = pictures, size, count, seed
        self.names = sorted(n for n in pictures if weights.get(n, 1.0) > 0)
        share = np.array([weights.get(n, 1.0) * len(pictures[n]) for n in self.names])
        self.share = share / share.sum()
        self.banks = plates.bank(drawn, seed), plates.signs(drawn, seed)
        self.hard = Hard(hard, pictures)

    def scene(self, rng):
        if rng.random() < MOSAIC:
            return Mosaic(*self.size, lambda width, height: self.single(width, height, rng), rng)
        return self.single(*self.size, rng)

    def single(self, width, height, rng):
        if self.hard.rows and rng.random() < 0.12:
            pic, around = self.hard.rows[rng.integers(len(self.hard.rows))]
            return Scene(pic, width, height, self.banks, rng, around)
        of = self.pictures[self.names[rng.choice(len(self.names), p=self.share)]]
        return Scene(of[rng.integers(len(of))], width, height, self.banks, rng)

    def __iter__(self):
        info = torch.utils.data.get_worker_info()
        rng = np.random.default_rng([self.seed, info.id if info else 0])
        cv2.setNumThreads(1)
        while True:
            self.hard.refresh()
            scenes = [self.scene(rng) for _ in range(self.count)]
            maps = [targets(s, *self.size) for s in scenes]
            levels = [tuple(torch.from_numpy(np.stack(part)) for part in zip(*level)) for level in zip(*maps)]
            images = np.stack([s.image for s in scenes]).transpose(0, 3, 1, 2)
            yield torch.from_numpy(np.ascontiguousarray(images)), levels
