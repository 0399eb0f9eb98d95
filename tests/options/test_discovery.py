"""Options of one's own, in folders beside the bundled ones."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from ablate.cli.main import main
from ablate.options.discovery import DATASETS, MODELS, REGULARIZERS, blamed, own_folders, use, using
from ablate.utils.errors import ConfigError

pytestmark = pytest.mark.usefixtures("elsewhere")


def put(file: str, content: str = "x = 1\n") -> Path:
    path = Path(file)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content)
    return path


def test_public_modules_of_a_group_are_its_options():
    found = DATASETS.names()
    assert {"cifar10", "csv", "digits", "noise"} <= set(found) and found == tuple(sorted(found))
    assert not [name for name in found if name.startswith("_")]
    assert MODELS.names() == ("lenet", "mlp") and "l1" in REGULARIZERS.names()
    assert REGULARIZERS.file("l1").read_text().startswith('"""L1')


def test_a_folders_modules_join_the_group_and_leave_it_again():
    put("one/regularizer/mine.py")
    put("one/regularizer/_helper.py")
    put("other/regularizer/yours/__init__.py")
    bundled = REGULARIZERS.names()
    with using([Path("one"), Path("other")]):
        assert REGULARIZERS.names() == tuple(sorted({*bundled, "mine", "yours"}))
        assert REGULARIZERS.load("mine").x == 1 and REGULARIZERS.load("yours").x == 1
        assert REGULARIZERS.file("mine") == Path("one/regularizer/mine.py").absolute()
        assert REGULARIZERS.file("yours") == Path("other/regularizer/yours/__init__.py").absolute()
        assert REGULARIZERS.file("nowhere") == Path("other/regularizer/nowhere.py").absolute()  # where it would be
        assert own_folders() == (Path("one").absolute(), Path("other").absolute())
    assert REGULARIZERS.names() == bundled and own_folders() == ()
    assert not {"ablate.regularizers.mine", "ablate.regularizers.yours"} & set(sys.modules)
    with pytest.raises(ConfigError, match=r"No module named 'ablate\.regularizers\.mine'"):
        REGULARIZERS.load("mine")


def test_a_module_that_was_changed_meanwhile_is_imported_anew():
    for content in ("x = 1\n", "x = 22\n"):
        put("mine/regularizer/own.py", content)
        with using([Path("mine")]):
            assert f"x = {REGULARIZERS.load('own').x}\n" == content


def test_what_is_put_back_after_a_block_is_what_was_there_before_even_where_it_raises():
    for name in ("one", "other"):
        put(f"{name}/dataset/{name}.py")
    with using([Path("one")]):
        with pytest.raises(KeyError), using([Path("other")]):
            assert "other" in DATASETS.names() and "one" not in DATASETS.names()
            raise KeyError
        assert "one" in DATASETS.names() and "other" not in DATASETS.names()


@pytest.mark.parametrize("file", ["one/regularizer/l1.py", "one/regularizer/mine.py"])
def test_of_two_options_of_one_name_none_is_taken_and_nothing_has_changed(file):
    put(file)
    put("other/regularizer/mine.py")
    with using([Path("other")]):
        names = REGULARIZERS.names()
        with pytest.raises(ConfigError, match=r"\.py: there is a regularizer of this name already; choose another"):
            use([Path("one"), Path("other")])
        assert REGULARIZERS.names() == names and own_folders() == (Path("other").absolute(),)


def test_the_line_of_somebodys_file_is_blamed_or_of_the_one_that_it_called():
    file = put(
        "mine/dataset/own.py", "import json\n\nConfig = None\n\n\ndef load(text):\n    return json.loads(text)\n"
    )
    with using([Path("mine")]), pytest.raises(ValueError, match="Expecting") as raised:
        DATASETS.load("own").load("{")
    assert blamed(raised.value, file.absolute()) == "mine/dataset/own.py, line 7"
    assert blamed(raised.value, Path("other.py").absolute()) == "mine/dataset/own.py, line 7"
    assert blamed(ValueError("of nobody"), Path("other.py").absolute()) == "other.py"


REGULARIZER = "def penalty(weight):\n    return weight.square().sum()\n"
MODEL = (
    "from torch import nn\nfrom ablate.options.schema import ModelConfig, Width\n"
    "class Config(ModelConfig):\n    units: Width\n"
    "def build(config, shape, outputs):\n"
    "    hidden = nn.Linear(shape[0] * shape[1] * shape[2], config.units)\n"
    "    return nn.Sequential(nn.Flatten(), hidden, nn.ReLU(), nn.Linear(config.units, outputs))\n"
)


@pytest.mark.slow
@pytest.mark.parametrize("launcher", ["stacked", "basic"])
def test_options_of_ones_own_train_in_a_sweep_with_workers(launcher, capsys):
    put("mine/regularizer/squares.py", REGULARIZER)
    put("mine/model/narrow.py", MODEL)
    put("mine/model/narrow.yaml", "name: narrow\nunits: 6\n")
    arguments = ["-m", "--config-dir=mine", "model=narrow", "regularizer.squares=0,0.01", "seed=0,1"]
    workers = [
        "trainer.epochs=2",
        "stack.workers=2",
        "stack.size=1",
        f"hydra/launcher={launcher}",
        "logging.tensorboard=false",
    ]
    assert main([*arguments, *workers, "hydra.sweep.dir=sweep"]) == 0, capsys.readouterr().err
    folders = {path.parent.parent.name.partition(",")[0] for path in Path("sweep").rglob("result.json")}
    assert folders == {"none", "squares=0.01"}
    assert own_folders() == ()


def test_what_lies_deeper_in_a_package_is_imported_anew_too():
    put("mine/model/deep/__init__.py", "from ablate.models.deep.parts import WIDTH\n\nConfig = build = None\n")
    for width in (3, 10):
        put("mine/model/deep/parts.py", f"WIDTH = {width}\n" + "#" * width)
        with using([Path("mine")]):
            assert width == MODELS.load("deep").WIDTH
        assert not [name for name in sys.modules if name.startswith("ablate.models.deep")]


def test_a_folder_of_two_names_is_one():
    put("mine/regularizer/own.py")
    Path("link").symlink_to("mine")
    with using([Path("mine"), Path("link")]):
        assert own_folders() == (Path("mine").absolute(),)


@pytest.mark.parametrize(("group", "missing"), [(DATASETS, "Config and load"), (MODELS, "Config and build")])
def test_a_module_without_what_it_has_to_define_is_refused(group, missing):
    put(f"mine/{group.name}/own.py")
    with using([Path("mine")]), pytest.raises(ConfigError, match=rf"mine/{group.name}/own.py: must define {missing}$"):
        group.load("own")


def test_a_module_that_ends_the_process_is_refused():
    put("mine/model/own.py", "raise SystemExit(3)\n")
    with (
        using([Path("mine")]),
        pytest.raises(ConfigError, match=r"mine/model/own\.py, line 1: can't be imported: SystemExit"),
    ):
        MODELS.load("own")
