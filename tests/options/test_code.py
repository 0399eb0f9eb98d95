"""Which code an option stands in, and that all of it counts, as far as it is somebody's own."""

from __future__ import annotations

import functools
import importlib
import os
import re
import subprocess
import sys
import time
from collections import Counter
from importlib import metadata
from pathlib import Path
from types import ModuleType

import pytest

from ablate.options import code, source
from ablate.options.code import of_modules, of_object, told
from ablate.options.discovery import MODELS, REGULARIZERS, using
from ablate.options.target import TargetModel
from ablate.utils.errors import ConfigError

pytestmark = pytest.mark.usefixtures("elsewhere")


def put(file: str, content: str = "x = 1\n") -> None:
    path = Path(file)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content)


@pytest.fixture
def importable(tmp_path, monkeypatch):
    """What is in this folder can be imported, and is forgotten after."""
    before = set(sys.modules)
    monkeypatch.syspath_prepend(tmp_path)
    yield
    for name in set(sys.modules) - before:
        if str(getattr(sys.modules[name], "__file__", "")).startswith(str(tmp_path)):
            del sys.modules[name]


def test_a_module_counts_with_what_it_imports_of_the_same_hands():
    put(
        "mine/regularizer/own.py",
        "import torch\nfrom ablate.regularizers import _near\nfrom ablate.regularizers.l1 import penalty\n",
    )
    put("mine/regularizer/_near.py", "from ._far import x\n")
    put("mine/regularizer/_far.py")
    put("mine/regularizer/apart.py")
    with using([Path("mine")]):
        before = of_modules(["ablate.regularizers.own"])
        assert set(before) == {f"ablate.regularizers.{name}" for name in ("own", "_near", "_far", "l1")}
    for name in ("_far", "own", "apart"):
        put(f"mine/regularizer/{name}.py", f"y = '{name}'\nfrom ablate.regularizers import _near, l1\n")
        with using([Path("mine")]):
            now = of_modules(["ablate.regularizers.own"])
            assert {key.rpartition(".")[2] for key in now if now[key] != before.get(key)} == {name} - {"apart"}
        before = now


def test_of_this_package_the_options_count_and_nothing_else():
    assert set(of_modules(["ablate.data.mnist"])) == {"ablate.data.mnist", "ablate.data._torchvision"}


def test_an_import_in_a_function_counts_before_it_is_made(importable):
    put("net.py", "def build():\n    import parts.layer\n")
    put("parts/__init__.py", "import late\n")
    put("parts/layer.py")
    put("late.py")
    assert set(of_modules(["net"])) == {"net", "parts", "parts.layer", "late"} and "late" not in sys.modules


def test_an_installed_package_counts_by_its_version_and_what_all_stand_on_does_not(importable):
    put("net.py", "from pytest import mark\nimport torch.nn\nimport json, yaml\nimport nowhere\n")
    found = of_modules(["net"])
    assert found.keys() == {"net", "package pytest", "package yaml"}
    assert found["package pytest"] == pytest.__version__
    assert found["package yaml"] == f"PyYAML {metadata.version('PyYAML')}"  # its name is not that of the module
    assert told("package pytest") == "pytest"


def test_what_all_stand_on_are_the_dependencies_of_this_package():
    needed = [
        re.split(r"[<>=!; \[]", text)[0] for text in metadata.requires("ablate-harness") if "extra ==" not in text
    ]
    of = {top: {name.lower() for name in own} for top, own in metadata.packages_distributions().items()}
    assert len(needed) > 10
    assert not [name for name in needed if not {top for top in of if name in of[top]} & code.STANDS_ON]


def test_compiled_code_counts_byte_by_byte_and_a_folder_by_what_is_in_it(importable):
    put("space/net.py", "import pressed\n")
    put("pressed.py")
    import py_compile

    py_compile.compile("pressed.py", "pressed.pyc")
    Path("pressed.py").unlink()
    found = of_modules(["space.net"])
    assert found.keys() == {"space.net", "pressed"}
    assert found["pressed"] == source.of_bytes(Path("pressed.pyc").read_bytes()).digest


def test_a_source_that_cannot_be_read_is_refused_by_its_name(importable):
    put("net.py", "import parts\n")
    put("parts.py", "x = (\n")
    with pytest.raises(ConfigError, match=r"^parts\.py: can't be read: SyntaxError: "):
        of_modules(["net"])


def test_a_module_of_ones_own_counts_whatever_its_name(importable):
    put("net.py", "import this, rich, json\n")
    put("this.py")
    put("rich.py")
    script = (
        "import sys; sys.path.insert(0, '.'); from ablate.options.code import of_modules; print(*of_modules(['net']))"
    )
    said = subprocess.run([sys.executable, "-P", "-c", script], capture_output=True, text=True)
    assert sorted(said.stdout.split()) == ["net", "rich", "this"], said.stderr
    put("this.py", "x = 2\n")
    assert of_modules(["net"])["this"] == of_modules(["this"])["this"] != source.of_module("x = 1\n", "").digest


