"""The benchmarks that configurations can name.

Ids, subsets, splits, columns, sizes, licenses and gates are those of the hub and of the publishers' repositories; a
data set may change, so a run pins its revision (`make pin`).
"""

from collections.abc import Mapping
from types import MappingProxyType

from steadfast.prompts.benchmarks import Benchmark, BenchmarkPart, RowLayout

_CONTEXT_FIRST = "\n\n---\n\n"


def _harmbench(name: str, rows: int, *hub: RowLayout, template: bool = False, default: bool = True) -> BenchmarkPart:
    """A part of HarmBench: a subset of the hub's copy, or the rows of one functional category in its own file."""
    together = f"{{ContextString}}{_CONTEXT_FIRST}{{Behavior}}"
    column, text = (None, together) if template else ("Behavior", None)
    layout = RowLayout(column, template=text, where={"FunctionalCategory": name}, category="SemanticCategory")
    return BenchmarkPart(name, "harmful", rows, (*hub, layout), subset=name, default=default)


BENCHMARKS: Mapping[str, Benchmark] = MappingProxyType(
    {
        "advbench": Benchmark(
            title="AdvBench",
            repo="walledai/AdvBench",
            gated=True,
            original="github.com/llm-attacks/llm-attacks, data/advbench/harmful_behaviors.csv",
            license="MIT",
            paper="2307.15043",
            parts=(BenchmarkPart("behaviors", "harmful", 520, (RowLayout("prompt"), RowLayout("goal"))),),
        ),
        "do_not_answer": Benchmark(
            title="Do-Not-Answer",
            repo="LibrAI/do-not-answer",
            license="CC BY-NC-SA 4.0",
            paper="2308.13387",
            parts=(BenchmarkPart("questions", "harmful", 939, (RowLayout("question", category="types_of_harm"),)),),
        ),
        "harmbench": Benchmark(
            title="HarmBench",
            repo="walledai/HarmBench",
            gated=True,
            original="github.com/centerforaisafety/HarmBench, data/behavior_datasets/harmbench_behaviors_text_all.csv",
            license="MIT",
            paper="2402.04249",
            parts=(
                _harmbench("standard", 200, RowLayout("prompt", category="category")),
                _harmbench(
                    "contextual",
                    100,
                    RowLayout(template=f"{{context}}{_CONTEXT_FIRST}{{prompt}}", category="category"),
                    template=True,
                ),
                _harmbench("copyright", 100, RowLayout("prompt"), default=False),
            ),
        ),
        "harmful_behaviors": Benchmark(
            title="harmful_behaviors",
            repo="mlabonne/harmful_behaviors",
            license="not stated",
            paper="",
            parts=(
                BenchmarkPart("train", "harmful", 416, (RowLayout("text"),)),
                BenchmarkPart("test", "harmful", 104, (RowLayout("text"),), split="test"),
            ),
        ),
        "harmless_alpaca": Benchmark(
            title="harmless_alpaca",
            repo="mlabonne/harmless_alpaca",
            license="not stated",
            paper="",
            parts=(
                BenchmarkPart("train", "harmless", 25058, (RowLayout("text"),)),
                BenchmarkPart("test", "harmless", 6265, (RowLayout("text"),), split="test", default=False),
            ),
        ),
        "jailbreakbench": Benchmark(
            title="JailbreakBench",
            repo="JailbreakBench/JBB-Behaviors",
            license="MIT",
            paper="2404.01318",
            parts=(
                BenchmarkPart(
                    "harmful",
                    "harmful",
                    100,
                    (RowLayout("Goal", category="Category"),),
                    subset="behaviors",
                    split="harmful",
                ),
                BenchmarkPart(
                    "benign",
                    "harmless",
                    100,
                    (RowLayout("Goal", category="Category"),),
                    subset="behaviors",
                    split="benign",
                    over_refusal=True,
                ),
            ),
        ),
        "malicious_instruct": Benchmark(
            title="MaliciousInstruct",
            repo="walledai/MaliciousInstruct",
            original="github.com/Princeton-SysML/Jailbreak_LLM, data/MaliciousInstruct.txt",
            license="CC BY-SA 4.0",
            paper="2310.06987",
            parts=(BenchmarkPart("instructions", "harmful", 100, (RowLayout("prompt"), RowLayout("text"))),),
        ),
        "or_bench": Benchmark(
            title="OR-Bench",
            repo="bench-llm/or-bench",
            license="CC BY 4.0",
            paper="2405.20947",
            parts=(
                BenchmarkPart(
                    "hard",
                    "harmless",
                    1319,
                    (RowLayout("prompt", category="category"),),
                    subset="or-bench-hard-1k",
                    over_refusal=True,
                ),
                BenchmarkPart(
                    "toxic", "harmful", 655, (RowLayout("prompt", category="category"),), subset="or-bench-toxic"
                ),
            ),
        ),
        "sorry_bench": Benchmark(
            title="SORRY-Bench",
            repo="sorry-bench/sorry-bench-202503",
            gated=True,
            license="SORRY-Bench's own",
            paper="2406.14598",
            parts=(
                BenchmarkPart(
                    "base",
                    "harmful",
                    440,
                    (RowLayout("turns", where={"prompt_style": "base"}, category="category", turns=True),),
                    subset="question",
                ),
            ),
        ),
        "strongreject": Benchmark(
            title="StrongREJECT",
            repo="walledai/StrongREJECT",
            gated=True,
            original="github.com/alexandrasouly/strongreject, strongreject_dataset/strongreject_dataset.csv",
            license="MIT",
            paper="2402.10260",
            parts=(
                BenchmarkPart(
                    "forbidden",
                    "harmful",
                    313,
                    (RowLayout("prompt", category="category"), RowLayout("forbidden_prompt", category="category")),
                ),
            ),
        ),
        "wildjailbreak": Benchmark(
            title="WildJailbreak",
            repo="allenai/wildjailbreak",
            gated=True,
            license="ODC-BY",
            paper="2406.18510",
            parts=(
                BenchmarkPart(
                    "adversarial_harmful",
                    "harmful",
                    2000,
                    (RowLayout("adversarial", where={"data_type": "adversarial_harmful"}),),
                    subset="eval",
                ),
                BenchmarkPart(
                    "adversarial_benign",
                    "harmless",
                    210,
                    (RowLayout("adversarial", where={"data_type": "adversarial_benign"}),),
                    subset="eval",
                    over_refusal=True,
                ),
                BenchmarkPart(
                    "vanilla_harmful",
                    "harmful",
                    50050,
                    (RowLayout("vanilla", where={"data_type": "vanilla_harmful"}),),
                    subset="train",
                    default=False,
                ),
                BenchmarkPart(
                    "vanilla_benign",
                    "harmless",
                    50050,
                    (RowLayout("vanilla", where={"data_type": "vanilla_benign"}),),
                    subset="train",
                    over_refusal=True,
                    default=False,
                ),
            ),
        ),
        "xstest": Benchmark(
            title="XSTest",
            repo="Paul/XSTest",
            original="github.com/paul-rottger/xstest, xstest_prompts.csv",
            license="CC BY 4.0",
            paper="2308.01263",
            parts=(
                BenchmarkPart(
                    "safe",
                    "harmless",
                    250,
                    (
                        RowLayout("prompt", where={"label": "safe"}, category="type"),
                        RowLayout("prompt", where={"type": {"not": "contrast_*"}}, category="type"),
                    ),
                    over_refusal=True,
                ),
                BenchmarkPart(
                    "contrast",
                    "harmful",
                    200,
                    (
                        RowLayout("prompt", where={"label": "unsafe"}, category="type"),
                        RowLayout("prompt", where={"type": "contrast_*"}, category="type"),
                    ),
                ),
            ),
        ),
    }
)
OVER_REFUSAL = tuple(name for name, found in BENCHMARKS.items() if any(part.over_refusal for part in found.parts))
"""Names of the benchmarks with prompts on which over-refusal is measured."""
