#!/usr/bin/env python3
"""Print what scripts/gpu-check left in a folder as one table."""

import json
import pathlib
import re
import sys

WANTED = 1.3  # times PyTorch's best mode


def text(path):
    return path.read_text(errors="replace").strip() if path.exists() else ""


def read(path):
    try:
        return json.loads(path.read_text())
    except (OSError, ValueError):
        return None


def compare(folder, torch):
    """Rows of the table, and what is wrong with them."""
    rows, problems = [], []
    for precision in ["bf16", "tf32", "fp32"]:
        theirs = torch["modes"].get(precision, {})
        for mode, rate in theirs.items():
            rows.append((f"PyTorch {precision}, {mode}", rate, None))
            if rate is None and precision != "fp32":
                problems.append(f"PyTorch {precision}, {mode}, was not measured: it may be its best mode")
        ours = read(folder / f"bench-{precision}.json")
        rate = ours and ours["images_per_second"]
        best = max((r for r in theirs.values() if r), default=None)
        ratio = rate / best if rate and best else None
        rows.append((f"largestep {precision}", rate, ratio))
        if precision == "fp32":
            continue
        if rate is None:
            problems.append(f"no benchmark of {precision}")
        elif ratio is None:
            problems.append(f"PyTorch was not measured in {precision}")
        elif ratio < WANTED:
            problems.append(f"{precision} is {ratio:.2f} times PyTorch, not {WANTED}")
    return rows, problems


def main():
    folder = pathlib.Path(sys.argv[1])
    torch = read(folder / "pytorch.json") or {"modes": {}}
    rows, problems = compare(folder, torch)

    tests = text(folder / "conformance.txt")
    passed, failed, skipped = (len(re.findall(rf"--- {word}", tests)) for word in ["PASS", "FAIL", "SKIP"])
    print(f"\nconformance tests: {passed} passed, {failed} failed, {skipped} skipped")
    for name in re.findall(r"--- FAIL: (\S+)", tests)[:10]:
        print("  failed:", name)
    if failed or not passed or text(folder / "conformance.status") != "0":
        problems.append("the conformance tests failed or did not end")
    if text(folder / "train.status") != "0":
        problems.append("the training failed or did not end")

    print(f"{'whole training step':<40}{'images/s':>14}{'times PyTorch':>16}")
    for name, rate, ratio in rows:
        shown = "not measured" if rate is None else f"{rate:.0f}"
        print(f"{name:<40}{shown:>14}{'' if ratio is None else f'{ratio:.2f}':>16}")
    if "device" in torch:
        print(f"PyTorch {torch['torch']}, cuDNN {torch['cudnn']}, {torch['device']}")
    print((text(folder / "engines.txt").splitlines() or ["no engines"])[0])
    ours = read(folder / "bench-bf16.json")
    if ours:
        kernels = ", ".join(f"{k['name']} {100 * k['share']:.0f} %" for k in ours["kernels"][:6])
        print(f"bf16, each kernel waited for: {kernels}")
    print("training:", (text(folder / "train.txt").splitlines() or ["no output"])[-1])
    print("\n".join(f"NOT ok: {p}" for p in problems) if problems else "ok")


if __name__ == "__main__":
    main()
