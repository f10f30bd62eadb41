"""The plates' network: a small residual depthwise network of our own on the body's features of stride 4.

ReLU, batch norm, nearest upsampling, 1x1 and depthwise 3x3 convolutions only, channels in multiples of 8:
fast in ONNX Runtime, and easy to quantise. Strides 8, 16 and 32 with a top-down path.
"""

from torch import nn
from torch.nn import functional as F

# What the two networks' plates take.
SIZES = {
    "hedge-n": {"widths": (64, 128, 192), "blocks": (4, 4, 2), "neck": 64, "head": 2},
    "hedge-p": {"widths": (64, 128, 192), "blocks": (2, 3, 2), "neck": 64, "head": 1},
}
# The blocks of hedge-n's stages that hedge-p keeps: those without which the scores change least.
# Of each head it keeps the first.
KEPT = ((0, 1), (0, 1, 3), (0, 1))


def normed(cin, cout, k=1, s=1, groups=1, act=nn.ReLU):
    return nn.Sequential(nn.Conv2d(cin, cout, k, s, (k - 1) // 2, groups=groups, bias=False), nn.BatchNorm2d(cout), act())


def separable(cin, cout, s=1):
    return nn.Sequential(normed(cin, cin, 3, s, cin), normed(cin, cout))


class Refine(nn.Module):
    """A residual depthwise block; ONNX Runtime does its sum and last ReLU inside the convolution."""

    def __init__(self, c):
        super().__init__()
        self.mix = nn.Sequential(normed(c, c, 3, groups=c), normed(c, c, act=nn.Identity))

    def forward(self, x):
        return F.relu(x + self.mix(x))


def stage(cin, cout, blocks):
    return nn.Sequential(separable(cin, cout, 2), *(Refine(cout) for _ in range(blocks)))


class PlateNet(nn.Module):
    """Features of stride 4 [B,cin,H/4,W/4] to raw maps [B,5,h,w] (box 4, plate) of strides 8, 16 and 32."""

    def __init__(self, cin, widths, blocks, neck, head):
        super().__init__()
        self.stages = nn.ModuleList(stage(a, b, n) for a, b, n in zip((cin, *widths), widths, blocks))
        self.lateral = nn.ModuleList(normed(w, neck) for w in widths)
        self.smooth = Refine(neck)
        self.heads = nn.ModuleList(nn.Sequential(*(Refine(neck) for _ in range(head)), nn.Conv2d(neck, 5, 1)) for _ in range(3))
        for h in self.heads:
            nn.init.normal_(h[-1].weight, std=0.01)
            nn.init.zeros_(h[-1].bias)
            nn.init.constant_(h[-1].bias[4:], -4.0)

    def forward(self, x):
        x3 = self.stages[0](x)
        x4 = self.stages[1](x3)
        p5 = self.lateral[2](self.stages[2](x4))
        p4 = self.smooth(self.lateral[1](x4) + F.interpolate(p5, scale_factor=2.0))
        p3 = self.lateral[0](x3) + F.interpolate(p4, scale_factor=2.0)
        return [h(p) for h, p in zip(self.heads, (p3, p4, p5))]


def pruned(state):
    """hedge-n's weights without what hedge-p has not: a residual block that is left out changes little."""
    small = {}
    for name, value in state.items():
        part, i, *rest = name.split(".")
        if part == "stages" and rest[0] != "0":
            if int(rest[0]) - 1 not in KEPT[int(i)]:
                continue
            rest[0] = str(KEPT[int(i)].index(int(rest[0]) - 1) + 1)
        elif part == "heads":
            if rest[0] == "1":
                continue
            rest[0] = {"0": "0", "2": "1"}[rest[0]]
        small[".".join((part, i, *rest))] = value
    return small
