#!/usr/bin/env python3
"""Write the files beside this one, by PyTorch, and expected.json: what is in them.

    pip install torch torchvision pytorch-lightning
    train/pytorch/testdata/fixtures.py

The committed ones are of torch 2.15.0, torchvision 0.29.2 and Lightning 2.6.6.
"""

import argparse
import datetime
import json
import os
import pathlib
import tempfile

import numpy as np
import pytorch_lightning
import torch
import torch.nn as nn
import torchvision
from torch.optim.swa_utils import AveragedModel

FOLDER = pathlib.Path(__file__).parent
expected = {}


def net():
    """A small net of every kind of parameter; element i of each tensor is i/8 - 1."""
    model = nn.Sequential()
    model.add_module("conv1", nn.Conv2d(2, 3, 2, bias=False))
    model.add_module("bn1", nn.BatchNorm2d(3))
    model.add_module("linear", nn.Linear(3, 2))
    return filled(model)


def filled(model):
    for t in model.state_dict().values():
        t.copy_(count(*t.shape) if t.is_floating_point() else torch.tensor(7))
    return model


def count(*shape):
    return torch.arange(torch.Size(shape).numel()).reshape(shape) / 8 - 1


def save(name, value, tensors=None, under="", **options):
    """Save a value, in which the tensors lie under these keys."""
    torch.save(value, FOLDER / name, **options)
    if tensors is None:  # it is refused
        return
    expected[name] = {
        "under": under,
        "tensors": [
            {"name": k, "dtype": str(t.dtype).removeprefix("torch."), "shape": list(t.shape), "values": t.flatten().tolist()}
            for k, t in tensors.items()
        ],
    }


def save_state(name, state, **options):
    save(name, state, state, **options)


def taken():
    """Files that are read."""
    model = net()
    state = model.state_dict()
    save_state("plain.pth", state)
    save_state("dataparallel.pth", nn.DataParallel(net()).state_dict())
    save_state("compiled.pth", torch.compile(net()).state_dict())
    save_state("averaged.pth", AveragedModel(net()).state_dict())
    save_state("protocol4.pth", state, pickle_protocol=4)
    save_state("formats.pth", {
        str(f).removeprefix("torch."): count(2, 2).to(f)
        for f in [torch.float16, torch.bfloat16, torch.float32, torch.float64, torch.int64]
    })
    x = count(4, 6)
    save_state("views.pth", {
        "whole": x, "transposed": x.T, "rows": x[1:3], "columns": x[:, 2:4], "every third": x.flatten()[1::3], "one": x[3, 5],
        "empty": x[:0], "channels last": count(2, 3, 2, 2).to(memory_format=torch.channels_last), "tied": x, "diagonal": x.diagonal(),
    })
    extra = count(2)
    extra.note = "an attribute"
    save_state("parameters.pth", {"parameter": nn.Parameter(count(2)), "buffer": nn.Buffer(count(3)), "extra": extra})
    save("net.pth", {"net": nn.DataParallel(net()).state_dict(), "acc": 93.5, "epoch": 7}, nn.DataParallel(net()).state_dict(), "net")
    save("last.pth", {"last": state, "best": state}, state, "last")
    save("nested.pth", {"model": {"state_dict": state}}, state, "model.state_dict")
    torch.serialization.set_crc32_options(False)
    save_state("unchecked.pth", state)
    torch.serialization.set_crc32_options(True)
    torchvision_names()
    training(model)
    lightning()


def torchvision_names():
    """The names of torchvision's ResNet-18, but for most blocks, with fewer channels."""
    state = torchvision.models.resnet18(num_classes=2).state_dict()
    save_state("torchvision.pth", {
        k: count(*[min(n, 2) for n in t.shape]) for k, t in state.items()
        if not k.startswith("layer") or k.startswith("layer2.0")
    })


def training(model):
    """What training programs keep beside the weights."""
    optimizer = torch.optim.SGD(model.parameters(), 0.1, momentum=0.9)
    for p in model.parameters():
        p.grad = torch.zeros_like(p)
    optimizer.step()
    save("training.pt", {
        "epoch": 3, "loss": 0.25, "large": 2**70, "negative": -(2**40), "name": "été", "done": True, "nothing": None,
        "args": argparse.Namespace(lr=0.1, layers=[1, 2]), "when": datetime.datetime(2026, 1, 2), "path": pathlib.PurePosixPath("a"),
        "seen": {1, 2}, "raw": b"\x00\xff", "device": torch.device("cpu"), "dtype": torch.uint8, "size": torch.Size([2, 3]),
        "random": torch.ones(3, dtype=torch.uint8), "best": np.float64(0.5), "array": np.ones(2),
        "optimizer_state_dict": optimizer.state_dict(),
        "model_state_dict": model.state_dict(),
    }, model.state_dict(), "model_state_dict")


class Lightning(pytorch_lightning.LightningModule):
    def __init__(self, lr=0.1, widths=(1, 2)):
        super().__init__()
        self.save_hyperparameters()
        self.model = filled(nn.Sequential(nn.Linear(2, 1)))

    def training_step(self, batch):
        return self.model(batch).square().mean()

    def configure_optimizers(self):
        optimizer = torch.optim.SGD(self.parameters(), self.hparams.lr, momentum=0.9)
        return [optimizer], [torch.optim.lr_scheduler.MultiStepLR(optimizer, [3])]


def lightning():
    with tempfile.TemporaryDirectory() as folder:
        trainer = pytorch_lightning.Trainer(
            max_epochs=1, accelerator="cpu", default_root_dir=folder, logger=False, enable_progress_bar=False,
            enable_model_summary=False, enable_checkpointing=False)
        model = Lightning()
        trainer.fit(model, torch.utils.data.DataLoader(torch.ones(2, 2)))
        trainer.save_checkpoint(FOLDER / "lightning.ckpt")
    saved = torch.load(FOLDER / "lightning.ckpt", weights_only=True)
    save("lightning.ckpt", saved, saved["state_dict"], "state_dict")


class Malicious:
    def __reduce__(self):
        return os.system, ("touch owned",)


def refused():
    state = net().state_dict()
    save("malicious.pth", {"state_dict": state, "x": Malicious()})
    save("module.pth", net())
    save("legacy.pth", state, _use_new_zipfile_serialization=False)
    save("two.pth", {"model": state, "net": net().state_dict()})
    save("optimizer.pth", {"epoch": 3, "optimizer": {"lr": 0.1}})
    save("tensor.pth", count(2))
    save("int32.pth", {"x": count(2).int()})
    save("uint16.pth", {"x": count(2).abs().to(torch.uint16)})
    save("expanded.pth", {"x": count(1).expand(9)})
    save("negated.pth", {"x": torch.ones(2, dtype=torch.complex64).conj().imag})
    save("sparse.pth", {"x": count(3).to_sparse()})
    save("meta.pth", {"x": torch.ones(3, device="meta")})
    torch.jit.save(torch.jit.script(nn.Linear(1, 1)), FOLDER / "script.pt")


if __name__ == "__main__":
    taken()
    refused()
    lines = ",\n".join(f"{json.dumps(name)}: {json.dumps(content)}" for name, content in expected.items())
    (FOLDER / "expected.json").write_text("{\n" + lines + "\n}\n")
