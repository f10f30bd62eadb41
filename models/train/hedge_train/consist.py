"""Trains the people's part of hedge-n, or its faces', to say under a condition what is known of the clean picture.

    python -m hedge_train.consist --part people --start hedge-n.onnx --sets DIR [DIR ...] --teachers FILE [FILE ...] --work DIR

No label is needed. The master, the network as it was published, looks at a crop; the student looks at the same crop
under a condition (conditions.py), sometimes turned, and learns the master's scores and boxes cell by cell. What
larger networks and larger pictures found (hedge_train.teach --people, and labels) raises the scores that the master
gives too low, and halves those that only the master gives. The body's layers up to stride 4 stay as they are, for the
plates read them. Started again with the same --work it goes on.
"""

import argparse
import json
import os
import random
import time

import cv2
import numpy as np
import torch
from torch.nn import functional as F

from .conditions import LIGHTS, turned, under
from .export import fold
from .initial import start_from_hedge
from .loss import giou
from .net import BLOCK, STRIDES, HedgeNet, boxes_of, grid
from .pictures import iou_to_many, load_sets, nms
from .platenet import SIZES
from .scenes import crop, uniform_log
from .train import Average, rate, save

# How often a crop is seen under a condition; the rest is as the picture is.
SHARES = {"infrared": 0.2, "motion_blur": 0.2, "low_light": 0.12, "rain": 0.08, "back_light": 0.08, "defocus": 0.07, "low_bitrate": 0.06, "grey": 0.04}
TURNS = (0.7, 0.1, 0.1, 0.1)  # shares of batches turned by so many quarters
LONG_SIDE = 1024
# Share of the pictures drawn in which somebody is known to be. Where a condition leaves doubt, the student learns how
# often there is somebody: with three quarters it saw people in every dark room.
INHABITED = 0.4
LEAST_SCORE = 0.005  # scores far below are all the same
SURE = 0.3  # score from which a known box raises the master's
# Caltech-101's categories of things and plants in which nobody is to be seen.
EMPTY = frozenset(
    "bonsai joshua_tree sunflower water_lilly lotus lamp chandelier stop_sign pagoda windsor_chair chair minaret metronome menorah "
    "pyramid butterfly dragonfly starfish crab crayfish nautilus stapler scissors wrench watch yin_yang pizza cup ewer ant beaver "
    "cougar_body dalmatian dolphin elephant emu flamingo gerenuk hawksbill hedgehog ibis kangaroo leopards llama lobster octopus "
    "okapi panda pigeon platypus rhino rooster scorpion sea_horse stegosaurus tick trilobite wild_cat cannon ceiling_fan "
    "cellphone camera binocular dollar_bill gramophone inline_skate laptop mandolin revolver soccer_ball strawberry".split()
)


class Known:
    """One picture's path and what is known of it: boxes float32[n,5] of x1, y1, x2, y2, score, in its pixels.

    complete: what has no box here has none. empty: nobody is to be seen in it.
    """

    def __init__(self, entry, boxes, complete):
        self.path, self.complete = entry["path"], complete
        self.empty = entry.get("category", "").lower() in EMPTY
        self.boxes = np.array(boxes, np.float32).reshape(-1, 5)


def load_known(roots, teacher_files, kind):
    """The pictures of the sets; of a teacher's row its boxes count, else the labels."""
    rows = {}
    for path in teacher_files:
        with open(path, encoding="utf-8") as f:
            for row in map(json.loads, f):
                rows[row["set"], row["image"]] = row
    found = []
    for e in load_sets(roots):
        row = rows.get((e["set"], e["image"]))
        labels = [[b["x"], b["y"], b["x"] + b["w"], b["y"] + b["h"], b.get("score", 0.8)] for b in e["boxes"] if b["class"] == kind and not b.get("ignore")]
        complete = row is not None or kind in e.get("complete", ())
        found.append(Known(e, row.get(kind, []) + labels if row else labels, complete))
    return found


