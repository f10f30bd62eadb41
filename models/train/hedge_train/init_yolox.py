"""Starts a HedgeNet from YOLOX-nano's initialisers, read from its ONNX file."""

import numpy as np
import onnx
import torch
from onnx import numpy_helper

from .net import HedgeNet

PERSON = 0
VEHICLES = (2, 3, 5, 7)  # COCO's car, motorcycle, bus, truck among the 80
WIDE = 80


def read_convs(path):
    """The convolutions of an ONNX file in graph order, as (weight, bias) arrays."""
    model = onnx.load(path)
    known = {i.name: numpy_helper.to_array(i) for i in model.graph.initializer}
    return [(known[n.input[1]].copy(), known[n.input[2]].copy()) for n in model.graph.node if n.op_type == "Conv"]


def focus_as_conv(weight):
    """Focus's 3x3 over 12 channels (even/odd rows and columns of 3) as a 6x6 over 3 channels."""
    out = np.zeros((weight.shape[0], 3, 6, 6), weight.dtype)
    # Focus stacks top-left, bottom-left, top-right, bottom-right: (row, column) offsets.
    for part, (dy, dx) in enumerate(((0, 0), (1, 0), (0, 1), (1, 1))):
        out[:, :, dy::2, dx::2] = weight[:, 3 * part : 3 * part + 3]
    return out


def body_order(body):
    """The body's convolution modules in the order of YOLOX's exported graph."""
    from torch import nn

    def of(m):
        return [c for c in m.modules() if isinstance(c, nn.Conv2d)]

    def csp(m):
        return of(m.main) + of(m.side) + of(m.blocks) + of(m.join)

    order = of(body.stem) + of(body.down2) + csp(body.csp2) + of(body.down3) + csp(body.csp3)
    order += of(body.down4) + csp(body.csp4) + of(body.down5) + of(body.spp) + csp(body.csp5)
    order += of(body.lat5) + csp(body.up4) + of(body.lat4) + csp(body.up3)
    order += of(body.step4) + csp(body.out4) + of(body.step5) + csp(body.out5)
    return order, of


@torch.no_grad()
def put(conv, weight, bias):
    conv.weight.copy_(torch.from_numpy(np.ascontiguousarray(weight)))
    conv.bias.copy_(torch.from_numpy(np.ascontiguousarray(bias)))


@torch.no_grad()
def start_from_yolox(net, path):
    """Copies every initialiser into net; faces' and plates' towers begin as the class towers."""
    convs = read_convs(path)
    order, of = body_order(net.body)
    w, b = convs[0]
    put(order[0], focus_as_conv(w), b)
    for conv, (w, b) in zip(order[1:], convs[1 : len(order)]):
        put(conv, w, b)
    rest = convs[len(order) :]
    per_level = len(rest) // 3
    for i, head in enumerate(net.head):
        part = rest[i * per_level : (i + 1) * per_level]
        put(head.stem.conv, *part[0])
        for j in range(4):
            put(of(head.cls)[j], *part[1 + j])
            put(of(head.small)[j], *part[1 + j])
            put(of(head.reg)[j], *part[6 + j])
        w, b = part[5]
        car = VEHICLES[0]
        put(head.cls_out, np.concatenate((w[:1], w[car : car + 1])), np.concatenate((b[:1], b[car : car + 1])))
        (rw, rb), (ow, ob) = part[10], part[11]
        put(head.reg_out, np.concatenate((rw, ow)), np.concatenate((rb, ob)))
        torch.nn.init.normal_(head.small_out.weight, std=0.01)
        head.small_out.bias.zero_()
        head.small_out.bias[4:] = -4.0
    return net


def teacher_from_yolox(path):
    """YOLOX-nano itself as a frozen HedgeNet whose class output has all vehicle rows.

    Its head gives [reg 4, obj, person, car, motorcycle, bus, truck].
    """
    net = HedgeNet()
    start_from_yolox(net, path)
    rest = read_convs(path)[len(body_order(net.body)[0]) :]
    per_level = len(rest) // 3
    rows = [PERSON, *VEHICLES]
    for i, head in enumerate(net.head):
        w, b = rest[i * per_level + 5]
        head.cls_out = torch.nn.Conv2d(w.shape[1], len(rows), 1)
        put(head.cls_out, w[rows], b[rows])
    return net.eval().requires_grad_(False)
