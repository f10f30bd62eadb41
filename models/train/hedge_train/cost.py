"""Time of one picture on one thread, every network in turn in the same run.

    python -m hedge_train.cost --models DIR --networks hedge-n.onnx [hedge-n.onnx#faces more.onnx@384x256 ...]

The input is 640x384, or what follows an @. After a # come the outputs that are wanted, with + between them: the rest of
the graph is cut off, as detect/onnx does.

Prints medians in ms and, as the figure to go by, the median over rounds of the ratio to the public
three together (YuNet-s + YOLOX-nano + LPD-YuNet), which holds when other programs use the machine.
"""

import argparse
import os
import time

import numpy as np
import onnx
import onnxruntime as ort
from onnx.utils import Extractor

from .teach import session

TRIO = ("yunet_s_dynamic.onnx", "yolox_nano_dynamic.onnx", "lpd_yunet_2022may_dynamic.onnx")


def opened(name):
    """The session of FILE or FILE#output+output."""
    path, _, outputs = name.partition("#")
    if not outputs:
        return session(path)
    whole = onnx.load(path)
    cut = Extractor(whole).extract_model([i.name for i in whole.graph.input], outputs.split("+"))
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    return ort.InferenceSession(cut.SerializeToString(), options, providers=["CPUExecutionProvider"])


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--models", required=True)
    p.add_argument("--networks", nargs="+", required=True)
    p.add_argument("--rounds", type=int, default=30)
    a = p.parse_args()
    paths = [os.path.join(a.models, n) for n in TRIO] + a.networks
    runs, inputs = [], []
    for path in paths:
        name, _, size = path.partition("@")
        width, height = map(int, (size or "640x384").split("x"))
        runs.append(opened(name))
        inputs.append(np.random.default_rng(1).uniform(0, 255, (1, 3, height, width)).astype(np.float32))
    times = np.zeros((a.rounds + 2, len(runs)))
    for i in range(a.rounds + 2):
        for j, run in enumerate(runs):
            # Processor time of this process: waiting for others does not count.
            began = time.process_time()
            run.run(None, {run.get_inputs()[0].name: inputs[j]})
            times[i, j] = time.process_time() - began
    times = times[2:] * 1e3
    trio = times[:, : len(TRIO)].sum(1)
    for j, path in enumerate(paths):
        print(f"{os.path.basename(path):36s} {np.median(times[:, j]):7.1f} ms  {np.median(times[:, j] / trio):.3f} of the trio")
    print(f"{'trio':36s} {np.median(trio):7.1f} ms")


if __name__ == "__main__":
    main()
