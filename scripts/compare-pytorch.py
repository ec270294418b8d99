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

On a GPU, PyTorch there in float32, largestep in any precision:

    scripts/compare-pytorch.py ./largestep --engine cuda --device cuda --precision bf16 --width 64 --batch 256
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
from torch.optim.swa_utils import AveragedModel

from resnet18 import ResNet18

try:
    from safetensors.torch import load_file, save_file
except ImportError:
    from checkpoint import load_file, save_file

TEST = 64
# A step size at which 20 steps do not yet amplify rounding: PyTorch in float32
# and float64 differ by 1.2e-4 here, but by 1e-2 after five steps at 0.01.
STEP_SIZE, WEIGHT_DECAY = 1e-4, 5e-4
BOUNDS = {"fp32": 1e-3, "tf32": 1e-2, "bf16": 5e-2}  # of losses, relative
LOGITS = 2e-5  # bound of logits in float32, relative to the largest: 1e-4 of 5


def uniform(name, n):
    """n numbers in [0, 1) that Go makes as easily: a linear congruential
    generator x := a x + c modulo 2**32, seeded by the CRC-32 of the name. After i
    steps x is a**i times the seed plus c times the sum of the lower powers."""
    powers = np.cumprod(np.full(n, 1664525, np.uint32), dtype=np.uint32)
    sums = np.cumsum(np.concatenate([np.ones(1, np.uint32), powers[:-1]]), dtype=np.uint32)
    return (powers * np.uint32(zlib.crc32(name.encode())) + sums * np.uint32(1013904223)) / 2**32


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


def tensors(pixels, labels, device):
    return torch.tensor(pixels, device=device).float() / 255, torch.tensor(labels, device=device).long()


def train(model, args, momentum):
    x, y = tensors(*examples("train", args.steps * args.batch), args.device)
    opt = torch.optim.SGD(model.parameters(), STEP_SIZE, momentum=momentum, weight_decay=WEIGHT_DECAY)
    losses = []
    model.train()
    for i in range(0, args.steps * args.batch, args.batch):
        loss = F.cross_entropy(model(x[i : i + args.batch]), y[i : i + args.batch])
        opt.zero_grad()
        loss.backward()
        opt.step()
        losses.append(loss.item())
    return losses


def logits_of(model, device):
    model.eval()
    with torch.no_grad():
        return model(tensors(*examples("test", TEST), device)[0]).cpu().numpy()


def write_dataset(folder, size):
    folder.mkdir()
    for name, part, n in [("data_batch_1.bin", "train", size), ("test_batch.bin", "test", TEST)]:
        pixels, labels = examples(part, n)
        np.concatenate([labels[:, None], pixels.reshape(n, -1)], 1).tofile(folder / name)
    (folder / "batches.meta.txt").write_text("".join(f"class{i}\n" for i in range(10)))
    source = {"name": "random", "train": size, "test": TEST}
    (folder / "source.json").write_text(json.dumps(source))


def largestep_losses(args, tmp, momentum):
    run = tmp / f"run-{momentum}"
    subprocess.run(
        [args.program, "train", "resnet18", "--engine", args.engine, "--precision", args.precision,
         "--dataset", "random", "--data", tmp / "data", "--init", tmp / "init.safetensors",
         "--width", str(args.width), "--batch", str(args.batch), "--train-size", str(args.steps * args.batch), "--test-size", str(TEST),
         "--epochs", "1", "--sampling", "sequential", "--step-size", str(STEP_SIZE), "--weight-decay", str(WEIGHT_DECAY),
         "--momentum", str(momentum), "--log-steps", "--out", run], check=True)
    with open(run / "steps.csv") as f:
        return [float(r["batch_loss"]) for r in csv.DictReader(f)], run / "checkpoint.safetensors"


def largestep_logits(args, tmp, checkpoint):
    out = tmp / "logits.csv"
    subprocess.run([args.program, "eval", checkpoint, "--engine", args.engine, "--dataset", "random", "--data", tmp / "data", "--logits", out], check=True)
    return np.loadtxt(out, delimiter=",")


