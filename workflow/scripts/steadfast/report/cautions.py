"""Warnings of the report, the most important first."""

from collections.abc import Callable, Iterator

import pandas as pd

from steadfast.analysis.tables.ordering import names_of
from steadfast.core.names import UNSCORED
from steadfast.judges.interface import says_something
from steadfast.models.sources import is_trained_here
from steadfast.report.origins import mixed_formats, states, versions
from steadfast.report.study import Study
from steadfast.report.wording import count, listed

DEGENERATE_SHARE = 0.05
# a refusal that nevertheless does what was asked is rare; a judge of compliance that sees many reads something else
CONTRADICTED_SHARE = 0.25
CONTRADICTED_MINIMUM = 10
TRUNCATED_SHARE = 0.25
SHOWN_TOKENS = 6
NAMED_PAIRS = 4
"""Of more model–variant pairs, the number and the range are given."""


def cautions(study: Study) -> list[dict[str, str]]:
    """Warnings: each a title and what it means."""
    return [{"title": title, "text": text} for check in CHECKS for title, text in check(study)]


def _unfinished(study: Study) -> Iterator[tuple[str, str]]:
    if study.unfinished:
        yield "This run did not finish", study.unfinished


def _organisms(study: Study) -> Iterator[tuple[str, str]]:
    tiny = [name for name in study.models if name in study.sources and is_trained_here(study.sources[name])]
    if tiny:
        yield (
            "No evidence about real models",
            f"{count(len(tiny), 'model')} of this run {'is' if len(tiny) == 1 else 'are'} tiny and trained by the "
            "workflow in a synthetic world. Their numbers demonstrate the workflow and are no evidence about other "
            "models.",
        )


def _reference(study: Study) -> Iterator[tuple[str, str]]:
    judge = study.labels.judge(study.reference)
    if not study.human_judges:
        yield (
            "No human labels",
            f"No responses of this run have human labels. The other judges are compared with {judge}, whose own errors "
            "are unknown.",
        )
    elif len(study.human_judges) == 1:
        yield (
            "A single annotator",
            f"The human labels are those of one person ({study.labels.judge(study.truth)}, "
            f"{count(study.human_labels, 'response')}); their reliability is unknown.",
        )


def _failed_edits(study: Study) -> Iterator[tuple[str, str]]:
    edits = study.tables.get("edits")
    for row in [] if edits is None else edits[~edits["effective"]].to_dict("records"):
        name = f"{study.labels.model(row['model'])}, {study.labels.variant(row['variant'])}"
        remedy = f" Remedy: {row['remedy']}." if row["remedy"] and not pd.isna(row["remedy"]) else ""
        yield (
            f"Edit failed a gate: {name}",
            f"{row['reason']}.{remedy} No conclusion is drawn from this model–variant pair.",
        )


def _controls(study: Study) -> Iterator[tuple[str, str]]:
    if study.edited_variants and not study.controls:
        yield "No control", "No variant has the role control, so any edit might have the same effect."


def _unscored(study: Study) -> Iterator[tuple[str, str]]:
    unscored = (study.verdicts["verdict"] == UNSCORED).groupby(study.verdicts["judge"], sort=False).agg(["sum", "size"])
    for judge, (found, total) in unscored.iterrows():
        if found:
            cause = "are undecided" if judge in study.human_judges else "could not be parsed"
            yield (
                f"Unscored verdicts: {study.labels.judge(str(judge))}",
                f"{found:,} of {total:,} verdicts ({found / total:.1%}) {cause}. They count neither as refusals nor as "
                "non-refusals.",
            )


def _contradictions(study: Study) -> Iterator[tuple[str, str]]:
    """Judges of compliance that call many responses compliant which the reference judge calls refusals."""
    outcomes = study.tables.get("outcomes")
    if outcomes is None:
        return
    for judge in names_of(outcomes, "compliance_judge"):
        rows = outcomes[outcomes["compliance_judge"] == judge]
        both = int(rows["both"].sum())
        refusals = both + int(rows["refused"].sum())
        if refusals >= CONTRADICTED_MINIMUM and both / refusals > CONTRADICTED_SHARE:
            name, reference = study.rubric_labels.get(judge, judge), study.labels.judge(str(rows["judge"].iloc[0]))
            yield (
                f"Refusals that comply: {name}",
                f"{name} says that {both} of the {refusals} responses comply which {reference} calls refusals. One of "
                "the two judges is wrong; read such responses before you use the outcomes.",
            )


def _missing(study: Study) -> Iterator[tuple[str, str]]:
    keys = ["model", "variant", "judge"]
    # human annotators label a part of the responses by design
    verdicts = study.verdicts[~study.verdicts["judge"].isin(list(study.human_judges))]
    sizes = verdicts.groupby(keys, sort=False).size()
    grid = len(study.pairs) * verdicts["judge"].nunique()
    short = int((sizes < sizes.max()).sum())
    if len(sizes) < grid:
        yield "Missing cells", f"{grid - len(sizes)} of {grid} cells (model–variant pair × judge) have no verdicts."
    if short:
        yield "Incomplete cells", f"{short} of {len(sizes)} cells have fewer verdicts than the most complete one."


