"""The report's network in PyTorch, made from the same plan; for `benchmarks.engine`, where PyTorch is installed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import nn

from dhc.config import RunConfig
from dhc.data.select import RunData
from dhc.models import plan as p
from dhc.models.ladder import plan_of

Marks = list[tuple[float, float]]


def network(plan: p.Plan) -> nn.Sequential:
    """The plan's layers for (B, 3, 64, 64) float pictures, without augmentation and softmax (the loss has it)."""
    layers: list[nn.Module] = []
    for layer in plan:
        match layer:
            case p.Conv2D(filters, kernel, strides, padding):
                layers += [nn.LazyConv2d(filters, kernel, strides, kernel // 2 if padding == "same" else 0), nn.ReLU()]
            case p.BatchNormalization(momentum):
                kind = nn.LazyBatchNorm1d if nn.Flatten in map(type, layers) else nn.LazyBatchNorm2d
                layers.append(kind(momentum=1 - momentum, eps=1e-3))
            case p.MaxPooling2D(pool):
                layers.append(nn.MaxPool2d(pool))
            case p.Dropout(rate):
                layers.append(nn.Dropout(rate))
            case p.Flatten():
                layers.append(nn.Flatten())
            case p.Dense(units, activation):
                layers += [nn.LazyLinear(units), *([] if activation == "softmax" else [nn.ReLU()])]
    return nn.Sequential(*layers)


def train(config: RunConfig, data: RunData, mark: Callable[[Marks], None]) -> Marks:
    """Marks of a plain training loop, val judged after each epoch."""
    torch.manual_seed(config.fit.seed)
    x, val = (_pictures(side.x) for side in (data.train, data.val))
    y = torch.from_numpy(np.asarray(data.train.y))
    model = network(plan_of(config, len(data.classes))).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    model(x[:2])
    optimizer = torch.optim.Adam(model.parameters(), lr=config.optimizer.learning_rate)
    marks: Marks = []
    for _ in range(config.fit.epochs):
        model.train()
        for rows in torch.randperm(len(x)).split(config.fit.batch_size):
            optimizer.zero_grad()
            nn.functional.cross_entropy(model(x[rows]), y[rows]).backward()
            optimizer.step()
        model.eval()
        with torch.no_grad():
            for part in val.split(128):
                model(part).argmax(1)
        mark(marks)
    return marks


def _pictures(x: np.ndarray) -> Any:
    pixels = torch.from_numpy(np.ascontiguousarray(np.asarray(x).transpose(0, 3, 1, 2)))
    return (pixels.float() / 255).contiguous(memory_format=torch.channels_last)
