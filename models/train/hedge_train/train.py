"""Trains the heads of hedge-n on the frozen body. Started again with the same --work it goes on.

    python -m hedge_train.train --models DIR --sets DIR [DIR ...] --teachers FILE [FILE ...] --work DIR
"""

import argparse
import json
import math
import os
import random
import time

import torch

from .initial import start
from .loss import plate_loss
from .net import HedgeNet
from .scenes import Stream, load_pictures


class Average:
    """An exponential moving average of the weights; the average is what is exported."""

    def __init__(self, net, decay):
        self.decay, self.steps = decay, 0
        self.state = {k: v.detach().clone() for k, v in net.state_dict().items()}

    def update(self, net):
        self.steps += 1
        d = min(self.decay, (1 + self.steps) / (10 + self.steps))
        with torch.no_grad():
            for k, v in net.state_dict().items():
                if v.dtype.is_floating_point:
                    self.state[k].lerp_(v, 1 - d)
                else:
                    self.state[k].copy_(v)


def save(path, **parts):
    torch.save(parts, path + ".new")
    os.replace(path + ".new", path)


def rate(share, warm=0.02):
    """Linear warm-up, then half a cosine to a fiftieth; share of the training time that has passed."""
    if share < warm:
        return 0.02 + 0.98 * share / warm
    k = min(1.0, (share - warm) / (1 - warm))
    return 0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * k))


def export_body(net, path):
    """The frozen body as ONNX with any batch: ONNX Runtime runs it faster than eager PyTorch."""
    names = ["c2", "p3", "p4", "p5"]
    torch.onnx.export(net.body.eval(), torch.zeros(2, 3, 64, 64), path, opset_version=17, input_names=["images"],
                      output_names=names, dynamic_axes={n: {0: "b", 2: "h", 3: "w"} for n in ["images", *names]}, dynamo=False)


class Reservoir:
    """The newest scenes, from which steps draw at random; each is drawn about `reuse` times."""

    def __init__(self, loader, size, reuse):
        self.loader, self.size, self.reuse = iter(loader), size, reuse
        self.items, self.place, self.credit = [], 0, 0.0

    def take(self):
        features, levels = next(self.loader)
        for i in range(len(features[0])):
            item = ([f[i].clone() for f in features], [tuple(part[i].clone() for part in level) for level in levels])
            if len(self.items) < self.size:
                self.items.append(item)
            else:
                self.items[self.place] = item
                self.place = (self.place + 1) % self.size
        self.credit += self.reuse * len(features[0])

    def batch(self, n):
        while self.credit < n or len(self.items) < 4 * n:
            self.take()
        self.credit -= n
        picked = random.sample(self.items, n)
        features = [torch.stack(parts).bfloat16().contiguous(memory_format=torch.channels_last) for parts in zip(*(f for f, _ in picked))]
        levels = [tuple(torch.stack(parts) for parts in zip(*level)) for level in zip(*(lv for _, lv in picked))]
        return features, levels


def arguments():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--models", required=True, help="folder with yolox_nano_dynamic.onnx and yunet_s_dynamic.onnx")
    p.add_argument("--sets", nargs="+", required=True, help="folders of labelled sets")
    p.add_argument("--teachers", nargs="+", required=True, help="outputs of hedge_train.teach (vehicles)")
    p.add_argument("--work", required=True, help="folder for checkpoints and the log")
    p.add_argument("--minutes", type=float, default=120, help="length of the whole training, over all resumptions")
    p.add_argument("--side", type=int, default=384, help="scenes are squares of this many pixels")
    p.add_argument("--batch", type=int, default=16)
    p.add_argument("--reuse", type=float, default=2.0, help="how often a scene is trained on")
    p.add_argument("--keep", type=int, default=1500, help="scenes kept in memory, 1.2 MB each")
    p.add_argument("--lr", type=float, default=2e-3)
    p.add_argument("--weights", default="", help="sampling weights as set=weight,set=weight")
    p.add_argument("--seed", type=int, default=5)
    p.add_argument("--workers", type=int, default=2)
    p.add_argument("--save-every", type=float, default=120, help="seconds between checkpoints")
    return p.parse_args()


def main():
    a = arguments()
    os.makedirs(a.work, exist_ok=True)
    with open(os.path.join(a.work, "train.pid"), "w", encoding="utf-8") as f:
        f.write(str(os.getpid()))
    torch.set_num_threads(1)
    torch.manual_seed(a.seed)
    random.seed(a.seed)
    net = start(HedgeNet(), a.models)
    body = os.path.join(a.work, "body.onnx")
    export_body(net, body)
    heads = net.plates.to(memory_format=torch.channels_last).train()
    optimiser = torch.optim.AdamW(heads.parameters(), lr=a.lr, weight_decay=1e-2)
    average, step, passed = Average(heads, 0.999), 0, 0.0
    path = os.path.join(a.work, "last.pt")
    if os.path.exists(path):
        last = torch.load(path, weights_only=True)
        heads.load_state_dict(last["heads"])
        optimiser.load_state_dict(last["optimiser"])
        average.state, average.steps, step, passed = last["average"], last["average_steps"], last["step"], last["passed"]

    pictures = load_pictures(a.sets, a.teachers)
    print({n: len(v) for n, v in pictures.items()}, flush=True)
    weights = {k: float(v) for k, v in (pair.split("=") for pair in a.weights.split(",") if pair)}
    # A resumed run draws new scenes: the seed moves on with the step.
    stream = Stream(pictures, weights, body, a.side, 8, a.seed + step)
    loader = torch.utils.data.DataLoader(stream, batch_size=None, num_workers=a.workers, prefetch_factor=4)
    scenes = Reservoir(loader, a.keep, a.reuse)
    sums, tick, saved = None, time.time(), time.time()
    with open(os.path.join(a.work, "log.jsonl"), "a", encoding="utf-8") as log:
        while passed < a.minutes * 60:
            began = time.time()
            for g in optimiser.param_groups:
                g["lr"] = a.lr * rate(passed / (a.minutes * 60))
            features, levels = scenes.batch(a.batch)
            with torch.autocast("cpu", torch.bfloat16):
                maps = heads(features)
            cls, box = plate_loss(maps, levels)
            optimiser.zero_grad(set_to_none=True)
            (cls + box).backward()
            norm = torch.nn.utils.clip_grad_norm_(heads.parameters(), 20.0)
            optimiser.step()
            average.update(heads)
            step += 1
            # A pause from outside (SIGSTOP) is not training time.
            passed += min(time.time() - began, 30.0)
            parts = torch.stack([cls.detach(), box.detach(), norm])
            sums = parts if sums is None else sums + parts
            if step % 100 == 0:
                row = {"step": step, "minutes": round(passed / 60, 1), "per_s": round(100 * a.batch / (time.time() - tick), 1)}
                row.update(zip(("cls", "box", "norm"), (round(float(v) / 100, 4) for v in sums)))
                print(json.dumps(row), file=log, flush=True)
                sums, tick = None, time.time()
            if time.time() - saved > a.save_every or passed >= a.minutes * 60:
                save(path, heads=heads.state_dict(), average=average.state, average_steps=average.steps, step=step,
                     passed=passed, optimiser=optimiser.state_dict())
                saved = time.time()


if __name__ == "__main__":
    main()
