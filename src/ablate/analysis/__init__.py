"""Studies, and what their runs say: the table of runs, arms against the baseline, verdicts.

Doors: `studies` for what is asked for, `comparison.compare_folders` for what came of it. `statistics` is pure: tests,
intervals, corrections, from a table to a table. `runs` makes the table of runs, `labels` names its arms, `selection`
chooses among strengths.
"""