class Crops(torch.utils.data.IterableDataset):
    """Endless batches: clean and seen uint8[n,3,h,w], by how many quarters seen is turned, what is known of each crop.

    Known are boxes float32[k,5] in the clean crop's pixels; whether they are all; whether nobody is there; and the scale.
    """

    def __init__(self, pictures, size, count, seed, turns=TURNS):
        self.pictures, self.size, self.count, self.seed, self.turns = pictures, size, count, seed, turns
        self.inhabited = [p for p in pictures if (p.boxes[:, 4] >= SURE).any()]

    def crop(self, image, known, width, height, rng):
        h, w = image.shape[:2]
        fit = min(640 / w, 384 / h)
        zoom = uniform_log(rng, 0.6, 2.0)
        r = min(fit * zoom, 2.0)
        boxes = known.boxes[known.boxes[:, 4] >= SURE]
        if len(boxes) and rng.random() < 0.5:
            b = boxes[rng.integers(len(boxes))]
            ox = rng.uniform(0.1, 0.9) * width - (b[0] + b[2]) / 2 * r
            oy = rng.uniform(0.1, 0.9) * height - (b[1] + b[3]) / 2 * r
        else:
            ox, oy = rng.uniform(0, 1) * (width - w * r), rng.uniform(0, 1) * (height - h * r)
        if rng.random() < 0.85:
            ox = np.clip(ox, width - w * r, 0) if w * r >= width else np.clip(ox, 0, width - w * r)
            oy = np.clip(oy, height - h * r, 0) if h * r >= height else np.clip(oy, 0, height - h * r)
        clean = crop(image, width, height, r, r, ox, oy)
        boxes = known.boxes * np.array([r, r, r, r, 1], np.float32) + np.array([ox, oy, ox, oy, 0], np.float32)
        if rng.random() < 0.5:
            clean = np.ascontiguousarray(clean[:, ::-1])
            boxes[:, [0, 2]] = width - boxes[:, [2, 0]]
        return clean, inside(boxes, width, height), known.complete and r <= 1.6 * fit, known.empty

    def seen(self, clean, quarters, rng):
        image = turned(clean, np.zeros((0, 4), np.float32), quarters)[0]
        k = rng.random() * (1.8 if quarters else 1.0)  # a turned picture is more often plain
        for name, share in SHARES.items():
            if k < share:
                image = under(name, image, (), rng)[0]
                break
            k -= share
        if rng.random() < 0.12:
            image = under(list(LIGHTS)[rng.integers(len(LIGHTS))], image, (), rng)[0]
        return image

    def __iter__(self):
        info = torch.utils.data.get_worker_info()
        rng = np.random.default_rng([self.seed, info.id if info else 0])
        cv2.setNumThreads(1)
        while True:
            quarters = int(rng.choice(4, p=self.turns))
            width, height = self.size if quarters % 2 == 0 else self.size[::-1]
            clean, seen, known = [], [], []
            while len(clean) < self.count:
                of = self.inhabited if rng.random() < INHABITED else self.pictures
                p = of[rng.integers(len(of))]
                image = cv2.imread(p.path)
                shrink = min(1.0, LONG_SIDE / max(image.shape[:2]))
                if shrink < 1:
                    image = cv2.resize(image, None, fx=shrink, fy=shrink, interpolation=cv2.INTER_AREA)
                part = Known.__new__(Known)
                part.__dict__.update(p.__dict__, boxes=p.boxes * np.array([shrink] * 4 + [1], np.float32))
                for _ in range(2):
                    image_part, *what = self.crop(image, part, width, height, rng)
                    clean.append(image_part)
                    seen.append(self.seen(image_part, quarters, rng))
                    known.append(what)
            yield packed(clean), packed(seen), quarters, known


def packed(images):
    return torch.from_numpy(np.ascontiguousarray(np.stack(images).transpose(0, 3, 1, 2)))


