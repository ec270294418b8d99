#!/usr/bin/env python3
"""Compare what TensorBoard shows of runs with their other records.

    pip install tensorboard
    go build -o largestep ./cmd/largestep
    scripts/compare-tensorboard.py ./largestep

Trains four tiny runs, one of which diverges, and asks TensorBoard's back end what its
pages ask it: the table of hyperparameters, scalars, histograms, images, texts.
"""

import csv
import io
import json
import math
import pathlib
import subprocess
import sys
import tempfile

import numpy as np
from PIL import Image
from tensorboard.backend.event_processing import data_provider, plugin_event_multiplexer
from tensorboard.context import RequestContext
from tensorboard.data import provider
from tensorboard.plugins import base_plugin
from tensorboard.plugins.hparams import api_pb2, backend_context, get_experiment, list_session_groups
from tensorboard.util import tensor_util

TINY = "resnet18 --dataset made-up --width 4 --train-size 64 --test-size 32 --batch 16 --epochs 3"
RUNS = {
    "a": TINY + " --step-size 0.1 --decay-at 0.4 --log-steps --histograms",
    "b": TINY + " --step-size 0.2 --momentum 0.9 --seed 1",
    "diverged": TINY + " --step-size 1e6 --log-steps",
    "relu": "relu --steps 200 --log-steps --histograms",
}


