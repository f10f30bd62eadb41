"""hedge-n: YOLOX-nano's depthwise CSPDarknet and PAFPN with a head of our own.

The body and the people's head have YOLOX-nano's shape and keep its COCO initialisers, so that people
and vehicles are found exactly as by YOLOX-nano. Plates have a network of our own (platenet.py) that
starts from the body's features of stride 4; only it learns. Faces come from YuNet-s, whose small graph
reads the same input, enlarged, in the same pass.
Architecture: Ge et al., "YOLOX: Exceeding YOLO Series in 2021", arXiv 2107.08430 (Apache-2.0).
"""

import math

import torch
from torch import nn
from torch.nn import functional as F

from .pictures import PAD
from .platenet import SIZES, PlateNet

STRIDES = (8, 16, 32)


class ConvAct(nn.Module):
    """A convolution with bias (batch norm is folded in) and its activation."""

    def __init__(self, cin, cout, k=1, s=1, groups=1, act=nn.SiLU):
        super().__init__()
        self.conv = nn.Conv2d(cin, cout, k, s, (k - 1) // 2, groups=groups)
        self.act = act()

    def forward(self, x):
        return self.act(self.conv(x))


class Stem(nn.Module):
    """YOLOX's Focus (space to depth, then 3x3) as one 6x6 convolution of stride 2: the same sums."""

    def __init__(self, cout, act):
        super().__init__()
        self.conv = nn.Conv2d(3, cout, 6, 2, 2)
        self.act = act()

    def forward(self, x):
        return self.act(self.conv(x))


def separable(cin, cout, s=1, act=nn.SiLU):
    return nn.Sequential(ConvAct(cin, cin, 3, s, cin, act), ConvAct(cin, cout, act=act))


class Bottleneck(nn.Module):
    def __init__(self, c, shortcut, act):
        super().__init__()
        self.squeeze = ConvAct(c, c, act=act)
        self.mix = separable(c, c, act=act)
        self.shortcut = shortcut

    def forward(self, x):
        y = self.mix(self.squeeze(x))
        return y + x if self.shortcut else y


class CSP(nn.Module):
    def __init__(self, cin, cout, n, shortcut, act):
        super().__init__()
        h = cout // 2
        self.main = ConvAct(cin, h, act=act)
        self.side = ConvAct(cin, h, act=act)
        self.blocks = nn.Sequential(*(Bottleneck(h, shortcut, act) for _ in range(n)))
        self.join = ConvAct(2 * h, cout, act=act)

    def forward(self, x):
        return self.join(torch.cat((self.blocks(self.main(x)), self.side(x)), 1))


class SPP(nn.Module):
    def __init__(self, c, act):
        super().__init__()
        self.squeeze = ConvAct(c, c // 2, act=act)
        self.join = ConvAct(c * 2, c, act=act)

    def forward(self, x):
        x = self.squeeze(x)
        # Three 5x5 maxima in a row reach as far as 5, 9 and 13 and cost less.
        a = F.max_pool2d(x, 5, 1, 2)
        b = F.max_pool2d(a, 5, 1, 2)
        return self.join(torch.cat((x, a, b, F.max_pool2d(b, 5, 1, 2)), 1))


class Body(nn.Module):
    """CSPDarknet and PAFPN; gives features at strides 4, 8, 16 and 32."""

    def __init__(self, w, depth, act):
        super().__init__()
        self.stem = Stem(w, act)
        self.down2 = separable(w, 2 * w, 2, act)
        self.csp2 = CSP(2 * w, 2 * w, depth[0], True, act)
        self.down3 = separable(2 * w, 4 * w, 2, act)
        self.csp3 = CSP(4 * w, 4 * w, depth[1], True, act)
        self.down4 = separable(4 * w, 8 * w, 2, act)
        self.csp4 = CSP(8 * w, 8 * w, depth[1], True, act)
        self.down5 = separable(8 * w, 16 * w, 2, act)
        self.spp = SPP(16 * w, act)
        self.csp5 = CSP(16 * w, 16 * w, depth[0], False, act)
        n = depth[0]
        self.lat5 = ConvAct(16 * w, 8 * w, act=act)
        self.up4 = CSP(16 * w, 8 * w, n, False, act)
        self.lat4 = ConvAct(8 * w, 4 * w, act=act)
        self.up3 = CSP(8 * w, 4 * w, n, False, act)
        self.step4 = separable(4 * w, 4 * w, 2, act)
        self.out4 = CSP(8 * w, 8 * w, n, False, act)
        self.step5 = separable(8 * w, 8 * w, 2, act)
        self.out5 = CSP(16 * w, 16 * w, n, False, act)

    def fine(self, x):
        """Features of stride 4."""
        return self.csp2(self.down2(self.stem(x)))

    def forward(self, x):
        c2 = self.fine(x)
        return c2, *self.above(c2)

    def above(self, c2):
        """Features of strides 8, 16 and 32 from those of stride 4."""
        c3 = self.csp3(self.down3(c2))
        c4 = self.csp4(self.down4(c3))
        l5 = self.lat5(self.csp5(self.spp(self.down5(c4))))
        l4 = self.lat4(self.up4(torch.cat((F.interpolate(l5, scale_factor=2.0), c4), 1)))
        p3 = self.up3(torch.cat((F.interpolate(l4, scale_factor=2.0), c3), 1))
        p4 = self.out4(torch.cat((self.step4(p3), l4), 1))
        p5 = self.out5(torch.cat((self.step5(p4), l5), 1))
        return p3, p4, p5


def tower(c, act):
    return nn.Sequential(separable(c, c, act=act), separable(c, c, act=act))


class PeopleHead(nn.Module):
    """YOLOX's decoupled head: box 4, objectness, person, car, motorcycle, bus, truck (raw)."""

    def __init__(self, cin, c, act):
        super().__init__()
        self.stem = ConvAct(cin, c, act=act)
        self.cls = tower(c, act)
        self.cls_out = nn.Conv2d(c, 5, 1)
        self.reg = tower(c, act)
        self.reg_out = nn.Conv2d(c, 5, 1)

    def forward(self, x):
        x = self.stem(x)
        return torch.cat((self.reg_out(self.reg(x)), self.cls_out(self.cls(x))), 1)


class PointDepth(nn.Module):
    """YuNet's unit: 1x1, then depthwise 3x3."""

    def __init__(self, cin, cout, act=True):
        super().__init__()
        self.point = nn.Conv2d(cin, cout, 1)
        self.depth = nn.Conv2d(cout, cout, 3, 1, 1, groups=cout)
        self.act = nn.ReLU() if act else nn.Identity()

    def forward(self, x):
        return self.act(self.depth(self.point(x)))


class YuNet(nn.Module):
    """YuNet-s without its landmarks: raw maps [B,6,h,w] of box 4, class, objectness at strides 8, 16, 32.

    Wu, Peng, Yu: "YuNet: A Tiny Millisecond-level Face Detector", 2023 (libfacedetection.train).
    """

    def __init__(self):
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 16, 3, 2, 1), nn.ReLU(), PointDepth(16, 16))
        self.stage1 = nn.Sequential(PointDepth(16, 16), PointDepth(16, 32), PointDepth(32, 32), PointDepth(32, 64))
        self.stage2, self.stage3, self.stage4 = (nn.Sequential(PointDepth(64, 64), PointDepth(64, 64)) for _ in range(3))
        self.out5, self.out4, self.out3 = PointDepth(64, 64), PointDepth(64, 64), PointDepth(64, 64)
        self.heads = nn.ModuleList(PointDepth(64, 6, False) for _ in range(3))  # YuNet's box, class and objectness as one

    def forward(self, x):
        x = F.max_pool2d(self.stem(x), 2)
        x3 = self.stage2(F.max_pool2d(self.stage1(x), 2))
        x4 = self.stage3(F.max_pool2d(x3, 2))
        x5 = self.out5(self.stage4(F.max_pool2d(x4, 2)))
        x4 = self.out4(x4 + F.interpolate(x5, scale_factor=2.0))
        x3 = self.out3(x3 + F.interpolate(x4, scale_factor=2.0))
        return [head(f) for head, f in zip(self.heads, (x3, x4, x5))]