def difference(a, b):
    return np.abs(a - b).max() / np.abs(a).max()


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
        "dataparallel.pt": torch.nn.DataParallel(copy.deepcopy(model)).state_dict(),  # moves what it is given to a GPU
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


def compare_saved(args, tmp, model):
    """The largest difference of logits between the model here and saved for largestep."""
    rounded = copy.deepcopy(model).bfloat16()
    cases = [(name, save, model) for name, save in saved_ways(model).items()]
    cases.append(("rounded.pth", lambda path: torch.save(rounded.state_dict(), path), copy.deepcopy(rounded).float()))
    worst = 0.0
    for name, save, same in cases:
        save(tmp / name)
        d = difference(logits_of(same, "cpu"), largestep_logits(args, tmp, tmp / name))
        print(f"{name}: logits differ by {d:.2g}, relative to the largest")
        worst = max(worst, d)
    return worst


def compare_exported(args, tmp, checkpoint):
    """The largest difference of logits between a checkpoint and what export makes of it."""
    want, worst = largestep_logits(args, tmp, checkpoint), 0.0
    for name in ["exported.pth", "exported.safetensors"]:
        subprocess.run([args.program, "export", checkpoint, "-o", tmp / name], check=True)
        state = torch.load(tmp / name, weights_only=True) if name.endswith("pth") else load_file(tmp / name)
        model = ResNet18(args.width)
        model.load_state_dict(state, strict=True)
        worst = max(worst, difference(want, logits_of(model, "cpu")))
    return worst


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program", nargs="?", default="./largestep")
    parser.add_argument("--write", help="file for PyTorch's losses")
    parser.add_argument("--engine", default="cpu", help="largestep's")
    parser.add_argument("--precision", default="fp32", choices=list(BOUNDS), help="largestep's")
    parser.add_argument("--device", default="cpu", help="PyTorch's")
    parser.add_argument("--width", type=int, default=16)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--no-files", action="store_true", help="losses, and checkpoints of our own format, but not PyTorch's kinds of files")
    args = parser.parse_args()
    args.program = str(pathlib.Path(args.program).resolve())
    torch.backends.cudnn.allow_tf32 = False
    recorded, worst_loss, worst_logit = {}, 0.0, 0.0
    with tempfile.TemporaryDirectory() as folder:
        tmp = pathlib.Path(folder)
        write_dataset(tmp / "data", args.steps * args.batch)
        for momentum in [0.0, 0.9]:
            model = ResNet18(args.width)
            initialise(model)
            save_file(model.state_dict(), tmp / "init.safetensors")
            model.to(args.device)
            want = train(model, args, momentum)
            recorded[f"momentum {momentum}"] = want
            got, checkpoint = largestep_losses(args, tmp, momentum)
            worst_loss = max([worst_loss] + [abs(g - w) / w for g, w in zip(got, want, strict=True)])

            loaded = ResNet18(args.width)
            loaded.load_state_dict(load_file(checkpoint))
            loaded.to(args.device)
            worst_logit = max(worst_logit, difference(logits_of(loaded, args.device), largestep_logits(args, tmp, checkpoint)))
            save_file(model.cpu().state_dict(), tmp / "pytorch.safetensors")
            model.to(args.device)
            worst_logit = max(worst_logit, difference(logits_of(model, args.device), largestep_logits(args, tmp, tmp / "pytorch.safetensors")))
            model.cpu()
        bound = BOUNDS[args.precision]
        print(f"losses of {args.steps} steps, {args.precision}: largest relative difference {worst_loss:.2g} (bound {bound:g})", flush=True)
        if not args.no_files:
            worst_logit = max(worst_logit, compare_saved(args, tmp, model), compare_exported(args, tmp, checkpoint))
    if args.write:
        pathlib.Path(args.write).write_text(json.dumps({"torch": torch.__version__, **recorded}, indent=2) + "\n")
    print(f"logits of exchanged checkpoints: largest relative difference {worst_logit:.2g} (bound {LOGITS:g})")
    if not (worst_loss <= bound and worst_logit <= LOGITS):
        raise SystemExit("FAIL")


if __name__ == "__main__":
    main()
