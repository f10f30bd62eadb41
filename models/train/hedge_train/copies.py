"""Looks for pictures of the training sets that are near copies of those the networks are measured on.

    python -m hedge_train.copies --sets DIR [DIR ...] --data DIR/dev

Two pictures are near copies if their difference hashes (64 bits; plain or mirrored) differ in at most --bits. Of clips
every --step-th frame counts. Prints them, and ends with 1 if there are any.
"""

import argparse
import os

import cv2
import numpy as np

from .pictures import load_sets

FLAT = 12  # grey levels between the darkest and the brightest cell: a flatter picture has no hash worth comparing


def difference_hash(image):
    """uint64 of a grey picture: which of 8x8 cells is brighter than its right neighbour; None for a flat one."""
    cells = cv2.resize(image, (9, 8), interpolation=cv2.INTER_AREA).astype(np.int16)
    if int(cells.max()) - int(cells.min()) < FLAT:
        return None
    return np.packbits(cells[:, 1:] > cells[:, :-1]).view(np.uint64)[0]


def hashes(image):
    """The hashes of a picture and of its mirror image."""
    return [h for h in (difference_hash(image), difference_hash(np.ascontiguousarray(image[:, ::-1]))) if h is not None]


def pictures(roots, step):
    """(name, grey picture) of every picture of the sets, and of every so-manieth frame of their clips."""
    clips = {}
    for e in load_sets(roots):
        path = e["path"].split("#")[0]
        if "#" in e["path"] or path.lower().endswith((".mp4", ".avi")):
            clips[path] = e["set"]
            continue
        image = cv2.imread(path, cv2.IMREAD_REDUCED_GRAYSCALE_2)
        if image is not None:
            yield f"{e['set']}/{e['image']}", image
    for path, name in sorted(clips.items()):
        clip, n = cv2.VideoCapture(path), 0
        while clip.grab():
            if n % step == 0:
                yield f"{name}/{os.path.basename(path)}#{n + 1}", cv2.cvtColor(clip.retrieve()[1], cv2.COLOR_BGR2GRAY)
            n += 1


def near(known, wanted, bits):
    """Index into known (uint64[n]) of the nearest to wanted, and how many bits differ; -1 if more than bits do."""
    if not len(known):
        return -1, 64
    differ = np.bitwise_count(known ^ wanted)
    i = int(differ.argmin())
    return (i, int(differ[i])) if differ[i] <= bits else (-1, int(differ[i]))


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--sets", nargs="+", required=True)
    p.add_argument("--data", required=True, help="the folder with the development sets")
    p.add_argument("--bits", type=int, default=5)
    p.add_argument("--step", type=int, default=25)
    a = p.parse_args()
    cv2.setNumThreads(1)
    names, known = [], []
    for name, image in pictures([a.data], a.step):
        h = difference_hash(image)
        if h is not None:
            names.append(name)
            known.append(h)
    known = np.array(known, np.uint64)
    looked = found = 0
    for name, image in pictures(a.sets, a.step):
        looked += 1
        for h in hashes(image):
            i, bits = near(known, h, a.bits)
            if i >= 0:
                found += 1
                print(f"{name} is near {names[i]} ({bits} bits)")
                break
    print(f"{looked} pictures against {len(names)}: {found} near copies")
    raise SystemExit(1 if found else 0)


if __name__ == "__main__":
    main()
