"""What judging will take, before anything is asked."""

from pathlib import Path

import pandas as pd
import pytest

from steadfast.core.errors import ConfigError
from steadfast.core.result_cache import ResultCache
from steadfast.judges.chat_api.reading import Answer
from steadfast.judges.cost_estimate import Work, cost_table, reject_excess, work_of
from steadfast.judges.kinds import chat

JUDGES = ["llm", "renamed", "other", "a", "b"]
PRICES = {"price_per_million_input": 1.0, "price_per_million_output": 10.0}


@pytest.fixture
def arguments(template_file: Path, tmp_path: Path) -> dict:
    return {
        "kind": "chat",
        "prompt": str(template_file),
        "base_url": "https://api.example.org/v1",
        "model": "judge-1",
        "api_key_env": "NOT_NEEDED_FOR_A_PLAN",
        "output": "text",
        "logprobs": False,
        "max_tokens": 10,
        "store": str(tmp_path / "answers"),
    }


@pytest.fixture
def tables(tmp_path: Path) -> tuple[Path, list[Path]]:
    """A prompt table of four, and the responses of one of three systems; two of them are the same."""
    prompts = pd.DataFrame({"prompt_id": list("abcd"), "text": ["Bake bread?"] * 4, "label": ["harmless"] * 4})
    prompts.to_parquet(tmp_path / "prompts.parquet")
    paths = [tmp_path / f"{name}.parquet" for name in ("one", "two", "three")]
    responses = ["Sure.", "Sure.", "No.", "Mix flour and water. " * 10]
    pd.DataFrame({"prompt_id": list("abcd"), "sample": 0, "response": responses}).to_parquet(paths[0])
    return tmp_path / "prompts.parquet", paths


def work_on(responses: list[Path], prompts: Path, *, cases_each: int = 4, max_new_tokens: int = 300) -> dict[str, Work]:
    """What judges that read all of some responses have to do."""
    judged = {"judges": JUDGES, "responses": responses, "cases_each": cases_each}
    return work_of([judged], prompts, max_new_tokens=max_new_tokens)


def judge_of(arguments: dict) -> chat.ChatJudge:
    judge = chat.build(**{key: value for key, value in arguments.items() if key != "kind"})
    assert isinstance(judge, chat.ChatJudge)
    return judge


def answer(arguments: dict, work: dict[str, Work], count: int) -> None:
    judge = judge_of(arguments)
    with ResultCache(judge._directory) as store:
        form = chat.known_form(judge.settings, judge._requests, store)
        assert form is not None
        for _, request in judge._keyed(work["llm"].cases[:count], form):
            store.put(request, Answer("REFUSAL").record())


def test_estimate_without_responses_is_an_upper_bound(arguments, tables) -> None:
    prompts, paths = tables
    work = work_on(paths[1:], prompts)
    row = cost_table({"llm": {**arguments, **PRICES}, "words": {"kind": "regex", "patterns": "p.yaml"}}, work).iloc[0]
    assert (row["judge"], row["requests"], row["answered"], row["to_ask"], row["bound"]) == (
        "llm",
        8,
        0,
        8,
        "upper bound",
    )
    assert 8 * 600 < row["input_tokens"] < 8 * 700 and row["output_tokens"] == 80
    assert row["cost"] == pytest.approx((row["input_tokens"] + 10 * row["output_tokens"]) / 1e6)


def test_estimate_counts_distinct_existing_responses(arguments, tables) -> None:
    prompts, paths = tables
    row = cost_table({"llm": arguments}, work_on(paths[:1], prompts)).iloc[0]
    assert (row["requests"], row["to_ask"], row["bound"]) == (3, 3, "exact")
    assert pd.isna(row["cost"])
    both = cost_table({"llm": arguments}, work_on(paths, prompts)).iloc[0]
    assert (both["requests"], both["bound"]) == (11, "upper bound")


SENTENCE = "Before the summer the committee published another careful report about bridges, harbours and canals.\n"


