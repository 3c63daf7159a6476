"""Backbones: a (batch, 12, time) ECG at 100 Hz to latents that prototypes are compared with.

The published 2-D branches begin with a kernel as tall as the twelve leads, after which the height
is one. Kernels are therefore `(1, k)` here: the published 3x3 ones multiply zeros two times out of
three. Convolutions stay two-dimensional since channels-last makes them twice as fast on a CPU.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

import torch
from torch import Tensor, nn
from torch.nn.functional import normalize

from protoecg.ecg import LEADS


class Residual(nn.Module):
    """Two convolutions beside a shortcut: (batch, c_in, 1, t) to (batch, c_out, 1, t').

    With `padded=False` a cell sees nothing but its own samples: the convolutions are valid, and
    the shortcut is cropped to the same middle.
    """

    def __init__(self, c_in: int, c_out: int, kernel: int, stride: int, padded: bool) -> None:
        super().__init__()
        padding = kernel // 2 if padded else 0
        self.body = nn.Sequential(
            _conv(c_in, c_out, kernel, stride, padding),
            nn.BatchNorm2d(c_out),
            nn.ReLU(),
            _conv(c_out, c_out, kernel, 1, padding),
            nn.BatchNorm2d(c_out),
        )
        self.crop, self.stride = 0 if padded else (kernel // 2) * (1 + stride), stride
        same = c_in == c_out and stride == 1
        self.shortcut = nn.Identity() if same else _conv(c_in, c_out, 1, 1, 0)

    def forward(self, x: Tensor) -> Tensor:
        """Add the body to the shortcut."""
        body = self.body(x)
        # A convolution of kernel 1 with a stride writes beyond its memory on CPUs with bfloat16
        # (torch 2.13, backwards), so the samples are picked before it.
        shortcut = self.shortcut(x[..., self.crop : x.shape[-1] - self.crop : self.stride])
        return torch.relu(body + shortcut[..., : body.shape[-1]])


class WindowBackbone(nn.Module):
    """Latents of overlapping windows: (batch, 12, t) to (batch, latent, cells).

    No cell sees a sample outside its `window` samples, which begin at
    `stride` times the cell's index: there is no padding and nothing is pooled over time, so that
    the window shown is all that a similarity rests on.

    Parameters
    ----------
    widths : channels of the stem and of each residual block
    strides : of each residual block; the stem halves the rate
    latent : size of a cell's latent vector
    """

    channels, kernel, last_kernel = len(LEADS), 5, 5

    def __init__(self, widths: Sequence[int], strides: Sequence[int], latent: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            _stem(self.channels, widths[0], padded=False),
            *_blocks(widths, strides, self.kernel, padded=False),
            _conv(widths[-1], widths[-1], self.last_kernel, 2, 0),
            nn.BatchNorm2d(widths[-1]),
            nn.ReLU(),
        )
        self.to_latent = self._to_latent(widths[-1], latent)
        self.stride = 4 * prod(strides)
        self.window = _receptive_field(self.body)

    def forward(self, x: Tensor) -> Tensor:
        """Return a latent for each window."""
        return self.to_latent(self.body(self._image(x))).squeeze(2)

    def _to_latent(self, features: int, latent: int) -> nn.Module:
        return _latent(features, latent)

    def _image(self, x: Tensor) -> Tensor:
        return _as_image(x)


class LeadBackbone(WindowBackbone):
    """Latents of windows, read lead by lead: (batch, 12, t) to (batch, latent, cells).

    One network reads each lead by itself. A cell's latent is what it says of lead I, then of II
    and so on, so that a cosine of two cells is a sum over the leads, without a rest.

    Parameters are those of `WindowBackbone`; each lead has a twelfth of `latent`.

    Raises
    ------
    ValueError
        If `latent` is no multiple of twelve.
    """

    channels = 1

    def __init__(self, widths: Sequence[int], strides: Sequence[int], latent: int) -> None:
        if latent % len(LEADS):
            raise ValueError(f"Found a latent of {latent}, expected a multiple of {len(LEADS)}.")
        super().__init__(widths, strides, latent)

    def _to_latent(self, features: int, latent: int) -> nn.Module:
        return nn.Sequential(
            nn.Conv2d(features, latent // len(LEADS), 1, bias=False),
            _LeadsOneAfterAnother(),
            nn.BatchNorm2d(latent, affine=False),
        )

    def _image(self, x: Tensor) -> Tensor:
        return x.unsqueeze(1).contiguous(memory_format=torch.channels_last)


class WideBackbone(nn.Module):
    """The published cells: (batch, 12, 1000) to (batch, latent, cells), three of 32 at a time.

    Padded convolutions let a cell see more than four seconds, while the `window` samples at its
    place are shown; and its latents are rectified. Kept to be measured against.

    Parameters are those of `WindowBackbone`; the strides and the stem multiply to 32.
    """

    kernel = 5

    def __init__(self, widths: Sequence[int], strides: Sequence[int], latent: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            _stem(len(LEADS), widths[0], padded=True),
            *_blocks(widths, strides, self.kernel, padded=True),
        )
        self.to_latent = nn.Sequential(
            _conv(widths[-1], latent, 3, 1, 0), nn.BatchNorm2d(latent), nn.ReLU()
        )
        self.stride = 2 * prod(strides)
        self.window = 3 * self.stride

    def forward(self, x: Tensor) -> Tensor:
        """Return a latent for every three neighbouring cells."""
        return self.to_latent(self.body(_as_image(x))).squeeze(2)


class StripBackbone(nn.Module):
    """One latent of the whole strip: (batch, 12, t) to (batch, latent, 1).

    Parameters are those of `WindowBackbone`.
    """

    kernel = 5

    def __init__(self, widths: Sequence[int], strides: Sequence[int], latent: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            _stem(len(LEADS), widths[0], padded=True),
            *_blocks(widths, strides, self.kernel, padded=True),
        )
        self.to_latent = _latent(2 * widths[-1], latent)

    def forward(self, x: Tensor) -> Tensor:
        """Return the strip's one latent."""
        return self.to_latent(_mean_and_max(self.body(_as_image(x)))).squeeze(2)


class Ensemble(nn.Module):
    """Members that see the same cells: (batch, 12, t) to (batch, members * latent, cells).

    A latent is what each member says, at length one, one after another: the cosine of two cells
    is the mean of the members' cosines (deep ensembles, arXiv 1612.01474, of similarities).

    Parameters
    ----------
    members : backbones of one kind and shape
    """

    def __init__(self, members: Sequence[nn.Module]) -> None:
        super().__init__()
        self.members = nn.ModuleList(members)
        self.stride = getattr(members[0], "stride", None)
        self.window = getattr(members[0], "window", None)

    def forward(self, x: Tensor) -> Tensor:
        """Return the members' latents of each cell."""
        return torch.cat([normalize(member(x), dim=1) for member in self.members], dim=1)


def _as_image(x: Tensor) -> Tensor:
    """Leads as channels of an image of height one: the full-height kernel, unrolled."""
    return x.unsqueeze(2).contiguous(memory_format=torch.channels_last)


def _conv(c_in: int, c_out: int, kernel: int, stride: int, padding: int) -> nn.Conv2d:
    conv = nn.Conv2d(c_in, c_out, (1, kernel), (1, stride), (0, padding), bias=False)
    return conv.to(memory_format=torch.channels_last)  # type: ignore[call-overload, no-any-return]


def _stem(c_in: int, width: int, padded: bool) -> nn.Module:
    conv = _conv(c_in, width, 7, 2, 3 if padded else 0)
    return nn.Sequential(conv, nn.BatchNorm2d(width), nn.ReLU())


def _blocks(
    widths: Sequence[int], strides: Sequence[int], kernel: int, padded: bool
) -> list[nn.Module]:
    pairs = zip(widths[:-1], widths[1:], strides, strict=True)
    return [Residual(c_in, c_out, kernel, stride, padded) for c_in, c_out, stride in pairs]


def _latent(features: int, latent: int) -> nn.Module:
    # Normalised without a rectifier: signed and centred, so that unlike windows are near
    # cosine 0 and not near 1.
    return nn.Sequential(
        nn.Conv2d(features, latent, 1, bias=False), nn.BatchNorm2d(latent, affine=False)
    )


class _LeadsOneAfterAnother(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        """Lay (batch, features, 12, cells) out as (batch, 12 * features, 1, cells)."""
        return x.transpose(1, 2).flatten(1, 2).unsqueeze(2)


def _mean_and_max(x: Tensor) -> Tensor:
    return torch.cat([x.mean(3, keepdim=True), x.amax(3, keepdim=True)], dim=1)


def _receptive_field(body: nn.Module) -> int:
    """Count the samples that one output cell sees, from the main path's kernels and strides."""
    field, jump = 1, 1
    for module in body.modules():
        if isinstance(module, nn.Conv2d):
            field += (module.kernel_size[1] - 1) * jump
            jump *= module.stride[1] if module.kernel_size[1] > 1 else 1
    return field
