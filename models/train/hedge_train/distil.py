"""Distils hedge-p from hedge-n: a 5x5 stem, and ReLU for SiLU where maps are large, taught by hedge-n's own features.

    python -m hedge_train.distil --models DIR --checkpoint last.pt --sets DIR [DIR ...] --teachers FILE [FILE ...] --work DIR

SiLU turns into ReLU by and by, so that the network never forgets what it knew. Started again with the
same --work it goes on. Faces are YuNet-s's, as in hedge-n, and do not learn.
"""

import argparse
import json

import cv2
import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from .augment import degrade
from .export import fold
from .initial import start
from .loop import Training, arguments, begin
from .net import HedgeNet
from .pictures import load_sets
from .scenes import Picture, Scene, Stream, crop, uniform_log

RAMP = 0.3  # share of the training after which every activation is a ReLU
FLOOR = 0.02  # cells that the teacher scores lower say nothing about boxes


class Turning(nn.Module):
    """SiLU at share 0, ReLU at share 1."""

    share = 0.0

    def forward(self, x):
        k = Turning.share
        return F.relu(x) if k >= 1 else F.silu(x) * (1 - k) + F.relu(x) * k


def teacher_of(models, checkpoint):
    """hedge-n with its batch norms folded."""
    net = start(HedgeNet(), models)
    net.plates.load_state_dict(torch.load(checkpoint, weights_only=True)["average"])
    return fold(net.eval()).requires_grad_(False)


@torch.no_grad()
def student_of(teacher, pictures):
    """A network with a 5x5 stem and Turning activations that starts with the teacher's weights.

    The stem is the 5x5 convolution that comes nearest to the teacher's 6x6 on the given pictures
    uint8[n,3,h,w] (least squares).
    """
    net = fold(HedgeNet(stem=5, quick=Turning).eval())
    own = net.state_dict()
    net.load_state_dict({k: own[k] if k == "body.stem.conv.weight" else v for k, v in teacher.state_dict().items()})
    x = pictures.float()
    want = teacher.body.stem.conv(x).permute(0, 2, 3, 1).reshape(-1, 16)
    patches = F.unfold(x, 5, padding=2, stride=2).transpose(1, 2).reshape(-1, 75)
    patches = torch.cat((patches, torch.ones_like(patches[:, :1])), 1)
    best = torch.linalg.lstsq(patches.double(), want.double()).solution.float()
    net.body.stem.conv.weight.copy_(best[:75].T.reshape(16, 3, 5, 5))
    net.body.stem.conv.bias.copy_(best[75])
    return net


def learning(net):
    """What learns, as (parameters, share of the rate).

    With batch norms folded, weights of one layer are a thousand times those of another: the rate of each
    is a share of its size. What only follows the changed layers needs smaller steps.
    """
    body = net.body
    changed = [body.stem, body.down2, body.csp2, body.down3, body.csp3, net.people]
    quick = {id(p) for m in changed for p in m.parameters()}
    every = [*body.parameters(), *net.people.parameters()]
    return [([p], p.detach().pow(2).mean().sqrt().item() * (1 if id(p) in quick else 0.25)) for p in every]


def outputs(net, x):
    """Features of strides 4 and 8 of the backbone and 8, 16, 32 of the neck, and people's maps."""
    c2, c3 = net.body.near(x)
    far = net.body.far(c3)
    return (c2, c3, *far), [h(f) for h, f in zip(net.people, far)]


def surprise(raw, want):
    """How far the scores of raw are from those of want: cross-entropy without what cannot be helped."""
    p = want.sigmoid()
    return F.binary_cross_entropy_with_logits(raw, p, reduction="sum") - F.binary_cross_entropy_with_logits(want, p, reduction="sum")


def difference(got, want):
    """(features, scores, boxes): features relative to their variance, the others per picture."""
    features = sum(k * F.mse_loss(a.float(), b.float()) / b.float().var() for k, a, b in zip((3, 2, 1, 1, 1), got[0], want[0]))
    scores = boxes = 0.0
    for a, b in zip(got[1], want[1]):
        a, b = a.float(), b.float()
        sure = b[:, 4].sigmoid() * b[:, 5:].amax(1).sigmoid()
        gap = F.smooth_l1_loss(a[:, :4], b[:, :4], reduction="none", beta=0.1).sum(1)
        scores = scores + surprise(a[:, 4:], b[:, 4:]) / len(a)
        boxes = boxes + (gap * sure * (sure > FLOOR)).sum() / len(a)
    return features, scores, boxes


class Views(Stream):
    """Endless batches uint8[n,3,h,w]: half of them the plates' scenes, half any crop of any picture."""

    def view(self, rng):
        if rng.random() < 0.4:
            return self.scene(rng).image
        of = self.pictures[self.names[rng.choice(len(self.names), p=self.share)]]
        pic = of[rng.integers(len(of))]
        width, height = self.size
        h, w = pic.image.shape[:2]
        fit = min(width / w, height / h)
        r = fit * uniform_log(rng, 0.5, 2.2)
        stretch = np.exp(rng.normal(0, 0.07))
        ox, oy = rng.uniform(0, 1) * (width - w * r), rng.uniform(0, 1) * (height - h * r)
        image = crop(pic.image, width, height, r * stretch, r / stretch, ox, oy)
        if rng.random() < 0.5:
            image = np.ascontiguousarray(image[:, ::-1])
        return degrade(image, rng) if rng.random() < 0.7 else image

    def __iter__(self):
        info = torch.utils.data.get_worker_info()
        rng = np.random.default_rng([self.seed, info.id if info else 0])
        cv2.setNumThreads(1)
        while True:
            images = np.stack([self.view(rng) for _ in range(self.count)]).transpose(0, 3, 1, 2)
            yield torch.from_numpy(np.ascontiguousarray(images))


def load_pictures(roots, teacher_files):
    """Every picture of every set, by set; what is labelled does not matter."""
    vehicles = {}
    for path in teacher_files:
        with open(path, encoding="utf-8") as f:
            for row in map(json.loads, f):
                vehicles[row["set"], row["image"]] = row["vehicle"]
    by_set = {}
    for e in load_sets(roots):
        by_set.setdefault(e["set"], []).append(Picture(e, vehicles.get((e["set"], e["image"]))))
    return by_set


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--checkpoint", required=True, help="hedge-n's")
    a = arguments(p, batch=16, seed=7, workers=1, lr=2e-3)
    begin(a)
    pictures = load_pictures(a.sets, a.teachers)
    print({n: len(v) for n, v in pictures.items()}, flush=True)
    teacher = teacher_of(a.models, a.checkpoint).to(memory_format=torch.channels_last)
    first = iter(Views(pictures, a.weights, a.size, 3 * a.batch, a.seed))
    net = student_of(teacher, next(first)).to(memory_format=torch.channels_last)
    training = Training(a, net, learning(net), decay=0)

    def loss_of(images):
        Turning.share = min(1.0, training.share / RAMP)
        images = images.float().contiguous(memory_format=torch.channels_last)
        with torch.autocast("cpu", torch.bfloat16):
            with torch.no_grad():
                want = outputs(teacher, images)
            got = outputs(net, images)
        features, scores, boxes = difference(got, want)
        return features + scores / 50 + boxes / 5, {"features": features, "scores": scores, "boxes": boxes}

    stream = Views(pictures, a.weights, a.size, a.batch, a.seed + 1 + training.step)
    training.run(training.load(stream), loss_of, clip=3000.0)


if __name__ == "__main__":
    main()
