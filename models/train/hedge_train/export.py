"""Exports a checkpoint to ONNX and checks that the file says what PyTorch says.

    python -m hedge_train.export --start hedge-n.onnx --checkpoints last.pt [last.pt ...] --out DIR [--name hedge-n]

Writes NAME.onnx, for any size in multiples of 32. With --int8 the file keeps the weights as int8: smaller,
and as fast, for a runtime computes with float32.
"""

import argparse
import os

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from .initial import start_from_hedge
from .net import BLOCK, STRIDES, HedgeNet, rest
from .platenet import SIZES
from .teach import session


OUTPUTS = {"people": ("person", "vehicle"), "faces": ("face",), "plates": ("plate",)}  # and the scores of each


def fold(module):
    """Folds every batch norm into the convolution before it."""
    for name, child in module.named_children():
        if isinstance(child, nn.Sequential) and len(child) == 3 and isinstance(child[1], nn.BatchNorm2d):
            setattr(module, name, nn.Sequential(fuse_conv_bn_eval(child[0], child[1]), child[2]))
        else:
            fold(child)
    return module


class Decoded(nn.Module):
    """f32[1,3,H,W] BGR 0..255 to three tables of rows: x1,y1,x2,y2 in input pixels, then scores.

    people f32[1,A,6] (person, vehicle), faces f32[1,F,5] and plates f32[1,A,5]: a row for every cell. No branch reads
    another's end, so a reader that wants one output only may cut the others off.
    """

    def __init__(self, net):
        super().__init__()
        self.net = net

    def forward(self, images):
        people, faces, plates = self.net(images)
        large = self.net.enlarged
        rows_p, rows_f, rows_n = rows(people), rows(faces), rows(plates)
        there = rows_p[:, 4:5].sigmoid()
        return (
            decoded(rows_p, cells(people, 1, 1), rows_p[:, 5:6].sigmoid() * there, rows_p[:, 6:].amax(1, keepdim=True).sigmoid() * there),
            decoded(rows_f, cells(faces, BLOCK / large.columns, BLOCK / large.rows), (rows_f[:, 4:5].sigmoid() * rows_f[:, 5:6].sigmoid()).sqrt()),
            decoded(rows_n, cells(plates, 1, 1), rows_n[:, 4:5].sigmoid()),
        )


def decoded(raw, at, *scores):
    """Rows [1,c,cells] that begin with a coded box to [1,cells,4+n]: boxes, and the scores."""
    # Few operators on long rows: on a small picture hundreds of short ones take a tenth of the time.
    size = at[:, 2:]
    middle = (raw[:, :2] + (at[:, :2] - 1)) * size
    half = torch.exp(raw[:, 2:4].clamp(max=8)) * (size * 0.5)
    return torch.cat((middle - half, middle + half, *scores), 1).transpose(1, 2)


def cells(maps, across, down):
    """Column and row, from 1 on, width and height in input pixels of every cell of the maps: [1,4,cells]."""
    known = []
    for raw, stride in zip(maps, STRIDES):
        # Numbers from sums of ones keep the graph free of shape arithmetic.
        one = torch.ones_like(raw[:, :1])
        known.append(torch.cat((one.cumsum(3), one.cumsum(2), one * (stride * across), one * (stride * down)), 1))
    return rows(known)


def rows(maps):
    """Maps [1,c,h,w] of three strides, one after the other: [1,c,cells]."""
    return torch.cat([m.reshape(1, m.shape[1], -1) for m in maps], 2)


# A convolution's weights from this many numbers on are not kept as float32, and from so many as int8.
LEAST, LEAST_INT8 = 256, 1024
CLIPPED = (1.0, 0.97, 0.94, 0.91, 0.88, 0.85, 0.8)  # parts of a channel's largest weight that int8 may end at


