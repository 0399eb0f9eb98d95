"""A table in a file of one's own: CSV in any dialect, Parquet, Excel."""

from __future__ import annotations

from pydantic import Field

from ablate.data import Source, _tables
from ablate.options.schema import Line, TableConfig
from ablate.utils.errors import refuse

TEXT = dict.fromkeys(("separator", "decimal", "encoding", "quote"), "auto")  # what they are where none is given


class Config(TableConfig):
    path: str | None = Field(description="the file: .csv, .tsv, .txt, also with .gz; .parquet; .xlsx")
    separator: _tables.Separator = Field(
        description="what stands between columns; auto: what divides most lines into the same number of fields"
    )
    decimal: _tables.Decimal = Field(description="what stands before decimals; auto: what makes columns numbers")
    encoding: Line = Field(description="of the text, such as utf-8 or latin-1; auto: UTF-8 or UTF-16, else cp1252")
    quote: _tables.Quote = Field(description="what is around texts that hold separators; none: quotes are letters")
    sheet: str | None = Field(description="of an Excel file; null: its first")


def load(config: Config) -> Source:
    from ablate.data._frames import source_of

    if config.path is None:
        raise refuse("dataset.path", None, "must be the file of a table: dataset.path=FILE dataset.target=COLUMN")
    kind = _tables.kind(config.path)
    for key, usual in ({} if kind == "text" else TEXT).items():
        if (given := getattr(config, key)) != usual:
            raise refuse(f"dataset.{key}", given, f"is for text, and {config.path} is {kind}")
    if config.sheet is not None and kind != "Excel":
        raise refuse("dataset.sheet", config.sheet, f"is for Excel, and {config.path} is {kind}")
    frame, said = _tables.read(
        config.path, config.separator, config.decimal, config.encoding, config.quote, config.sheet
    )
    return source_of(frame, config, said)
