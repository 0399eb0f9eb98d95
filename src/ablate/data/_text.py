"""The text of a table: how it is encoded, separated and quoted, found out where that isn't said."""

from __future__ import annotations

import codecs
import csv
import gzip
import io
import re
import zlib
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from ablate.utils.text import count as of
from ablate.utils.text import cut, listed

# In the order of preference: commas stand in numbers and texts too, blanks everywhere.
SEPARATORS = {"tab": "\t", "semicolon": ";", "pipe": "|", "comma": ",", "space": " "}
QUOTES = {"double": '"', "single": "'", "none": None}
NONE = "\x1f"  # separates nothing: no text that is read holds it
SAMPLE = 2**18  # characters by which a dialect is found out
LONGEST_FIELD = 2**30
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),  # begins as that of UTF-16 does
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_OTHERS = {
    b"\x89PNG": "a PNG image", b"\xff\xd8\xff": "a JPEG image", b"GIF8": "a GIF image", b"%PDF": "a PDF",
    b"PK\x03\x04": "a ZIP archive", b"\xd0\xcf\x11\xe0": "an old Excel file: save it as .xlsx",
    b"SQLite format": "an SQLite database", b"\x89HDF": "an HDF5 file", b"\x93NUMPY": "a NumPy array",
}  # fmt: skip


@dataclass(frozen=True)
class Dialect:
    """separator, quote: characters, quote None: none; skip: lines before the header."""

    separator: str
    quote: str | None
    skip: int = 0

    @property
    def name(self) -> str:
        return next((f"{name}s" for name, sign in SEPARATORS.items() if sign == self.separator), "nothing")

    def rows(self, text: str) -> Iterator[tuple[int, list[str]]]:
        """The rows of a text without the lines to skip: number of its last line, fields. Empty lines are none.

        Raises:
            ValueError: a quote is not closed, or something stands behind one.
        """
        quoting: Any = csv.QUOTE_NONE if self.quote is None else csv.QUOTE_MINIMAL
        lines = csv.reader(
            io.StringIO(text, newline=""),
            delimiter=self.separator,
            quotechar=self.quote or '"',
            quoting=quoting,
            skipinitialspace=True,
            strict=True,
        )
        begun = self.skip + 1
        while True:
            try:
                row = next(lines)
            except StopIteration:
                return
            except csv.Error as error:
                said = "a quote is not closed" if "unexpected end" in str(error) else f"a quote is amiss ({error})"
                raise ValueError(f"line {begun:,}: {said}; dataset.quote=none takes quotes as they are") from None
            begun = self.skip + lines.line_num + 1
            if row:
                yield begun - 1, row


@contextmanager
def long_fields() -> Iterator[None]:
    """Fields of any length are read; Python's csv refuses those of more than 128 KB."""
    before = csv.field_size_limit(LONGEST_FIELD)
    try:
        yield
    finally:
        csv.field_size_limit(before)


def unpacked(content: bytes) -> bytes:
    """A file's content; that of one that gzip has made, as it was before.

    Raises:
        ValueError: it is damaged.
    """
    if not content.startswith(b"\x1f\x8b"):
        return content
    try:
        return gzip.decompress(content)
    except (OSError, EOFError, zlib.error) as error:
        raise ValueError(f"can't be unpacked: {error}") from None


def decoded(content: bytes, encoding: str) -> tuple[str, str]:
    """The text of a file, and in which encoding it is; auto: UTF-8 or UTF-16 by its mark or form, else cp1252.

    Raises:
        ValueError: it is no text; it is in another encoding.
    """
    if other := next((name for magic, name in _OTHERS.items() if content.startswith(magic)), None):
        raise ValueError(f"is no table, it is {other}")
    tried = [encoding] if encoding != "auto" else _encodings(content)
    for name in tried:
        try:
            text = content.decode(name)
            break
        except LookupError:
            raise ValueError(f"there is no encoding {name}") from None
        except ValueError:
            continue
    else:
        raise ValueError(f"is not in {' or '.join(tried)}; dataset.encoding=NAME says in what")
    text = text.removeprefix("\ufeff")
    if odd := re.search(r"[\x00-\x08\x0b\x0e-\x1f]", text):
        line = len(text[: odd.start()].splitlines()) or 1
        raise ValueError(f"is no text: line {line:,} holds a character of code {ord(odd[0])}")
    return text, {"utf-8-sig": "utf-8 with a mark"}.get(name, name)


def _encodings(content: bytes) -> list[str]:
    if marked := next((name for mark, name in _MARKS if content.startswith(mark)), None):
        return [marked]
    begin = content[:4096]
    for name, high in (("utf-16-le", begin[1::2]), ("utf-16-be", begin[::2])):
        if len(begin) >= 8 and high.count(0) > 0.7 * len(high):
            return [name]
    return ["utf-8", "cp1252"]


