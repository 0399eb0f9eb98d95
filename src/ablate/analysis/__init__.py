"""Studies, and what their runs say: the table of runs, arms against the baseline, verdicts.

Doors: `studies` for what is asked for, `comparison.compare_folders` for what came of it. `statistics` is pure, from
tables to tables, with the tests, intervals and corrections of `inference`. `runs` makes the table of runs, `labels`
names its arms, `selection` chooses among strengths, `differing` says what else arms differ in, `direction` whether
higher is better.
"""
