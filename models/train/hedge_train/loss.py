"""The loss of the plates' heads."""

import torch
from torch.nn import functional as F

from .net import STRIDES, boxes_of, grid


def giou(a, b):
    """Generalised IoU of boxes [...,4] (Rezatofighi et al., arXiv 1902.09630)."""
    lt, rb = torch.maximum(a[..., :2], b[..., :2]), torch.minimum(a[..., 2:], b[..., 2:])
    inter = (rb - lt).clamp(min=0).prod(-1)
    union = (a[..., 2:] - a[..., :2]).prod(-1) + (b[..., 2:] - b[..., :2]).prod(-1) - inter
    hull = (torch.maximum(a[..., 2:], b[..., 2:]) - torch.minimum(a[..., :2], b[..., :2])).prod(-1)
    return inter / union.clamp(min=1e-6) - (hull - union) / hull.clamp(min=1e-6)


def plate_loss(maps, levels, gamma=2.0):
    """Focal cross-entropy, and GIoU plus a log-size distance for the boxes."""
    cls = box = count = pulls = 0.0
    for raw, s, (want, weight, boxes, pull) in zip(maps, STRIDES, levels):
        raw = raw.float()
        logit = raw[:, 4:]
        p = logit.sigmoid()
        bce = F.binary_cross_entropy_with_logits(logit, want, reduction="none")
        alpha = torch.where(want > 0, 1.0, 0.5)
        cls = cls + (bce * (want - p).abs() ** gamma * weight * alpha).sum()
        count = count + want.sum()
        at = pull > 0
        if at.any():
            found = boxes_of(raw[:, :4], s, grid(*raw.shape[2:])).permute(0, 2, 3, 1)[at]
            wanted = boxes.permute(0, 2, 3, 1)[at]
            far = (1 - giou(found, wanted)) + 0.5 * ((found - wanted).abs().sum(-1) / (wanted[:, 2:] - wanted[:, :2]).sum(-1))
            box = box + (far * pull[at]).sum()
            pulls = pulls + pull[at].sum()
    return cls / (count + 4), box / (pulls + 1)


def taught(maps, teacher, gamma=2.0):
    """Cross-entropy with a teacher's scores, most where the two differ (Li et al., "Generalized Focal Loss", arXiv 2006.04388)."""
    lost = count = 0.0
    for raw, known in zip(maps, teacher):
        logit, want = raw[:, 4:].float(), known[:, 4:].float().sigmoid()
        bce = F.binary_cross_entropy_with_logits(logit, want, reduction="none")
        lost = lost + (bce * (want - logit.sigmoid()).abs() ** gamma).sum()
        count = count + want.sum()
    return lost / (count + 4)
