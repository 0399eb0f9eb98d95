"""What is exported says the same as the run, and what is beside it says how to use it."""

from __future__ import annotations

import io
import json
from pathlib import Path

import numpy as np
import pytest
import torch

from ablate import data
from ablate.cli.main import main
from ablate.execution.runs import run_all
from ablate.prediction import choice, export, predictor
from ablate.records.job import Job

pytestmark = pytest.mark.usefixtures("elsewhere")


def trained(configured, *overrides: str) -> predictor.Run:
    config = configured("trainer.epochs=1", "logging.tensorboard=false", *overrides)
    run_all_of = list(run_all([Job(config, Path("run").absolute())]))
    assert run_all_of[0][1]["status"] == "finished"
    (run,) = predictor.load(choice.choose(Path("run"))).runs
    return run


@pytest.mark.parametrize("model", ["model=mlp", "model=lenet"])
def test_the_programme_gives_the_logits_of_the_run_for_any_number_of_samples(configured, model):
    run = trained(configured, model, "model.hidden=[8]", "model.dropout=0.5")
    program = torch.export.load(io.BytesIO(export.torch_program(run)))
    for n in (1, 7, 300):
        x = torch.randn(n, *run.prepared.shape)
        torch.testing.assert_close(program.module()(x), run.kept.logits(x).t(), rtol=1e-6, atol=1e-6)


def test_onnx_gives_the_logits_of_the_run(configured):
    onnx = pytest.importorskip("onnx", reason="the extra `onnx` is not installed")
    pytest.importorskip("onnxscript", reason="the extra `onnx` is not installed")
    from onnx.reference import ReferenceEvaluator

    run = trained(configured, "model.hidden=[8]")
    model = onnx.load_from_string(export.onnx_model(run))
    onnx.checker.check_model(model)
    for n in (1, 5):
        x = torch.randn(n, *run.prepared.shape)
        (given,) = ReferenceEvaluator(model).run([export.OUTPUT], {export.INPUT: x.numpy()})
        np.testing.assert_allclose(given, run.kept.logits(x).t(), rtol=1e-5, atol=1e-6)


def test_what_is_beside_it_is_all_that_one_needs(configured, capsys):
    """From the table's columns to probabilities, by the description alone."""
    run = trained(configured, "dataset=breast_cancer", "model.hidden=[8]")
    assert main(["export", "run", "--to", "model.pt2"]) == 0
    assert "written to model.json" in (shown := capsys.readouterr().out) and "written to model.pt2" in shown
    said = json.loads(Path("model.json").read_text())
    frame = data.source(configured("dataset=breast_cancer").dataset).x.iloc[:20]
    columns = {column["name"]: column for column in said["inputs"]["preprocessing"]["columns"]}
    assert said["inputs"]["shape"] == ["samples", 30]
    x = [
        (frame[name] - columns[name]["mean_"]) / columns[name]["scale_"]
        for name in said["inputs"]["preprocessing"]["features"]
    ]
    program = torch.export.load("model.pt2")
    logits = program.module()(torch.tensor(np.stack(x, 1), dtype=torch.float32))
    p = torch.sigmoid(logits[:, 0]).detach().numpy()
    answers = predictor.Predictor([run], "").answers(frame)
    assert said["outputs"]["activation"].startswith("sigmoid") and said["outputs"]["classes"] == ["benign", "malignant"]
    np.testing.assert_allclose(p, answers[:, 1], rtol=1e-5)


@pytest.mark.parametrize(("source", "kind"), [("digits", "softmax"), ("diabetes", "none")])
def test_outputs_are_described_by_the_task(configured, source, kind):
    run = trained(configured, f"dataset={source}", "model.hidden=[4]")
    said = export.described(run)
    outputs, steps = said["outputs"], said["inputs"]["preprocessing"]
    assert outputs["activation"].startswith(kind)
    if source == "digits":
        assert outputs["classes"] == list(range(10)) and np.shape(steps["shift"]) == (1, 1, 1, 1)
    else:
        assert len(outputs["shift"]) == len(outputs["scale"]) == 1 and "classes" not in outputs


def test_nothing_is_written_over_and_what_is_missing_is_said(configured, capsys, monkeypatch):
    trained(configured, "model.hidden=[4]")
    Path("model.pt2").write_text("mine")
    assert main(["export", "run"]) == 2
    assert "--to=model.pt2: is there already" in capsys.readouterr().err
    for key in ("--to", "--onnx"):
        assert main(["export", "run", key, "nodir/model.x"]) == 2
        assert f"{key}=nodir/model.x: there is no folder nodir" in capsys.readouterr().err
    monkeypatch.setattr(export, "find_spec", lambda name: None)
    assert main(["export", "run", "--onnx", "model.onnx"]) == 2
    assert "pip install 'ablate-harness[onnx]'" in capsys.readouterr().err
    assert not Path("model.onnx").exists() and not Path("model.json").exists()
    assert main(["export", "run", "--to", "a.json"]) == 2
    assert "must have names of their own" in capsys.readouterr().err
