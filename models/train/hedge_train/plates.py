"""Draws synthetic number plates: EU, DE, UK, US and BR styles, one and two lines, motorcycles."""

import glob
import os

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont

LETTERS = "ABCDEFGHJKLMNPRSTUVWXYZ"
DIGITS = "0123456789"
# Free fonts only: DejaVu (Bitstream Vera licence) and what else is given on the command line.
FONT_GLOBS = ("/usr/share/fonts/truetype/dejavu/DejaVuSans*Bold*.ttf", "/usr/share/fonts/truetype/dejavu/DejaVuSansMono*.ttf")

# name: (aspect, patterns, background, ink, blue band) with colours in RGB
STYLES = {
    "eu": (4.6, ("LL 00 LLL", "LL-000-LL", "L 000 LLL", "00-LLL-0", "LLL 00000"), (238, 238, 236), (20, 20, 22), "left"),
    "de": (4.7, ("L LL 000", "LL LL 0000", "LLL L 00"), (240, 240, 240), (15, 15, 15), "left"),
    "ro": (4.6, ("B 00 LLL", "LL 00 LLL", "B 000 LLL"), (236, 236, 232), (20, 20, 25), "left"),
    "uk_front": (4.7, ("LL00 LLL",), (240, 240, 238), (15, 15, 15), None),
    "uk_rear": (4.7, ("LL00 LLL",), (230, 195, 40), (15, 15, 15), None),
    "us": (2.0, ("LLL 0000", "0LLL000", "000 LLL", "LLL-000"), None, None, "us"),
    "br": (3.1, ("LLL-0000", "LLL0L00"), (168, 170, 172), (25, 25, 25), "top"),
    "br_new": (3.1, ("LLL0L00",), (240, 240, 240), (15, 15, 15), "topblue"),
    "in": (4.4, ("LL 00 LL 0000",), (238, 238, 235), (15, 15, 15), None),
    "yellow": (4.4, ("00-LL-LL", "LLL 000"), (225, 180, 30), (15, 15, 15), "left"),
    "two_line": (1.5, ("LL 00|LLL", "LLL|0000", "LL-00|0000", "L 00|LLL"), (238, 238, 235), (20, 20, 20), "corner"),
    "moto": (1.25, ("LL 0|LLL", "LLL|0000", "LL|00 LL"), (238, 238, 235), (20, 20, 20), "corner"),
}


def fonts():
    found = sorted(f for g in FONT_GLOBS for f in glob.glob(g) if "Oblique" not in f)
    if not found:
        raise FileNotFoundError("no DejaVu fonts: install fonts-dejavu")
    return found


def text_of(pattern, rng):
    return "".join(
        LETTERS[rng.integers(len(LETTERS))] if c == "L" else DIGITS[rng.integers(10)] if c == "0" else c for c in pattern
    )


def draw_line(image, box, text, font_path, ink):
    """Fits one line of text into box (x, y, w, h) by drawing it large and scaling it."""
    font = ImageFont.truetype(font_path, 64)
    l, t, r, b = font.getbbox(text)
    mask = Image.new("L", (r - l + 4, b - t + 4), 0)
    ImageDraw.Draw(mask).text((2 - l, 2 - t), text, font=font, fill=255)
    x, y, w, h = (int(v) for v in box)
    mask = mask.resize((max(1, w), max(1, h)), Image.BILINEAR)
    image.paste(Image.new("RGB", mask.size, ink), (x, y), mask)


