"""One of several strengths: which is chosen, by validation loss, and what the others gave."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import pandas as pd

from ablate.analysis.runs import figures, finished


def choose(runs: pd.DataFrame, labels: list[str]) -> str:
    """The strength of least validation loss, among those of which fewest runs failed.

    The mean is over the seeds that all of these have, where there are any: an easy seed must not decide.
    """
    failed = {label: failed_seeds(runs, label) for label in labels}
    eligible = [label for label in labels if failed[label] == min(failed.values())]
    counted = finished(runs)
    losses = counted[counted["arm"].isin(eligible)].pivot(index="seed", columns="arm", values="loss/val")
    shared = losses.dropna()
    means = (losses if shared.empty else shared).mean()
    return min(eligible, key=lambda label: means.get(label, float("inf")))


def failed_seeds(runs: pd.DataFrame, arm: str) -> int:
    of_arm = runs[runs["arm"] == arm]
    return of_arm["seed"].nunique() - finished(of_arm)["seed"].nunique()


def strength_table(
    runs: pd.DataFrame, groups: Mapping[str, Collection[str]], chosen: Mapping[str, str], columns: Sequence[str]
) -> pd.DataFrame:
    """A row a strength of the arms that were chosen from several, as `Comparison.strengths` has them.

    groups: the labels among which each arm was chosen; columns: the strengths, in `runs`.
    """
    rows = []
    counted = finished(runs)
    values_of = runs.drop_duplicates("arm").set_index("arm")[columns]
    for name, labels in groups.items():
        own = values_of.loc[list(labels)].sort_values(columns, kind="stable")
        differing = [key for key in columns if own[key].nunique() > 1]
        key = differing[0] if len(differing) == 1 else None
        for label in own.index if len(labels) > 1 else []:
            values = counted[counted["arm"] == label]
            row = {
                "study_arm": name,
                "arm": label,
                "chosen": chosen[name] == label,
                "key": key,
                "value": own.loc[label, key] if key else None,
                "n": len(values),
                "failed": failed_seeds(runs, label),
            }
            for figure in figures(runs):
                row[figure], row[f"{figure} sd"] = values[figure].mean(), values[figure].std(ddof=1)
            rows.append(row)
    return pd.DataFrame(rows)
