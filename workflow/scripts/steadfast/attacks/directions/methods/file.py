"""A direction from a file: rows of a tensor, such as a decoder row of a sparse autoencoder."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from safetensors import SafetensorError, safe_open

from steadfast.attacks.activations import Activations
from steadfast.attacks.directions import CausalScores, Direction, at_block, unit_rows
from steadfast.attacks.directions.settings import PlacedSettings
from steadfast.core.errors import ConfigError, DataError, UnknownNameError
from steadfast.core.settings import ExistingFile, Items


class Settings(PlacedSettings):
    """A vector from a file, such as a decoder row of a sparse autoencoder."""

    path: ExistingFile = Field(description="A .safetensors, .npz or .npy file.")
    tensor: str | None = Field(None, description="Name of the tensor; null takes the only one, or `directions`.")
    features: (
        Annotated[int, Field(ge=0, le=100000000)]
        | Annotated[Items[Annotated[int, Field(ge=0, le=100000000)]], Field(min_length=1)]
        | None
    ) = Field(None, description="Which vectors of a matrix; null takes all.")
    axis: Literal[0, 1] = Field(
        0, description="Axis of the matrix that indexes the features; with 0 each row is a vector."
    )


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
        """Read the rows; if a layer is given, also record its class means, for edits and interventions that need them.

        Raises:
            DataError: the file does not match the settings, or its vectors have another width.
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
    """The tensor in a dtype that NumPy supports.

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
    import torch  # imported here, so that settings are checked without it

    with safe_open(path, framework="pt") as file:
        stored = file.get_tensor(_name(path, tensor, list(file.keys())))
    # NumPy has no bfloat16; float32 holds its values exactly
    return np.asarray((stored.float() if stored.dtype == torch.bfloat16 else stored).numpy())


def _name(path: Path, tensor: str | None, names: list[str]) -> str:
    if tensor is None and len(names) == 1:
        return names[0]
    if tensor is None:
        tensor = "directions"
    if tensor not in names:
        raise UnknownNameError(f"tensor of {path.name}", tensor, names)
    return tensor


def build(settings: Settings) -> File:
    """The method.

    Raises:
        ConfigError: the file format is unknown.
    """
    file = Path(settings.path)
    if file.suffix not in SUFFIXES:
        raise ConfigError(f"path: {file} must end in {', '.join(SUFFIXES)}")
    features = settings.features
    chosen = (features,) if isinstance(features, int) else None if features is None else tuple(features)
    return File(file, settings.tensor, chosen, settings.axis, settings.layer, settings.position)
