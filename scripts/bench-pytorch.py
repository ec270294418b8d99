#!/usr/bin/env python3
"""Measure PyTorch's whole training step of ResNet-18, as "largestep bench" does.

The same work: pick a mini-batch by index from images that lie on the device as
bytes, forward, cross-entropy, backward, SGD with weight decay. channels_last;
bf16 by autocast, TF32 and fp32; eager, as a CUDA graph, and with torch.compile
(whose mode max-autotune-no-cudagraphs is captured as a graph too). Prints the
images per second of the fastest group of steps, and writes them as JSON.
"""

import argparse
import importlib.util
import json
import pathlib
import time

import torch
import torch.nn.functional as F

WEIGHT_DECAY, STEP_SIZE = 5e-4, 0.01


def load_model(width):
    path = pathlib.Path(__file__).with_name("compare-pytorch.py")
    spec = importlib.util.spec_from_file_location("compare_pytorch", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.ResNet18(width)


def make_step(args, precision, compiled):
    """A function that takes one step on fixed memory."""
    torch.manual_seed(0)
    device = args.device
    model = load_model(args.width).to(device=device, memory_format=torch.channels_last).train()
    images = torch.randint(0, 256, (2 * args.batch, 3, 32, 32), dtype=torch.uint8, device=device)
    labels = torch.randint(0, 10, (2 * args.batch,), device=device)
    index = torch.randperm(2 * args.batch, device=device)[: args.batch]
    optimizer = torch.optim.SGD(model.parameters(), STEP_SIZE, weight_decay=WEIGHT_DECAY, fused=device != "cpu")
    forward = torch.compile(model, mode="max-autotune-no-cudagraphs") if compiled else model

    def step():
        optimizer.zero_grad(set_to_none=True)
        x = (images[index].float() / 255).contiguous(memory_format=torch.channels_last)
        with torch.autocast(device, dtype=torch.bfloat16, enabled=precision == "bf16"):
            loss = F.cross_entropy(forward(x).float(), labels[index])
        loss.backward()
        optimizer.step()

    return step


def captured(step):
    """The step as a CUDA graph."""
    side = torch.cuda.Stream()
    side.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(side):
        for _ in range(5):
            step()
    torch.cuda.current_stream().wait_stream(side)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        step()
    return graph.replay


def rate(args, step):
    """Images per second in the fastest group of steps of about 0.1 s."""
    wait = torch.cuda.synchronize if args.device == "cuda" else lambda: None
    for _ in range(5):
        step()
    wait()
    start = time.perf_counter()
    step()
    wait()
    group = max(1, int(0.1 / (time.perf_counter() - start)))
    best, end = float("inf"), time.perf_counter() + args.seconds
    while time.perf_counter() < end or best == float("inf"):
        start = time.perf_counter()
        for _ in range(group):
            step()
        wait()
        best = min(best, (time.perf_counter() - start) / group)
    return args.batch / best


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--width", type=int, default=64)
    parser.add_argument("--batch", type=int, default=256)
    parser.add_argument("--seconds", type=float, default=10, help="for each mode")
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--precision", nargs="+", default=["bf16", "tf32", "fp32"])
    parser.add_argument("--out", help="JSON file")
    args = parser.parse_args()
    torch.backends.cudnn.benchmark = True
    modes = ["eager"]
    if args.device == "cuda":
        modes += ["CUDA graph", "compile and CUDA graph"]
    result = {
        "torch": torch.__version__, "cudnn": torch.backends.cudnn.version(),
        "device": torch.cuda.get_device_name() if args.device == "cuda" else args.device,
        "width": args.width, "batch": args.batch, "modes": {},
    }
    for mode in modes:
        for precision in args.precision:
            torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = precision != "fp32"
            rates = result["modes"].setdefault(precision, {})
            try:
                step = make_step(args, precision, "compile" in mode)
                if "graph" in mode:
                    step = captured(step)
                rates[mode] = rate(args, step)
                print(f"{precision} {mode}: {rates[mode]:.0f} images/s", flush=True)
            except Exception as e:  # torch.compile needs a C compiler and Triton; go on with the other modes
                print(f"{precision} {mode}: {type(e).__name__}: {e}", flush=True)
            if args.out:  # what is measured is kept if time runs out
                pathlib.Path(args.out).write_text(json.dumps(result, indent=2) + "\n")


if __name__ == "__main__":
    main()
