"""The report's network in PyTorch, from the same plan: one side of `benchmarks.engine`.

    python -m benchmarks.torch_side CONFIG.json PICTURES VAL float32|mixed_bfloat16

In a process of its own, since TensorFlow's LLVM and PyTorch's cannot share one; prints its marks as JSON. On a GPU (named by the
config) the pictures lie in its memory and the network is compiled; mixed precision is PyTorch's autocast.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from benchmarks.engine import subset
from dhc.config import RunConfig
from dhc.data.select import RunData, load_for_run
from dhc.models import plan
from dhc.models.ladder import plan_of

Marks = list[tuple[float, float]]


def network(network_plan: plan.Plan) -> nn.Sequential:
    """The plan's layers for (B, 3, 64, 64) float pictures, without augmentation.

    And without softmax, which the loss has.
    """
    layers: list[nn.Module] = []
    for layer in network_plan:
        match layer:
            case plan.Conv2D(filters, kernel, strides, padding):
                layers += [nn.LazyConv2d(filters, kernel, strides, kernel // 2 if padding == "same" else 0), nn.ReLU()]
            case plan.Add() | plan.PReLU() | plan.ReLU():
                raise ValueError(
                    f"this side builds no {type(layer).__name__}: choose a network of the report with relu"
                )
            case plan.BatchNormalization(momentum):
                kind = nn.LazyBatchNorm1d if nn.Flatten in map(type, layers) else nn.LazyBatchNorm2d
                layers.append(kind(momentum=1 - momentum, eps=1e-3))
            case plan.MaxPooling2D(pool):
                layers.append(nn.MaxPool2d(pool))
            case plan.Dropout(rate):
                layers.append(nn.Dropout(rate))
            case plan.Flatten():
                layers.append(nn.Flatten())
            case plan.Dense(units, activation):
                layers += [nn.LazyLinear(units), *([] if activation == "softmax" else [nn.ReLU()])]
    return nn.Sequential(*layers)


def train(config: RunConfig, data: RunData, *, mixed: bool) -> Marks:
    """Marks of a plain training loop, val judged after each epoch."""
    torch.manual_seed(config.fit.seed)
    device = "cuda" if config.device.device.startswith("gpu:") else "cpu"
    x, val = (_pictures(side.x).to(device) for side in (data.train, data.val))
    y = torch.from_numpy(np.asarray(data.train.y)).to(device)
    model = network(plan_of(config, len(data.classes))).to(device)
    model(x[:2])  # the lazy layers see their inputs' sizes
    model = model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    step = torch.compile(model) if device == "cuda" else model
    optimizer = torch.optim.Adam(model.parameters(), lr=config.optimizer.learning_rate, fused=device == "cuda")
    marks: Marks = []
    for _ in range(config.fit.epochs):
        model.train()
        for rows in torch.randperm(len(x)).to(device).split(config.fit.batch_size):
            optimizer.zero_grad()
            with torch.autocast(device, torch.bfloat16, enabled=mixed):
                loss = nn.functional.cross_entropy(step(x[rows]), y[rows])
            loss.backward()
            optimizer.step()
        model.eval()
        with torch.no_grad(), torch.autocast(device, torch.bfloat16, enabled=mixed):
            classes = [model(part).argmax(1) for part in val.split(128)]
        torch.cat(classes).cpu()  # waits for the GPU
        marks.append((time.perf_counter(), time.process_time()))
    return marks


def _pictures(x: np.ndarray) -> Any:
    pixels = torch.from_numpy(np.ascontiguousarray(np.asarray(x).transpose(0, 3, 1, 2)))
    return (pixels.float() / 255).contiguous(memory_format=torch.channels_last)


def main() -> None:
    """Train as the arguments say."""
    config = RunConfig.from_json(Path(sys.argv[1]).read_bytes())
    data = subset(load_for_run(config.data, 0), int(sys.argv[2]), int(sys.argv[3]))
    print(json.dumps(train(config, data, mixed=sys.argv[4] != "float32")))


if __name__ == "__main__":
    main()
