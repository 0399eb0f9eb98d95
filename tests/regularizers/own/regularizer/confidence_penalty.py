"""Confidence penalty: −β·H(p) beside the loss of every sample (Pereyra et al. 2017). Below 0 it rewards confidence."""

from typing import Annotated

from pydantic import Field

LIMITS = Annotated[float, Field(ge=-1, le=1)]


def outputs(logits, strength):
    if logits.shape[1] == 1:
        p = logits.sigmoid()
        return strength * logits * p * (1 - p)
    log_p = logits.log_softmax(1)
    entropy = -(log_p.exp() * log_p).sum(1, keepdim=True)
    return strength * log_p.exp() * (log_p + entropy)
