"""A map of what a network looks at, laid over the picture."""

from __future__ import annotations

import cv2
import numpy as np

FOR, AGAINST, WHITE = (178, 24, 43), (33, 102, 172), (247, 247, 247)  # of plotly's RdBu
SCALE = 4  # pixels of the drawing for one of the picture, so that a coarse map grows smoothly over sharp pixels


def overlay(picture: np.ndarray, heat: np.ndarray, share: float, *, signed: bool = False) -> np.ndarray:
    """The picture, (h, w, 3) uint8, four times as large, under the colours of a map (H, W), which may be coarser.

    The map's largest value has the brightest colour; of a `signed` one, what speaks for is red and what speaks against is blue.
    `share`, 0 to 1, is how much of a place is colour where the map is strongest; a third of it where there is nothing.
    """
    height, width = SCALE * picture.shape[0], SCALE * picture.shape[1]
    ground = cv2.resize(picture, (width, height), interpolation=cv2.INTER_NEAREST).astype(np.float32)
    strength = cv2.resize(unit(heat, signed=signed), (width, height), interpolation=cv2.INTER_LINEAR)
    colours = _signed_colours(strength) if signed else _colours(strength)
    weight = share * (1 + 2 * np.abs(strength[..., None])) / 3
    return np.rint(ground * (1 - weight) + colours * weight).astype(np.uint8)


def picture_of(values: np.ndarray, top: float, *, signed: bool = False) -> np.ndarray:
    """(h, w, 3) uint8 of a map (h, w): 0 is black and `top` the brightest; where it is `signed`, or some are below 0, blue over white to red."""
    strength = np.nan_to_num(values.astype(np.float32)) / (top or 1.0)
    is_signed = signed or bool((values < 0).any())
    colours = _signed_colours(np.clip(strength, -1, 1)) if is_signed else _colours(np.clip(strength, 0, 1))
    picture: np.ndarray = np.rint(colours).astype(np.uint8)
    return picture


def unit(heat: np.ndarray, *, signed: bool = False) -> np.ndarray:
    """The map as float32 within 0 and 1, or -1 and 1: divided by its largest size; zeros stay."""
    values = np.nan_to_num(heat.astype(np.float32))
    values = values if signed else np.maximum(values, 0)
    largest = float(np.abs(values).max(initial=0.0))
    return values / largest if largest else values


def mean_map(heats: np.ndarray, *, signed: bool = False) -> np.ndarray:
    """The mean of maps (N, h, w), each first divided by its largest size, so that none outweighs the others: (h, w) float32."""
    return np.asarray(np.mean([unit(heat, signed=signed) for heat in heats], axis=0), np.float32)


def _colours(strength: np.ndarray) -> np.ndarray:
    """(H, W, 3) float32 RGB: inferno, whose lightness grows evenly."""
    levels = np.rint(255 * strength).astype(np.uint8)
    return np.asarray(cv2.applyColorMap(levels, cv2.COLORMAP_INFERNO)[..., ::-1], np.float32)


def _signed_colours(strength: np.ndarray) -> np.ndarray:
    """(H, W, 3) float32 RGB: from blue over white to red, as plotly's RdBu."""
    for_it, against, white = (np.array(colour, np.float32) for colour in (FOR, AGAINST, WHITE))
    size = np.abs(strength)[..., None]
    return np.asarray(white * (1 - size) + np.where(strength[..., None] > 0, for_it, against) * size)
