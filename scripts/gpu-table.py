#!/usr/bin/env python3
"""Print what scripts/gpu-check left in a folder as one table."""

import json
import pathlib
import re
import sys

WANTED = 1.3  # times PyTorch's best mode


def read(path):
    try:
        return json.loads(path.read_text())
    except (OSError, ValueError):
        return None


def main():
    folder = pathlib.Path(sys.argv[1])
    good = True
    tests = (folder / "conformance.txt").read_text()
    passed, failed = len(re.findall(r"--- PASS", tests)), len(re.findall(r"--- FAIL", tests))
    skipped = len(re.findall(r"--- SKIP", tests))
    if failed or not passed or (folder / "conformance.status").read_text().strip() != "0":
        good = False
    print(f"\nconformance tests: {passed} passed, {failed} failed, {skipped} skipped")

    torch = read(folder / "pytorch.json") or {"modes": {}}
    rows = []
    for precision in ["bf16", "tf32", "fp32"]:
        ours = read(folder / f"bench-{precision}.json")
        theirs = torch["modes"].get(precision, {})
        if ours is None:
            good = False
            rows.append((f"largestep {precision}", None, None))
            continue
        rate = ours["images_per_second"]
        for mode, value in theirs.items():
            rows.append((f"PyTorch {precision}, {mode}", value, None))
        ratio = rate / max(theirs.values()) if theirs else None
        if precision != "fp32" and (ratio is None or ratio < WANTED):
            good = False
        rows.append((f"largestep {precision}", rate, ratio))
    print(f"{'whole training step':<34}{'images/s':>12}{'times PyTorch':>16}")
    for name, rate, ratio in rows:
        shown = "failed" if rate is None else f"{rate:.0f}"
        print(f"{name:<34}{shown:>12}{'' if ratio is None else f'{ratio:.2f}':>16}")
    if "device" in torch:
        print(f"PyTorch {torch['torch']}, cuDNN {torch['cudnn']}, {torch['device']}")
    print((folder / "engines.txt").read_text().splitlines()[0])
    train = (folder / "train.txt").read_text().strip().splitlines()
    print("training:", train[-1] if train else "failed")
    print("ok" if good else "NOT ok: a test failed, something is missing, or a step is slower than wanted")


if __name__ == "__main__":
    main()
