"""What a camera does to a picture: light, colour, blur, noise, rain, compression."""

import cv2
import numpy as np


RAMP = np.arange(256, dtype=np.float32) / 255


def light(image, rng):
    """Gamma, gain, colour cast, haze and saturation; sometimes night or infrared. uint8 to uint8."""
    if rng.random() < 0.15:  # night: little light
        curve = RAMP ** rng.uniform(1.3, 2.6) * rng.uniform(0.25, 0.8)
    else:
        curve = RAMP ** np.exp(rng.normal(0, 0.25)) * np.exp(rng.normal(0, 0.2))
    if rng.random() < 0.3:  # a cheap or dirty camera: low contrast
        middle = rng.uniform(0.2, 0.6)
        curve = middle + (curve - middle) * rng.uniform(0.35, 0.9)
    # A colour cast, now and then a strong one.
    strength = 0.2 if rng.random() < 0.25 else 0.06
    curve = curve[:, None] * np.exp(rng.normal(0, strength, 3)) + rng.normal(0, 0.03) + rng.normal(0, strength / 4, 3)
    if rng.random() < 0.2:  # haze, or a dirty lens
        k = rng.uniform(0, 0.4)
        curve = curve * (1 - k) + k * rng.uniform(0.4, 0.9)
    image = cv2.LUT(image, np.clip(curve * 255, 0, 255).astype(np.uint8)[None])
    if rng.random() < 0.5:
        # 0 is monochrome, as infrared cameras are.
        keep = 0.0 if rng.random() < 0.25 else rng.uniform(0.4, 1.5)
        image = cv2.transform(image, np.full((3, 3), (1 - keep) / 3) + np.eye(3) * keep)
    if rng.random() < 0.06:  # lamps
        h, w = image.shape[:2]
        spot = np.zeros((h // 8, w // 8), np.float32)
        for _ in range(rng.integers(1, 4)):
            cv2.circle(spot, (int(rng.integers(w // 8)), int(rng.integers(h // 8))), int(rng.integers(1, 3)), 120, -1)
        spot = cv2.resize(cv2.GaussianBlur(spot, (0, 0), rng.uniform(1, 3)), (w, h)).astype(np.uint8)
        image = cv2.add(image, cv2.merge((spot, spot, spot)))
    return image


def blur(x, rng):
    kind = rng.random()
    if kind < 0.12:
        length = int(rng.integers(2, 8))
        kernel = np.zeros((length, length), np.float32)
        a = rng.uniform(0, np.pi) if rng.random() < 0.5 else 0.0
        c = (length - 1) / 2
        p = (int(round(c - c * np.cos(a))), int(round(c - c * np.sin(a))))
        q = (int(round(c + c * np.cos(a))), int(round(c + c * np.sin(a))))
        cv2.line(kernel, p, q, 1.0)
        return cv2.filter2D(x, -1, kernel / kernel.sum())
    if kind < 0.3:
        return cv2.GaussianBlur(x, (0, 0), rng.uniform(0.4, 1.6))
    if kind < 0.4:  # scaled down and up again, as digital zoom and cheap encoders do
        h, w = x.shape[:2]
        k = rng.uniform(0.45, 0.9)
        return cv2.resize(cv2.resize(x, None, fx=k, fy=k, interpolation=cv2.INTER_AREA), (w, h))
    return x


def compress(image, rng):
    """JPEG with 4:2:0 chroma at a random quality."""
    quality = int(rng.integers(25, 90))
    ok, data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])
    return cv2.imdecode(data, cv2.IMREAD_COLOR) if ok else image


def rain(x, rng):
    h, w = x.shape[:2]
    streaks = np.zeros((h, w), np.uint8)
    slope = rng.normal(0, 0.15)
    for _ in range(int(rng.integers(40, 160))):
        px, py, n = int(rng.integers(w)), int(rng.integers(h)), int(rng.integers(5, 18))
        cv2.line(streaks, (px, py), (int(px + slope * n), py + n), int(rng.integers(25, 100)))
    streaks = cv2.GaussianBlur(streaks, (0, 0), 0.7)
    return cv2.add(x, cv2.merge((streaks, streaks, streaks)))


def noise(x, rng):
    """Gaussian noise, grey or coloured; a small field is drawn and tiled from a random place."""
    h, w = x.shape[:2]
    field = rng.standard_normal((96, 128, 1 if rng.random() < 0.5 else 3), dtype=np.float32) * rng.uniform(1.3, 13)
    field = np.tile(np.broadcast_to(field, (96, 128, 3)), (h // 96 + 2, w // 128 + 2, 1))
    oy, ox = rng.integers(96), rng.integers(128)
    return cv2.add(x, field[oy : oy + h, ox : ox + w], dtype=cv2.CV_8U)


class FishEye:
    """A wide-angle lens: the middle enlarged by 1 + k, the corners where they were."""

    def __init__(self, width, height, k):
        self.k, self.middle = k, np.array([(width - 1) / 2, (height - 1) / 2], np.float32)
        self.reach = float(np.hypot(*self.middle))
        self.limit = np.array([width, height], np.float32)

    def source(self, points):
        """Where in the plain picture the points float32[...,2] of the bent one come from."""
        d = (points - self.middle) / self.reach
        return self.middle + d * (1 + self.k * (d * d).sum(-1, keepdims=True)) / (1 + self.k) * self.reach

    def image(self, plain):
        h, w = plain.shape[:2]
        points = np.stack(np.meshgrid(np.arange(w, dtype=np.float32), np.arange(h, dtype=np.float32)), -1)
        at = self.source(points).astype(np.float32)
        return cv2.remap(plain, at[..., 0], at[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)

    def box(self, b):
        """The box, cut at the bent picture's edge, round what a box of the plain picture shows there."""
        x1, y1, x2, y2 = np.clip(b, 0, np.tile(self.limit, 2))
        t = np.linspace(0, 1, 9)
        xs, ys = x1 + (x2 - x1) * t, y1 + (y2 - y1) * t
        edge = np.concatenate([np.stack(np.broadcast_arrays(x, y), 1) for x, y in ((xs, y1), (xs, y2), (x1, ys), (x2, ys))])
        # Pixel i covers i..i+1. The inverse of source() by Newton's method along the radius.
        d = (edge - 0.5 - self.middle) / self.reach
        far = np.sqrt((d * d).sum(1))
        r = far.copy()
        for _ in range(8):
            r -= (r * (1 + self.k * r * r) / (1 + self.k) - far) * (1 + self.k) / (1 + 3 * self.k * r * r)
        out = self.middle + 0.5 + d * (r / np.maximum(far, 1e-6))[:, None] * self.reach
        return np.concatenate((out.min(0), out.max(0))).clip(0, np.tile(self.limit, 2)).astype(np.float32)


def degrade(image, rng):
    """A BGR uint8 picture as a camera might have seen it. No geometry changes."""
    if rng.random() < 0.12:
        return image
    image = blur(light(image, rng), rng)
    if rng.random() < 0.04:
        image = rain(image, rng)
    if rng.random() < 0.35:
        image = noise(image, rng)
    return compress(image, rng) if rng.random() < 0.35 else image