def test_a_module_is_read_once(importable, monkeypatch):
    put("net.py", "import parts\n")
    put("parts.py", "import net\n")
    importlib.import_module("net")
    reads = Counter()
    of_text = source.of_module
    monkeypatch.setattr(source, "of_module", lambda text, package: (reads.update([text]), of_text(text, package))[1])
    assert len({tuple(of_modules(["net"]).items()) for _ in range(64)}) == 1
    assert set(reads.values()) == {1} and len(reads) == 2


def test_of_a_module_that_is_loaded_counts_what_was_loaded_until_it_is_loaded_anew(importable):
    put("net.py")
    module = importlib.import_module("net")
    before = of_modules(["net"])
    put("net.py", "x = 12345\n")
    assert of_modules(["net"]) == before
    importlib.reload(module)
    assert of_modules(["net"]) != before


@pytest.mark.parametrize("before", [False, True])
def test_a_module_that_has_changed_since_it_was_imported_is_refused(importable, before):
    """Nothing tells what was imported; `before`: a file of older times that was moved there."""
    put("net.py")
    put("older.py", "x = 12345\n")
    os.utime("older.py", (1e9, 1e9))
    module = importlib.import_module("net")
    time.sleep(0.05)  # clocks of file systems are coarse
    if before:
        Path("older.py").replace("net.py")
    else:
        put("net.py", "x = 12345\n")
    with pytest.raises(ConfigError, match=r"^net\.py: has changed since it was imported; importlib\.reload it"):
        of_modules(["net"])
    importlib.reload(module)
    assert of_modules(["net"])["net"] == source.of_module("x = 12345\n", "").digest


def test_a_module_that_was_there_before_us_counts_unless_it_has_changed_since(importable):
    put("net.py")
    script = """
import net, time, ablate
from pathlib import Path
from ablate.options.code import of_modules, _read
print(*of_modules(["net"]))
_read.clear()
time.sleep(0.05)
Path("net.py").write_text("x = 2")
try:
    of_modules(["net"])
except Exception as error:
    print(error)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("net\nnet.py: has changed since")


def test_in_another_process_the_code_is_the_same(importable):
    put("net.py", "from parts import x\nimport pytest\n\nclass Net:\n    size = {'a', 'b', 'c'}\n")
    put("parts.py")
    script = (
        "from ablate.options.code import of_object; import net; print(sorted(of_object('net.Net', net.Net).items()))"
    )
    said = [
        subprocess.run(
            [sys.executable, "-c", script],
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": "."},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in "12"
    ]
    net = importlib.import_module("net")
    assert said == [f"{sorted(of_object('net.Net', net.Net).items())}\n"] * 2


def model(target: str, **arguments: object) -> TargetModel:
    return TargetModel.model_validate({"_target_": target, "name": target, **arguments})


def test_a_target_counts_where_it_is_named_and_where_it_is_defined_and_so_do_those_in_its_arguments(importable):
    put("shop/__init__.py", "from shop.nets import Net\n")
    put("shop/nets.py", "class Net: pass\n")
    for name in ("layers", "kinds", "unused"):
        put(f"{name}.py", "class One: pass\n")
    arguments = {
        "layers": [{"_target_": "layers.One"}, {"deep": {"_target_": "torch.nn.ReLU"}}],
        "kind": {"_target_": "hydra.utils.get_class", "path": "kinds.One"},
    }
    assert set(model("shop.Net", **arguments).code()) == {"shop", "shop.nets", "layers", "kinds"}
    assert set(model("shop.Net").code()) == {"shop", "shop.nets"}
    assert model("torch.nn.ReLU").code() == {} and set(model("ablate.models.mlp.build").code()) == {"ablate.models.mlp"}
    with pytest.raises(ConfigError, match=r"^model\._target_=layers\.Two: can't be imported"):
        model("shop.Net", layer={"_target_": "layers.Two"}).code()


TYPED = """\
import parts
SIZE = 3
NAMES = {"a", "b", "c"}

def double(x):
    "Twice."
    return 2 * x + SIZE

class Base:
    def forward(self, x):
        return [double(each) for each in x if each in NAMES]

class Net(Base):
    "A net."
    width: int = 4

    @property
    def wide(self):
        return parts.x

def unused():
    return 1
