#!/usr/bin/env python3
"""Compare largestep with PyTorch: the same training, and the same checkpoints.

    pip install torch safetensors numpy
    go build -o largestep ./cmd/largestep
    scripts/compare-pytorch.py ./largestep

Trains ResNet-18 of width 16 for 20 steps with both programs, from equal weights
on equal mini-batches, and compares the losses; then loads largestep's final
checkpoint into PyTorch, and PyTorch's into largestep, saved in many ways, and
compares the logits.
With --write FILE it writes PyTorch's losses, which the tests compare with.
"""

import argparse
import copy
import csv
import json
import pathlib
import subprocess
import tempfile
import zlib

import numpy as np
import torch
import torch.nn.functional as F
from safetensors.torch import load_file, save_file
from torch.optim.swa_utils import AveragedModel

from resnet18 import ResNet18

WIDTH, BATCH, STEPS, TEST = 16, 32, 20, 64
# A step size at which 20 steps do not yet amplify rounding: PyTorch in float32
# and float64 differ by 1.2e-4 here, but by 1e-2 after five steps at 0.01.
STEP_SIZE, WEIGHT_DECAY = 1e-4, 5e-4


def uniform(name, n):
    """n numbers in [0, 1) that Go makes as easily: a linear congruential
    generator seeded by the CRC-32 of the name."""
    out, x = np.empty(n), zlib.crc32(name.encode())
    for i in range(n):
        x = (x * 1664525 + 1013904223) & 0xFFFFFFFF
        out[i] = x / 2**32
    return out


def initialise(model):
    with torch.no_grad():
        for name, p in model.named_parameters():
            if p.dim() == 1:  # batch norm, bias
                p.copy_(torch.full_like(p, 1.0 if name.endswith("weight") else 0.0))
                continue
            fan_out = p.shape[0] * p[0, 0].numel()
            u = uniform(name, p.numel()).reshape(p.shape)
            p.copy_(torch.tensor((2 * u - 1) * np.sqrt(6 / fan_out)))


def examples(part, n):
    pixels = (uniform(part + " pixels", n * 3072) * 256).astype(np.uint8).reshape(n, 3, 32, 32)
    labels = (uniform(part + " labels", n) * 10).astype(np.uint8)
    return pixels, labels


def tensors(pixels, labels):
    return torch.tensor(pixels).float() / 255, torch.tensor(labels).long()


def train(model, momentum):
    x, y = tensors(*examples("train", STEPS * BATCH))
    opt = torch.optim.SGD(model.parameters(), STEP_SIZE, momentum=momentum, weight_decay=WEIGHT_DECAY)
    losses = []
    model.train()
    for i in range(0, STEPS * BATCH, BATCH):
        loss = F.cross_entropy(model(x[i : i + BATCH]), y[i : i + BATCH])
        opt.zero_grad()
        loss.backward()
        opt.step()
        losses.append(loss.item())
    return losses


def logits_of(model):
    model.eval()
    with torch.no_grad():
        return model(tensors(*examples("test", TEST))[0]).numpy()


def write_dataset(folder):
    folder.mkdir()
    for name, part, n in [("data_batch_1.bin", "train", STEPS * BATCH), ("test_batch.bin", "test", TEST)]:
        pixels, labels = examples(part, n)
        np.concatenate([labels[:, None], pixels.reshape(n, -1)], 1).tofile(folder / name)
    (folder / "batches.meta.txt").write_text("".join(f"class{i}\n" for i in range(10)))
    source = {"name": "random", "train": STEPS * BATCH, "test": TEST}
    (folder / "source.json").write_text(json.dumps(source))


def largestep_losses(program, tmp, momentum):
    run = tmp / f"run-{momentum}"
    subprocess.run(
        [program, "train", "resnet18", "--dataset", "cifar10", "--data", tmp / "data", "--init", tmp / "init.safetensors",
         "--width", str(WIDTH), "--batch", str(BATCH), "--train-size", str(STEPS * BATCH), "--test-size", str(TEST),
         "--epochs", "1", "--sampling", "sequential", "--step-size", str(STEP_SIZE), "--weight-decay", str(WEIGHT_DECAY),
         "--momentum", str(momentum), "--log-steps", "--out", run], check=True)
    with open(run / "steps.csv") as f:
        return [float(r["batch_loss"]) for r in csv.DictReader(f)], run / "checkpoint.safetensors"


def largestep_logits(program, tmp, checkpoint):
    out = tmp / "logits.csv"
    subprocess.run([program, "eval", checkpoint, "--dataset", "cifar10", "--data", tmp / "data", "--logits", out], check=True)
    return np.loadtxt(out, delimiter=",")


