"""`ablate export`: a finished run's model for elsewhere, and beside it what goes in and what comes out."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ablate.cli.arguments import Parser, new, with_choice, written
from ablate.options import discovery
from ablate.utils import files
from ablate.utils.console import FINISHED, Console, complain
from ablate.utils.errors import ConfigError

DEFAULT = Path("model.pt2")


def main(arguments: Sequence[str]) -> int:
    """The subcommand; its exit status: 0, or 2 where it can't be done."""
    parser = Parser(prog="ablate export", description=__doc__)
    with_choice(parser)
    parser.add_argument("--to", type=Path, metavar="F.pt2", help=f"for torch.export.load (default: {DEFAULT})")
    parser.add_argument(
        "--onnx", type=Path, metavar="F.onnx", help="an ONNX file, for which the extra `onnx` is needed"
    )
    given = parser.parse_args(list(arguments))
    program = DEFAULT if given.to is None and given.onnx is None else given.to
    wanted = [path for path in (program, given.onnx) if path is not None]
    beside = [path.with_suffix(".json") for path in wanted]
    if program == given.onnx or set(wanted) & set(beside):
        raise ConfigError(f"--to={wanted[0]}: the files of a model must have names of their own")
    keys = {
        made: "--to" if path == program else "--onnx" for path in wanted for made in (path, path.with_suffix(".json"))
    }
    for path in keys:
        new(keys[path], path)
    from ablate.prediction import choice, export, predictor  # imports torch: a typing error needs none

    with discovery.using(given.config_dir):
        chosen = predictor.load(choice.choose(given.folder, given.arm, given.seed, data=given.data))
        (run,) = chosen.runs
        made: dict[Path, str | bytes] = {path: export.description(run) for path in beside}
        if program is not None:
            made[program] = export.torch_program(run)
        if given.onnx is not None:
            made[given.onnx] = export.onnx_model(run)
    for path, content in made.items():
        written(keys[path], path, content)
    for line in chosen.said:
        complain(f"warning: {line}")
    out = Console()
    out.prose(f"{run.result['arm']}, seed {run.result['seed']}: {chosen.why}", indent=2)
    for path in made:
        out.line_of_text(f"written to {files.short(path)}")
    return FINISHED