def kept(weight, int8):
    """What the file keeps of a convolution's weights float32[out,in,h,w]: (numbers, factors [out,1,1,1] or None).

    Float16, or int8 with the factor of each output channel that errs least. Depthwise weights, those that
    read the picture and the heads' last are few and stay float16. Of weights that were rounded in this way
    it keeps all.
    """
    if not int8 or weight.shape[1] <= 3 or weight.size < LEAST_INT8:
        return weight.astype(np.float16), None
    top = np.abs(weight).max((1, 2, 3), keepdims=True).clip(min=1e-12)
    least = None
    for part in CLIPPED:
        factor = (top * (part / 127)).astype(np.float32)
        numbers = np.clip(np.round(weight / factor), -127, 127)
        error = ((numbers * factor - weight) ** 2).sum((1, 2, 3), keepdims=True)
        if least is None:
            least = error, numbers, factor
        else:
            better = error < least[0]
            least = tuple(np.where(better, new, old) for new, old in zip((error, numbers, factor), least))
    return least[1].astype(np.int8), least[2]


@torch.no_grad()
def rounded(net, int8=False):
    """Rounds the weights as the file does, so that PyTorch computes with the file's numbers."""
    for m in net.modules():
        if isinstance(m, nn.Conv2d) and m.weight.numel() >= LEAST:
            numbers, factors = kept(m.weight.numpy(), int8)
            m.weight.copy_(torch.from_numpy(numbers.astype(np.float32) * (1 if factors is None else factors)))
    return net


def load(start_file, checkpoints=(), weights="average", name="hedge-n", int8=False, share=1.0):
    """The network of an exported file with what the checkpoints learnt put over it.

    Of what consist learnt only a share: weights between those of before and after keep what was known in daylight
    and most of what is new (Wortsman et al., "Robust fine-tuning of zero-shot models", CVPR 2022).
    """
    net = start_from_hedge(fold(HedgeNet(name).eval()), start_file)
    for path in checkpoints:
        last = torch.load(path, weights_only=True)
        state = learnt(last, weights)
        if "plates" not in last:
            before = net.state_dict()
            state = {k: torch.lerp(before[k].float(), v.float(), share) if k in before else v for k, v in state.items()}
        if any(k.endswith("running_mean") for k in state):  # plates that were trained from scratch
            net.plates = HedgeNet(name).plates.eval()
        if net.load_state_dict(state, strict=False).unexpected_keys:
            raise ValueError(f"{path} is of another network than {start_file}")
        fold(net)
    return Decoded(rounded(net, int8)).eval()


def learnt(last, weights="average"):
    """A checkpoint's weights by their names in the whole network: of train (plates) or of consist (people, faces)."""
    if "plates" in last:
        return {"plates." + k: v for k, v in last["average" if weights == "average" else "plates"].items()}
    return {k.replace("/", "."): v for k, v in last["average" if weights == "average" else "now"].items()}


def pack(model, int8):
    """Keeps large weights as float16 or int8, turned into float32 once by a runtime that loads the file.

    With DequantizeLinear in place of Cast and Mul, ONNX Runtime would leave the work for every run.
    """
    initializers, nodes = [], []
    for tensor in model.graph.initializer:
        values = numpy_helper.to_array(tensor)
        if values.dtype == np.float32 and values.ndim == 4 and values.size >= LEAST:
            name = tensor.name
            numbers, factors = kept(values, int8)
            tensor = numpy_helper.from_array(numbers, name + "k")
            whole = name if factors is None else name + "c"
            nodes.append(helper.make_node("Cast", [name + "k"], [whole], name="c" + name, to=TensorProto.FLOAT))
            if factors is not None:
                initializers.append(numpy_helper.from_array(factors, name + "f"))
                nodes.append(helper.make_node("Mul", [whole, name + "f"], [name], name="m" + name))
        initializers.append(tensor)
    nodes.extend(model.graph.node)
    del model.graph.initializer[:], model.graph.node[:]
    model.graph.initializer.extend(initializers)
    model.graph.node.extend(nodes)
    return model