def inside(boxes, width, height):
    """The boxes cut at the crop; those of which less than 60 % is left are left out, as are those under 8 px."""
    cut = boxes.copy()
    cut[:, :4] = np.clip(boxes[:, :4], 0, np.array([width, height] * 2, np.float32))
    sides, whole = cut[:, 2:4] - cut[:, :2], boxes[:, 2:4] - boxes[:, :2]
    return cut[(sides.prod(1) >= 0.6 * whole.prod(1)) & (sides.min(1) >= 8)]


def rotated(maps, quarters, width):
    """Boxes [n,4,h,w] in pixels of a picture of the given width, and scores [n,c,h,w], turned with the picture."""
    boxes, scores = maps
    for _ in range(quarters):
        x1, y1, x2, y2 = boxes.unbind(1)
        boxes = torch.stack((y1, width - x2, y2, width - x1), 1)
        # After one quarter the picture is as wide as it was high.
        boxes, scores = torch.rot90(boxes, 1, (2, 3)), torch.rot90(scores, 1, (2, 3))
        width = boxes.shape[3] * (width // boxes.shape[2])
    return boxes, scores


def levels_of(maps, quarters, width):
    """The master's raw maps of people as [(boxes, scores)] of the turned picture, one for each stride."""
    return [rotated((boxes_of(m[:, :4], s, grid(*m.shape[2:])), m[:, 4:].sigmoid()), quarters, width) for m, s in zip(maps, STRIDES)]


def flat(levels):
    """[(boxes, scores)] to boxes [n,cells,4] and scores [n,cells,c]."""
    return tuple(torch.cat([part[i].flatten(2) for part in levels], 2).transpose(1, 2) for i in (0, 1))


def iou(a, b):
    """IoU of boxes [n,4] with boxes [k,4]: [n,k]."""
    lt, rb = torch.maximum(a[:, None, :2], b[None, :, :2]), torch.minimum(a[:, None, 2:], b[None, :, 2:])
    inter = (rb - lt).clamp(min=0).prod(-1)
    return inter / ((a[:, 2:] - a[:, :2]).prod(1)[:, None] + (b[:, 2:] - b[:, :2]).prod(1)[None] - inter).clamp(min=1e-6)


def corrected(boxes, scores, known, quarters, width, height):
    """The master's boxes [n,cells,4] and scores [n,cells,6] (there: person, or a thing) with what is known, in place."""
    for i, (rows, complete, empty) in enumerate(known):
        if empty:
            scores[i, :, 0] *= 0.3
            continue
        rows = torch.from_numpy(turned_boxes(rows, quarters, width, height))
        mine = scores[i, :, 0] * scores[i, :, 1]
        at = (mine >= 0.02).nonzero()[:, 0]
        if complete and len(at):
            best = iou(boxes[i, at], rows[:, :4]).amax(1) if len(rows) else torch.zeros(len(at))
            scores[i, at[best < 0.25], 0] *= 0.5
        for row in rows[rows[:, 4] >= SURE]:
            raise_score(boxes[i], scores[i], mine, row)


def raise_score(boxes, scores, mine, row):
    """Gives the three cells that fit a known box best its score and place, where the master gives less."""
    overlap = iou(boxes, row[None, :4])[:, 0]
    if float(mine[overlap >= 0.5].amax(0, keepdim=True).sum() if (overlap >= 0.5).any() else 0) >= float(row[4]):
        return
    worth = overlap * (mine + 0.02) ** 0.3
    best = worth.topk(3).indices
    best = best[overlap[best] >= 0.3]
    root = float(row[4]) ** 0.5
    scores[best, :2] = scores[best, :2].clamp(min=root)
    boxes[best] = row[:4]


def turned_boxes(rows, quarters, width, height):
    """Boxes float32[n,5] of a picture of the given size, turned with it."""
    for _ in range(quarters):
        rows = np.stack((rows[:, 1], width - rows[:, 2], rows[:, 3], width - rows[:, 0], rows[:, 4]), 1)
        width, height = height, width
    return np.ascontiguousarray(rows, np.float32)


def people_loss(raw, boxes, scores):
    """The student's raw maps against boxes [n,cells,4] and scores [n,cells,6]: (scores' part, boxes' part)."""
    raw = [m.float() for m in raw]
    found, logits = flat([(boxes_of(m[:, :4], s, grid(*m.shape[2:])), m[:, 4:]) for m, s in zip(raw, STRIDES)])
    there, kinds = scores[..., 0], scores[..., 1:]
    # Of logarithms, for thresholds are low: 0.1 where nobody is costs as much as a person's score that falls from 0.6 to 0.03.
    # Cross-entropy, focal or not, minds the second only, and taught to see people in every dark room.
    mine = (F.logsigmoid(logits[..., :1]) + F.logsigmoid(logits[..., 1:])).exp()
    far = ((mine + LEAST_SCORE).log() - (there[..., None] * kinds + LEAST_SCORE).log()) ** 2
    alike = (F.logsigmoid(logits[..., 0]).exp() - there) ** 2
    cls = (far[..., 0].sum() + 0.25 * far[..., 1:].sum() + alike.sum()) / len(logits)
    sure = there * kinds.amax(-1)
    at = sure >= 0.04
    far = 1 - giou(found[at], boxes[at]) + 0.5 * (found[at] - boxes[at]).abs().sum(-1) / (boxes[at][:, 2:] - boxes[at][:, :2]).sum(-1).clamp(min=1)
    return 0.05 * cls, 2 * (far * sure[at]).sum() / (sure.sum() + 1)


class People:
    """What learns, and how it is judged."""

    kind = "person"

    def __init__(self, net):
        self.net = net
        body = net.body
        self.early = (body.stem, body.down2, body.csp2)
        for name, p in net.named_parameters():
            p.requires_grad_(name.startswith(("body.", "people.")) and not name.startswith(("body.stem.", "body.down2.", "body.csp2.")))

    def maps(self, net, x, learn):
        with torch.no_grad():
            fine = net.body.fine(x)
        with torch.set_grad_enabled(learn):
            return [h(f) for h, f in zip(net.people, net.body.above(fine))]

    def loss(self, master, clean, seen, quarters, known):
        height, width = clean.shape[2:]
        levels = levels_of([m.float() for m in self.maps(master, clean, False)], quarters, width)
        boxes, scores = flat(levels)
        corrected(boxes, scores, known, quarters, width, height)
        return people_loss(self.maps(self.net, seen, True), boxes, scores)


# Faces up to so large, the root of their area in the enlarged picture's pixels, are for each stride.
FACE_SIDES = (40, 110, 1e9)
FACE_KNOWN = 0.3  # score from which the master's boxes of the upright crop count in the turned one


class Faces:
    """The faces' part. Of an upright crop the master's maps count cell by cell, of a turned one its boxes and what is known."""

    kind = "face"

    def __init__(self, net):
        self.net = net
        for name, p in net.named_parameters():
            p.requires_grad_(name.startswith("faces."))

    def maps(self, net, x):
        """Boxes [n,cells,4] in the crop's pixels, logits [n,cells,2] of objectness and class, and the maps' sizes."""
        raw = [m.float() for m in net.faces(net.enlarged(x))]
        across, down = BLOCK / net.enlarged.columns, BLOCK / net.enlarged.rows
        scale = torch.tensor([across, down, across, down])[None, :, None, None]
        levels = [(boxes_of(m[:, :4], s, grid(*m.shape[2:])) * scale, m[:, [5, 4]]) for m, s in zip(raw, STRIDES)]
        return *flat(levels), [m.shape[2:] for m in raw]

    def loss(self, master, clean, seen, quarters, known):
        height, width = clean.shape[2:]
        with torch.no_grad():
            boxes, scores, _ = self.maps(master, clean)
            scores = scores.sigmoid()
        found, logits, sizes = self.maps(self.net, seen)
        judged = torch.ones(len(clean), 1)
        if quarters == 0:
            corrected(boxes, scores, known, 0, width, height)
        else:
            boxes, scores = self.turned_targets(boxes, scores, known, quarters, width, height, sizes)
        for i, (_, complete, empty) in enumerate(known):
            if empty:
                scores[i] = 0
            elif quarters and not complete:
                judged[i] = 0  # the master alone does not know every face
        there = scores[..., 0]
        cls = (F.binary_cross_entropy_with_logits(logits[..., 0], there, reduction="none") * judged).sum()
        cls = cls + (F.binary_cross_entropy_with_logits(logits[..., 1], scores[..., 1], reduction="none") * (there + 0.02) * judged).sum()
        sure = (there * scores[..., 1]).sqrt() * judged
        at = sure >= 0.2
        far = 1 - giou(found[at], boxes[at]) + 0.5 * (found[at] - boxes[at]).abs().sum(-1) / (boxes[at][:, 2:] - boxes[at][:, :2]).sum(-1).clamp(min=1)
        return cls / (there.sum() + 4), 2 * (far * sure[at]).sum() / (sure.sum() + 1)

    def turned_targets(self, boxes, scores, known, quarters, width, height, sizes):
        """Targets on the turned crop's cells: the three cells nearest to the middle of each face, of the stride for its size."""
        large = self.net.enlarged
        ups = np.array([large.columns / BLOCK, large.rows / BLOCK], np.float32)
        centres, starts = [], [0]
        for (h, w), s in zip(sizes, STRIDES):
            gy, gx = np.mgrid[0:h, 0:w]
            centres.append((np.stack((gx.ravel(), gy.ravel()), 1) + 0.5) * s / ups)
            starts.append(starts[-1] + h * w)
        out_boxes, out_scores = torch.zeros(len(known), starts[-1], 4), torch.zeros(len(known), starts[-1], 2)
        out_boxes[..., 2:] = 1
        for i, (rows, _, _) in enumerate(known):
            for x1, y1, x2, y2, score in turned_boxes(self.every(boxes[i], scores[i], rows), quarters, width, height):
                level = int(np.searchsorted(FACE_SIDES, np.sqrt((x2 - x1) * (y2 - y1) * ups.prod())))
                far = np.abs(centres[level] - ((x1 + x2) / 2, (y1 + y2) / 2)).max(1)
                at = torch.from_numpy(starts[level] + np.argsort(far)[:3])
                out_boxes[i, at] = torch.tensor([x1, y1, x2, y2])
                out_scores[i, at] = float(np.sqrt(score))
        return out_boxes, out_scores

    def every(self, boxes, scores, rows):
        """What is known of the upright crop and what the master finds there besides: float32[k,5]."""
        score = scores.prod(1).sqrt()
        at = score >= FACE_KNOWN
        mine = torch.cat((boxes[at], score[at][:, None]), 1).numpy()
        rows = rows[rows[:, 4] >= SURE]
        mine = mine[nms(mine[:, :4], mine[:, 4])] if len(mine) else mine
        if len(rows):
            mine = [b for b in mine if iou_to_many(b[:4], rows[:, :4]).max() < 0.4]
        return np.concatenate((rows, np.array(mine, np.float32).reshape(-1, 5))).astype(np.float32)


def arguments():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--part", required=True, choices=("people", "faces"))
    p.add_argument("--start", required=True, help="the exported network to begin with, and the master")
    p.add_argument("--network", default="hedge-n", choices=tuple(SIZES))
    p.add_argument("--sets", nargs="+", required=True)
    p.add_argument("--teachers", nargs="*", default=[], help="outputs of hedge_train.teach --people")
    p.add_argument("--work", required=True)
    p.add_argument("--minutes", type=float, default=120, help="length of the whole training, over all resumptions")
    p.add_argument("--size", type=int, nargs=2, default=(320, 192))
    p.add_argument("--batch", type=int, default=16)
    p.add_argument("--lr", type=float, default=8e-5)
    p.add_argument("--seed", type=int, default=7)
    p.add_argument("--workers", type=int, default=1)
    p.add_argument("--threads", type=int, default=1)
    p.add_argument("--save-every", type=float, default=120)
    return p.parse_args()


def main():
    a = arguments()
    os.makedirs(a.work, exist_ok=True)
    torch.set_num_threads(a.threads)
    cv2.setNumThreads(1)
    torch.manual_seed(a.seed)
    random.seed(a.seed)
    nets = [start_from_hedge(fold(HedgeNet(a.network).eval()), a.start).to(memory_format=torch.channels_last) for _ in range(2)]
    master, net = nets
    master.requires_grad_(False)
    part = PARTS[a.part](net)
    learning = {n: p for n, p in net.named_parameters() if p.requires_grad}
    holder = torch.nn.ParameterDict({n.replace(".", "/"): p for n, p in learning.items()})
    optimiser = torch.optim.AdamW(learning.values(), lr=a.lr, betas=(0.9, 0.98), weight_decay=0)
    average, step, passed = Average(holder, 0.998), 0, 0.0
    path = os.path.join(a.work, "last.pt")
    if os.path.exists(path):
        last = torch.load(path, weights_only=True)
        holder.load_state_dict(last["now"])
        optimiser.load_state_dict(last["optimiser"])
        average.state, average.steps, step, passed = last["average"], last["average_steps"], last["step"], last["passed"]
    pictures = load_known(a.sets, a.teachers, part.kind)
    stream = Crops(pictures, a.size, a.batch, a.seed + step)
    print(len(pictures), "pictures,", len(stream.inhabited), "inhabited,", sum(p.complete for p in pictures), "complete", flush=True)
    loader = iter(torch.utils.data.DataLoader(stream, batch_size=None, num_workers=a.workers, prefetch_factor=3))
    sums, tick, saved = 0, time.time(), time.time()
    with open(os.path.join(a.work, "log.jsonl"), "a", encoding="utf-8") as log:
        while passed < a.minutes * 60:
            began = time.time()
            for g in optimiser.param_groups:
                g["lr"] = a.lr * rate(passed / (a.minutes * 60))
            clean, seen, quarters, known = next(loader)
            clean, seen = (x.float().contiguous(memory_format=torch.channels_last) for x in (clean, seen))
            with torch.autocast("cpu", torch.bfloat16):
                cls, box = part.loss(master, clean, seen, quarters, known)
            optimiser.zero_grad(set_to_none=True)
            (cls + box).backward()
            norm = torch.nn.utils.clip_grad_norm_(learning.values(), 5.0)
            optimiser.step()
            average.update(holder)
            step += 1
            passed += min(time.time() - began, 30.0)
            sums = sums + torch.stack([cls.detach(), box.detach(), norm])
            if step % 25 == 0:
                row = {"step": step, "minutes": round(passed / 60, 1), "per_s": round(25 * a.batch / (time.time() - tick), 1)}
                row.update(zip(("cls", "box", "norm"), (round(float(v) / 25, 4) for v in sums)))
                print(json.dumps(row), file=log, flush=True)
                sums, tick = 0, time.time()
            if time.time() - saved > a.save_every or passed >= a.minutes * 60:
                save(path, part=a.part, now=holder.state_dict(), average=average.state, average_steps=average.steps, step=step,
                     passed=passed, optimiser=optimiser.state_dict())
                saved = time.time()


PARTS = {"people": People, "faces": Faces}

if __name__ == "__main__":
    main()
