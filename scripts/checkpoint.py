"""Read and write safetensors files where that package is not installed: the length
of a JSON header in 8 bytes, the header, and the numbers, tensor after tensor."""

import json
import pathlib
import struct

import torch

TYPES = {"F32": torch.float32, "I64": torch.int64}


def load_file(path):
    raw = pathlib.Path(path).read_bytes()
    (length,) = struct.unpack("<Q", raw[:8])
    header, data = json.loads(raw[8 : 8 + length]), bytearray(raw[8 + length :])
    header.pop("__metadata__", None)
    tensors = {}
    for name, t in header.items():
        first, end = t["data_offsets"]
        numbers = torch.frombuffer(data, dtype=torch.uint8)[first:end].clone()
        tensors[name] = numbers.view(TYPES[t["dtype"]]).reshape(t["shape"])
    return tensors


def save_file(tensors, path):
    header, data, end = {}, [], 0
    for name, t in tensors.items():
        data.append(t.contiguous().numpy().tobytes())
        first, end = end, end + len(data[-1])
        dtype = next(word for word, dtype in TYPES.items() if dtype == t.dtype)
        header[name] = {"dtype": dtype, "shape": list(t.shape), "data_offsets": [first, end]}
    text = json.dumps(header).encode()
    pathlib.Path(path).write_bytes(struct.pack("<Q", len(text)) + text + b"".join(data))
