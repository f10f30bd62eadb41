"""Makes the int8 (QDQ) variant of an exported network, calibrated on training pictures.

    python -m hedge_train.quantize --network hedge-n.onnx --sets DIR [DIR ...] --out hedge-n-int8.onnx
"""

import argparse
import os
import tempfile

import cv2
import onnx
from onnxruntime.quantization import CalibrationDataReader, CalibrationMethod, QuantFormat, QuantType, quantize_static
from onnxruntime.quantization.shape_inference import quant_pre_process

from .pictures import letterbox, load_sets, tensor


class Pictures(CalibrationDataReader):
    def __init__(self, entries):
        self.entries = iter(entries)

    def get_next(self):
        e = next(self.entries, None)
        return None if e is None else {"images": tensor(letterbox(cv2.imread(e["path"]), 640, 384)[0])}


def decoding(model):
    """Names of the nodes after the last convolutions: boxes and scores stay in float."""
    users, known = {}, {}
    for n in model.graph.node:
        for i in n.input:
            users.setdefault(i, []).append(n)

    def leads_to_conv(node):
        if node.name not in known:
            known[node.name] = any(u.op_type == "Conv" or leads_to_conv(u) for o in node.output for u in users.get(o, []))
        return known[node.name]

    return [n.name for n in model.graph.node if n.op_type != "Conv" and not leads_to_conv(n)]


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--network", required=True)
    p.add_argument("--sets", nargs="+", required=True)
    p.add_argument("--out", required=True)
    p.add_argument("--pictures", type=int, default=60)
    p.add_argument("--types", nargs="*", default=["Conv"], help="operators that become int8")
    a = p.parse_args()
    entries = load_sets(a.sets)
    entries = entries[:: max(1, len(entries) // a.pictures)][: a.pictures]
    with tempfile.TemporaryDirectory() as folder:
        clean = os.path.join(folder, "clean.onnx")
        quant_pre_process(a.network, clean, skip_symbolic_shape=True)
        quantize_static(
            clean, a.out, Pictures(entries), quant_format=QuantFormat.QDQ, per_channel=True,
            activation_type=QuantType.QUInt8, weight_type=QuantType.QInt8, calibrate_method=CalibrationMethod.MinMax,
            op_types_to_quantize=a.types, nodes_to_exclude=decoding(onnx.load(clean)),
        )
    print(f"{a.out}: {os.path.getsize(a.out)} bytes")


if __name__ == "__main__":
    main()
