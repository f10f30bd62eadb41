"""MediaPipe's selfie segmentation: from TFLite to ONNX, and how well its silhouettes fit outlines drawn by hand.

    python -m hedge_train.selfie convert selfie_segmentation.tflite selfie.onnx      (needs `pip install tflite==2.18.0`)
    python -m hedge_train.selfie measure FOLDER... [--condition NAME] [--seed TEXT]  (folders in COCO's form)

People of 100 pixels and more are measured that hedge-n finds (IoU 0.5). Two questions: what a cover that follows the
silhouette would leave uncovered of the person's pixels in the box's cover (the box with 9 % on each side), and what a
visitor's silhouette shows of the pixels of their box that are nobody's.
"""

import argparse
import glob
import json
import os

import cv2
import numpy as np

from .conditions import seen
from .evaluate import Hedge, find
from .teach import session

HERE = os.path.dirname(os.path.abspath(__file__))
SIDE, CONTEXT, PAD, LEAST, MARGIN = 256, 0.25, 114, 100, 0.09
LIKELY, SHOWN, SHRINK, GROW = 0.02, 0.9, 2, 7  # values of cells; cells
GAP, AREA, JOINED, UNSURE = 0.05, 0.35, 0.97, 0.08  # when a silhouette counts as exact


def convert(source, target):
    """Writes the graph as ONNX, NCHW, weights as float32."""
    import onnx
    import tflite
    from onnx import TensorProto, helper, numpy_helper

    model = tflite.Model.GetRootAsModel(open(source, "rb").read(), 0)
    graph = model.Subgraphs(0)
    names = {v: k for k, v in vars(tflite.BuiltinOperator).items() if isinstance(v, int)}
    types = {tflite.TensorType.FLOAT32: np.float32, tflite.TensorType.FLOAT16: np.float16, tflite.TensorType.INT32: np.int32}
    shape = lambda i: [int(v) for v in graph.Tensors(i).ShapeAsNumpy()]
    constants, nodes, weights = {}, [], []
    for i in range(graph.TensorsLength()):
        buffer = model.Buffers(graph.Tensors(i).Buffer())
        if buffer.DataLength():
            constants[i] = np.frombuffer(buffer.DataAsNumpy().tobytes(), types[graph.Tensors(i).Type()]).reshape(shape(i))
    first, last = int(graph.Inputs(0)), int(graph.Outputs(0))
    name = lambda i: {first: "image", last: "mask"}.get(i, f"t{i}")

    def weight(label, value):
        weights.append(numpy_helper.from_array(np.ascontiguousarray(value, np.float32), label))
        return label

    for n in range(graph.OperatorsLength()):
        op = graph.Operators(n)
        code = model.OperatorCodes(op.OpcodeIndex())
        kind = names[max(code.BuiltinCode(), code.DeprecatedBuiltinCode())]
        kind = code.CustomCode().decode() if kind == "CUSTOM" else kind
        ins, out = [int(v) for v in op.InputsAsNumpy()], int(op.OutputsAsNumpy()[0])

        def options(of):
            o = of()
            o.Init(op.BuiltinOptions().Bytes, op.BuiltinOptions().Pos)
            return o

        def add(kind, inputs, **attributes):
            nodes.append(helper.make_node(kind, inputs, [name(out)], **attributes))

        if kind == "DEQUANTIZE":
            constants[out] = constants[ins[0]].astype(np.float32)
        elif kind in ("CONV_2D", "DEPTHWISE_CONV_2D"):
            deep = kind == "DEPTHWISE_CONV_2D"
            o = options(tflite.DepthwiseConv2DOptions if deep else tflite.Conv2DOptions)
            w = constants[ins[1]].transpose((3, 0, 1, 2) if deep else (0, 3, 1, 2))
            strides, size = [o.StrideH(), o.StrideW()], w.shape[2:]
            total = [max((shape(out)[d + 1] - 1) * strides[d] + size[d] - shape(ins[0])[d + 1], 0) for d in (0, 1)]
            pads = [t // 2 for t in total] + [t - t // 2 for t in total]  # as TFLite's SAME
            add("Conv", [name(ins[0]), weight(f"w{n}", w), weight(f"b{n}", constants[ins[2]])], kernel_shape=list(size),
                strides=strides, pads=pads, group=w.shape[0] if deep else 1)
        elif kind == "Convolution2DTransposeBias":
            w = constants[ins[1]].transpose(3, 0, 1, 2)
            add("ConvTranspose", [name(ins[0]), weight(f"w{n}", w), weight(f"b{n}", constants[ins[2]])], kernel_shape=[2, 2], strides=[2, 2])
        elif kind == "AVERAGE_POOL_2D":
            add("GlobalAveragePool", [name(ins[0])])
        elif kind == "RESIZE_BILINEAR":
            assert options(tflite.ResizeBilinearOptions).HalfPixelCenters()
            add("Resize", [name(ins[0]), "", weight(f"s{n}", [1, 1, 2, 2])], mode="linear", coordinate_transformation_mode="half_pixel")
        else:
            to = {"RELU": "Relu", "LOGISTIC": "Sigmoid", "ADD": "Add", "MUL": "Mul", "HARD_SWISH": "HardSwish"}
            add(to[kind], [name(i) for i in ins])
    info = lambda label, dims: helper.make_tensor_value_info(label, TensorProto.FLOAT, dims)
    made = helper.make_graph(nodes, "selfie_segmentation", [info("image", [1, 3, SIDE, SIDE])], [info("mask", [1, 1, SIDE, SIDE])], weights)
    made = helper.make_model(made, opset_imports=[helper.make_opsetid("", 14)], ir_version=8)
    onnx.checker.check_model(made)
    onnx.save(made, target)


def silhouette(net, image, box):
    """The values 0..1 float32[h,w] in the picture, 0 outside of what was looked at, and a cell's size in pixels."""
    h, w = image.shape[:2]
    bw, bh = box[2] - box[0], box[3] - box[1]
    x0, y0 = int(max(0, box[0] - CONTEXT * bw)), int(max(0, box[1] - CONTEXT * bh))
    x1, y1 = int(min(w, np.ceil(box[2] + CONTEXT * bw))), int(min(h, np.ceil(box[3] + CONTEXT * bh)))
    part = image[y0:y1, x0:x1]
    scale = SIDE / max(part.shape[:2])
    cols, rows = (max(2, round(n * scale / 2) * 2) for n in (part.shape[1], part.shape[0]))
    canvas = np.full((SIDE, SIDE, 3), PAD, np.uint8)
    canvas[:rows, :cols] = cv2.resize(part, (cols, rows), interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)
    values = net.run(None, {"image": np.ascontiguousarray((canvas[:, :, ::-1].astype(np.float32) / 255).transpose(2, 0, 1)[None])})[0]
    out = np.zeros((h, w), np.float32)
    out[y0:y1, x0:x1] = cv2.resize(values[0, 0, :rows, :cols], (x1 - x0, y1 - y0))
    return out, 1 / scale


def filled(shape, box, margin=0.0):
    """bool[h,w]: a box, grown on each side by a share of its sides."""
    out = np.zeros(shape, bool)
    dx, dy = margin * (box[2] - box[0]), margin * (box[3] - box[1])
    out[max(0, int(box[1] - dy)) : int(np.ceil(box[3] + dy)), max(0, int(box[0] - dx)) : int(np.ceil(box[2] + dx))] = True
    return out


def exact(values, box):
    """Whether a silhouette fits its box so well that a cover could follow it."""
    inside, likely = filled(values.shape, box), values > LIKELY
    ys, xs = np.nonzero(likely & inside)
    if not len(ys):
        return False
    gap = max((xs.min() - box[0]) / (box[2] - box[0]), (box[2] - xs.max()) / (box[2] - box[0]),
              (ys.min() - box[1]) / (box[3] - box[1]), (box[3] - ys.max()) / (box[3] - box[1]))
    parts = cv2.connectedComponentsWithStats(likely.astype(np.uint8))[2][1:, 4]
    v = values[inside]
    unsure = ((v > 0.1) & (v < 0.9)).sum() / max(1, (v >= 0.5).sum())
    return gap < GAP and likely[inside].mean() > AREA and parts.max() > JOINED * parts.sum() and unsure < UNSURE


def moved(mask, cells, size, how):
    n = int(np.ceil(cells * size))
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE if how is cv2.dilate else cv2.MORPH_RECT, (2 * n + 1, 2 * n + 1))
    return how(mask.astype(np.uint8), kernel, borderType=cv2.BORDER_REPLICATE).astype(bool)


