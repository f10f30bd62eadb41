"""Starts a HedgeNet from the initialisers of YOLOX-nano and YuNet-s, or from a published hedge-n, read from ONNX files."""

import os

import numpy as np
import onnx
import torch
from onnx import numpy_helper
from torch import nn

PERSON = 0
VEHICLES = (2, 3, 5, 7)  # COCO's car, motorcycle, bus, truck among the 80


def read_convs(path):
    """The convolutions of an ONNX file in graph order, as (weight, bias) arrays."""
    model = onnx.load(path)
    known = {i.name: numpy_helper.to_array(i) for i in model.graph.initializer}
    for n in model.graph.node:  # weights kept as float16, or as int8 with factors; equal ones are kept once
        if n.op_type == "Cast" and n.input[0] in known:
            known[n.output[0]] = known[n.input[0]].astype(np.float32)
        elif n.op_type == "Identity" and n.input[0] in known:
            known[n.output[0]] = known[n.input[0]]
        elif n.op_type == "Mul" and n.input[0] in known and n.input[1] in known:
            known[n.output[0]] = known[n.input[0]] * known[n.input[1]]
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
    """Copies every initialiser of YOLOX-nano into net's body and people's heads."""
    convs = read_convs(path)
    order, of = body_order(net.body)
    w, b = convs[0]
    put(order[0], focus_as_conv(w), b)
    for conv, (w, b) in zip(order[1:], convs[1 : len(order)]):
        put(conv, w, b)
    rest = convs[len(order) :]
    per_level = len(rest) // 3
    rows = [PERSON, *VEHICLES]
    for i, head in enumerate(net.people):
        part = rest[i * per_level : (i + 1) * per_level]
        put(head.stem.conv, *part[0])
        for j in range(4):
            put(of(head.cls)[j], *part[1 + j])
            put(of(head.reg)[j], *part[6 + j])
        w, b = part[5]
        put(head.cls_out, w[rows], b[rows])
        (rw, rb), (ow, ob) = part[10], part[11]
        put(head.reg_out, np.concatenate((rw, ow)), np.concatenate((rb, ob)))
    return net


@torch.no_grad()
def start_from_yunet(yunet, path):
    """Copies YuNet-s's initialisers; the landmarks' heads are left out."""
    convs = read_convs(path)
    parts = (yunet.stem, yunet.stage1, yunet.stage2, yunet.stage3, yunet.stage4, yunet.out5, yunet.out4, yunet.out3)
    body = [m for part in parts for m in part.modules() if isinstance(m, nn.Conv2d)]
    pairs = list(zip(body, convs))
    # Class, box and objectness follow, each a point and a depth convolution for three levels.
    rest = np.array(convs[len(body) :], dtype=object)[:18].reshape(3, 3, 2, 2)
    for level, head in enumerate(yunet.heads):
        for part, conv in enumerate((head.point, head.depth)):
            weights, biases = zip(*(rest[kind, level, part] for kind in (1, 0, 2)))
            pairs.append((conv, (np.concatenate(weights), np.concatenate(biases))))
    for conv, (w, b) in pairs:
        if conv.weight.shape != w.shape:
            raise ValueError(f"{path} is not YuNet-s: {w.shape} where {tuple(conv.weight.shape)} is wanted")
        put(conv, w, b)
    return yunet


def start(net, models):
    """Everything of net that does not learn here, from the public networks in the folder models."""
    start_from_yolox(net, os.path.join(models, "yolox_nano_dynamic.onnx"))
    start_from_yunet(net.faces, os.path.join(models, "yunet_s_dynamic.onnx"))
    return net


@torch.no_grad()
def start_from_hedge(net, path):
    """Copies every weight of an exported hedge-n or hedge-p into net, whose batch norms are folded already.

    The exporter writes the convolutions in the order in which they compute.
    """
    order, hooks = [], []
    for m in net.modules():
        if isinstance(m, nn.Conv2d):
            hooks.append(m.register_forward_hook(lambda m, *_: order.append(m)))
    net.eval()(torch.zeros(1, 3, 64, 64))
    for hook in hooks:
        hook.remove()
    convs = read_convs(path)
    if [tuple(m.weight.shape) for m in order] != [w.shape for w, _ in convs]:
        raise ValueError(f"{path} has other convolutions than this network")
    for conv, (w, b) in zip(order, convs):
        put(conv, w, b)
    return net
