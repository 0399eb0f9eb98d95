"""How figures are written."""

from __future__ import annotations

import json

import pytest

from ablate.analysis.comparison import compare_folders
from ablate.report.tables import main_table
from ablate.report.units import Unit
from helpers import L1, result


@pytest.mark.parametrize(
    ("unit", "heading", "value", "difference"),
    [
        (Unit("accuracy/test"), "test accuracy, %", "97.53", ", points"),
        (Unit("balanced_accuracy/test"), "test balanced accuracy, %", "97.53", ", points"),
        (Unit("auc/test"), "test AUC", "0.9753", ""),
        (Unit("r2/test", 77.0), "test R²", "0.9753", ""),
        (Unit("log_loss/test"), "test log loss", "0.9753", ""),
        (Unit("loss/test"), "test loss", "0.9753", ""),
        (Unit("rmse/test", 77.0, "price"), "test RMSE of price", "0.98", ""),
        (Unit("mae/test", 54_321.0, "price"), "test MAE of price", "1", ""),
        (Unit("rmse/test", 0.0123), "test RMSE", "0.97528", ""),
        (Unit("rmse/test", 1e-30), "test RMSE", "0.97527590", ""),
        (Unit("auc/test", 0.9, "price"), "test AUC", "0.9753", ""),
    ],
)
def test_a_metric_has_a_heading_digits_and_a_unit(unit, heading, value, difference):
    assert (unit.heading, unit.value(0.9752759), unit.of_difference) == (heading, value, difference)


def test_errors_have_digits_by_their_size_and_the_target_in_their_heading(tmp_path):
    for seed in range(6):
        for arm, error, changed in (("none", 80.0, {}), ("l1=1e-4", 77.0, L1)):
            folder = tmp_path / f"{arm}{seed}"
            result(folder, arm, seed, 0.9, **changed)
            content = json.loads((folder / "result.json").read_text())
            metrics = {"loss/val": 1.0, "rmse/train": 70.0, "rmse/test": error + seed + (arm == "none") * seed / 50}
            told = {"metrics": metrics, "data": {"task": "regression", "target": "price"}}
            (folder / "result.json").write_text(json.dumps(content | told))
    comparison = compare_folders(tmp_path)
    assert comparison.metric == "rmse/test" and not comparison.higher_is_better
    rows = main_table(comparison).set_index("arm")
    assert rows.loc["none", "test RMSE of price"] == "82.55 ± 1.91"
    assert rows.loc["l1=1e-4", "difference"] == "-3.05" and rows.loc["l1=1e-4", "verdict"] == "better"
    assert rows.loc["l1=1e-4", "gap of RMSE, test−train"] == "+9.50"
