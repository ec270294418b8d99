#!/usr/bin/env python3
"""Print what scripts/gpu-check has found so far, from its folder of results."""

import json
import os
import pathlib
import re
import sys

# A step in bf16 is to be this many times as fast as PyTorch's eager step in a CUDA
# graph; in bf16 and TF32 it is to be faster than PyTorch's best mode.
WANTED, EAGER = 1.3, "CUDA graph"
OPTIONAL = {"sanitizer", "each-kernel", "cudnn-log", "ptxas", "kernel-times", "alternatives", "bench-apart", "bench-fused",
            "torch-max-bf16", "torch-max-tf32", "facts"}  # facts-again follows, or the rest fails


def text(path):
    return path.read_text(errors="replace").strip() if path.exists() else ""


def read(path):
    try:
        return json.loads(path.read_text())
    except (OSError, ValueError):
        return {}


def torch_modes(folder, precision):
    """Images/s by PyTorch's modes; None for one that was not measured."""
    modes = dict.fromkeys(["CUDA graph", "compile, CUDA graph", "max-autotune, CUDA graph"])
    for path in sorted(folder.glob(f"pytorch-{precision}-*.json")):
        modes.update(read(path).get("modes", {}).get(precision, {}))
    return modes


def compare(folder, precision):
    """Rows of the table for a precision, and what is wrong with them."""
    modes = torch_modes(folder, precision)
    rows = [(f"PyTorch {precision}, {mode}", rate, None) for mode, rate in modes.items()]
    rate = read(folder / f"bench-{precision}.json").get("images_per_second")
    best = max(filter(None, modes.values()), default=None)
    rows.append((f"largestep {precision}", rate, rate / best if rate and best else None))
    problems = [f"PyTorch {precision}, {mode}, was not measured: it may be the best" for mode, r in modes.items() if r is None]
    if precision == "fp32":
        return rows, []
    if not rate:
        problems.append(f"no benchmark of {precision}")
    elif not best:
        problems.append(f"PyTorch was not measured in {precision}")
    elif rate <= best:
        problems.append(f"{precision} is {rate / best:.2f} times PyTorch's best mode")
    eager = modes.get(EAGER)
    if precision == "bf16" and rate and eager and rate < WANTED * eager:
        problems.append(f"bf16 is {rate / eager:.2f} times PyTorch's {EAGER}, not {WANTED}")
    return rows, problems


def stages(folder):
    """Each stage's name, status and seconds, and what is wrong with them."""
    list_ = [line.split("\t") for line in text(folder / "stages.tsv").splitlines()]
    problems = [f"stage {name}: {'not reached' if status == 'skipped' else f'status {status}'}"
                for name, status, _ in list_ if status != "0" and name not in OPTIONAL]
    return list_, problems


def main():
    folder = pathlib.Path(sys.argv[1])
    list_, problems = stages(folder)
    print("stages:", ", ".join(f"{name} {status} in {seconds} s" for name, status, seconds in list_))

    tests = text(folder / "tests.log")
    passed, failed, skipped = (len(re.findall(rf"--- {word}", tests)) for word in ["PASS", "FAIL", "SKIP"])
    print(f"tests: {passed} passed, {failed} failed, {skipped} skipped")
    for name in re.findall(r"--- FAIL: (\S+)", tests)[:10]:
        print("  failed:", name)
    if not passed:
        problems.append("no test has passed")

    print(f"{'whole training step':<40}{'images/s':>14}{'times PyTorch':>16}")
    for precision in ["bf16", "tf32", "fp32"]:
        rows, wrong = compare(folder, precision)
        problems += wrong
        if precision == "bf16":
            for value, name in ("0", "apart"), ("1", "fused"):
                rows.append((f"largestep bf16, LARGESTEP_CUDA_FUSE={value}", read(folder / f"bench-{name}.json").get("images_per_second"), None))
        for name, rate, ratio in rows:
            shown = "not measured" if rate is None else f"{rate:.0f}"
            print(f"{name:<40}{shown:>14}{'' if ratio is None else f'{ratio:.2f}':>16}")
    torch = read(folder / "pytorch-bf16-graph.json")
    if "device" in torch:
        print(f"PyTorch {torch['torch']}, cuDNN {torch['cudnn']}, {torch['device']}")
    facts = text(folder / "facts-again.log") or text(folder / "facts.log")
    print(next((line for line in facts.splitlines() if line.startswith("cuda ")), "no GPU listed"))
    kernels = read(folder / "bench-bf16.json").get("kernels", [])
    print("bf16, each kernel waited for:", ", ".join(f"{k['name']} {100 * k['share']:.0f} %" for k in kernels[:6]))
    batch = os.environ.get("batch", "256")  # which gpu-check exports; of others are tests
    for line in text(folder / "plans.log").splitlines():
        if "\tchosen: " in line and f" {batch}x" in line:
            _, precision, kernel, _, way, _, _, outcome = line.split("\t")
            print(f"{precision} {kernel}: {way}, {outcome}")
    print("\n".join(line for line in text(folder / "losses.log").splitlines() if line.startswith("losses")))
    print("training:", (text(folder / "train.log").splitlines() or ["no output"])[-1])
    print("\n".join(f"NOT ok: {p}" for p in problems) if problems else "ok")


if __name__ == "__main__":
    main()
