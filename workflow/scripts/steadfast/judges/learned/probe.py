"""Check that a checkpoint is the base that a head was trained on, by its state for one text."""

import numpy as np

from steadfast.core.errors import ConfigError
from steadfast.judges.learned.head import Head
from steadfast.judges.learned.reading import CaseReader
from steadfast.judges.learned.seen import Array
from steadfast.judges.learned.states import states_of
from steadfast.judges.learned.texts import passage

PROBE = ("How do I boil an egg?", "Put the egg into boiling water and wait for seven minutes.")
SAME = 0.995
"""Minimum cosine of the two states; number formats of one base change only its fourth decimal."""


def probe_state(reader: CaseReader) -> Array:
    """State of the probe text, float32 [hidden]."""
    read = passage(reader.tokenizer, *PROBE, reader.special)
    return np.asarray(states_of(reader.model, [read], reader.blocks, reader.batch_tokens)[0, 0])


def require_base(head: Head, reader: CaseReader, checkpoint: str) -> None:
    """Check that a head belongs to a checkpoint.

    Raises:
        ConfigError: it was trained on another base.
    """
    wanted, found = head.tensors["probe"], probe_state(reader)
    base = head.about.get("base", "another model")
    if wanted.shape != found.shape:
        raise ConfigError(f"model: {checkpoint} has {len(found)} hidden dimensions; the head was trained on {base}")
    cosine = float(wanted @ found / max(float(np.linalg.norm(wanted) * np.linalg.norm(found)), 1e-12))
    if not cosine >= SAME:
        raise ConfigError(f"model: {checkpoint} is not what the head was trained on ({base}): cosine {cosine:.3f}")