def shorten(model):
    """Short names and no inferred shapes: the exporter's own take 0.2 MB."""
    kept, names = {i.name for i in (*model.graph.input, *model.graph.output)}, {"": ""}

    def short(name):
        if name in kept:
            return name
        return names.setdefault(name, f"t{len(names)}")

    for i, node in enumerate(model.graph.node):
        node.name, node.doc_string = f"n{i}", ""
        node.input[:], node.output[:] = [short(v) for v in node.input], [short(v) for v in node.output]
    for tensor in model.graph.initializer:
        tensor.name = short(tensor.name)
    del model.graph.value_info[:]
    model.producer_name, model.doc_string = "hedge", ""
    return model


def write(net, path, width, height, dynamic, int8=False):
    axes = {"images": {2: "height", 3: "width"}, **{o: {1: o + "_rows"} for o in OUTPUTS}} if dynamic else None
    torch.onnx.export(net, torch.zeros(1, 3, height, width), path, opset_version=17, input_names=["images"],
                      output_names=list(OUTPUTS), dynamic_axes=axes, dynamo=False)
    model = pack(shorten(onnx.load(path)), int8)
    onnx.checker.check_model(model)
    onnx.save(model, path)


def agree(net, path, sizes):
    """The largest difference from PyTorch, of boxes in pixels and of scores, on random pictures."""
    run, rng = session(path), np.random.default_rng(1)
    box = score = 0.0
    for width, height in sizes:
        x = rng.uniform(0, 255, (1, 3, height, width)).astype(np.float32)
        with torch.no_grad():
            wanted = [w.numpy() for w in net(torch.from_numpy(x))]
        large = net.net.enlarged
        wide, high = (n + rest(n) for n in (width // BLOCK * large.columns, height // BLOCK * large.rows))
        regular, faces = (sum(w // s * (h // s) for s in STRIDES) for w, h in ((width, height), (wide, high)))
        for got, want, count in zip(run.run(list(OUTPUTS), {"images": x}), wanted, (regular, faces, regular)):
            if got.shape != want.shape or got.shape[1] != count:
                raise ValueError(f"{path} gives shape {got.shape} at {width}x{height}, wanted {want.shape}")
            box = max(box, float(np.abs(got[..., :4] - want[..., :4]).max()))
            score = max(score, float(np.abs(got[..., 4:] - want[..., 4:]).max()))
    return box, score


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--start", required=True, help="the exported network that the checkpoints went on from")
    p.add_argument("--checkpoints", nargs="*", default=[], help="of train (plates) and consist (people, faces); without any the network is as it was")
    p.add_argument("--out", required=True)
    p.add_argument("--weights", default="average", choices=("average", "last"), help="the moving average, or the last step's")
    p.add_argument("--share", type=float, default=0.4, help="of what consist learnt, 0..1; the rest is as it was")
    p.add_argument("--name", default="hedge-n", choices=tuple(SIZES))
    p.add_argument("--file", default="", help="of the folder --out; default NAME.onnx")
    p.add_argument("--int8", action="store_true", help="keep the weights as int8")
    p.add_argument("--fixed", action="store_true", help="for 640x384 only")
    a = p.parse_args()
    torch.set_num_threads(1)
    net = load(a.start, a.checkpoints, a.weights, a.name, a.int8, a.share)
    path = os.path.join(a.out, a.file or a.name + ".onnx")
    write(net, path, 640, 384, not a.fixed, a.int8)
    box, score = agree(net, path, ((640, 384),) if a.fixed else ((640, 384), (384, 640), (320, 192)))
    print(f"{path}: {os.path.getsize(path)} bytes; against PyTorch boxes differ by {box:.2g} px, scores by {score:.2g}")
    if box > 0.05 or score > 1e-3:
        raise SystemExit(f"{path} does not agree with PyTorch")


if __name__ == "__main__":
    main()
