#!/usr/bin/env python3
"""Measure PyTorch's whole training step of ResNet-18, as "largestep bench" does.

The same work: pick a mini-batch by index from images that lie on the device as
bytes, forward, cross-entropy, backward, SGD with weight decay. channels_last, or
contiguous with --layout;
bf16 by autocast, TF32 and fp32; eager, as a CUDA graph, and compiled by
torch.compile in two modes and then captured as a CUDA graph. Prints the images
per second of the fastest group of steps, and writes them as JSON after each mode;
what was not measured is null there. Needs nothing but PyTorch.
"""

import argparse
import json
import pathlib
import time

import torch
import torch.nn.functional as F

from resnet18 import ResNet18

WEIGHT_DECAY, STEP_SIZE = 5e-4, 0.01
COMPILED = {"compile, CUDA graph": "default", "max-autotune, CUDA graph": "max-autotune-no-cudagraphs"}
# By what a result is worth, and what takes long last but one.
MODES = {"graph": "CUDA graph", "compile": "compile, CUDA graph", "max-autotune": "max-autotune, CUDA graph", "eager": "eager"}

LAYOUTS = {"channels_last": torch.channels_last, "contiguous": torch.contiguous_format}


def sgd(parameters, device):
    options = {"lr": STEP_SIZE, "weight_decay": WEIGHT_DECAY}
    try:
        return torch.optim.SGD(parameters, fused=device != "cpu", **options)
    except TypeError:  # before PyTorch 2.3
        return torch.optim.SGD(parameters, foreach=True, **options)


def make_step(args, precision, mode):
    """A function that takes one step on fixed memory."""
    torch.manual_seed(0)
    device = args.device
    layout = LAYOUTS[args.layout]
    model = ResNet18(args.width).to(device=device, memory_format=layout).train()
    images = torch.randint(0, 256, (2 * args.batch, 3, 32, 32), dtype=torch.uint8, device=device)
    labels = torch.randint(0, 10, (2 * args.batch,), device=device)
    index = torch.randperm(2 * args.batch, device=device)[: args.batch]
    optimizer = sgd(model.parameters(), device)

    def loss_of(images, labels, index):
        x = images[index].to(torch.float32, memory_format=layout) / 255
        with torch.autocast(device, dtype=torch.bfloat16, enabled=precision == "bf16"):
            logits = model(x)
        return F.cross_entropy(logits.float(), labels[index])

    if mode in COMPILED:
        torch._dynamo.reset()
        loss_of = torch.compile(loss_of, mode=COMPILED[mode])

    def step():
        optimizer.zero_grad(set_to_none=True)
        loss_of(images, labels, index).backward()
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

    def replay():
        graph.replay()

    replay.step = step  # keeps the memory that the graph works on
    return replay


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


# PyTorch's switches for TF32: the old ones with the new one that torch.compile's own
# convolutions look at, or one kind alone, where a version wants no mix.
SWITCHES = ["both", "old", "new"]


def allow_tf32(allowed, switches):
    cudnn, products = torch.backends.cudnn, torch.backends.cuda.matmul
    if switches != "new":
        cudnn.allow_tf32 = products.allow_tf32 = allowed
    if hasattr(cudnn, "fp32_precision"):  # since version 2.9
        cudnn.fp32_precision = "none" if switches == "old" or not allowed else "tf32"
        if switches == "new":
            cudnn.conv.fp32_precision = products.fp32_precision = "tf32" if allowed else "ieee"


def measure(args, precision, mode, switches):
    allow_tf32(precision != "fp32", switches)
    step = make_step(args, precision, mode)
    if "graph" in mode:
        step = captured(step)
    return rate(args, step)


def measured(args, precision, mode):
    """measure, with the first switches that PyTorch takes."""
    for switches in SWITCHES:
        try:
            return measure(args, precision, mode, switches)
        except RuntimeError as e:
            if "legacy and new APIs" not in str(e) or switches == SWITCHES[-1]:
                raise


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--width", type=int, default=64)
    parser.add_argument("--batch", type=int, default=256)
    parser.add_argument("--seconds", type=float, default=10, help="for each mode")
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--precision", nargs="+", default=["bf16", "tf32", "fp32"])
    parser.add_argument("--modes", nargs="+", default=list(MODES), choices=list(MODES))
    parser.add_argument("--layout", default="channels_last", choices=list(LAYOUTS))
    parser.add_argument("--threads", type=int, help="on the CPU; PyTorch's own choice if not given")
    parser.add_argument("--out", help="JSON file")
    args = parser.parse_args()
    if args.threads:
        torch.set_num_threads(args.threads)
    torch.backends.cudnn.benchmark = True
    torch.backends.cudnn.benchmark_limit = 0  # of cuDNN's plans, all
    cuda = args.device == "cuda"
    modes = [MODES[name] for name in args.modes if cuda or name == "eager"]
    result = {
        "torch": torch.__version__, "cudnn": torch.backends.cudnn.version(),
        "device": torch.cuda.get_device_name() if cuda else args.device, "width": args.width, "batch": args.batch,
        "modes": {precision: dict.fromkeys(modes) for precision in args.precision},
    }
    for precision in args.precision:
        for mode in modes:
            try:
                speed = result["modes"][precision][mode] = measured(args, precision, mode)
                print(f"{precision} {mode}: {speed:.0f} images/s", flush=True)
            except Exception as e:  # torch.compile needs a C compiler and Triton; go on with the other modes
                print(f"{precision} {mode}: {type(e).__name__}: {e}", flush=True)
            if args.out:  # what is measured is kept if time runs out
                pathlib.Path(args.out).write_text(json.dumps(result, indent=2) + "\n")


if __name__ == "__main__":
    main()