def train(largestep, folder):
    for name, args in RUNS.items():
        subprocess.run([largestep, "train", *args.split(), "--out", folder / name], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def rows(path):
    return list(csv.DictReader(path.open()))


def same(name, got, want):
    got, want = np.array(got, np.float32), np.array(want, np.float32)
    assert got.shape == want.shape and np.array_equal(got, want, equal_nan=True), f"{name}: {got} instead of {want}"


class Board:
    """What TensorBoard's pages ask its back end for."""

    def __init__(self, folder):
        self.ctx = RequestContext()
        keep_all = {k: 0 for k in ("scalars", "images", "histograms", "tensors")}
        m = plugin_event_multiplexer.EventMultiplexer(size_guidance=keep_all, tensor_size_guidance={k: 10**6 for k in ("scalars", "images", "histograms", "text")})
        m.AddRunsFromDirectory(str(folder))
        m.Reload()
        self.provider = data_provider.MultiplexerDataProvider(m, str(folder))
        self.hparams = backend_context.Context(base_plugin.TBContext(data_provider=self.provider))

    def tags(self, kind, plugin):
        found = getattr(self.provider, f"list_{kind}")(self.ctx, experiment_id="", plugin_name=plugin)
        return {run: set(tags) for run, tags in found.items()}

    def read(self, kind, plugin, run, tag):
        of = provider.RunTagFilter(runs=[run], tags=[tag])
        found = getattr(self.provider, f"read_{kind}")(self.ctx, experiment_id="", plugin_name=plugin, run_tag_filter=of, downsample=10**6)
        return found[run][tag]

    def table(self):
        """The rows and columns of the page HPARAMS."""
        experiment = get_experiment.Handler(self.ctx, self.hparams, "", api_pb2.GetExperimentRequest()).run()
        request = api_pb2.ListSessionGroupsRequest(start_index=0, slice_size=100)
        request.allowed_statuses.extend([api_pb2.STATUS_UNKNOWN, api_pb2.STATUS_SUCCESS, api_pb2.STATUS_FAILURE, api_pb2.STATUS_RUNNING])
        for info in experiment.hparam_infos:
            request.col_params.add().hparam = info.name
        for info in experiment.metric_infos:
            request.col_params.add().metric.CopyFrom(info.name)
        return experiment, list_session_groups.Handler(self.ctx, self.hparams, "", request).run().session_groups


def check_hparams(board, folder):
    experiment, groups = board.table()
    assert {g.sessions[0].name for g in groups} == set(RUNS), [g.sessions[0].name for g in groups]
    differ = {info.name for info in experiment.hparam_infos if info.differs}
    assert {"net", "step_size", "momentum", "seed", "schedule"} <= differ, differ
    for group in groups:
        name = group.sessions[0].name
        config = json.loads((folder / name / "config.json").read_text())
        last = rows(folder / name / "metrics.csv")[-1]
        assert group.hparams["net"].string_value == config["net"]
        assert group.hparams["momentum"].number_value == config["momentum"]
        assert group.hparams["step_size"].number_value == config["schedule"]["phases"][0]["step_size"]
        values = {m.name.tag: m.value for m in group.metric_values}
        for tag, column in {"loss/train": "train_loss", "error/test": "test_error", "active/1": "active_1"}.items():
            if tag in values:
                same(f"{name}: {tag}", values[tag], float(last[column]))
        assert "loss/train" in values, values
        want = api_pb2.STATUS_FAILURE if name == "diverged" else api_pb2.STATUS_SUCCESS
        assert group.sessions[0].status == want, (name, group.sessions[0].status)
        assert group.sessions[0].end_time_secs >= group.sessions[0].start_time_secs > 0
    print(f"hparams: {len(groups)} runs, {len(experiment.hparam_infos)} hyperparameters of which {len(differ)} differ, {len(experiment.metric_infos)} metrics")


def check_scalars(board, folder):
    count = 0
    for run, tags in board.tags("scalars", "scalars").items():
        table = rows(folder / run / "metrics.csv")
        for tag in tags - {"loss/step"}:
            group, _, rest = tag.partition("/")
            column = {"loss": f"{rest}_loss", "error": f"{rest}_error", "schedule": rest, "speed": rest}.get(group, tag.replace("/", "_"))
            diverged = [r for r in table if math.isnan(float(r["train_loss"]))]
            want = [(int(r["step"]), float(r[column])) for r in table if r in diverged or not math.isnan(float(r[column]))]
            got = board.read("scalars", "scalars", run, tag)
            assert [d.step for d in got] == [step for step, _ in want], (run, tag)
            same(f"{run}: {tag}", [d.value for d in got], [v for _, v in want])
            count += len(got)
        if "loss/step" in tags:
            steps = rows(folder / run / "steps.csv")
            got = board.read("scalars", "scalars", run, "loss/step")
            assert [d.step for d in got] == [int(r["step"]) for r in steps], run
            same(f"{run}: loss/step", [d.value for d in got], [float(r["batch_loss"]) for r in steps])
            count += len(got)
    print(f"scalars: {count} points as in metrics.csv and steps.csv")


def check_histograms(board, folder):
    count = 0
    for run in ("a", "relu"):
        table = rows(folder / run / "histograms.csv")
        tags = board.tags("tensors", "histograms")[run]
        assert tags == {r["name"] for r in table} and "activity/1" in tags, tags
        for tag in tags:
            of = [r for r in table if r["name"] == tag]
            got = board.read("tensors", "histograms", run, tag)
            assert [d.step for d in got] == [int(r["step"]) for r in of]
            for datum, r in zip(got, of):
                assert datum.numpy[:, 2].sum() == int(r["count"])
                same(f"{run}: {tag}", [datum.numpy[0, 0], datum.numpy[-1, 1]], [float(r["low"]), float(r["high"])])
                count += 1
    print(f"histograms: {count}, as in histograms.csv")


def check_pictures_and_text(board, folder):
    images, texts = board.tags("blob_sequences", "images"), board.tags("tensors", "text")
    for run in RUNS:
        assert images[run] == {"curves"} and texts[run] == {"config"}, (images[run], texts[run])
        blob = board.read("blob_sequences", "images", run, "curves")[-1].values[2]  # after width and height
        picture = Image.open(io.BytesIO(board.provider.read_blob(board.ctx, blob_key=blob.blob_key)))
        assert len(picture.convert("RGB").getcolors(10**6)) > 10, f"{run}: an empty picture"
        (text,) = (d.numpy.item() for d in board.read("tensors", "text", run, "config"))
        config = json.loads((folder / run / "config.json").read_text())
        del config["environment"]
        assert json.loads(text) == config, run
    print(f"images and texts: one of each run, the latter as config.json")


def main():
    with tempfile.TemporaryDirectory() as tmp:
        folder = pathlib.Path(tmp)
        train(str(pathlib.Path(sys.argv[1]).resolve()), folder)
        board = Board(folder)
        check_hparams(board, folder)
        check_scalars(board, folder)
        check_histograms(board, folder)
        check_pictures_and_text(board, folder)


main()