def english(characters: int) -> str:
    """Lines of English with a number of characters."""
    return (SENTENCE * (characters // len(SENTENCE) + 1))[:characters]


@pytest.mark.parametrize(
    ("prompt", "new_tokens", "known"),
    [(40, 24, True), (40, 2000, True), (3600, 2000, True), (3600, 2000, False), (30_000, 300, True)],
)
def test_estimate_for_english_responses_stays_within_the_bound(
    arguments, tmp_path: Path, prompt: int, new_tokens: int, known: bool
) -> None:
    table, path = tmp_path / "prompts.parquet", tmp_path / "one.parquet"
    prompts = pd.DataFrame({"prompt_id": ["a"], "text": [english(prompt)], "label": ["harmless"]})
    if known:
        prompts.to_parquet(table)
    work = work_on([path], table, cases_each=1, max_new_tokens=new_tokens)
    bound = cost_table({"llm": {**arguments, **PRICES}}, work).iloc[0]
    response = english(int(new_tokens * 4.8))  # characters of a usual token
    pd.DataFrame({"prompt_id": ["a"], "sample": 0, "response": [response]}).to_parquet(path)
    prompts.to_parquet(table)
    later = work_on([path], table, cases_each=1, max_new_tokens=new_tokens)
    exact = cost_table({"llm": {**arguments, **PRICES}}, later).iloc[0]
    assert exact["bound"] == "exact"
    assert exact["input_tokens"] <= bound["input_tokens"] and exact["cost"] <= bound["cost"]
    # a limit that lets the run start lets its judge ask
    judges = {"llm": {**arguments, **PRICES, "max_cost": float(bound["cost"])}}
    reject_excess(judges, work)
    reject_excess(judges, later)


def test_estimate_uses_the_longest_existing_prompt(arguments, tables) -> None:
    prompts, paths = tables
    table = pd.read_parquet(prompts)
    before = cost_table({"llm": arguments}, work_on(paths[1:], prompts)).iloc[0]["input_tokens"]
    table.loc[2, "text"] += "x" * 3000
    table.to_parquet(prompts)
    assert cost_table({"llm": arguments}, work_on(paths[1:], prompts)).iloc[0]["input_tokens"] == before + 8 * 1000


@pytest.mark.parametrize("content", [None, "no table"])
def test_estimate_without_prompts_states_the_assumed_length(arguments, tables, content) -> None:
    prompts, paths = tables
    prompts.unlink()
    if content:
        prompts.write_text(content, encoding="utf-8")
    work = work_on(paths, prompts)
    assert cost_table({"llm": arguments}, work)["bound"].tolist() == [
        "upper bound, if no prompt is longer than 1,000 words"
    ]
    costly = {"llm": {**arguments, **PRICES, "max_cost": 1e-6}}
    with pytest.raises(ConfigError, match=r"max_cost: 12 requests .* \(prompts of 1,000 words are assumed"):
        reject_excess(costly, work)
    with pytest.raises(ConfigError) as error:
        reject_excess({"llm": {**arguments, "max_requests": 1}}, work)
    assert "assumed" not in str(error.value)


@pytest.fixture
def two_sets(tables, tmp_path: Path) -> tuple[Path, list[dict]]:
    """Responses that ``llm`` and ``other`` read, and answers of one model to other prompts that only ``llm`` reads."""
    prompts, paths = tables
    calibration = tmp_path / "calibration.parquet"
    return prompts, [
        {"judges": ["llm", "other"], "responses": paths[:1], "cases_each": 4},
        {"judges": ["llm"], "responses": [calibration], "cases_each": 6},
    ]


def test_further_prompt_set_counts_for_its_judges_only(arguments, two_sets) -> None:
    prompts, sets = two_sets
    judges = {"llm": {**arguments, **PRICES}, "other": {**arguments, **PRICES}}
    table = cost_table(judges, work_of(sets, prompts, max_new_tokens=300)).set_index("judge")
    assert table["requests"].to_dict() == {"llm": 3 + 6, "other": 3}
    assert table["bound"].to_dict() == {"llm": "upper bound", "other": "exact"}
    assert table.loc["llm", "cost"] > table.loc["other", "cost"]


def test_estimate_counts_cached_answers_of_a_further_set(arguments, two_sets) -> None:
    prompts, sets = two_sets
    # of three answers, one is judged among the other responses already
    responses = pd.DataFrame({"prompt_id": list("abc"), "sample": 0, "response": ["Sure.", "Never.", "Maybe."]})
    responses.to_parquet(sets[1]["responses"][0])
    work = work_of(sets, prompts, max_new_tokens=300)
    assert cost_table({"llm": arguments}, work)[["requests", "to_ask", "bound"]].values.tolist() == [[5, 5, "exact"]]
    answer(arguments, work, 4)
    assert cost_table({"llm": arguments}, work)[["requests", "answered", "to_ask"]].values.tolist() == [[5, 3, 2]]


def test_further_prompt_set_counts_towards_the_limits(arguments, two_sets) -> None:
    prompts, sets = two_sets
    judges = {"llm": {**arguments, "max_requests": 8}, "other": {**arguments, "max_requests": 3}}
    with pytest.raises(ConfigError, match=r"^judges\.llm\.max_requests: 9 requests would be sent") as error:
        reject_excess(judges, work_of(sets, prompts, max_new_tokens=300))
    assert "judges.other" not in str(error.value)


def test_prompt_set_may_be_limited_to_one_label(arguments, tables) -> None:
    prompts, paths = tables
    judged = {"judges": ["llm"], "responses": paths[:1], "cases_each": 2, "label": "harmful"}
    assert cost_table({"llm": arguments}, work_of([judged], prompts, max_new_tokens=300))["requests"].tolist() == [0]
    judged["label"] = "harmless"
    assert cost_table({"llm": arguments}, work_of([judged], prompts, max_new_tokens=300))["requests"].tolist() == [3]


def test_cached_answers_are_free_under_any_judge_name(arguments, tables) -> None:
    prompts, paths = tables
    work = work_on(paths[:1], prompts)
    answer(arguments, work, 3)
    table = cost_table({"llm": arguments, "renamed": {**arguments, "concurrency": 2}}, work)
    assert table[["requests", "answered", "to_ask"]].values.tolist() == [[3, 2, 1]] * 2
    assert (
        table["input_tokens"].iloc[0] < cost_table({"other": {**arguments, "model": "x"}}, work)["input_tokens"].iloc[0]
    )
    answer(arguments, work, 4)
    assert cost_table({"llm": {**arguments, **PRICES}}, work).iloc[0]["cost"] == 0.0


def test_run_above_the_cost_limit_does_not_start(arguments, tables) -> None:
    prompts, paths = tables
    work = work_on(paths[:1], prompts)
    reject_excess({"llm": {**arguments, "max_requests": 3, "max_cost": 1.0, **PRICES}}, work)
    judges = {"a": {**arguments, "max_requests": 2}, "b": {**arguments, "max_cost": 1e-6, **PRICES}}
    with pytest.raises(ConfigError) as error:
        reject_excess(judges, work)
    assert "judges.a.max_requests: 3 requests would be sent" in str(error.value)
    assert "judges.b.max_cost: 3 requests would cost up to" in str(error.value)
    answer(arguments, work, 4)
    reject_excess(judges, work)


def test_judge_with_a_future_checkpoint_is_estimated(arguments, tables, tmp_path: Path) -> None:
    prompts, paths = tables
    served = {key: value for key, value in arguments.items() if key not in ("base_url", "model")}
    work = work_on(paths[:1], prompts)
    row = cost_table({"llm": {**served, "checkpoint": str(tmp_path / "later")}}, work).iloc[0]
    assert row["requests"] == 4 and row["answered"] == 0 and row["input_tokens"] > 0


def test_judges_without_requests_are_not_estimated(tables) -> None:
    prompts, paths = tables
    work = work_on(paths, prompts)
    assert cost_table({"never": {"kind": "never_refuse"}, "self": {"kind": "self"}}, work).empty
