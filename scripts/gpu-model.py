#!/usr/bin/env python3
"""Predict the time of a training step of ResNet-18 on a GPU, kernel by kernel.

    scripts/gpu-model.py [--rates FILE] [--with NAMES] [--width 64] [--batch 256]

Memory-bound kernels take their bytes over the memory's rate, or the second-level
cache's for what lies there; a convolution takes the longer of that and its
operations over a rate that depends on its channels. The default rates are guesses
and are printed as such. FILE, in JSON, has those that were measured, with the names
and units of RATES below: scripts/gpu-h100.json has an H100's, of the fastest plan of
each convolution of "largestep bench --engine cuda --precision bf16 --batch 256" in
its LARGESTEP_CUDA_LOG. NAMES are changes to the engine, with commas
between them, that the step is predicted with; what each other change gains is
counted beside them. Of alternatives each layer takes the fastest.
"""

import argparse
import json

RATES = {
    "memory": (2.85e12, "bytes/s, sustained"),
    "cache": (5.5e12, "bytes/s from the second-level cache"),
    "cached": (40e6, "bytes of an activation that the cache still has"),
    "kernel": (2e-6, "s from one kernel's end to the next one's beginning"),
    "dependent": (1e-6, "s, the same with programmatic dependent launch"),
    "tail": (3.5e-6, "s at the end of a sum over all blocks"),
    "meeting": (1.5e-6, "s for blocks that meet inside a kernel"),
    "chip": (25e6, "bytes that all blocks keep in shared memory"),
    "padded": (60e12, "operations/s of the first convolution, with 8 channels"),
    "pointwise": (0.6, "rate of 1x1 filters over that of 3x3"),
    "data": (0.95, "rate of gradients of data over forward"),
    "strided": (0.6, "the same at stride 2"),
    "filter": (0.75, "rate of gradients of filters over forward"),
    "other": (30e-6, "s for pooling, linear layer and loss"),
}
CONVOLUTION = {64: 330e12, 128: 480e12, 256: 560e12, 512: 580e12}  # operations/s, forward, by the fewer channels
BF16 = 2  # bytes


def read_rates(path):
    """Rates by name, and the names of those that are guesses."""
    measured = json.load(open(path)) if path else {}
    rates = {name: float(measured.get(name, value)) for name, (value, _) in RATES.items()}
    table = {int(c): float(r) for c, r in measured.get("convolution", {}).items()}
    rates["convolution"] = {**CONVOLUTION, **table}
    unknown = set(measured) - set(RATES) - {"convolution", "card"}
    if unknown:
        raise SystemExit(f"{path}: no rate is called {', '.join(sorted(unknown))}")
    guesses = [name for name in RATES if name not in measured]
    return rates, guesses, sorted(set(CONVOLUTION) - set(table)), measured.get("card", "an H100 as guessed")


def layers(width):
    """Convolutions of a ResNet-18 for CIFAR: input and output channels, input side,
    filter size, stride, whether a residual is added behind its batch norm, and whether
    the gradient of what follows is that of a convolution of stride 1."""
    yield 8, width, 32, 3, 1, False, True
    channels, side = width, 32
    for stage in range(4):
        out = width << stage
        for block in range(2):
            stride = 2 if stage > 0 and block == 0 else 1
            yield channels, out, side, 3, stride, False, True
            yield out, out, side // stride, 3, 1, True, block == 0
            if stride == 2:
                yield channels, out, side, 1, 2, False, False
            channels, side = out, side // stride


def nearest(table, channels):
    return table[min(table, key=lambda c: abs(c - channels))]