def saved_ways(model):
    """The model as training programs save it: by name of the file, what saves it."""
    state = model.state_dict()
    names = {"linear": "fc", "shortcut": "downsample"}
    torchvision = {".".join(names.get(part, part) for part in k.split(".")): v for k, v in state.items()}
    optimizer = torch.optim.SGD(model.parameters(), STEP_SIZE, momentum=0.9)
    lightning = {f"model.{k}": v for k, v in torch.compile(model).state_dict().items()}
    strided = copy.deepcopy(model).to(memory_format=torch.channels_last).state_dict()
    values = {
        "plain.pth": state,
        "dataparallel.pt": torch.nn.DataParallel(model).state_dict(),
        "compiled.pth": torch.compile(model).state_dict(),
        "averaged.pth": AveragedModel(model).state_dict(),
        "torchvision.pth": {"state_dict": torchvision, "arch": "resnet18"},
        "lightning.ckpt": {"epoch": 3, "state_dict": lightning, "optimizer_states": [optimizer.state_dict()],
                           "hyper_parameters": argparse.Namespace(lr=0.1), "lr_schedulers": [], "loops": {}},
        "strided.pth": {"net": strided, "acc": 12.5},
        "double.pth": copy.deepcopy(model).double().state_dict(),
    }
    ways = {name: lambda path, value=value: torch.save(value, path) for name, value in values.items()}
    ways["prefixed.safetensors"] = lambda path: save_file({f"module.{k}": v for k, v in torchvision.items()}, path)
    return ways


def compare_saved(program, tmp, model):
    """The largest difference of logits between the model here and saved for largestep."""
    rounded = copy.deepcopy(model).bfloat16()
    cases = [(name, save, model) for name, save in saved_ways(model).items()]
    cases.append(("rounded.pth", lambda path: torch.save(rounded.state_dict(), path), copy.deepcopy(rounded).float()))
    worst = 0.0
    for name, save, same in cases:
        save(tmp / name)
        difference = np.abs(logits_of(same) - largestep_logits(program, tmp, tmp / name)).max()
        print(f"{name}: logits differ by {difference:.2g}")
        worst = max(worst, difference)
    return worst


def compare_exported(program, tmp, checkpoint):
    """The largest difference of logits between a checkpoint and what export makes of it."""
    want, worst = largestep_logits(program, tmp, checkpoint), 0.0
    for name in ["exported.pth", "exported.safetensors"]:
        subprocess.run([program, "export", checkpoint, "-o", tmp / name], check=True)
        state = torch.load(tmp / name, weights_only=True) if name.endswith("pth") else load_file(tmp / name)
        model = ResNet18(WIDTH)
        model.load_state_dict(state, strict=True)
        worst = max(worst, np.abs(want - logits_of(model)).max())
    return worst


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program", nargs="?", default="./largestep")
    parser.add_argument("--write", help="file for PyTorch's losses")
    args = parser.parse_args()
    program = str(pathlib.Path(args.program).resolve())
    recorded, worst_loss, worst_logit = {}, 0.0, 0.0
    with tempfile.TemporaryDirectory() as folder:
        tmp = pathlib.Path(folder)
        write_dataset(tmp / "data")
        for momentum in [0.0, 0.9]:
            model = ResNet18(WIDTH)
            initialise(model)
            save_file(model.state_dict(), tmp / "init.safetensors")
            want = train(model, momentum)
            recorded[f"momentum {momentum}"] = want
            got, checkpoint = largestep_losses(program, tmp, momentum)
            worst_loss = max([worst_loss] + [abs(g - w) / w for g, w in zip(got, want, strict=True)])

            loaded = ResNet18(WIDTH)
            loaded.load_state_dict(load_file(checkpoint))
            worst_logit = max(worst_logit, np.abs(logits_of(loaded) - largestep_logits(program, tmp, checkpoint)).max())
            save_file(model.state_dict(), tmp / "pytorch.safetensors")
            worst_logit = max(worst_logit, np.abs(logits_of(model) - largestep_logits(program, tmp, tmp / "pytorch.safetensors")).max())
        worst_logit = max(worst_logit, compare_saved(program, tmp, model), compare_exported(program, tmp, checkpoint))
    if args.write:
        pathlib.Path(args.write).write_text(json.dumps({"torch": torch.__version__, **recorded}, indent=2) + "\n")
    print(f"losses of {STEPS} steps: largest relative difference {worst_loss:.2g} (bound 1e-3)")
    print(f"logits of exchanged checkpoints: largest difference {worst_logit:.2g} (bound 1e-4)")
    if worst_loss > 1e-3 or worst_logit > 1e-4:
        raise SystemExit("FAIL")


if __name__ == "__main__":
    main()
