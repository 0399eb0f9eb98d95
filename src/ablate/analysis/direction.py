"""Whether a metric's higher figures are the better ones, where its name tells. Nothing is guessed."""

from __future__ import annotations

import re
from itertools import pairwise

from ablate.utils.errors import ConfigError

LOWER = (
    "loss", "losses", "logloss", "crossentropy", "error", "errors", "err", "rmse", "mae", "mse", "mape", "smape",
    "msle", "rmsle", "nll", "perplexity", "ppl", "brier", "deviance", "regret", "wer", "cer", "fid", "ece",
)  # fmt: skip
HIGHER = (
    "accuracy", "acc", "auc", "auroc", "auprc", "f1", "r2", "precision", "recall", "sensitivity", "specificity",
    "mcc", "kappa", "likelihood", "iou", "miou", "dice", "bleu", "rouge", "psnr", "ssim", "ndcg", "mrr",
)  # fmt: skip
# With one of these, a name is of something else: of the negative, of what was lost or gained, of a spread.
TURNED = (
    "neg", "negative", "minus", "inverse", "drop", "decrease", "reduction", "increase", "improvement", "gain",
    "gap", "difference", "diff", "delta", "change", "sd", "std", "var", "variance",
)  # fmt: skip


def higher_is_better(metric: str) -> bool:
    """Whether a higher figure is better, by the words of the metric's name: `val_loss`, `test/rmse`, `rocAUC`.

    Raises:
        ConfigError: no word, or words of both kinds, or one that may turn it round (`neg_log_loss`): it has to be told.
    """
    apart = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", metric.replace("²", "2")).lower()
    words = re.findall(r"[^\W_]+", apart)
    pairs = ["".join(pair) for pair in pairwise(words)]  # cross entropy
    numbered = [word.rstrip("0123456789") for word in words]  # acc5
    words += pairs + numbered + ["minus"] * bool(re.match(r"\s*1?\s*[-−/]", apart))  # 1 - AUC
    found = {kind for kind, names in ((False, LOWER), (True, HIGHER), (None, TURNED)) if set(words) & set(names)}
    if found == {True} or found == {False}:
        return found == {True}
    raise ConfigError(
        f"{metric}: its name doesn't tell whether higher or lower figures are better; say higher_is_better=True "
        "or False, on the command line --better higher or lower"
    )
