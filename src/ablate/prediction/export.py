"""A run's model for elsewhere: torch.export or ONNX, and beside it, as JSON, what goes in and what comes out."""

from __future__ import annotations

import io
import json
import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from typing import Any

import torch

from ablate.prediction.predictor import Run
from ablate.preprocessing.inputs import Scaled
from ablate.utils.errors import ConfigError, one_line
from ablate.utils.text import cut
from ablate.utils.version import VERSION

SAMPLES = 2  # of the example by which a model is traced; any number may come later
INPUT, OUTPUT = "samples", "logits"  # names in an ONNX graph
NEEDED = ("onnx", "onnxscript")
ACTIVATIONS = {
    "binary": "sigmoid: the probability of the second class",
    "multiclass": "softmax over the outputs: the probabilities of the classes",
    "multilabel": "sigmoid: the probability of each label",
    "regression": "none: each output times its scale, plus its shift, is the number in its unit",
}


def torch_program(run: Run) -> bytes:
    """What torch.export.load reads: the model in eval mode, for any number of samples.

    Raises:
        ConfigError: the model can't be traced.
    """
    content = io.BytesIO()
    torch.export.save(_traced(run), content)
    return content.getvalue()


def onnx_model(run: Run) -> bytes:
    """An ONNX file's content.

    Raises:
        ConfigError: what writes it isn't installed; the model can't be traced.
    """
    if missing := [name for name in NEEDED if find_spec(name) is None]:
        raise ConfigError(f"--onnx: wants {' and '.join(missing)}: pip install 'ablate-harness[onnx]'")
    program = _traced(run)
    try:
        with _quiet():
            found = torch.onnx.export(program, input_names=[INPUT], output_names=[OUTPUT], verbose=False)
    except Exception as error:  # whatever the exporter doesn't know
        raise ConfigError(f"--onnx: the model can't be written as ONNX: {cut(one_line(error))}") from None
    assert found is not None
    content: bytes = found.model_proto.SerializeToString()
    return content


def described(run: Run) -> dict[str, Any]:
    """What the model is given and what it gives: how samples become its inputs, and its outputs answers."""
    prepared, result = run.prepared, run.result
    target, inputs = prepared.target, prepared.inputs
    if isinstance(inputs, Scaled):
        steps: dict[str, Any] = {
            "of": "arrays",
            "what is done": "(sample - shift) / scale, in 64 bits, then rounded to 32",
            "shift": inputs.shift.tolist(),
            "scale": inputs.scale.tolist(),
        }
    else:
        from ablate.preprocessing.columns import Columns
        from ablate.preprocessing.telling import described as described_columns

        assert isinstance(inputs, Columns)
        steps = {"of": "tables", "columns": described_columns(inputs), "features": list(prepared.features)}
    outputs: dict[str, Any] = {"shape": ["samples", target.outputs], "activation": ACTIVATIONS[target.task]}
    if target.task == "regression":
        outputs |= {"numbers": list(target.labels), "shift": list(target.shift), "scale": list(target.scale)}
    else:
        outputs["classes" if target.classes else "labels"] = list(target.labels)
    return {
        "ablate": VERSION,
        "run": {"run_id": result["run_id"], "arm": result["arm"], "seed": result["seed"]},
        "task": target.task,
        "target": target.name or None,
        "inputs": {"type": "float32", "shape": ["samples", *prepared.shape], "preprocessing": steps},
        "outputs": {"type": "float32", **outputs},
    }


def description(run: Run) -> str:
    """`described`, as JSON."""
    return json.dumps(described(run), indent=1, allow_nan=False) + "\n"


def _traced(run: Run) -> torch.export.ExportedProgram:
    model = run.kept.model.cpu().eval()
    example = torch.zeros(SAMPLES, *run.prepared.shape)
    try:
        with _quiet(), torch.no_grad():
            return torch.export.export(model, (example,), dynamic_shapes=({0: torch.export.Dim("samples")},))
    except Exception as error:  # whatever a module of the user's holds that can't be traced
        raise ConfigError(
            f"model={run.result['config']['model'].get('name')}: can't be exported: {cut(one_line(error))}"
        ) from None


@contextmanager
def _quiet() -> Iterator[None]:
    """Without what PyTorch says of its own parts."""
    logger = logging.getLogger("torch")
    level = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)