def draw_plate(rng, font_list, height=48):
    """One plate as BGR uint8[h,w,3]."""
    name = list(STYLES)[rng.integers(len(STYLES))]
    aspect, patterns, back, ink, band = STYLES[name]
    aspect *= rng.uniform(0.92, 1.08)
    if band == "us":
        back = tuple(int(v) for v in rng.integers(150, 250, 3)) if rng.random() < 0.6 else (240, 240, 240)
        ink = tuple(int(v) for v in rng.integers(0, 110, 3))
    width = int(height * aspect)
    image = Image.new("RGB", (width, height), back)
    draw = ImageDraw.Draw(image)
    left, top = width * 0.03, height * 0.14
    if band in ("left", "corner"):
        bw = height * (0.42 if band == "left" else 0.2)
        draw.rectangle((0, 0, bw, height if band == "left" else height * 0.5), fill=(10, 40, 150))
        left = bw + width * 0.02
    elif band == "top":
        draw_line(image, (width * 0.3, height * 0.05, width * 0.4, height * 0.13), "SP-CIDADE", font_list[0], ink)
        top = height * 0.24
    elif band == "topblue":
        draw.rectangle((0, 0, width, height * 0.22), fill=(20, 40, 140))
        top = height * 0.28
    elif band == "us":
        colour = tuple(int(v) for v in rng.integers(0, 200, 3))
        draw_line(image, (width * 0.25, height * 0.05, width * 0.5, height * 0.16), text_of("LLLLLLLL", rng), font_list[0], colour)
        draw_line(image, (width * 0.3, height * 0.84, width * 0.4, height * 0.1), text_of("LLLL LLLLL", rng), font_list[0], colour)
        top = height * 0.26
    lines = text_of(patterns[rng.integers(len(patterns))], rng).split("|")
    font = font_list[rng.integers(len(font_list))]
    bottom = height * (0.8 if band == "us" else 0.88)
    step = (bottom - top) / len(lines)
    for i, line in enumerate(lines):
        draw_line(image, (left, top + i * step, width * 0.97 - left, step * (0.95 if len(lines) == 1 else 0.85)), line, font, ink)
    if rng.random() < 0.7:
        draw.rectangle((0, 0, width - 1, height - 1), outline=ink, width=int(rng.integers(1, 3)))
    out = np.asarray(image)[:, :, ::-1].astype(np.float32)
    if rng.random() < 0.4:  # dirt: low-frequency darkening
        dirt = cv2.resize(rng.random((3, 6), dtype=np.float32), (width, height), interpolation=cv2.INTER_CUBIC)
        out *= (1 - 0.5 * rng.random() * dirt)[:, :, None]
    if rng.random() < 0.3:  # the shadow of the bumper
        out[: int(height * rng.uniform(0.1, 0.5))] *= rng.uniform(0.4, 0.9)
    return np.clip(out, 0, 255).astype(np.uint8)


def draw_sign(rng, font_list, height=48):
    """Something that resembles a plate and is none: text, windows, stripes, blank paper, round signs. BGR uint8[h,w,3]."""
    kind = rng.integers(6)
    aspect = rng.uniform(5.5, 14) if kind == 0 else rng.uniform(0.5, 2.2) if kind == 1 else rng.uniform(0.6, 5)
    width = int(height * aspect)
    back = tuple(int(v) for v in (rng.integers(150, 256, 3) if rng.random() < 0.6 else rng.integers(0, 256, 3)))
    ink = tuple(int(v) for v in (rng.integers(0, 90, 3) if sum(back) > 380 else rng.integers(160, 256, 3)))
    image = Image.new("RGB", (width, height), back)
    draw = ImageDraw.Draw(image)
    font = font_list[rng.integers(len(font_list))]
    if kind <= 2:  # a long line, a block of lines, a word
        lines = (1, int(rng.integers(3, 7)), 1)[kind]
        for i in range(lines):
            n = int(rng.integers(8, 24)) if kind == 0 else int(rng.integers(6, 18)) if kind == 1 else int(rng.integers(2, 8))
            text = "".join(chr(97 + rng.integers(26)) if rng.random() < 0.85 else " " for _ in range(n)) + "o"
            text = text.upper() if rng.random() < 0.25 else text.capitalize()
            step = height * 0.9 / lines
            draw_line(image, (width * 0.04, height * 0.05 + i * step, width * rng.uniform(0.6, 0.92), step * 0.75), text, font, ink)
    elif kind == 3:  # windows, keys, bricks
        nx, ny = int(rng.integers(2, 9)), int(rng.integers(2, 6))
        gap = rng.uniform(0.1, 0.35)
        for j in range(ny):
            for i in range(nx):
                x, y = width * (i + gap) / nx, height * (j + gap) / ny
                draw.rectangle((x, y, width * (i + 1) / nx - 1, height * (j + 1) / ny - 1), fill=ink)
    elif kind == 4:  # a grille, a radiator, blinds
        n, along = int(rng.integers(3, 10)), rng.random() < 0.6
        for i in range(n):
            a, b = i / n, (i + rng.uniform(0.3, 0.7)) / n
            draw.rectangle((0, height * a, width, height * b) if along else (width * a, 0, width * b, height), fill=ink)
    elif rng.random() < 0.5:  # paper, a screen, a lit window
        draw.rectangle((0, 0, width - 1, height - 1), outline=ink, width=int(rng.integers(1, 6)))
    else:  # a round sign
        draw.ellipse((width * 0.05, height * 0.05, width * 0.95, height * 0.95), outline=ink, width=5)
        draw_line(image, (width * 0.3, height * 0.3, width * 0.4, height * 0.4), str(rng.integers(1, 100)), font, ink)
    return np.ascontiguousarray(np.asarray(image)[:, :, ::-1])


