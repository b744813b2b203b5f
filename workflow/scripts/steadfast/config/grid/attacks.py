"""What the stages from activations to edited checkpoints are told."""

import json
from typing import Any

from steadfast.config.grid.systems import Systems


class Attacks(Systems):
    """Directions and edits."""

    def direction(self, variant: str) -> dict[str, Any]:
        """The direction stanza of a variant."""
        return dict(self.config["variants"][variant]["direction"])

    def edit(self, variant: str) -> dict[str, Any]:
        """The edit stanza of a variant."""
        return dict(self.config["variants"][variant]["edit"])

    def positions(self) -> list[int] | str:
        """Template positions that any variant's direction may use, the last one always among them."""
        directions = (variant.get("direction", {}) for variant in self.config["variants"].values())
        used = {direction["position"] for direction in directions if "position" in direction}
        return "post_instruction" if "auto" in used else sorted({-1, *used})

    def extraction_machine(self) -> str:
        """How extraction uses the machine, as JSON."""
        return json.dumps({key: self.config["runtime"][key] for key in ("device", "batch_tokens")})

    def direction_digest(self, variant: str) -> str:
        """Digest of the code that a variant's direction depends on."""
        return self.digest("find_direction.py", f"directions.{self.direction(variant)['method']}")

    def edit_digest(self, variant: str) -> str:
        """Digest of the code that a variant's edit depends on."""
        return self.digest("bake_checkpoint.py", f"edits.{self.edit(variant)['method']}")
