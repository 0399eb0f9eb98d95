"""`ablate predict`: what a finished run says of new samples, as a table."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from ablate.cli.arguments import Parser, new, with_choice, written
from ablate.options import discovery
from ablate.utils import files
from ablate.utils.console import FINISHED, Console, complain
from ablate.utils.text import escaped

NEW = "a table (CSV, Parquet, Excel), a .npy or .npz file of samples, or a folder of images"
OUT = "the CSV that is written (default: standard output); a file that is there is left alone"


def main(arguments: Sequence[str]) -> int:
    """The subcommand; its exit status: 0, or 2 where it can't be done."""
    parser = Parser(prog="ablate predict", description=__doc__)
    with_choice(parser)
    parser.add_argument("new", metavar="NEW", help=NEW)
    parser.add_argument("--out", type=Path, metavar="F", help=OUT)
    parser.add_argument("--ensemble", action="store_true", help="average the answers of all seeds of the arm")
    parser.add_argument("--keep", action="store_true", help="keep the table's own columns, before what is predicted")
    given = parser.parse_args(list(arguments))
    if given.out is not None:
        new("--out", given.out)
    from ablate.prediction import answering, choice, predictor, reading  # imports torch: a typing error needs none

    with discovery.using(given.config_dir):
        chosen = predictor.load(choice.choose(given.folder, given.arm, given.seed, given.ensemble, given.data))
        first = chosen.runs[0]
        samples = reading.read(given.new, first.result["config"]["dataset"], first.prepared)
        answers = chosen.answers(samples.x)
        text = answering.table(chosen, samples, answers, given.keep)
        said = answering.summary(chosen, samples, answers)
    if given.out is None:
        sys.stdout.write(escaped(text))  # whatever stands in labels and headings; a file has it as it is
        sys.stdout.flush()
    else:
        written("--out", given.out, text)
    for line in chosen.said:
        complain(f"warning: {line}")
    out = Console(stderr=True)
    for line in said:
        out.prose(line, indent=2)
    if given.out is not None:
        out.line_of_text(f"written to {files.short(given.out)}")
    return FINISHED
