"""Display names."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Labels:
    """Display labels by name; the name itself is the default.

    Models, variants and judges are separate, since a model and a judge may have the same name.
    """

    models: Mapping[str, str] = field(default_factory=dict)
    variants: Mapping[str, str] = field(default_factory=dict)
    judges: Mapping[str, str] = field(default_factory=dict)

    def model(self, name: str) -> str:
        """Label of a model."""
        return self.models.get(name, name)

    def variant(self, name: str) -> str:
        """Label of a variant."""
        return self.variants.get(name, name)

    def judge(self, name: str) -> str:
        """Label of a judge."""
        return self.judges.get(name, name)