def iou(a, b):
    w, h = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
    both = max(w, 0) * max(h, 0)
    return both / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - both)


def people(folder):
    """Pictures of a folder in COCO's form: path, and of each person (box, bool[h,w])."""
    files = {os.path.basename(p): p for p in glob.glob(os.path.join(folder, "**", "*.jpg"), recursive=True)}
    for path in sorted(glob.glob(os.path.join(folder, "annotations", "instances*.json"))):
        data, of = json.load(open(path)), {}
        for a in data["annotations"]:
            if a["category_id"] == 1 and not a["iscrowd"]:
                of.setdefault(a["image_id"], []).append(a)
        for i in data["images"]:
            if i["id"] in of and i["file_name"] in files:
                masks = []
                for a in of[i["id"]]:
                    mask = np.zeros((i["height"], i["width"]), np.uint8)
                    for polygon in a["segmentation"]:
                        cv2.fillPoly(mask, [np.round(np.array(polygon).reshape(-1, 2)).astype(np.int32)], 1)
                    x, y, w, h = a["bbox"]
                    masks.append(((x, y, x + w, y + h), mask.astype(bool)))
                yield files[i["file_name"]], masks


def measure(folders, condition, seed):
    net, hedge = session(os.path.join(HERE, "..", "..", "selfie", "selfie.onnx")), Hedge(os.path.join(HERE, "..", "..", "hedge-n", "hedge-n.onnx"))
    done, rows = set(), []
    for path, persons in (p for folder in folders for p in people(folder)):
        if os.path.basename(path) in done or not any(b[3] - b[1] >= LEAST for b, _ in persons):
            continue
        done.add(os.path.basename(path))
        image = cv2.imread(path)
        if condition != "daylight":
            image, _ = seen(condition, image, {"image": seed + os.path.basename(path), "boxes": []})
        boxes, scores = find(hedge, image)[0]["person"]
        boxes = np.clip(boxes[scores >= 0.093], 0, [image.shape[1], image.shape[0]] * 2)
        anybody = np.any([m for _, m in persons], axis=0)
        for box, mask in persons:
            if box[3] - box[1] < LEAST or not len(boxes):
                continue
            best = max(boxes, key=lambda b: iou(b, box))
            if iou(best, box) < 0.5:
                continue
            values, size = silhouette(net, image, best)
            cover, inside = filled(mask.shape, best, MARGIN), filled(mask.shape, best)
            body = moved(values > LIKELY, GROW, size, cv2.dilate)
            shown = moved(values > SHOWN, SHRINK, size, cv2.erode) & inside
            rows.append((exact(values, best), (mask & cover & ~body).sum() / mask.sum(), (mask & shown).sum() / mask.sum(),
                         (shown & ~anybody).sum(), (inside & ~anybody).sum()))
    rows = np.array(rows, float)
    fit = rows[rows[:, 0] > 0]
    print(f"{condition}: {len(rows)} people; uncovered more than by the box: mean {100 * rows[:, 1].mean():.2f} %, over 1 % of the person in "
          f"{(rows[:, 1] > 0.01).sum()}; of {len(fit)} exact ones mean {100 * fit[:, 1].mean():.3f} %, worst {100 * fit[:, 1].max():.2f} %, "
          f"over 0.2 % in {(fit[:, 1] > 0.002).sum()}; a visitor: {100 * rows[:, 2].mean():.0f} % of the person shown, "
          f"{100 * rows[:, 3].sum() / rows[:, 4].sum():.0f} % of what is nobody's in the box")


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    kinds = p.add_subparsers(dest="what", required=True)
    c = kinds.add_parser("convert")
    c.add_argument("source")
    c.add_argument("target")
    m = kinds.add_parser("measure")
    m.add_argument("folders", nargs="+")
    m.add_argument("--condition", default="daylight")
    m.add_argument("--seed", default="")
    a = p.parse_args()
    if a.what == "convert":
        convert(a.source, a.target)
    else:
        measure(a.folders, a.condition, a.seed)


if __name__ == "__main__":
    main()
