"""Where the package and the project lie."""

from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[1]
SCRIPTS = PACKAGE.parent
PROJECT = SCRIPTS.parents[1]
