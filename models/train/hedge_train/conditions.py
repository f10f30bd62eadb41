"""The conditions a home camera's picture is taken under: one seeded generator for training and measuring.

    python -m hedge_train.conditions --set DIR --condition NAME --out DIR     (a copy of a labelled set, for bench/leak)
    python -m hedge_train.conditions --set DIR --sheet FILE.png               (how every condition looks)

A condition turns a BGR uint8 picture and its boxes float32[n,4] (x1, y1, x2, y2 in pixels) into another picture and
the boxes in it, in the same order; a box that the picture cuts by more than half comes back as NaN. Lengths are in
pixels of the picture fitted into 640x384, so a condition is as strong in a large picture as in a small one. Every
number is drawn from the generator that is handed in; `seeded` makes one that depends on the condition's and the
picture's name only.
"""

import argparse
import json
import os
import shutil
import zlib

import cv2
import numpy as np

from .augment import FishEye
from .pictures import PAD, load_set

KEPT = 0.5  # a box that has less of its area left is not in the picture


def seeded(condition, name):
    """The generator of random numbers of a condition for a picture's name."""
    return np.random.default_rng(zlib.crc32(f"{condition}/{name}".encode()))


def unit(image):
    """Pixels of this picture in one of the same picture fitted into 640x384."""
    h, w = image.shape[:2]
    return max(w / 640, h / 384)


def grey(image, rng):
    """Without colour, as many cameras are at dusk."""
    return cv2.cvtColor(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY), cv2.COLOR_GRAY2BGR)


