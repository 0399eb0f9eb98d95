"""What was compared, in the first lines of everything."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

from ablate.analysis.comparison import compare_folders
from ablate.report.compared import compared
from ablate.report.page import page
from ablate.report.tables import latex, markdown
from ablate.report.terminal import show
from ablate.utils.console import Console
from helpers import BASE, EVIL, L1, result

DATA = {
    "name": "patients.csv",
    "task": "binary",
    "target": "outcome",
    "rows": {"train": 1364, "val": 91, "test": 114},
    "columns": 32,
    "features": 30,
    "classes": ["benign", "malignant"],
    "shares": [0.627, 0.373],
}
TRAINED = {"optimizer": {"name": "adam", "lr": 0.001}, "trainer": {"epochs": 30, "batch_size": 32}}


def run(
    folder: Path, arm: str, parameters: int | None = 12345, told: dict[str, Any] | None = None, **changed: Any
) -> None:
    result(folder, arm, 0, 0.9, **TRAINED | changed)
    content = json.loads((folder / "result.json").read_text())
    model = {"name": "mlp", "parameters": parameters} if parameters else None
    (folder / "result.json").write_text(json.dumps(content | {"data": DATA | (told or {}), "model": model}))


def test_data_parts_classes_model_and_training_are_told_everywhere(tmp_path):
    run(tmp_path / "0", "none")
    run(tmp_path / "1", "l1=1e-4", **L1)
    comparison = compare_folders(tmp_path)
    lines = compared(comparison)
    assert lines == [
        "patients.csv: binary, target outcome; 30 features (of 32 columns); rows: 1,364 to train on, 91 for validation "
        "and 114 for the test; classes: benign (62.7 %), malignant (37.3 %)",
        "mlp, 12,345 parameters, adam lr 1e-3, 30 epochs, batches of 32",
    ]
    assert markdown(comparison).split("\n\n")[1:3] == lines
    caption = latex(comparison).partition("\\caption{")[2]
    assert caption.startswith("2 runs on patients.csv. patients.csv: binary") and "mlp, 12,345 parameters" in caption
    out = io.StringIO()
    show(comparison, Console(file=out, width=400))
    assert out.getvalue().splitlines()[:3] == ["2 runs on patients.csv", *lines]
    html = page(comparison).replace("\u00a0", " ")
    assert all(f'<p class="compared">{line}</p>' in html for line in lines)


def test_where_arms_differ_all_values_are_told_or_their_range(tmp_path):
    for i, epochs in enumerate((10, 20, 30, 40)):
        trained = {"optimizer": {"name": "sgd" if i else "adam", "lr": 10.0**-i}, "trainer": {"epochs": epochs}}
        run(tmp_path / str(i), "none", 1000 * (i + 1), {"features": 30 + i % 2}, **TRAINED | trained)
    data, trained = compared(compare_folders(tmp_path))
    assert "; 30 or 31 features (of 32 columns); " in data
    assert trained == "mlp, 1,000 to 4,000 parameters, adam and sgd lr 1e-3 to 1, 10 to 40 epochs"


def test_runs_that_may_stop_early_have_so_many_epochs_at_most(tmp_path):
    run(tmp_path / "0", "none", early_stopping=BASE["early_stopping"] | {"patience": 3})
    assert compared(compare_folders(tmp_path))[1].endswith("up to 30 epochs, batches of 32")


def test_many_classes_are_counted(tmp_path):
    run(tmp_path / "0", "none", told={"classes": [str(i) for i in range(10)], "shares": [0.19, *[0.09] * 9]})
    assert compared(compare_folders(tmp_path))[0].endswith("; 10 classes of 9 to 19 % each (most: 0)")


def test_shares_of_splits_that_differ_are_means(tmp_path):
    run(tmp_path / "0", "none", told={"shares": [0.6, 0.4]})
    run(tmp_path / "1", "l1=1e-4", told={"shares": [0.7, 0.3]}, **L1)
    assert compared(compare_folders(tmp_path))[0].endswith("classes: benign (65 %), malignant (35 %)")


def test_results_that_do_not_tell_have_what_their_config_says(tmp_path):
    result(tmp_path / "0", "none", 0, 0.9)
    assert compared(compare_folders(tmp_path)) == ["mlp, lr 1e-3"]


def test_names_of_data_and_classes_are_shown_as_they_are(tmp_path):
    run(tmp_path / "0", "none", told={"name": EVIL, "target": EVIL, "classes": [EVIL, "a\x1b[2J\nb"]})
    comparison = compare_folders(tmp_path)
    data = compared(comparison)[0]
    assert data.isprintable() and "a\\x1b[2J b (37.3 %)" in data
    assert "<script" not in page(comparison)
