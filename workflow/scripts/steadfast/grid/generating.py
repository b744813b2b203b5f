"""What the stages of prompts and responses are told."""

from typing import Any

from steadfast.core.registry import own_names
from steadfast.grid.systems import Systems


class Generating(Systems):
    """Prompts, and the responses to them."""

    def prompt_files(self) -> list[str]:
        """Local files that the prompts are read from."""
        from steadfast.prompts.sources import source_files

        sources = [*self.config["prompts"]["harmful"], *self.config["prompts"]["harmless"]]
        files = [file for source in sources for file in source_files(source)]
        return list(dict.fromkeys(files))

    def prompt_modules(self) -> list[str]:
        """Registry modules of the prompt sources."""
        sources = [*self.config["prompts"]["harmful"], *self.config["prompts"]["harmless"]]
        return sorted({f"prompts.sources.kinds.{source['kind']}" for source in sources})

    def sampling(self) -> dict[str, Any]:
        """What decides which responses are drawn."""
        keys = ("max_new_tokens", "samples", "temperature", "top_p")
        return {**{key: self.config["generation"][key] for key in keys}, "seed": self.config["seed"]}

    def engine_environment(self) -> str:
        """Conda environment of the jobs that generate."""
        return "vllm" if self.config["generation"]["engine"] in ("auto", "vllm") else "base"

    def decoding(self, variant: str) -> dict[str, Any] | None:
        """The decoding stanza of a variant; None if it steers nothing."""
        stanza = self.config["variants"][variant].get("decoding")
        return dict(stanza) if stanza else None

    def responses_digest(self, variant: str = "original", script: str = "generate_responses.py") -> str:
        """Digest of the code that a variant's responses depend on; ``auto`` may take any engine of our own."""
        engine = self.config["generation"]["engine"]
        engines = own_names("steadfast.generation.engines") if engine == "auto" else [engine]
        rule = self.decoding(variant)
        steering = [f"attacks.decoding.methods.{rule['method']}"] if rule else []
        return self.digest(script, *(f"generation.engines.{name}" for name in engines), *steering)

    def hooked_responses_digest(self, variant: str) -> str:
        """Digest of the code that the responses of a hooked variant depend on."""
        return self.digest(
            "generate_hooked_responses.py", f"attacks.interventions.methods.{self.hook(variant)['method']}"
        )
