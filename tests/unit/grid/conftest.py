"""The small configuration whose wiring is tested."""

from tests.unit.config.conftest import config, in_the_repository, prompts_file, refused, without_results

__all__ = ["config", "in_the_repository", "prompts_file", "refused", "without_results"]
