import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture(scope="session")
def checkpoint(tmp_path_factory):
    from tiny_llama import save_checkpoint

    return save_checkpoint(tmp_path_factory.mktemp("tiny-llama"))
