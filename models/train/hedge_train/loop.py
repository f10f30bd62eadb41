"""What every training shares: folder, checkpoint, schedule, moving average and log."""

import json
import math
import os
import random
import time

import cv2
import torch


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


def rate(share, warm=0.02):
    """Linear warm-up, then half a cosine to a fiftieth; share of the training time that has passed."""
    if share < warm:
        return 0.02 + 0.98 * share / warm
    k = min(1.0, (share - warm) / (1 - warm))
    return 0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * k))


def arguments(p, **defaults):
    """Adds what every training asks for, and parses."""
    p.add_argument("--models", required=True, help="folder with yolox_nano_dynamic.onnx and yunet_s_dynamic.onnx")
    p.add_argument("--sets", nargs="+", required=True, help="folders of labelled sets")
    p.add_argument("--teachers", nargs="+", required=True, help="outputs of hedge_train.teach (vehicles)")
    p.add_argument("--work", required=True, help="folder for checkpoints and the log")
    p.add_argument("--minutes", type=float, default=100, help="length of the whole training, over all resumptions")
    p.add_argument("--size", type=int, nargs=2, default=(320, 192), help="width and height of a scene")
    p.add_argument("--batch", type=int, default=32)
    p.add_argument("--lr", type=float, default=1e-3)
    p.add_argument("--weights", default="", help="sampling weights as set=weight,set=weight")
    p.add_argument("--seed", type=int, default=5)
    p.add_argument("--workers", type=int, default=2)
    p.add_argument("--save-every", type=float, default=120, help="seconds between checkpoints")
    p.set_defaults(**defaults)
    a = p.parse_args()
    a.weights = {k: float(v) for k, v in (pair.split("=") for pair in a.weights.split(",") if pair)}
    return a


def begin(a):
    """Makes the folder, leaves the process number in it, and fixes the random numbers."""
    os.makedirs(a.work, exist_ok=True)
    with open(os.path.join(a.work, "train.pid"), "w", encoding="utf-8") as f:
        f.write(str(os.getpid()))
    torch.set_num_threads(1)
    cv2.setNumThreads(1)  # its threads would not survive the workers' fork
    torch.manual_seed(a.seed)
    random.seed(a.seed)


class Training:
    """A network under way; begun again with the same folder it goes on from the last checkpoint."""

    def __init__(self, a, net, groups, decay):
        """groups: (parameters, share of the rate)."""
        self.a, self.net, self.average = a, net, Average(net, 0.998)
        self.parameters = [p for group, _ in groups for p in group]
        self.optimiser = torch.optim.AdamW([{"params": p, "most": a.lr * k} for p, k in groups], weight_decay=decay)
        self.step, self.passed = 0, 0.0
        self.path = os.path.join(a.work, "last.pt")
        if os.path.exists(self.path):
            last = torch.load(self.path, weights_only=True)
            net.load_state_dict(last["net"])
            self.optimiser.load_state_dict(last["optimiser"])
            self.average.state, self.average.steps = last["average"], last["average_steps"]
            self.step, self.passed = last["step"], last["passed"]

    @property
    def share(self):
        """Of the whole time, what has passed."""
        return self.passed / (self.a.minutes * 60)

    def load(self, stream):
        """The stream's batches, made by other processes."""
        return iter(torch.utils.data.DataLoader(stream, batch_size=None, num_workers=self.a.workers, prefetch_factor=4))

    def run(self, batches, loss_of, clip):
        """Learns until the time is over. loss_of(batch) gives the loss and its named parts."""
        sums, tick, saved = None, time.time(), time.time()
        with open(os.path.join(self.a.work, "log.jsonl"), "a", encoding="utf-8") as log:
            while self.share < 1:
                began = time.time()
                for g in self.optimiser.param_groups:
                    g["lr"] = g["most"] * rate(self.share)
                loss, parts = loss_of(next(batches))
                self.optimiser.zero_grad(set_to_none=True)
                loss.backward()
                norm = torch.nn.utils.clip_grad_norm_(self.parameters, clip)
                self.optimiser.step()
                self.average.update(self.net)
                self.step += 1
                # A pause from outside (SIGSTOP) is not training time.
                self.passed += min(time.time() - began, 30.0)
                row = torch.stack([*(v.detach() for v in parts.values()), norm])
                sums = row if sums is None else sums + row
                if self.step % 50 == 0:
                    told = {"step": self.step, "minutes": round(self.passed / 60, 1), "per_s": round(50 * self.a.batch / (time.time() - tick), 1)}
                    told.update(zip((*parts, "norm"), (round(float(v) / 50, 4) for v in sums)))
                    print(json.dumps(told), file=log, flush=True)
                    sums, tick = None, time.time()
                if time.time() - saved > self.a.save_every or self.share >= 1:
                    self.save()
                    saved = time.time()

    def save(self):
        torch.save({"net": self.net.state_dict(), "average": self.average.state, "average_steps": self.average.steps,
                    "step": self.step, "passed": self.passed, "optimiser": self.optimiser.state_dict()}, self.path + ".new")
        os.replace(self.path + ".new", self.path)