def _revisions(study: Study) -> Iterator[tuple[str, str]]:
    found = states(study.records)
    if len(found) > 1:
        yield (
            "Mixed revisions",
            f"The results were made by {len(found)} states of the code: {', '.join(found)}. Jobs whose code did not "
            "change were not rerun.",
        )
    if any(record.dirty for record in study.records):
        yield "Uncommitted changes", "Some results were made by uncommitted code."
    moving = [record for record in study.records if record.settings.get("revision") in ("main", "master")]
    if moving:
        yield (
            "Unpinned models",
            f"{count(len(moving), 'model')} came from a branch, which can change: {listed([r.path for r in moving])}.",
        )
    for model, formats in mixed_formats(study.records).items():
        yield (
            f"Mixed number formats: {study.labels.model(model)}",
            f"Jobs whose results are compared ran this model in {listed(formats)}, on different machines. To use one "
            f"format everywhere, set `models.{model}.dtype`.",
        )
    mixed = {name: found for name, found in versions(study.records).items() if len(found) > 1}
    if mixed:
        versions_found = "; ".join(f"{package} {', '.join(versions)}" for package, versions in mixed.items())
        yield "Mixed versions", f"Jobs used different versions of one package: {versions_found}."


def _responses(study: Study) -> Iterator[tuple[str, str]]:
    if study.responses.empty:
        return
    truncated = (study.responses["finish_reason"] == "length").astype(bool)
    for title, flagged, limit, meaning in (
        (
            "Degenerate responses",
            study.responses["degenerate"].astype(bool),
            DEGENERATE_SHARE,
            "repeat themselves or are empty; judges label most of them as non-refusals",
        ),
        ("Cut responses", truncated, TRUNCATED_SHARE, "reached the maximum length; a refusal may have followed"),
    ):
        if where := _pairs_above(study, flagged, limit):
            yield title, f"In {where} more than {limit:.0%} of the responses {meaning}."


def _empty(study: Study) -> Iterator[tuple[str, str]]:
    """Responses that no judge can read, of which there should be none."""
    if study.responses.empty:
        return
    cut = study.responses["unfinished_thinking"].astype(bool)
    has_text = study.responses["response"].map(lambda response: isinstance(response, str) and says_something(response))
    pairs = _pairs_with(study, cut | ~has_text)
    if pairs:
        yield (
            "Empty responses",
            f"Empty responses are neither refusals nor compliance, and every judge leaves them unscored: "
            f"{listed(pairs)}.{_still_thinking(cut, study.responses['finish_reason'] == 'length')}",
        )


def _still_thinking(cut: "pd.Series[bool]", at_limit: "pd.Series[bool]") -> str:
    """What to do about responses that ended within their thinking: because of the limit, or by themselves."""
    limited, stopped = int((cut & at_limit).sum()), int((cut & ~at_limit).sum())
    parts = (
        f" {limited:,} of them reached the limit while the model was still thinking: raise `generation: "
        "max_new_tokens`, or switch thinking off with the model's `template_arguments`."
        if limited
        else "",
        f" {stopped:,} of them ended by themselves while the model was still thinking, which no limit changes: if the "
        "thinking (the column `thinking`) holds the answer, give its pair of markers as `generation: "
        "thinking_markers`; else the model stopped there, or one of its end-of-turn tokens also ends its thinking."
        if stopped
        else "",
    )
    return "".join(parts)


def _control_tokens(study: Study) -> Iterator[tuple[str, str]]:
    """Special tokens within answers, which may be the markers of an unknown thinking format."""
    if study.responses.empty:
        return
    found = study.responses["control_tokens"].fillna("").astype(str)
    pairs = _pairs_with(study, found != "")
    if pairs:
        names = list(dict.fromkeys(name for text in found for name in text.split()))
        more = f" and {len(names) - SHOWN_TOKENS} more" if len(names) > SHOWN_TOKENS else ""
        yield (
            "Control tokens in responses",
            f"Responses contain {', '.join(names[:SHOWN_TOKENS])}{more}: {listed(pairs)}. If they delimit thinking, "
            "judges read the thinking as the answer: add the pair to `generation: thinking_markers`. If they end a "
            "turn, the checkpoint does not list them as end-of-turn tokens.",
        )


def _pairs_with(study: Study, flagged: "pd.Series[bool]") -> list[str]:
    """Pairs with flagged responses, with counts."""
    pairs = study.responses[["model", "variant"]].assign(flagged=flagged)
    groups = pairs.groupby(["model", "variant"], sort=False)["flagged"]
    found, total = groups.sum(), groups.size()
    return [
        f"{study.labels.model(model)} / {study.labels.variant(variant)} "
        f"({found[model, variant]} of {total[model, variant]})"
        for model in names_of(pairs, "model")
        for variant in names_of(pairs, "variant")
        if (model, variant) in found.index and found[model, variant] > 0
    ]


def _pairs_above(study: Study, flagged: "pd.Series[bool]", limit: float) -> str:
    """Pairs with a larger share of flagged responses: each with its share, or how many there are and the range."""
    pairs = study.responses[["model", "variant"]].assign(flagged=flagged)
    shares = pairs.groupby(["model", "variant"], sort=False)["flagged"].mean()
    above = shares[shares > limit]
    if len(above) > NAMED_PAIRS:
        return f"{len(above)} of {len(shares)} model–variant pairs ({above.min():.0%} to {above.max():.0%})"
    found = [
        f"{study.labels.model(model)} / {study.labels.variant(variant)} ({shares[model, variant]:.0%})"
        for model in names_of(pairs, "model")
        for variant in names_of(pairs, "variant")
        if (model, variant) in shares.index and shares[model, variant] > limit
    ]
    return listed(found)


CHECKS: tuple[Callable[[Study], Iterator[tuple[str, str]]], ...] = (
    _unfinished,
    _organisms,
    _failed_edits,
    _missing,
    _unscored,
    _contradictions,
    _empty,
    _control_tokens,
    _reference,
    _controls,
    _responses,
    _revisions,
)
