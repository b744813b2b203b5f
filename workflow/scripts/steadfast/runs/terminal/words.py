"""Words of the display of a run: steps, reasons, times."""

# Snakemake's reasons in words; the first that applies is shown
REASONS = {
    "Forced execution": "asked for",
    "Incomplete output files": "left unfinished",
    "Params have changed": "settings or code changed",
    "Set of input files has changed": "reads other files than before",
    "Software environment definition has changed": "environment changed",
    "Updated input files": "an input is newer",
    "Missing output files": "no result yet",
    "Input files updated by another job": "an earlier step is made again",
}


def in_words(rule: str, wildcards: dict[str, str]) -> str:
    """A step of a rule without a message: its name and wildcards."""
    values = ", ".join(map(str, wildcards.values()))
    return rule.replace("_", " ") + (f": {values}" if values else "")


def steps(number: int) -> str:
    """A number of steps."""
    return "1 step" if number == 1 else f"{number} steps"


def reason_in_words(reason: str) -> str:
    """Why a step is needed, from Snakemake's reason."""
    return next((words for phrase, words in REASONS.items() if phrase in reason), "always made")


def clock(seconds: float) -> str:
    """A time span as hours, minutes and seconds."""
    return f"{int(seconds) // 3600}:{int(seconds) // 60 % 60:02}:{int(seconds) % 60:02}"