"""


def typed(text: str) -> dict[str, str]:
    """The code of `Net` in a module without source, as one types it at a prompt."""
    module = ModuleType("prompt")
    sys.modules["prompt"] = module
    try:
        exec(text, vars(module))  # noqa: S102
        return of_object("prompt.Net", module.Net)
    finally:
        del sys.modules["prompt"]


@pytest.mark.parametrize(
    ("old", "new", "same"),
    [
        ("import parts", "\n# why\nimport parts", True),
        ('"Twice."', '"Two times."', True),
        ('"A net."', '"Some net."', True),
        ("return 1", "return 2", True),
        ("2 * x", "3 * x", False),
        ("SIZE = 3", "SIZE = 4", False),
        ('"b"', '"d"', False),
        ("in NAMES", "not in NAMES", False),
        ("Net(Base)", "Net", False),
        ("= 4", "= 5", False),
        ("parts.x", "parts.y", False),
        ('x):\n    "Twice', 'x=1):\n    "Twice', False),
    ],
)
def test_what_has_no_source_counts_by_what_it_is_compiled_to(importable, old, new, same):
    put("parts.py", "x = y = 1\n")
    assert set(typed(TYPED)) == {"prompt.Net", "parts"}
    assert TYPED.replace(old, new) != TYPED
    assert (typed(TYPED.replace(old, new)) == typed(TYPED)) == same


def test_what_has_no_source_may_be_anything(importable):
    put("parts.py")
    text = TYPED + "Net = functools.partial(Net, [1, {2: LOOP}])\nLOOP.append(Base())\n"
    text = "import functools\nLOOP = []\nLOOP.append(LOOP)\n" + text
    assert typed(text) == typed(text) != typed(text.replace("{2:", "{3:"))
    assert typed(text) != typed(text.replace("Base())", "Net)"))


@pytest.mark.parametrize(
    ("text", "old", "new"),
    [
        ("from types import SimpleNamespace\nx = SimpleNamespace(slope=1)\ndef Net(): return x.slope", "=1", "=2"),
        ("import numpy as np\nx = np.array([1.0, 2.0])\ndef Net(): return x.sum()", "2.0", "3.0"),
        ("import torch\nx = torch.tensor([1.0, 2.0])\ndef Net(): return x.sum()", "2.0", "3.0"),
        ("import torch\nx = torch.tensor(2.0).bfloat16()\ndef Net(): return x", "2.0", "3.0"),
        ("import torch\nx = torch.nn.Softplus(beta=1)\ndef Net(): return x", "=1", "=2"),
        ("import torch\n@torch.no_grad()\ndef Net(x): return torch.relu(x) * 1.5", "1.5", "2.5"),
        ("from functools import lru_cache\n@lru_cache\ndef f(): return 1\ndef Net(): return f()", "1", "2"),
        ("import functools\nclass Net:\n  @functools.cached_property\n  def f(self): return 1", "1", "2"),
        ("import parts\nx = parts.Data(1)\ndef Net(): return x", "1", "2"),
        ("import parts\nNet = parts.scaled(1)", "1", "2"),
        ("a, b = [0], [0]\nx = [a, b, a]\ndef Net(): return x", "b, a", "b, b"),
        ("class Net:\n  @property\n  def f(self): ...\n  @f.deleter\n  def f(self): print(1)", "1", "2"),
        ("import collections\nx = collections.OrderedDict(a=1, b=2)\ndef Net(): return x", "a=1, b=2", "b=2, a=1"),
        ("import re, enum\nclass E(enum.Enum): A = 1\ndef Net(): return E.A, re.sub, len", "= 1", "= 2"),
    ],
)
def test_what_typed_code_names_counts_by_its_value(importable, text, old, new):
    put(
        "parts.py",
        "from dataclasses import dataclass\n@dataclass\nclass Data:\n    x: int\n"
        "def scaled(by):\n    return lambda x: by * x\n",
    )
    assert typed(text) == typed(text) != typed(text.replace(old, new))


def test_what_typed_code_imports_and_what_another_module_holds_counts_by_that_module(importable):
    put("parts.py", "import threading\nclass Net:\n    lock = threading.Lock()\n")
    put("inner.py")
    text = "import parts\nkind = parts.Net\ndef Net():\n    import inner as data\n    return kind, data.lock\n"
    assert set(typed(text + "import threading\nlock = threading.Lock()")) == {"prompt.Net", "parts", "inner"}


def test_what_cannot_be_looked_into_is_refused():
    with pytest.raises(ConfigError, match=r"^prompt\.Net: names an object of type _thread\.lock, whose value can't be"):
        typed("import threading\nlock = threading.Lock()\ndef Net(): return lock")


def test_a_script_counts_by_what_it_names_and_not_as_a_whole(monkeypatch):
    """Anything may stand in it that has nothing to do with a run."""
    script = ModuleType("__main__")
    exec("def made(shape, outputs):\n    return shape\n\nlock = __import__('threading').Lock()\n", vars(script))  # noqa: S102
    monkeypatch.setitem(sys.modules, "__main__", script)
    made = script.made
    assert set(of_object("__main__.made", made)) == {"__main__.made"}
    assert of_object("__main__.made", functools.partial(made, 1)) != of_object("__main__.made", made)


def test_every_option_that_is_bundled_has_a_source_that_counts():
    for group in (REGULARIZERS, MODELS):
        for name in group.names():
            assert f"{group.package}.{name}" in of_modules([f"{group.package}.{name}"])
