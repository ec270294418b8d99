#!/usr/bin/env python3
"""Measure whole training steps of ResNet-18 on the CPU, largestep's beside PyTorch's.

For each width, mini-batch, number of threads and number format the two programs run in
turn, largestep, PyTorch in channels_last and PyTorch contiguous (NCHW), and again. Each
run gives the images per second of its fastest step; printed are the medians over the
rounds, and how many times as fast largestep is as the better of PyTorch's two layouts.
bf16 is PyTorch's autocast. Run it with a Python that has PyTorch, on a machine that does
nothing else. With --busy that does so many endless loops, largestep's steps alone are
measured, and it is the median of them that counts:

    go build ./cmd/largestep
    scripts/bench-cpu.py
    scripts/bench-cpu.py --settings 16,64,2 64,64,2,bf16 --seconds 2 --out cpu.json
    scripts/bench-cpu.py --settings 16,64,2 16,64,1 --busy 1
"""

import argparse
import atexit
import json
import pathlib
import signal
import statistics
import subprocess
import sys
import tempfile

# width, batch, threads, number format
SETTINGS = [(64, 64, 2, "fp32"), (64, 64, 1, "fp32"), (32, 128, 2, "fp32"), (16, 64, 2, "fp32"), (16, 64, 1, "fp32"), (8, 32, 2, "fp32"),
            (64, 64, 2, "bf16"), (64, 64, 1, "bf16"), (16, 64, 2, "bf16")]
SCRIPT = pathlib.Path(__file__).with_name("bench-pytorch.py")


def setting(text):
    *values, precision = text.split(",") if text.endswith("bf16") else (text + ",fp32").split(",")
    values = tuple(int(v) for v in values)
    if len(values) != 3 or min(values) < 1 or precision not in ("fp32", "bf16"):
        raise argparse.ArgumentTypeError(f"{text}: want WIDTH,BATCH,THREADS or WIDTH,BATCH,THREADS,bf16")
    return (*values, precision)


def output(command):
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{' '.join(command)}: exit status {done.returncode}\n{done.stderr.strip()}")
    return done.stdout


def options(width, batch, threads, precision):
    return ["--width", str(width), "--batch", str(batch), "--threads", str(threads), "--precision", precision]


def largestep(args, where):
    r = json.loads(output([args.largestep, "bench", "--engine", "cpu", "--json", "--time", f"{args.seconds}s", *options(*where)]))
    return where[1] / r["median_seconds_per_step"] if args.busy else r["images_per_second"]


def pytorch(args, where, layout):
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "pytorch.json"
        text = output([sys.executable, str(SCRIPT), "--device", "cpu", "--layout", layout,
                       "--seconds", str(args.seconds), "--out", str(path), *options(*where)])
        speed = json.loads(path.read_text())["modes"][where[3]]["eager"]
    if speed is None:
        sys.exit(f"PyTorch, {layout}: {text.strip()}")
    return speed


PROGRAMS = {  # with --busy the first alone
    "largestep": largestep,
    "channels_last": lambda args, where: pytorch(args, where, "channels_last"),
    "contiguous": lambda args, where: pytorch(args, where, "contiguous"),
}


def measure(args, where):
    speeds = {name: [] for name in list(PROGRAMS)[: 1 if args.busy else None]}
    for _ in range(args.rounds):
        for name in speeds:
            speeds[name].append(PROGRAMS[name](args, where))
    medians = {name: statistics.median(s) for name, s in speeds.items()}
    ratio = None if args.busy else medians["largestep"] / max(medians["channels_last"], medians["contiguous"])
    return {"width": where[0], "batch": where[1], "threads": where[2], "precision": where[3], "images_per_second": speeds, "medians": medians, "ratio": ratio}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--settings", nargs="+", type=setting, default=SETTINGS, metavar="WIDTH,BATCH,THREADS[,bf16]")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=5, help="of each run")
    parser.add_argument("--busy", type=int, default=0, metavar="N", help="endless loops beside")
    parser.add_argument("--largestep", default="./largestep", help="the program")
    parser.add_argument("--out", help="JSON file")
    args = parser.parse_args()
    row = "{:>5}  {:>5}  {:>7}  {:>6}  {:>9}  {:>13}  {:>10}  {:>5}"
    print(f"images/s, medians of {args.rounds} runs of {args.seconds:g} s in turn\n")
    print(row.format("width", "batch", "threads", "format", "largestep", "channels_last", "contiguous", "ratio"), flush=True)
    results = []
    loops = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(args.busy)]
    atexit.register(lambda: [loop.kill() for loop in loops])
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    for where in args.settings:
        results.append(measure(args, where))
        medians = results[-1]["medians"]
        ratio = results[-1]["ratio"]
        print(row.format(*where, *(f"{medians[name]:.0f}" if name in medians else "–" for name in PROGRAMS), f"{ratio:.2f}" if ratio else "–"), flush=True)
        if args.out:
            pathlib.Path(args.out).write_text(json.dumps(results, indent=2) + "\n")


if __name__ == "__main__":
    main()
