"""hedge-n: YOLOX-nano's depthwise CSPDarknet and PAFPN with a head of our own.

The body, the person/vehicle towers and their box tower have YOLOX-nano's shape, so that they can
start from its COCO initialisers and give the very same people. Faces and plates have a tower and
boxes of their own, because a face's cell often lies in the middle of a person, and one box per cell
cannot be both.
Architecture: Ge et al., "YOLOX: Exceeding YOLO Series in 2021", arXiv 2107.08430 (Apache-2.0).
"""

import torch
from torch import nn
from torch.nn import functional as F

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
    """CSPDarknet and PAFPN; gives features at strides 8, 16 and 32."""

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

    def forward(self, x):
        c3 = self.csp3(self.down3(self.csp2(self.down2(self.stem(x)))))
        c4 = self.csp4(self.down4(c3))
        l5 = self.lat5(self.csp5(self.spp(self.down5(c4))))
        l4 = self.lat4(self.up4(torch.cat((F.interpolate(l5, scale_factor=2.0), c4), 1)))
        p3 = self.up3(torch.cat((F.interpolate(l4, scale_factor=2.0), c3), 1))
        p4 = self.out4(torch.cat((self.step4(p3), l4), 1))
        p5 = self.out5(torch.cat((self.step5(p4), l5), 1))
        return p3, p4, p5


def tower(c, act):
    return nn.Sequential(separable(c, c, act=act), separable(c, c, act=act))


class LevelHead(nn.Module):
    """One stride's head: (large, small) raw maps.

    large: box 4, objectness, person, vehicle (scores are objectness times class, as in YOLOX).
    small: box 4, face, plate.
    """

    def __init__(self, cin, c, act):
        super().__init__()
        self.stem = ConvAct(cin, c, act=act)
        self.cls = tower(c, act)
        self.cls_out = nn.Conv2d(c, 2, 1)
        self.reg = tower(c, act)
        self.reg_out = nn.Conv2d(c, 5, 1)
        self.small = tower(c, act)
        self.small_out = nn.Conv2d(c, 6, 1)

    def forward(self, x):
        x = self.stem(x)
        return torch.cat((self.reg_out(self.reg(x)), self.cls_out(self.cls(x))), 1), self.small_out(self.small(x))


class HedgeNet(nn.Module):
    """Raw maps per stride: [(large [B,7,h,w], small [B,6,h,w])] for strides 8, 16, 32."""

    def __init__(self, width=16, depth=(1, 3), head=64, act=nn.SiLU):
        super().__init__()
        self.body = Body(width, depth, act)
        self.head = nn.ModuleList(LevelHead(width * m, head, act) for m in (4, 8, 16))

    def forward(self, x):
        return [h(f) for h, f in zip(self.head, self.body(x))]


def grid(h, w, device=None):
    gy, gx = torch.meshgrid(torch.arange(h, device=device), torch.arange(w, device=device), indexing="ij")
    return torch.stack((gx, gy), 0).float()


def boxes_of(raw4, stride, cells):
    """Raw box maps [B,4,h,w] to x1,y1,x2,y2 in input pixels, YOLOX's coding."""
    c = (raw4[:, :2] + cells) * stride
    half = torch.exp(raw4[:, 2:4].clamp(max=8)) * (stride / 2)
    return torch.cat((c - half, c + half), 1)
