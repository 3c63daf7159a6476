"""The published networks in plain PyTorch, as the baseline that ours is timed against.

Written from the paper's description (arXiv 2504.08713), to be as fast as such a build is without
further thought: features are computed once a batch, and nothing is slowed down on purpose.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import conv1d, normalize

RHYTHM, MORPHOLOGY, GLOBAL = (16, 5), (52, 18), (3, 7)
STATEMENTS = RHYTHM[0] + MORPHOLOGY[0] + GLOBAL[0]
LATENT, CELLS, WINDOW_CELLS = 512, 32, 3
SHOWN_SAMPLES = 93


class Basic(nn.Module):
    """A block of ResNet18 with kernels of 3 or 3x3."""

    def __init__(self, flat: bool, c_in: int, c_out: int, stride: int) -> None:
        super().__init__()
        conv, norm = (nn.Conv1d, nn.BatchNorm1d) if flat else (nn.Conv2d, nn.BatchNorm2d)
        self.body = nn.Sequential(
            conv(c_in, c_out, 3, stride, 1, bias=False),
            norm(c_out),
            nn.ReLU(inplace=True),
            conv(c_out, c_out, 3, 1, 1, bias=False),
            norm(c_out),
        )
        same = c_in == c_out and stride == 1
        shortcut = nn.Sequential(conv(c_in, c_out, 1, stride, bias=False), norm(c_out))
        self.shortcut = nn.Identity() if same else shortcut

    def forward(self, x: Tensor) -> Tensor:
        """Add the body to the shortcut."""
        return torch.relu(self.body(x) + self.shortcut(x))


def _layers(flat: bool) -> list[nn.Module]:
    widths = [(64, 64, 1), (64, 128, 2), (128, 256, 2), (256, 512, 2)]
    return [
        block
        for c_in, c_out, stride in widths
        for block in (Basic(flat, c_in, c_out, stride), Basic(flat, c_out, c_out, 1))
    ]


def resnet_1d() -> nn.Module:
    """(batch, 12, 1000) to (batch, 512, 32)."""
    stem = [nn.Conv1d(12, 64, 7, 2, 3, bias=False), nn.BatchNorm1d(64), nn.ReLU()]
    return nn.Sequential(*stem, nn.MaxPool1d(3, 2, 1), *_layers(flat=True))


def resnet_2d() -> nn.Module:
    """(batch, 1, 12, 1000) to (batch, 512, 1, 32): the stem spans the leads, 3x3 kernels follow."""
    stem = [nn.Conv2d(1, 64, (12, 7), (1, 2), (0, 3), bias=False), nn.BatchNorm2d(64), nn.ReLU()]
    pool = nn.MaxPool2d((1, 3), (1, 2), (0, 1))
    return nn.Sequential(*stem, pool, *_layers(flat=False))


class Published(nn.Module):
    """Three branches of 80, 936 and 21 prototypes under one dense fusion layer."""

    def __init__(self) -> None:
        super().__init__()
        self.rhythm, self.morphology, self.whole = resnet_1d(), resnet_2d(), resnet_2d()
        counts = [classes * each for classes, each in (RHYTHM, MORPHOLOGY, GLOBAL)]
        self.rhythm_prototypes = nn.Parameter(torch.randn(counts[0], LATENT))
        self.morphology_prototypes = nn.Parameter(torch.randn(counts[1], LATENT, WINDOW_CELLS))
        self.global_prototypes = nn.Parameter(torch.randn(counts[2], LATENT * CELLS))
        self.fusion = nn.Linear(sum(counts), STATEMENTS)
        self.owners = np.repeat(
            np.arange(STATEMENTS),
            np.repeat([RHYTHM[1], MORPHOLOGY[1], GLOBAL[1]], [RHYTHM[0], MORPHOLOGY[0], GLOBAL[0]]),
        )

    def features(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Rhythm (batch, 512), morphology (batch, 512, 32) and global (batch, 512 * 32)."""
        image = x.unsqueeze(1)
        return (
            self.rhythm(x).mean(dim=2),
            self.morphology(image).squeeze(2),
            self.whole(image).flatten(1),
        )

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Similarities (batch, 1037) and logits (batch, 71)."""
        rhythm, morphology, whole = self.features(x)
        windows = conv1d(normalize(morphology, dim=1), normalize(self.morphology_prototypes, dim=1))
        similarities = torch.cat(
            [
                normalize(rhythm, dim=1) @ normalize(self.rhythm_prototypes, dim=1).T,
                windows.mean(dim=2),
                normalize(whole, dim=1) @ normalize(self.global_prototypes, dim=1).T,
            ],
            dim=1,
        )
        return similarities, self.fusion(similarities)


@torch.inference_mode()
def explain(
    network: Published, x: Tensor, sources: np.ndarray, top: int = 10
) -> list[tuple[int, float, int]]:
    """Rank prototypes by similarity, and re-find each one's window by correlating raw signals.

    Parameters
    ----------
    x : (1, 12, 1000)
    sources : (prototypes, 12, `SHOWN_SAMPLES`), the raw window of each prototype
    """
    similarities, _ = network(x)
    best = torch.topk(similarities[0], top).indices.tolist()
    raw = x[0].numpy()
    return [(p, float(similarities[0, p]), _most_alike(raw, sources[p])) for p in best]


def _most_alike(signal: np.ndarray, window: np.ndarray) -> int:
    """First sample of the part of (12, 1000) that correlates best with a (12, w) window."""
    parts = np.lib.stride_tricks.sliding_window_view(signal, window.shape[1], axis=1)
    parts = parts - parts.mean(axis=2, keepdims=True)
    window = window - window.mean(axis=1, keepdims=True)
    size = np.sqrt((parts**2).sum(axis=2) * (window**2).sum(axis=1)[:, None]) + 1e-9
    correlation = np.einsum("ltw,lw->lt", parts, window) / size
    return int(correlation.mean(axis=0).argmax())


@torch.inference_mode()
def project(network: Published, batches: Iterable[Tensor], labels: Tensor) -> None:
    """Move each prototype onto its best match, one prototype and one ECG at a time."""
    best = np.full(len(network.owners), -np.inf)
    start = 0
    for x in batches:
        rhythm, morphology, whole = network.features(x)
        for p, owner in enumerate(network.owners):
            for row in torch.nonzero(labels[start : start + len(x), owner]).flatten().tolist():
                similarity, latent, prototype = _compare(network, p, row, rhythm, morphology, whole)
                if similarity > best[p]:
                    best[p] = similarity
                    prototype.copy_(latent)
        start += len(x)


def _compare(
    network: Published, p: int, row: int, rhythm: Tensor, morphology: Tensor, whole: Tensor
) -> tuple[float, Tensor, Tensor]:
    """Similarity of one ECG to one prototype, the latent that has it, and the prototype."""
    first = RHYTHM[0] * RHYTHM[1]
    second = first + MORPHOLOGY[0] * MORPHOLOGY[1]
    if first <= p < second:
        prototype = network.morphology_prototypes[p - first]
        cells = normalize(morphology[row], dim=0)
        values = conv1d(cells[None], normalize(prototype, dim=0)[None])[0, 0]
        cell = int(values.argmax())
        latent = morphology[row][:, cell : cell + WINDOW_CELLS]
        return float(values[cell]), latent, prototype
    strip = p < first
    prototype = network.rhythm_prototypes[p] if strip else network.global_prototypes[p - second]
    latent = rhythm[row] if strip else whole[row]
    return float(torch.cosine_similarity(latent, prototype, dim=0)), latent, prototype