def signs(count, seed):
    rng = np.random.default_rng(seed + 1)
    list_of_fonts = fonts()
    return [draw_sign(rng, list_of_fonts) for _ in range(count)]


def bank(count, seed):
    rng = np.random.default_rng(seed)
    list_of_fonts = fonts()
    return [draw_plate(rng, list_of_fonts) for _ in range(count)]


def paste(image, plate, box, rng):
    """Composites a plate over box (x1,y1,x2,y2) in place, slightly turned; gives the new box or None."""
    h, w = image.shape[:2]
    cx, cy = (box[0] + box[2]) / 2, (box[1] + box[3]) / 2
    bw, bh = box[2] - box[0], box[3] - box[1]
    ph, pw = plate.shape[:2]
    turn, shear = rng.normal(0, 0.05), rng.normal(0, 0.1)
    corners = np.array([[-0.5, -0.5], [0.5, -0.5], [0.5, 0.5], [-0.5, 0.5]]) * (bw, bh)
    squeeze = 1 + rng.normal(0, 0.06)
    corners[1:3, 1] *= squeeze
    corners[:, 1] += corners[:, 0] * (np.tan(turn) + shear * 0.5)
    corners += (cx, cy)
    x1, y1 = np.floor(corners.min(0)).astype(int)
    x2, y2 = np.ceil(corners.max(0)).astype(int)
    x1, y1, x2, y2 = max(0, x1), max(0, y1), min(w, x2), min(h, y2)
    if x2 - x1 < 4 or y2 - y1 < 3:
        return None
    # Warping at 4x and shrinking by area keeps small plates free of aliasing.
    up = 4 if bw < 100 else 1
    src = np.array([[0, 0], [pw, 0], [pw, ph], [0, ph]], np.float32)
    m = cv2.getPerspectiveTransform(src, ((corners - (x1, y1)) * up).astype(np.float32))
    size = ((x2 - x1) * up, (y2 - y1) * up)
    ink = cv2.warpPerspective(plate, m, size, flags=cv2.INTER_AREA).astype(np.float32)
    alpha = cv2.warpPerspective(np.ones((ph, pw), np.float32), m, size)
    if up > 1:
        ink = cv2.resize(ink, (x2 - x1, y2 - y1), interpolation=cv2.INTER_AREA)
        alpha = cv2.resize(alpha, (x2 - x1, y2 - y1), interpolation=cv2.INTER_AREA)
    under = image[y1:y2, x1:x2].astype(np.float32)
    # Plates are lit like what they replace, but reflect a little more.
    light = np.clip(np.percentile(under, 75) / 200 * rng.uniform(0.85, 1.4), 0.15, 1.15)
    alpha = alpha[:, :, None]
    image[y1:y2, x1:x2] = np.clip(ink * light + under * (1 - alpha), 0, 255).astype(np.uint8)
    return [corners[:, 0].min(), corners[:, 1].min(), corners[:, 0].max(), corners[:, 1].max()]