def field(image, rng, channels):
    """Standard normal noise float32 of the picture's size: a tile of 192x256, repeated from a random place."""
    h, w = image.shape[:2]
    tile = rng.standard_normal((192, 256, channels), dtype=np.float32)
    oy, ox = int(rng.integers(192)), int(rng.integers(256))
    out = np.tile(tile, (h // 192 + 2, w // 256 + 2, 1))[oy : oy + h, ox : ox + w]
    return out if channels == 3 else np.broadcast_to(out, (h, w, 3))


def noisy(image, rng, linear, photons, read):
    """A sensor's picture of light linear float32[h,w,3] (1 is white): shot noise of so many photons at white, read noise.

    For more than a few photons Poisson's distribution is the normal one with the same variance.
    """
    grain = field(image, rng, linear.shape[2] if rng.random() < 0.7 else 1)
    return linear + grain * np.sqrt(np.maximum(linear, 0) / photons + read * read)


def shown(linear):
    """Linear light to a display's bytes."""
    return (np.clip(linear, 0, 1) ** (1 / 2.2) * 255).astype(np.uint8)


LINEAR = ((np.arange(256) / 255) ** 2.2).astype(np.float32)


def infrared(image, rng):
    """Night vision: grey, red things bright, a lamp in the middle that leaves the corners dark, low contrast, noise."""
    mix = np.array([rng.uniform(0, 0.4), rng.uniform(0.2, 0.6), rng.uniform(0.3, 0.9)], np.float32)
    g = cv2.transform(image, (mix / mix.sum())[None]).astype(np.float32) / 255
    h, w = g.shape[:2]
    y, x = np.mgrid[0:h, 0:w].astype(np.float32)
    far = ((x / w - rng.uniform(0.35, 0.65)) ** 2 + (y / h - rng.uniform(0.35, 0.65)) ** 2) * 2
    g = g * (1 - rng.uniform(0.2, 0.9) * np.minimum(far, 1))
    g = rng.uniform(0.15, 0.4) + (g - 0.4) * rng.uniform(0.2, 0.5)
    g = cv2.GaussianBlur(g, (0, 0), rng.uniform(0.3, 1.0) * unit(image))
    g = g + field(image, rng, 1)[..., 0] * rng.uniform(0.015, 0.05)
    return cv2.cvtColor((np.clip(g, 0, 1) * 255).astype(np.uint8), cv2.COLOR_GRAY2BGR)


def low_light(image, rng):
    """A street lamp's light, little of it, with shot noise in every channel, as much gain as a cheap camera has, a cast."""
    light = LINEAR[image] * rng.uniform(0.03, 0.2)
    cast = np.array([rng.uniform(0.5, 1.0), rng.uniform(0.75, 1.0), 1.0], np.float32)
    light = noisy(image, rng, light * cast, rng.uniform(150, 1200), rng.uniform(0.002, 0.008))
    return shown(cv2.GaussianBlur(light, (0, 0), 0.3 + 0.4 * rng.random()) * rng.uniform(1, 3.5))


def motion_blur(image, rng):
    """A moving camera or a slow shutter: a line of 5 to 25 px in any direction."""
    length = rng.uniform(5, 25) * unit(image)
    n = int(np.ceil(length)) // 2 * 2 + 1
    angle, c = rng.uniform(0, np.pi), n // 2
    kernel = np.zeros((n, n), np.float32)
    dx, dy = length / 2 * np.cos(angle), length / 2 * np.sin(angle)
    p, q = ((int(round((c + s * dx) * 16)), int(round((c + s * dy) * 16))) for s in (-1, 1))
    cv2.line(kernel, p, q, 1.0, 1, cv2.LINE_AA if n > 3 else cv2.LINE_8, 4)
    return cv2.filter2D(image, -1, kernel / kernel.sum(), borderType=cv2.BORDER_REPLICATE)


def rain(image, rng):
    """Drops on the lens, each a blurred, shifted view of what is behind it, and streaks in the air."""
    h, w = image.shape[:2]
    u = unit(image)
    streaks = np.zeros((h, w), np.uint8)
    slope = rng.normal(0, 0.2)
    for _ in range(int(rng.integers(60, 260) * h * w / (640 * 384 * u * u))):
        x, y, n = rng.uniform(0, w), rng.uniform(0, h), rng.uniform(6, 26) * u
        cv2.line(streaks, (int(x), int(y)), (int(x + slope * n), int(y + n)), int(rng.integers(30, 110)), max(1, round(0.8 * u)))
    streaks = cv2.GaussianBlur(streaks, (0, 0), 0.7 * u)
    image = cv2.add(cv2.convertScaleAbs(image, alpha=rng.uniform(0.6, 0.9), beta=rng.uniform(10, 50)), cv2.merge((streaks,) * 3))
    mask = np.zeros((h, w), np.uint8)
    for _ in range(int(rng.integers(15, 60) * h * w / (640 * 384 * u * u)) + 1):
        r = float(np.exp(rng.uniform(np.log(3), np.log(20)))) * u
        cv2.ellipse(mask, (int(rng.uniform(0, w)), int(rng.uniform(0, h))), (max(1, int(r)), max(1, int(r * rng.uniform(1, 1.5)))), 0, 0, 360, 255, -1)
    mask = cv2.GaussianBlur(mask, (0, 0), 1.5 * u)[..., None].astype(np.float32) / 255
    behind = cv2.GaussianBlur(image, (0, 0), rng.uniform(3, 7) * u)
    shift = np.float32([[1, 0, rng.normal(0, 8) * u], [0, 1, rng.uniform(4, 16) * u]])
    behind = cv2.warpAffine(behind, shift, (w, h), borderMode=cv2.BORDER_REFLECT)
    return (image + (cv2.convertScaleAbs(behind, alpha=1.1).astype(np.float32) - image) * mask).astype(np.uint8)


def back_light(image, rng):
    """Against the sun: a bright place that veils and burns out, everything before it dark."""
    h, w = image.shape[:2]
    small = (max(2, w // 8), max(2, h // 8))
    y, x = np.mgrid[0 : small[1], 0 : small[0]].astype(np.float32)
    cx, cy = rng.uniform(0, 1) * small[0], rng.uniform(-0.2, 0.6) * small[1]
    size = rng.uniform(0.15, 0.6) * max(small)
    glow = np.exp(-((x - cx) ** 2 + (y - cy) ** 2) / (2 * size * size)) * rng.uniform(0.4, 1.1) + rng.uniform(0.02, 0.12)
    glow = cv2.resize(glow, (w, h))[..., None]
    return shown(LINEAR[image] * rng.uniform(0.06, 0.3) + LINEAR[image] * glow * 0.5 + glow * glow * rng.uniform(0.4, 0.9))


def defocus(image, rng):
    """A lens out of focus: a disc of 2 to 6 px radius."""
    r = rng.uniform(2, 6) * unit(image)
    n = int(np.ceil(r)) * 2 + 1
    y, x = np.mgrid[0:n, 0:n] - n // 2
    kernel = np.clip(r + 0.5 - np.hypot(x, y), 0, 1).astype(np.float32)
    return cv2.filter2D(image, -1, kernel / kernel.sum(), borderType=cv2.BORDER_REPLICATE)


def low_bitrate(image, rng):
    """Few bits: JPEG of quality 6 to 22 with 4:2:0 chroma; every second one smaller first and smoothed after, as H.264 is."""
    h, w = image.shape[:2]
    filtered = rng.random() < 0.5
    if filtered:
        k = rng.uniform(0.55, 0.9)
        image = cv2.resize(image, (max(8, round(w * k)), max(8, round(h * k))), interpolation=cv2.INTER_AREA)
    ok, data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(6, 23))])
    if not ok:
        raise ValueError("a picture could not be compressed")
    image = cv2.imdecode(data, cv2.IMREAD_COLOR)
    return cv2.resize(cv2.bilateralFilter(image, 5, 25, 3), (w, h)) if filtered else image


LIGHTS = {f.__name__: f for f in (grey, infrared, low_light, motion_blur, rain, back_light, defocus, low_bitrate)}


def turned(image, boxes, quarters):
    """By so many quarters of a turn, against the clock: nothing is lost."""
    h, w = image.shape[:2]
    for _ in range(quarters % 4):
        boxes = np.stack((boxes[:, 1], w - boxes[:, 2], boxes[:, 3], w - boxes[:, 0]), 1)
        image, h, w = np.rot90(image), w, h
    return np.ascontiguousarray(image), boxes.astype(np.float32)


def outline(boxes, round_ones):
    """Points float32[n,32,2] on the boxes' edges, or on the ellipses in them where what they hold is round."""
    t = np.linspace(0, 2 * np.pi, 32, endpoint=False, dtype=np.float32)
    x, y = np.cos(t), np.sin(t)
    far = np.where(np.asarray(round_ones, bool)[:, None], 1.0, np.maximum(np.abs(x), np.abs(y))[None])
    middle, half = (boxes[:, :2] + boxes[:, 2:]) / 2, (boxes[:, 2:] - boxes[:, :2]) / 2
    return middle[:, None] + np.stack((x / far, y / far), -1) * half[:, None]


def around(points, width, height):
    """The boxes round the points float32[n,k,2], cut at the picture, and the share of each that is left."""
    whole = np.concatenate((points.min(1), points.max(1)), 1)
    cut = np.clip(whole, 0, np.array([width, height] * 2, np.float32)).astype(np.float32)
    return cut, (cut[:, 2:] - cut[:, :2]).prod(1) / np.maximum((whole[:, 2:] - whole[:, :2]).prod(1), 1e-6)


def tilted(image, boxes, round_ones, degrees):
    """By so many degrees round the middle: (picture, boxes, share of each that is left).

    The corners are cut off, and grey is where nothing was.
    """
    h, w = image.shape[:2]
    m = cv2.getRotationMatrix2D(((w - 1) / 2, (h - 1) / 2), degrees, 1.0)
    out = cv2.warpAffine(image, m, (w, h), flags=cv2.INTER_LINEAR, borderValue=(PAD,) * 3)
    points = outline(boxes, round_ones) - 0.5
    return out, *around(points @ m[:, :2].T.astype(np.float32) + m[:, 2].astype(np.float32) + 0.5, w, h)


def bent(image, boxes, k):
    """As through a wide lens: the middle larger by 1 + k, straight lines bowed."""
    h, w = image.shape[:2]
    lens = FishEye(w, h, k)
    boxes = np.array([lens.box(b) for b in boxes], np.float32).reshape(-1, 4)
    there = (boxes[:, 2:] - boxes[:, :2]).min(1, initial=1e9) > 0
    return lens.image(image), np.where(there[:, None], boxes, np.nan)


def shape(condition, image, boxes, round_ones, rng):
    if condition == "upside_down":
        return turned(image, boxes, 2)
    if condition == "sideways":
        return turned(image, boxes, 1 if rng.random() < 0.5 else 3)
    if condition == "tilted":
        image, boxes, left = tilted(image, boxes, round_ones, 30.0 if rng.random() < 0.5 else -30.0)
        return image, np.where(left[:, None] >= KEPT, boxes, np.nan)
    return bent(image, boxes, rng.uniform(0.7, 1.2) if condition == "fish_eye" else rng.uniform(0.15, 0.4))


SHAPES = ("upside_down", "sideways", "tilted", "fish_eye", "wide_angle")
CONDITIONS = ("daylight", *LIGHTS, *SHAPES)


def under(condition, image, boxes, rng, round_ones=None):
    """The picture and its boxes under a condition. round_ones: bool[n], which boxes hold faces or people."""
    boxes = np.asarray(boxes, np.float32).reshape(-1, 4)
    if condition == "daylight":
        return image, boxes
    if condition in LIGHTS:
        return LIGHTS[condition](image, rng), boxes
    if condition in SHAPES:
        return shape(condition, image, boxes, np.zeros(len(boxes), bool) if round_ones is None else round_ones, rng)
    raise ValueError(f"{condition} is not one of {', '.join(CONDITIONS)}")


def seen(condition, image, entry):
    """A labelled picture under a condition: the picture, and the entry with the boxes in it (those cut away left out)."""
    raw = [[b["x"], b["y"], b["x"] + b["w"], b["y"] + b["h"]] for b in entry["boxes"]]
    round_ones = [b["class"] != "plate" for b in entry["boxes"]]
    image, boxes = under(condition, image, raw, seeded(condition, entry["image"]), round_ones)
    kept = []
    for b, (x1, y1, x2, y2) in zip(entry["boxes"], boxes.tolist()):
        if x1 == x1:
            kept.append({**b, "x": round(x1, 2), "y": round(y1, 2), "w": round(x2 - x1, 2), "h": round(y2 - y1, 2)})
    return image, {**entry, "width": image.shape[1], "height": image.shape[0], "boxes": kept}


def copy(folder, condition, out):
    """Writes a set of pictures under a condition, PNG, with its labels.jsonl and SOURCE.md."""
    os.makedirs(os.path.join(out, "images"), exist_ok=True)
    source = os.path.join(folder, "SOURCE.md")
    if os.path.exists(source):
        shutil.copy(source, os.path.join(out, "SOURCE.md"))
    with open(os.path.join(out, "labels.jsonl"), "w", encoding="utf-8") as f:
        for e in load_set(folder):
            image = cv2.imread(e["path"])
            if image is None:
                raise SystemExit(f"{e['path']} is no picture: conditions are made of sets of pictures, not of clips")
            image, row = seen(condition, image, e)
            row = {k: v for k, v in row.items() if k not in ("path", "set")}
            row["image"] = "images/" + os.path.splitext(os.path.basename(e["image"]))[0] + ".png"
            cv2.imwrite(os.path.join(out, row["image"]), image)
            f.write(json.dumps(row) + "\n")


def sheet(folder, path, count=4):
    """A contact sheet: a row for each condition, with the boxes drawn in."""
    rows = []
    entries = load_set(folder)[:: max(1, len(load_set(folder)) // count)][:count]
    for condition in CONDITIONS:
        row = []
        for e in entries:
            image, e = seen(condition, cv2.imread(e["path"]), e)
            for b in e["boxes"]:
                cv2.rectangle(image, (int(b["x"]), int(b["y"])), (int(b["x"] + b["w"]), int(b["y"] + b["h"])), (0, 255, 0), 1)
            r = min(320 / image.shape[1], 240 / image.shape[0])
            small = np.zeros((240, 320, 3), np.uint8)
            part = cv2.resize(image, (max(1, int(image.shape[1] * r)), max(1, int(image.shape[0] * r))), interpolation=cv2.INTER_AREA)
            small[: part.shape[0], : part.shape[1]] = part
            cv2.putText(small, condition, (4, 232), cv2.FONT_HERSHEY_SIMPLEX, 0.5, (0, 255, 255), 1)
            row.append(small)
        rows.append(np.hstack(row))
    cv2.imwrite(path, np.vstack(rows))


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--set", required=True, help="a folder with labels.jsonl and pictures")
    p.add_argument("--condition", choices=CONDITIONS)
    p.add_argument("--out", help="folder for the set under that condition")
    p.add_argument("--sheet", help="a picture of every condition instead")
    a = p.parse_args()
    if a.sheet:
        sheet(a.set, a.sheet)
    elif a.condition and a.out:
        copy(a.set, a.condition, a.out)
    else:
        p.error("say --condition and --out, or --sheet")


if __name__ == "__main__":
    main()