def dialect(text: str, separator: str, quote: str) -> Dialect:
    """How a text is separated and quoted, where it isn't told: as most of its lines have the same number of fields.

    Raises:
        ValueError: it is no table.
    """
    _refuse_markup(text)
    said = re.match(r'"?sep=(.)"?\r?\n', text)  # as Excel writes it
    skip = 1 if said else _comments(text)
    signs = [SEPARATORS[separator]] if separator != "auto" else [said[1]] if said else list(SEPARATORS.values())
    sample = without(text[:SAMPLE], skip)
    if len(text) > SAMPLE:
        sample = sample[: max(sample.rfind("\n"), sample.rfind("\r"))]
    quotes = [QUOTES[quote]] if quote != "auto" else ['"', "'"] if "'" in sample and '"' not in sample else ['"']
    found = [Dialect(sign, one, skip) for one in quotes for sign in signs]
    if len(found) == 1:
        return found[0]
    scores = [_score(one, sample) for one in found]
    best = max(range(len(found)), key=lambda i: (scores[i], -i))
    if scores[best][0] == 0:  # one column; or a quote is amiss, as reading it will tell
        if amiss := [one for one in found if _is_amiss(one, sample)]:
            return amiss[0]
        return Dialect(signs[0] if len(signs) == 1 else NONE, quotes[0], skip)
    one = found[best]
    if skip == 1 and not said and _width(text, one) == _width(sample, one):  # the names of columns, behind a #
        return Dialect(one.separator, one.quote)
    return one


def _refuse_markup(text: str) -> None:
    begin = text.lstrip()[:200].lower()
    if begin.startswith(("<!doctype", "<html", "<?xml")):
        raise ValueError("is no table, it is HTML or XML")
    if re.match(r'(\{\s*["}])|(\[\s*[\[{\]"\d])', begin):
        raise ValueError("is no table, it is JSON")


def _comments(text: str) -> int:
    lines = re.match(r"(?:#[^\r\n]*(?:\r\n|\r|\n))*", text)
    return len(lines[0].splitlines()) if lines else 0


def without(text: str, lines: int) -> str:
    """A text without so many of its first lines."""
    return re.sub(rf"\A(?:[^\r\n]*(?:\r\n|\r|\n)){{{lines}}}", "", text) if lines else text


def _width(text: str, one: Dialect) -> int:
    try:
        return len(next(one.rows(text), (0, []))[1])
    except ValueError:
        return 0


def _is_amiss(one: Dialect, sample: str) -> bool:
    try:
        return not list(one.rows(sample))
    except ValueError:
        return True


def _score(one: Dialect, sample: str) -> tuple[float, ...]:
    """How well a dialect fits, the first numbers first: lines alike, the header as they are, fields of one piece."""
    sample = trimmed(sample) if one.separator == " " else sample
    rows = []
    whole = 1
    try:
        for _, row in one.rows(sample):
            rows.append(row)
    except ValueError:  # at the end of a sample a quote may be open
        whole = len(sample) >= SAMPLE // 2 and len(rows) > 1
    if not rows or not whole:
        return (0.0, 0.0, 0.0, 0.0)
    width, count = Counter(map(len, rows)).most_common(1)[0]
    share = count / len(rows)
    if width < 2 or share < 0.5 or (one.separator == " " and (share < 1 or width > 200)):
        return (0.0, 0.0, 0.0, 0.0)
    fields = [field.strip() for row in rows[:200] for field in row]
    mixed = re.compile("[" + re.escape("".join(s for s in ";\t|," if s != one.separator)) + "]")
    whole_ones = sum(not mixed.search(field) or bool(re.fullmatch(r"[+-]?\d*,\d+", field)) for field in fields)
    kept = sum(len(field) > 1 and field[0] == field[-1] and field[0] in "\"'" for field in fields)
    level = 1.0 if one.separator != " " else 0.5  # blanks stand in texts too
    fits = round(share, 2) if share < 1 else 1.0
    return (level, fits * (len(rows[0]) == width), whole_ones / len(fields) - kept / len(fields), fits)


def trimmed(text: str) -> str:
    """Without blanks at the ends of lines, which would be columns where blanks separate."""
    return re.sub(r"(?m)^ +| +(?=[\r\n]|\Z)", "", text)


def table(text: str, one: Dialect) -> tuple[list[str], int, bool]:
    """The names in a text's first row, how many rows follow, and whether all of these end in a separator too many.

    Raises:
        ValueError: rows have more fields, or fewer, than the first has.
    """
    rows = one.rows(text)
    _, names = next(rows, (0, []))
    width, count, odd, trailing = len(names), 0, [], 0
    for line, row in rows:
        count += 1
        if len(row) != width:
            trailing += len(row) == width + 1 and not row[-1]
            odd.append((line, len(row)))
    if odd and trailing != count:
        line, fields = odd[0]
        told = f"line {line:,} has {of(fields, 'field')}, and the first one, of names, {width:,}"
        why = "its separators or quotes may be others" if len(odd) < count else "a column may lack its name"
        raise ValueError(f"{told} ({len(odd):,} of {count:,} rows differ); {why}")
    return names, count, bool(odd)


def named(names: list[str]) -> tuple[list[str], list[str]]:
    """The names of columns, blanks within them made one; those without a name by their place. Which these are.

    Raises:
        ValueError: the names are numbers, or twice there.
    """
    found = [" ".join(name.split()) for name in names]
    numbers = [name for name in found if re.fullmatch(r"[+-]?(\d+|\d*[.,]\d+)([eE][+-]?\d+)?", name)]
    if numbers and (len(numbers) == len(found) or any(re.search("[.,]", name) for name in numbers)):
        raise ValueError(
            f"its first line holds numbers ({cut(', '.join(numbers[:3]))}) where a table names its columns; "
            "put a line of names above it"
        )
    unnamed = [f"column {place}" for place, name in enumerate(found, 1) if not name]
    found = [name or f"column {place}" for place, name in enumerate(found, 1)]
    if twice := [name for name, times in Counter(found).items() if times > 1]:
        raise ValueError(f"has more than one column of the name {cut(listed(twice[:5]))}; give each its own")
    return found, unnamed
