#!/usr/bin/env python3
"""Compare the Hessian of largestep with PyTorch's double backward.

    pip install torch safetensors numpy
    go build -o largestep ./cmd/largestep
    scripts/compare-hessian.py ./largestep

Trains a ResNet-18 of width 16 in three phases, and computes the largest eigenvalue
and the trace of the Hessian of the training loss at the end of each with both
programs, on the same images in the same mini-batches, with batch norm in training and
in evaluation mode. The traces are of the same random vectors. PyTorch computes in
float32 as largestep does, or with --double in float64, which takes ten times as long.
"""

import argparse
import json
import pathlib
import re
import subprocess
import tempfile

import numpy as np
import torch
import torch.nn.functional as F

from resnet18 import ResNet18

try:
    from safetensors.torch import load_file
except ImportError:
    from checkpoint import load_file

BOUND = 0.01  # relative
CLASSES = 10
# The order in which largestep counts the parameters of a block.
WITHIN = ["conv1", "bn1", "conv2", "shortcut", "bn2"]
PARTS = ["conv1", "bn1", "layer1", "layer2", "layer3", "layer4", "linear"]


def examples(n, rng):
    """Images of smooth patterns, one for each class, with noise."""
    patterns = np.random.RandomState(0).randn(CLASSES, 3, 4, 4).repeat(8, 2).repeat(8, 3)
    labels = rng.randint(CLASSES, size=n).astype(np.uint8)
    pixels = 128 + 20 * patterns[labels] + 50 * rng.randn(n, 3, 32, 32)
    return np.clip(pixels, 0, 255).astype(np.uint8), labels


def write_dataset(folder, size):
    folder.mkdir()
    rng = np.random.RandomState(1)
    sizes = {"data_batch_1.bin": size, "test_batch.bin": CLASSES}
    for name, n in sizes.items():
        pixels, labels = examples(n, rng)
        np.concatenate([labels[:, None], pixels.reshape(n, -1)], 1).tofile(folder / name)
    (folder / "batches.meta.txt").write_text("".join(f"class{i}\n" for i in range(CLASSES)))
    (folder / "source.json").write_text(json.dumps({"name": "patterns", "train": size, "test": CLASSES}))


def read_images(folder, n):
    records = np.fromfile(folder / "data_batch_1.bin", np.uint8).reshape(-1, 1 + 3072)[:n]
    # largestep rounds a pixel's share of 255 to float32
    x = (records[:, 1:].astype(np.float32) / np.float32(255)).reshape(-1, 3, 32, 32)
    return torch.tensor(x), torch.tensor(records[:, 0]).long()


def place(name):
    parts = name.split(".")
    block = (parts[1], WITHIN.index(parts[2])) if parts[0].startswith("layer") else ("", 0)
    return PARTS.index(parts[0]), *block


class Hessian:
    def __init__(self, checkpoint, args, data, mode):
        self.dtype = torch.float64 if args.double else torch.float32
        self.model = ResNet18(args.width).to(self.dtype)
        self.model.load_state_dict(load_file(checkpoint))
        self.model.train(mode == "training")
        self.parameters = [p for _, p in sorted(self.model.named_parameters(), key=lambda item: place(item[0]))]
        self.size = sum(p.numel() for p in self.parameters)
        x, y = read_images(data, args.images)
        self.batches = [(x[i : i + args.batch].to(self.dtype), y[i : i + args.batch]) for i in range(0, args.images, args.batch)]

    def product(self, v):
        total = np.zeros(self.size)
        pieces = torch.tensor(v, dtype=self.dtype).split([p.numel() for p in self.parameters])
        direction = [piece.view_as(p) for piece, p in zip(pieces, self.parameters)]
        for x, y in self.batches:
            loss = F.cross_entropy(self.model(x), y)
            grads = torch.autograd.grad(loss, self.parameters, create_graph=True)
            products = torch.autograd.grad(grads, self.parameters, direction)
            total += torch.cat([p.flatten() for p in products]).numpy() / len(self.batches)
        return total

    def largest(self, tolerance=1e-3, steps=60):
        """The largest eigenvalue, by Lanczos' method with full orthogonalisation."""
        basis, alpha, beta = [], [], []
        v = np.random.RandomState(2).randn(self.size)
        for _ in range(steps):
            basis.append(v / np.linalg.norm(v))
            v = self.product(basis[-1])
            alpha.append(basis[-1] @ v)
            for _ in range(2):
                for b in basis:
                    v -= (b @ v) * b
            beta.append(np.linalg.norm(v))
            values, vectors = np.linalg.eigh(np.diag(alpha) + np.diag(beta[:-1], 1) + np.diag(beta[:-1], -1))
            if beta[-1] * abs(vectors[-1, -1]) <= tolerance * abs(values[-1]):
                return values[-1]
        raise SystemExit(f"no eigenvalue after {steps} products")

    def trace(self, vectors):
        rng = np.random.RandomState(1)
        samples = []
        for _ in range(vectors):
            v = np.where(rng.random_sample(self.size) >= 0.5, 1.0, -1.0)
            samples.append(v @ self.product(v))
        return np.mean(samples)


def largestep(args, data, checkpoint, mode):
    out = subprocess.run(
        [args.program, "hessian", checkpoint, "--engine", "cpu", "--data", data, "--images", str(args.images), "--batch", str(args.batch),
         "--mode", mode, "--trace-vectors", str(args.vectors)], check=True, capture_output=True, text=True).stdout
    return [float(re.search(rf"^{what}: ([^,]*),", out, re.M)[1]) for what in ("eigenvalue 1", "trace")]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program", nargs="?", default="./largestep")
    parser.add_argument("--width", type=int, default=16)
    parser.add_argument("--images", type=int, default=256)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--vectors", type=int, default=5, help="random vectors for the trace")
    parser.add_argument("--double", action="store_true", help="PyTorch in float64")
    args = parser.parse_args()
    args.program = str(pathlib.Path(args.program).resolve())
    worst = 0.0
    with tempfile.TemporaryDirectory() as folder:
        data, run = pathlib.Path(folder) / "data", pathlib.Path(folder) / "run"
        write_dataset(data, 1024)
        subprocess.run(
            [args.program, "train", "resnet18", "--engine", "cpu", "--data", data, "--width", str(args.width), "--train-size", "1024",
             "--test-size", str(CLASSES), "--batch", str(args.batch), "--epochs", "6", "--phases", "0.3@0,0.3@0.3,0.03@0.6", "--out", run], check=True)
        for name in ["phase-1", "phase-2", "checkpoint"]:
            checkpoint = run / f"{name}.safetensors"
            for mode in ["training", "evaluation"]:
                got = largestep(args, data, checkpoint, mode)
                h = Hessian(checkpoint, args, data, mode)
                want = [h.largest(), h.trace(args.vectors)]
                off = [abs(g - w) / abs(w) for g, w in zip(got, want)]
                print(f"{name}, {mode} mode: eigenvalue {got[0]:.6g}, PyTorch's {want[0]:.6g}, off by {off[0]:.1e}; "
                      f"trace {got[1]:.6g}, PyTorch's {want[1]:.6g}, off by {off[1]:.1e}", flush=True)
                worst = max([worst] + off)
    print(f"largest relative difference {worst:.2g} (bound {BOUND:g})")
    if not worst <= BOUND:
        raise SystemExit("FAIL")


if __name__ == "__main__":
    main()