BLOCK = 32
# Every 32 columns and rows become so many for the faces.
FACES = {"hedge-n": (35, 32), "hedge-p": (36, 36)}


def mixing(n):
    """float32[b,m] with m/b = n/BLOCK: interpolates m values, the first and the last kept, from b."""
    common = math.gcd(n, BLOCK)
    b, m = BLOCK // common, n // common
    at = torch.arange(m) * ((b - 1) / (m - 1)) if m > 1 else torch.zeros(1)
    return (1 - (at[None] - torch.arange(b)[:, None]).abs()).clamp(min=0)


class Enlarged(nn.Module):
    """A picture as the faces' part sees it: larger, grey on the right and below up to a multiple of 32.

    Small faces are found more often in a larger picture, though nothing is added to it. Matrix products
    interpolate within short blocks; ONNX Runtime's Resize takes four times as long.
    """

    def __init__(self, columns, rows):
        super().__init__()
        self.columns, self.rows = columns, rows
        self.register_buffer("across", mixing(columns), persistent=False)
        self.register_buffer("down", mixing(rows).T.contiguous(), persistent=False)

    def forward(self, x):
        b, c, h, w = x.shape
        wide, high = w // BLOCK * self.columns, h // BLOCK * self.rows
        if self.rows != BLOCK:
            n = self.down.shape[1]
            x = (self.down @ x.reshape(b, c, h // n, n, w)).reshape(b, c, high, w)
        n = self.across.shape[0]
        x = (x.reshape(b, c, high, w // n, n) @ self.across).reshape(b, c, high, wide)
        return F.pad(x, (0, rest(wide), 0, rest(high)), value=float(PAD))


def rest(n):
    """What n lacks to a multiple of 32."""
    return (n + 31) // 32 * 32 - n


class HedgeNet(nn.Module):
    """(people, faces, plates): raw maps [B,10,h,w], [B,6,h,w'] and [B,5,h,w] of strides 8, 16, 32.

    The faces' maps are those of the enlarged picture.
    """

    def __init__(self, name="hedge-n", width=16, depth=(1, 3), head=64, act=nn.SiLU):
        super().__init__()
        self.body = Body(width, depth, act)
        self.people = nn.ModuleList(PeopleHead(width * m, head, act) for m in (4, 8, 16))
        self.enlarged = Enlarged(*FACES[name])
        self.faces = YuNet()
        self.plates = PlateNet(2 * width, **SIZES[name])

    def forward(self, x):
        features = self.body(x)
        people = [h(f) for h, f in zip(self.people, features[1:])]
        return people, self.faces(self.enlarged(x)), self.plates(features[0])


def grid(h, w, device=None):
    gy, gx = torch.meshgrid(torch.arange(h, device=device), torch.arange(w, device=device), indexing="ij")
    return torch.stack((gx, gy), 0).float()


def boxes_of(raw4, stride, cells):
    """Raw box maps [B,4,h,w] to x1,y1,x2,y2 in input pixels, YOLOX's and YuNet's coding."""
    c = (raw4[:, :2] + cells) * stride
    half = torch.exp(raw4[:, 2:4].clamp(max=8)) * (stride / 2)
    return torch.cat((c - half, c + half), 1)
