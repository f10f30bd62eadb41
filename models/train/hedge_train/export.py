"""Exports a checkpoint to ONNX and checks that the file says what PyTorch says.

    python -m hedge_train.export --models DIR --checkpoint last.pt --out DIR [--name hedge-n]

Writes NAME.onnx (any size in multiples of 32) and, with --fixed, NAME-640x384.onnx.
"""

import argparse
import os

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from .initial import start
from .net import BLOCK, STRIDES, WIDER, HedgeNet, boxes_of
from .teach import session


def fold(module):
    """Folds every batch norm into the convolution before it."""
    for name, child in module.named_children():
        if isinstance(child, nn.Sequential) and len(child) == 3 and isinstance(child[1], nn.BatchNorm2d):
            setattr(module, name, nn.Sequential(fuse_conv_bn_eval(child[0], child[1]), child[2]))
        else:
            fold(child)
    return module


class Decoded(nn.Module):
    """f32[1,3,H,W] BGR 0..255 to f32[1,N,8]: x1,y1,x2,y2 in input pixels, then face, person, plate, vehicle.

    N is the number of cells of people, faces and plates, in this order.
    """

    def __init__(self, net):
        super().__init__()
        self.net = net

    def forward(self, images):
        people, faces, plates = self.net(images)
        rows = []
        narrow = images.new_tensor([BLOCK / WIDER, 1, BLOCK / WIDER, 1]).reshape(1, 4, 1, 1)
        for maps, scores_of, scale in ((people, people_scores, 1), (faces, face_scores, narrow), (plates, plate_scores, 1)):
            for raw, stride in zip(maps, STRIDES):
                # Cell numbers from sums of ones keep the graph free of shape arithmetic.
                one = torch.ones_like(raw[:, :1])
                cells = torch.cat((one.cumsum(3), one.cumsum(2)), 1) - 1
                rows.append(torch.cat((boxes_of(raw[:, :4], stride, cells) * scale, *scores_of(raw[:, 4:], one * 0)), 1).flatten(2))
        return torch.cat(rows, 2).transpose(1, 2)


def people_scores(raw, none):
    obj = raw[:, :1].sigmoid()
    return none, raw[:, 1:2].sigmoid() * obj, none, raw[:, 2:].amax(1, keepdim=True).sigmoid() * obj


def face_scores(raw, none):
    return (raw[:, :1].sigmoid() * raw[:, 1:2].sigmoid()).sqrt(), none, none, none


def plate_scores(raw, none):
    return none, none, raw.sigmoid(), none


HALVED = 256  # a convolution's weights from this many numbers on are kept in half precision


@torch.no_grad()
def rounded(net):
    """Rounds the weights that the file keeps in half precision, so that PyTorch computes with the file's numbers."""
    for m in net.modules():
        if isinstance(m, nn.Conv2d) and m.weight.numel() >= HALVED:
            m.weight.copy_(m.weight.half().float())
    return net


def load(models, checkpoint, weights="average"):
    net = start(HedgeNet(), models)
    if checkpoint:
        net.plates.load_state_dict(torch.load(checkpoint, weights_only=True)[weights])
    return Decoded(rounded(fold(net.eval()))).eval()


def halve(model):
    """Keeps large weights as float16 with a Cast: half the file; a runtime casts them once, when it loads it."""
    kept, casts = [], []
    for tensor in model.graph.initializer:
        values = numpy_helper.to_array(tensor)
        if values.dtype == np.float32 and values.ndim == 4 and values.size >= HALVED:
            name = tensor.name
            tensor = numpy_helper.from_array(values.astype(np.float16), name + "h")
            casts.append(helper.make_node("Cast", [name + "h"], [name], name="c" + name, to=TensorProto.FLOAT))
        kept.append(tensor)
    nodes = [*casts, *model.graph.node]
    del model.graph.initializer[:], model.graph.node[:]
    model.graph.initializer.extend(kept)
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


def write(net, path, width, height, dynamic):
    axes = {"images": {2: "height", 3: "width"}, "detections": {1: "rows"}} if dynamic else None
    torch.onnx.export(net, torch.zeros(1, 3, height, width), path, opset_version=17, input_names=["images"],
                      output_names=["detections"], dynamic_axes=axes, dynamo=False)
    model = halve(shorten(onnx.load(path)))
    onnx.checker.check_model(model)
    onnx.save(model, path)


def agree(net, path, sizes):
    """The largest difference from PyTorch, of boxes in pixels and of scores, on random pictures."""
    run, rng = session(path), np.random.default_rng(1)
    box = score = 0.0
    for width, height in sizes:
        x = rng.uniform(0, 255, (1, 3, height, width)).astype(np.float32)
        with torch.no_grad():
            want = net(torch.from_numpy(x)).numpy()
        got = run.run(None, {"images": x})[0]
        wide = -(-width // BLOCK * WIDER // 32) * 32
        cells = sum(w // s * (height // s) for s in STRIDES for w in (width, wide, width))
        if got.shape != want.shape or got.shape[1] != cells:
            raise ValueError(f"{path} gives shape {got.shape} at {width}x{height}, wanted {want.shape}")
        box = max(box, float(np.abs(got[..., :4] - want[..., :4]).max()))
        score = max(score, float(np.abs(got[..., 4:] - want[..., 4:]).max()))
    return box, score


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--models", required=True)
    p.add_argument("--checkpoint", default="", help="without it the plates' network is untrained")
    p.add_argument("--out", required=True)
    p.add_argument("--weights", default="average", choices=("average", "plates"), help="the moving average, or the last step's")
    p.add_argument("--name", default="hedge-n")
    p.add_argument("--fixed", action="store_true", help="also write NAME-640x384.onnx")
    a = p.parse_args()
    torch.set_num_threads(1)
    net = load(a.models, a.checkpoint, a.weights)
    jobs = [(f"{a.name}.onnx", True, ((640, 384), (384, 640), (320, 192)))]
    if a.fixed:
        jobs.append((f"{a.name}-640x384.onnx", False, ((640, 384),)))
    for name, dynamic, sizes in jobs:
        path = os.path.join(a.out, name)
        write(net, path, 640, 384, dynamic)
        box, score = agree(net, path, sizes)
        print(f"{name}: {os.path.getsize(path)} bytes; against PyTorch boxes differ by {box:.2g} px, scores by {score:.2g}")
        if box > 0.05 or score > 1e-3:
            raise SystemExit(f"{name} does not agree with PyTorch")


if __name__ == "__main__":
    main()
