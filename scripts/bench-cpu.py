#!/usr/bin/env python3
"""Measure whole training steps of ResNet-18 on the CPU, largestep's beside PyTorch's.

For each width, mini-batch and number of threads the two programs run in turn, largestep,
PyTorch in channels_last and PyTorch contiguous (NCHW), and again. Each run gives the
images per second of its fastest step; printed are the medians over the rounds, and how
many times as fast largestep is as the better of PyTorch's two layouts. Run it with a
Python that has PyTorch, on a machine that does nothing else:

    go build ./cmd/largestep
    scripts/bench-cpu.py
    scripts/bench-cpu.py --settings 16,64,2 8,32,2 --seconds 2 --out cpu.json
"""

import argparse
import json
import pathlib
import statistics
import subprocess
import sys
import tempfile

SETTINGS = [(64, 64, 2), (64, 64, 1), (32, 128, 2), (16, 64, 2), (16, 64, 1), (8, 32, 2)]  # width, batch, threads
SCRIPT = pathlib.Path(__file__).with_name("bench-pytorch.py")


def setting(text):
    values = tuple(int(v) for v in text.split(","))
    if len(values) != 3 or min(values) < 1:
        raise argparse.ArgumentTypeError(f"{text}: want WIDTH,BATCH,THREADS")
    return values


def output(command):
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{' '.join(command)}: exit status {done.returncode}\n{done.stderr.strip()}")
    return done.stdout


def options(width, batch, threads):
    return ["--width", str(width), "--batch", str(batch), "--threads", str(threads)]


def largestep(args, where):
    return json.loads(output([args.largestep, "bench", "--engine", "cpu", "--json", "--time", f"{args.seconds}s", *options(*where)]))["images_per_second"]


def pytorch(args, where, layout):
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "pytorch.json"
        text = output([sys.executable, str(SCRIPT), "--device", "cpu", "--precision", "fp32", "--layout", layout,
                       "--seconds", str(args.seconds), "--out", str(path), *options(*where)])
        speed = json.loads(path.read_text())["modes"]["fp32"]["eager"]
    if speed is None:
        sys.exit(f"PyTorch, {layout}: {text.strip()}")
    return speed


PROGRAMS = {
    "largestep": largestep,
    "channels_last": lambda args, where: pytorch(args, where, "channels_last"),
    "contiguous": lambda args, where: pytorch(args, where, "contiguous"),
}


def measure(args, where):
    speeds = {name: [] for name in PROGRAMS}
    for _ in range(args.rounds):
        for name, program in PROGRAMS.items():
            speeds[name].append(program(args, where))
    medians = {name: statistics.median(s) for name, s in speeds.items()}
    ratio = medians["largestep"] / max(medians["channels_last"], medians["contiguous"])
    return {"width": where[0], "batch": where[1], "threads": where[2], "images_per_second": speeds, "medians": medians, "ratio": ratio}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--settings", nargs="+", type=setting, default=SETTINGS, metavar="WIDTH,BATCH,THREADS")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=5, help="of each run")
    parser.add_argument("--largestep", default="./largestep", help="the program")
    parser.add_argument("--out", help="JSON file")
    args = parser.parse_args()
    row = "{:>5}  {:>5}  {:>7}  {:>9}  {:>13}  {:>10}  {:>5}"
    print(f"images/s, medians of {args.rounds} runs of {args.seconds:g} s in turn\n")
    print(row.format("width", "batch", "threads", "largestep", "channels_last", "contiguous", "ratio"), flush=True)
    results = []
    for where in args.settings:
        results.append(measure(args, where))
        medians = results[-1]["medians"]
        print(row.format(*where, *(f"{medians[name]:.0f}" for name in PROGRAMS), f"{results[-1]['ratio']:.2f}"), flush=True)
        if args.out:
            pathlib.Path(args.out).write_text(json.dumps(results, indent=2) + "\n")


if __name__ == "__main__":
    main()
