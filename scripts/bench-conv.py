#!/usr/bin/env python3
"""Measure each convolution of ResNet-18 on the CPU, largestep's beside PyTorch's (oneDNN).

For each width largestep measures its convolutions within whole training steps, and
PyTorch computes the same ones alone, in channels_last and contiguous (NCHW): forward,
gradient of the input, gradient of the filter. Before each run the caches are emptied and
the operand is written that a step has just written, the input or the gradient by the
output; the others come from memory, as in a step. Each counts as its fastest run, the two
programs in turn, and of several rounds the median; printed is how many times as fast
largestep is as the better layout of PyTorch. Run it with a Python that has PyTorch, on a
machine that does nothing else:

    go build ./cmd/largestep
    scripts/bench-conv.py --threads 1 --out conv.json

It exits with 1 if any convolution is slower than PyTorch's.
"""

import argparse
import json
import pathlib
import re
import statistics
import subprocess
import sys
import time

import torch

KERNELS = ["conv", "conv backward data", "conv backward filter"]
LAYOUTS = {"channels_last": torch.channels_last, "contiguous": torch.contiguous_format}
CACHES = 128 << 20  # bytes: more than the last cache holds
SHAPE = re.compile(r"(\d+)@(\d+)×\d+ → (\d+)@(\d+)×\d+, (\d+)×\d+")


def largestep(args, width):
    """Seconds of each convolution, by kernel and shape."""
    command = [args.largestep, "bench", "--engine", "cpu", "--json", "--layers", "--time", f"{args.seconds}s",
               "--width", str(width), "--batch", str(args.batch), "--threads", str(args.threads)]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{' '.join(command)}: exit status {done.returncode}\n{done.stderr.strip()}")
    return {(layer["kernel"], layer["shape"]): layer["seconds"] for layer in json.loads(done.stdout)["layers"] if layer["kernel"] in KERNELS}


def pytorch(args, kernel, shape, layout):
    channels, side, filters, out, size = map(int, SHAPE.fullmatch(shape).groups())
    stride, padding = side // out, size // 2
    x = torch.randn(args.batch, channels, side, side).to(memory_format=layout)
    w = torch.randn(filters, channels, size, size).to(memory_format=layout)
    dy = torch.randn(args.batch, filters, out, out).to(memory_format=layout)
    place = ([stride] * 2, [padding] * 2, [1, 1], False, [0, 0], 1)
    fresh = x if kernel == "conv" else dy
    if kernel == "conv":
        def run():
            torch.ops.aten.convolution(x, w, None, *place)
    else:
        mask = [kernel == "conv backward data", kernel == "conv backward filter", False]

        def run():
            torch.ops.aten.convolution_backward(dy, x, w, None, *place, mask)
    return fastest(run, fresh, args.each)


def fastest(run, fresh, seconds):
    elsewhere = torch.zeros(CACHES // 4)
    best, end = float("inf"), time.perf_counter() + seconds
    run()
    while time.perf_counter() < end:
        elsewhere.add_(1)
        fresh.mul_(1)
        start = time.perf_counter()
        run()
        best = min(best, time.perf_counter() - start)
    return best


def rounds(args, width):
    """Seconds of each convolution and program, a list over the rounds."""
    times = {}
    for _ in range(args.rounds):
        for where, seconds in largestep(args, width).items():
            row = times.setdefault(where, {name: [] for name in ["largestep", *LAYOUTS]})
            row["largestep"].append(seconds)
        for (kernel, shape), row in times.items():
            for name, layout in LAYOUTS.items():
                row[name].append(pytorch(args, kernel, shape, layout))
    return times


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--widths", nargs="+", type=int, default=[8, 16, 32, 64])
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=5, help="of each run of largestep")
    parser.add_argument("--each", type=float, default=0.5, help="seconds for each convolution of PyTorch")
    parser.add_argument("--largestep", default="./largestep", help="the program")
    parser.add_argument("--out", help="JSON file")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    row = "{:>5}  {:<22}{:<30}{:>10}  {:>13}  {:>10}  {:>5}"
    print(f"milliseconds, fastest runs, medians of {args.rounds} rounds; {args.threads} threads, batch {args.batch}\n")
    print(row.format("width", "kernel", "shape", "largestep", "channels_last", "contiguous", "ratio"), flush=True)
    results = []
    for width in args.widths:
        for (kernel, shape), times in rounds(args, width).items():
            medians = {name: statistics.median(t) for name, t in times.items()}
            ratio = min(medians[name] for name in LAYOUTS) / medians["largestep"]
            results.append({"width": width, "kernel": kernel, "shape": shape, "seconds": medians, "ratio": ratio})
            print(row.format(width, kernel, shape, *(f"{1e3 * t:.3f}" for t in medians.values()), f"{ratio:.2f}"), flush=True)
        if args.out:
            pathlib.Path(args.out).write_text(json.dumps(results, indent=2) + "\n")
    slower = [r for r in results if r["ratio"] < 1]
    ratios = [r["ratio"] for r in results]
    print(f"\n{len(results)} convolutions, from {min(ratios):.2f} to {max(ratios):.2f} times as fast, median {statistics.median(ratios):.2f}; {len(slower)} slower than PyTorch's")
    sys.exit(bool(slower))


if __name__ == "__main__":
    main()
