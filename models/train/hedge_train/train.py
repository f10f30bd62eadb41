"""Trains the plates' network of hedge-n on the frozen features of stride 4. Started again with the same --work it goes on.

    python -m hedge_train.train --models DIR --sets DIR [DIR ...] --teachers FILE [FILE ...] --work DIR

With --start FILE.onnx the plates of a published hedge-n or hedge-p learn on. With --network hedge-p --master CHECKPOINT
(of a training from scratch) it trains hedge-p's, which begins as hedge-n's with fewer blocks and learns from its scores.
"""

import argparse
import json
import math
import os
import random
import time

import cv2
import torch

from .export import fold
from .initial import start, start_from_hedge
from .loss import plate_loss, taught
from .net import HedgeNet
from .platenet import SIZES, pruned
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


def arguments():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--models", required=True, help="folder with yolox_nano_dynamic.onnx and yunet_s_dynamic.onnx")
    p.add_argument("--sets", nargs="+", required=True, help="folders of labelled sets")
    p.add_argument("--teachers", nargs="+", required=True, help="outputs of hedge_train.teach (vehicles)")
    p.add_argument("--work", required=True, help="folder for checkpoints and the log")
    p.add_argument("--minutes", type=float, default=120, help="length of the whole training, over all resumptions")
    p.add_argument("--network", default="hedge-n", choices=tuple(SIZES))
    p.add_argument("--start", default="", help="an exported network to begin with, batch norms folded, instead of from scratch")
    p.add_argument("--master", default="", help="a checkpoint of hedge-n, to begin with and to learn from")
    p.add_argument("--size", type=int, nargs=2, default=(320, 192), help="width and height of a scene")
    p.add_argument("--batch", type=int, default=32)
    p.add_argument("--hard", default="", help="output of hedge_train.mine; read again whenever it changes")
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
    cv2.setNumThreads(1)  # its threads would not survive the workers' fork
    torch.manual_seed(a.seed)
    random.seed(a.seed)
    front = HedgeNet(a.network).eval()
    front = start_from_hedge(fold(front), a.start) if a.start else start(front, a.models)
    front.requires_grad_(False).to(memory_format=torch.channels_last)
    net = front.plates.train().requires_grad_(True)
    master = None
    if a.master:
        master = HedgeNet().plates.eval()
        master.load_state_dict(torch.load(a.master, weights_only=True)["average"])
        net.load_state_dict(pruned(master.state_dict()))
    optimiser = torch.optim.AdamW(net.parameters(), lr=a.lr, weight_decay=1e-2)
    average, step, passed = Average(net, 0.998), 0, 0.0
    path = os.path.join(a.work, "last.pt")
    if os.path.exists(path):
        last = torch.load(path, weights_only=True)
        net.load_state_dict(last["plates"])
        optimiser.load_state_dict(last["optimiser"])
        average.state, average.steps, step, passed = last["average"], last["average_steps"], last["step"], last["passed"]

    pictures = load_pictures(a.sets, a.teachers)
    print({n: len(v) for n, v in pictures.items()}, flush=True)
    weights = {k: float(v) for k, v in (pair.split("=") for pair in a.weights.split(",") if pair)}
    # A resumed run draws new scenes: the seed moves on with the step.
    stream = Stream(pictures, weights, a.size, a.batch, a.seed + step, a.hard)
    loader = iter(torch.utils.data.DataLoader(stream, batch_size=None, num_workers=a.workers, prefetch_factor=4))
    sums, tick, saved = None, time.time(), time.time()
    with open(os.path.join(a.work, "log.jsonl"), "a", encoding="utf-8") as log:
        while passed < a.minutes * 60:
            began = time.time()
            for g in optimiser.param_groups:
                g["lr"] = a.lr * rate(passed / (a.minutes * 60))
            images, levels = next(loader)
            images = images.float().contiguous(memory_format=torch.channels_last)
            with torch.autocast("cpu", torch.bfloat16):
                with torch.no_grad():
                    fine = front.body.fine(images)
                    known = master(fine) if master else None
                maps = net(fine)
            cls, box = plate_loss(maps, levels)
            if master:
                cls = cls + taught(maps, known)
            optimiser.zero_grad(set_to_none=True)
            (cls + box).backward()
            norm = torch.nn.utils.clip_grad_norm_(net.parameters(), 20.0)
            optimiser.step()
            average.update(net)
            step += 1
            # A pause from outside (SIGSTOP) is not training time.
            passed += min(time.time() - began, 30.0)
            parts = torch.stack([cls.detach(), box.detach(), norm])
            sums = parts if sums is None else sums + parts
            if step % 50 == 0:
                row = {"step": step, "minutes": round(passed / 60, 1), "per_s": round(50 * a.batch / (time.time() - tick), 1)}
                row.update(zip(("cls", "box", "norm"), (round(float(v) / 50, 4) for v in sums)))
                print(json.dumps(row), file=log, flush=True)
                sums, tick = None, time.time()
            if time.time() - saved > a.save_every or passed >= a.minutes * 60:
                save(path, plates=net.state_dict(), average=average.state, average_steps=average.steps, step=step,
                     passed=passed, optimiser=optimiser.state_dict())
                saved = time.time()


if __name__ == "__main__":
    main()