class Step:
    """The seconds and bytes of a step, by kinds of kernels."""

    def __init__(self, rates, width, batch, changes=()):
        self.rates, self.changes, self.times, self.bytes, self.kernels = rates, changes, {}, {}, {}
        for number, layer in enumerate(layers(width)):
            self.convolutions(batch, layer, number == 0)
            self.norm_forward(batch, layer)
            self.norm_backward(batch, layer)
        weights = sum(ci * co * k * k for ci, co, _, k, _, _, _ in layers(width))
        self.add("other", self.kernel(12 * weights, 10 * self.gap() + rates["other"]))  # w, its gradient and copy

    def kernel(self, bytes_, seconds, cached=0, kernels=1):
        """The seconds, bytes and number of kernels."""
        cached = min(cached, bytes_)
        seconds += (bytes_ - cached) / self.rates["memory"] + cached / self.rates["cache"]
        return seconds, bytes_, kernels

    def add(self, kind, kernel):
        for table, value in zip((self.times, self.bytes, self.kernels), kernel):
            table[kind] = table.get(kind, 0) + value

    def fastest(self, ways):
        """Adds the fastest of ways, each of which has kernels by their kinds."""
        for kind, kernel in min(ways, key=lambda way: sum(seconds for seconds, _, _ in way.values())).items():
            self.add(kind, kernel)

    def gap(self):
        return self.rates["dependent" if "dependent" in self.changes else "kernel"]

    def tail(self):
        return 0.5e-6 if "tails" in self.changes else self.rates["tail"]

    def convolutions(self, batch, layer, first):
        r = self.rates
        ci, co, side, size, stride, _, _ = layer
        x, y, w = batch * side**2 * ci * BF16, batch * (side // stride) ** 2 * co * BF16, ci * co * size**2 * BF16
        rate = r["padded"] if first else nearest(r["convolution"], min(ci, co)) * (r["pointwise"] if size == 1 else 1)
        operations = 2 * batch * (side // stride) ** 2 * ci * co * size**2
        for kind, factor in ("forward", 1), ("data", r["data" if stride == 1 else "strided"]), ("filter", r["filter"]):
            if kind == "data" and first:
                continue
            if kind == "filter" and "filter" in self.changes:
                factor = 1
            bytes_ = x + y + w * (2 if kind == "filter" else 1)
            rest = max(0, operations / (rate * factor) - bytes_ / r["memory"])  # the longer of the two
            self.add("convolution, " + kind, self.kernel(bytes_, rest + r["kernel"]))

    def norm_forward(self, batch, layer):
        r = self.rates
        _, co, side, _, stride, residual, _ = layer
        y = batch * (side // stride) ** 2 * co * BF16
        kept, half, total = min(y, r["chip"]), min(y, r["cached"] / 2), (3 if residual else 2) * y
        apply = self.kernel(total, self.gap(), half)
        ways = [{"statistics": self.kernel(y, self.gap() + self.tail(), half), "apply": apply}]
        if "statistics" in self.changes:
            ways.append({"apply": apply})
        if "cooperative" in self.changes:
            ways.append({"statistics": self.kernel(y, r["meeting"], half, 0), "apply": self.kernel(total - kept, self.gap(), min(half, y - kept))})
        self.fastest(ways)

    def norm_backward(self, batch, layer):
        r = self.rates
        _, co, side, _, stride, residual, fits = layer
        y = batch * (side // stride) ** 2 * co * BF16
        kept, half, less, total = min(2 * y, r["chip"]), min(y, r["cached"] / 2), min(y, 0.4 * r["cached"]), (4 if residual else 2) * y
        if residual and "bits" in self.changes:
            total -= y * 15 // 16
        gradient = self.kernel(3 * y, self.gap(), half)
        ways = [{"sums": self.kernel(total, self.gap() + self.tail(), less), "gradient": gradient}]
        if "gradient" in self.changes and fits:
            ways.append({"sums": self.kernel(y, 0, 0, 0), "gradient": gradient})  # x, read by the convolution
        if "cooperative" in self.changes:
            ways.append({"sums": self.kernel(total, r["meeting"], less, 0), "gradient": self.kernel(3 * y - kept, self.gap(), min(half, 2 * y - kept))})
        self.fastest(ways)

    def seconds(self):
        return sum(self.times.values())


CHANGES = {
    "cooperative": "batch norm as one kernel in each direction, kept on the chip",
    "statistics": "the forward convolution makes batch norm's sums",
    "gradient": "the gradient of data masks, and makes both sums",
    "tails": "sums over all blocks end in 0.5 µs",
    "dependent": "programmatic dependent launch",
    "bits": "the residual's mask in bits",
    "filter": "gradients of filters as fast as forward",
}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rates", help="measured rates, in JSON")
    parser.add_argument("--with", dest="there", default="", help="changes that are there: some of " + ",".join(CHANGES))
    parser.add_argument("--width", type=int, default=64)
    parser.add_argument("--batch", type=int, default=256)
    options = parser.parse_args()
    rates, guesses, channels, card = read_rates(options.rates)
    there = set(filter(None, options.there.split(",")))
    if there - set(CHANGES):
        parser.error(f"no change is called {', '.join(sorted(there - set(CHANGES)))}")
    step = Step(rates, options.width, options.batch, there)
    print(f"{card}: ResNet-18 of width {options.width}, batch {options.batch}, bf16; a prediction, not a measurement")
    print(f"{'':<26}{'kernels':>8}{'GB':>8}{'ms':>8}")
    for kind, seconds in step.times.items():
        print(f"{kind:<26}{step.kernels[kind]:>8}{step.bytes[kind] / 1e9:>8.2f}{1e3 * seconds:>8.3f}")
    total = step.seconds()
    print(f"{'step':<26}{'':>8}{sum(step.bytes.values()) / 1e9:>8.2f}{1e3 * total:>8.3f}   {options.batch / total:.0f} images/s")
    print("\nwhat a change gains, ms")
    for name, text in CHANGES.items():
        gain = total - Step(rates, options.width, options.batch, there | {name}).seconds()
        if name not in there:
            print(f"{1e3 * gain:8.3f}  {name}: {text}")
    print("\nguessed, not measured:")
    for name in guesses:
        print(f"  {name} = {rates[name]:g} {RATES[name][1]}")
    for c in channels:
        print(f"  convolution {c} = {rates['convolution'][c]:g} operations/s forward with {c} channels")


if __name__ == "__main__":
    main()
