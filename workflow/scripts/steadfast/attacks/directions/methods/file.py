"""A direction from elsewhere: rows of a tensor in a file, such as one decoder row of a sparse autoencoder."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open

from steadfast.attacks.activations import Activations
from steadfast.attacks.directions import CausalScores, Direction, at_block, check_block, unit_rows
from steadfast.core.errors import ConfigError, DataError, UnknownNameError

SUFFIXES = (".safetensors", ".npz", ".npy")


@dataclass(frozen=True)
class File:
    """Rows of a tensor, made orthonormal; see ``build`` for the fields."""

    path: Path
    tensor: str | None
    features: tuple[int, ...] | None
    axis: int
    layer: int | float | None
    position: int

    def find(self, activations: Activations, *, seed: int, causal: CausalScores | None = None) -> Direction:
        """Read the rows; with a layer, class means are recorded there, for edits and hooks that need them.

        Raises:
            DataError: the file does not hold what the settings say, or vectors of another width.
        """
        vectors = self._vectors()
        if vectors.shape[1] != activations.hidden_size:
            raise DataError(
                f"{self.path} holds vectors of {vectors.shape[1]} values; the model's residual stream has "
                f"{activations.hidden_size}. If features lie along the other axis, set axis: {1 - self.axis}"
            )
        details = {"file": self.path.name, "tensor": self.tensor, "features": self.features}
        found = Direction(unit_rows(vectors).astype(np.float32), method="file", details=details)
        return at_block(found, activations, self.layer, self.position)

    def _vectors(self) -> NDArray[np.float64]:
        """The chosen vectors [k, width]."""
        array = _read(self.path, self.tensor)
        if array.ndim == 1:
            array, axis = array[None], 0
        else:
            axis = self.axis
        if array.ndim != 2:
            raise DataError(f"{self.path} holds a tensor of shape {list(array.shape)}; a vector or a matrix is needed")
        rows = array if axis == 0 else array.T
        if self.features is None:
            if len(rows) > 64:
                raise DataError(f"{self.path} holds {len(rows)} vectors; say which ones with features: [index, ...]")
            return rows.astype(np.float64)
        outside = [feature for feature in self.features if not 0 <= feature < len(rows)]
        if outside:
            raise DataError(f"{self.path} holds features 0 to {len(rows) - 1}, not {outside[0]}")
        return rows[list(self.features)].astype(np.float64)


def _read(path: Path, tensor: str | None) -> NDArray[Any]:
    """The tensor as numbers that NumPy knows.

    Raises:
        DataError: the file or the tensor's dtype cannot be read.
    """
    try:
        if path.suffix == ".npy":
            array = np.asarray(np.load(path, allow_pickle=False))
        elif path.suffix == ".npz":
            with np.load(path, allow_pickle=False) as archive:
                array = np.asarray(archive[_name(path, tensor, list(archive.files))])
        else:
            array = _read_safetensors(path, tensor)
    except (SafetensorError, ValueError, TypeError, OSError) as error:
        raise DataError(f"cannot read vectors from {path}: {error}") from error
    if array.dtype.kind not in "fiu":
        raise DataError(f"cannot read vectors from {path}: its values are stored as {array.dtype}, not as real numbers")
    return array


def _read_safetensors(path: Path, tensor: str | None) -> NDArray[Any]:
    import torch  # here alone, so that settings are checked without it

    with safe_open(path, framework="pt") as file:
        stored = file.get_tensor(_name(path, tensor, list(file.keys())))
    # NumPy has no bfloat16; its values are all float32's as well
    return np.asarray((stored.float() if stored.dtype == torch.bfloat16 else stored).numpy())


def _name(path: Path, tensor: str | None, names: list[str]) -> str:
    if tensor is None and len(names) == 1:
        return names[0]
    if tensor is None:
        tensor = "directions"
    if tensor not in names:
        raise UnknownNameError(f"tensor of {path.name}", tensor, names)
    return tensor


def build(
    path: str,
    tensor: str | None = None,
    features: Sequence[int] | int | None = None,
    axis: int = 0,
    layer: int | float | None = None,
    position: int = -1,
) -> File:
    """Build the method.

    Args:
        path: a .safetensors, .npz or .npy file (for sparse autoencoders: the decoder).
        tensor: name of the tensor; by default the only one, or ``directions``.
        features: which vectors of a matrix; all by default.
        axis: the matrix's axis that counts the features (0: each row is a vector).
        layer: block to which the direction belongs, for edits and hooks that need class means.
        position: template position at which class means are taken.
    """
    file = Path(path)
    if file.suffix not in SUFFIXES:
        raise ConfigError(f"path: {path} must end in one of {', '.join(SUFFIXES)}")
    if not file.is_file():
        raise ConfigError(f"path: {path} does not exist")
    if axis not in (0, 1):
        raise ConfigError(f"axis: {axis!r} must be 0 or 1")
    if layer is not None:
        check_block(layer)
    chosen = (features,) if isinstance(features, int) else features
    return File(file, tensor, None if chosen is None else tuple(chosen), axis, layer, position)
