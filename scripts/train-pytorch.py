#!/usr/bin/env python3
"""Train what a run of largestep trained, with PyTorch, to compare the ends.

    pip install torch numpy
    scripts/train-pytorch.py figures/main-long/large-eta-decay50-seed0

Takes the settings of a ResNet-18 from the run's config.json and the images from
the folder named there; initial parameters and the order of the images are drawn
by PyTorch. Prints training loss, test error and the share of positive features
after the four stages and the average pool, a line whenever the run evaluates,
with the seconds since the start.
"""

import argparse
import json
import pathlib
import time

import numpy as np
import torch
import torch.nn.functional as F

from resnet18 import ResNet18

RECORD = 1 + 3 * 32 * 32  # label and pixels


def images(folder, files, n):
    raw = np.concatenate([np.fromfile(folder / f, np.uint8) for f in files]).reshape(-1, RECORD)[:n]
    pixels = torch.tensor(raw[:, 1:]).reshape(-1, 3, 32, 32).float() / 255
    return pixels.to(memory_format=torch.channels_last), torch.tensor(raw[:, 0]).long()


def initialise(model):
    """He normal, fan-out; the linear layer as PyTorch has it, its bias at 0."""
    for m in model.modules():
        if isinstance(m, torch.nn.Conv2d):
            torch.nn.init.kaiming_normal_(m.weight, mode="fan_out", nonlinearity="relu")
    torch.nn.init.zeros_(model.linear.bias)


def step_size(c, fraction):
    return [p["step_size"] for p in phases(c) if fraction >= p.get("start", 0)][-1]


def phases(c):
    return c["schedule"]["phases"] if "schedule" in c else c["phases"]  # of format 2, and 1


def evaluate(model, x, y):
    """Mean loss, error, and the share of positive features of each stage."""
    model.eval()
    loss, wrong, positive = 0.0, 0, []
    counts = lambda h: positive[-1].append((h > 0).float().mean().item() * len(h))
    hooks = [getattr(model, f"layer{i}").register_forward_hook(lambda m, a, h: counts(h)) for i in range(1, 5)]
    hooks.append(model.linear.register_forward_pre_hook(lambda m, a: counts(a[0])))
    with torch.no_grad():
        for i in range(0, len(x), 500):
            positive.append([])
            z = model(x[i : i + 500])
            loss += F.cross_entropy(z, y[i : i + 500], reduction="sum").item()
            wrong += (z.argmax(1) != y[i : i + 500]).sum().item()
    for hook in hooks:
        hook.remove()
    model.train()
    return loss / len(x), wrong / len(x), np.sum(positive, 0) / len(x)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=pathlib.Path, help="folder of a run of resnet18 on images in a folder")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int)
    o = parser.parse_args()
    c = json.loads((o.run / "config.json").read_text())
    folder = c["environment"].get("data_dir")
    other = ["augment", "normalize", "subset", "label_noise", "sam", "steps", "init_sha256", "warmup_exp", "warmup_gain"]
    if c["net"] != "resnet18" or not folder or c["sampling"] != "shuffle" or any(c.get(name) for name in other) or any("rule" in p for p in phases(c)):
        parser.error(f"{o.run}: not a ResNet-18 on images in a folder, shuffled, by epochs, with constant step sizes, and without {', '.join(other[:-3])} and initial parameters")
    if o.threads:
        torch.set_num_threads(o.threads)
    torch.manual_seed(o.seed)

    x, y = images(pathlib.Path(folder), sorted((f.name for f in pathlib.Path(folder).glob("data_batch_*.bin")), key=lambda name: int(name[len("data_batch_"):-len(".bin")])), c["train_size"])
    test = images(pathlib.Path(folder), ["test_batch.bin"], c["test_size"])
    model = ResNet18(c["width"])
    initialise(model)
    model = model.to(memory_format=torch.channels_last)  # the faster layout on a CPU
    opt = torch.optim.SGD(model.parameters(), 1, momentum=c["momentum"], weight_decay=c["weight_decay"])
    per_epoch, step = len(x) // c["batch"], 0
    total, start = c["epochs"] * per_epoch, time.monotonic()
    for epoch in range(c["epochs"]):
        order, losses = torch.randperm(len(x)), []
        for k in range(per_epoch):
            index = order[k * c["batch"] : (k + 1) * c["batch"]]
            opt.param_groups[0]["lr"] = step_size(c, step / total)
            loss = F.cross_entropy(model(x[index]), y[index])
            opt.zero_grad()
            loss.backward()
            opt.step()
            losses.append(loss.item())
            step += 1
        if (epoch + 1) % c["eval_every"] and epoch + 1 < c["epochs"]:
            continue
        train_loss, _, active = evaluate(model, x[:10_000], y[:10_000])
        _, error, _ = evaluate(model, *test)
        shares = ", ".join(f"{a:.3f}" for a in active)
        print(f"epoch {epoch + 1}: mini-batch loss {np.mean(losses):.4g}, training loss {train_loss:.4g}, test error {100 * error:.1f} %, active {shares}, {time.monotonic() - start:.0f} s", flush=True)


if __name__ == "__main__":
    main()
