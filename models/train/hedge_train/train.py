"""Trains the plates' network of hedge-n on the frozen features of stride 4. Started again with the same --work it goes on.

    python -m hedge_train.train --models DIR --sets DIR [DIR ...] --teachers FILE [FILE ...] --work DIR
"""

import argparse

import torch

from .initial import start
from .loop import Training, arguments, begin
from .loss import plate_loss
from .net import HedgeNet
from .scenes import Stream, load_pictures


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--hard", default="", help="output of hedge_train.mine; read again whenever it changes")
    a = arguments(p, lr=2e-3, minutes=120)
    begin(a)
    front = start(HedgeNet(), a.models).to(memory_format=torch.channels_last).eval()
    net = front.plates.train()
    training = Training(a, net, [(list(net.parameters()), 1)], decay=1e-2)
    pictures = load_pictures(a.sets, a.teachers)
    print({n: len(v) for n, v in pictures.items()}, flush=True)

    def loss_of(batch):
        images, levels = batch
        images = images.float().contiguous(memory_format=torch.channels_last)
        with torch.autocast("cpu", torch.bfloat16):
            with torch.no_grad():
                fine, _ = front.body.near(images)
            maps = net(fine)
        cls, box = plate_loss(maps, levels)
        return cls + box, {"cls": cls, "box": box}

    # A resumed run draws new scenes: the seed moves on with the step.
    stream = Stream(pictures, a.weights, a.size, a.batch, a.seed + training.step, a.hard)
    training.run(training.load(stream), loss_of, clip=20.0)


if __name__ == "__main__":
    main()
