"""The benchmarks that configurations can name.

Ids, subsets, splits, columns, sizes, licenses and gates are those of the hub and of the publishers' repositories; a
data set may change, so a run pins its revision (`make pin`).
"""

from collections.abc import Mapping
from types import MappingProxyType

from steadfast.prompts.benchmarks import Benchmark, Layout, Part

_CONTEXT_FIRST = "\n\n---\n\n"


def _harmbench(name: str, rows: int, *hub: Layout, template: bool = False, default: bool = True) -> Part:
    """A part of HarmBench: a subset of the hub's copy, or the rows of one functional category in its own file."""
    together = f"{{ContextString}}{_CONTEXT_FIRST}{{Behavior}}"
    column, text = (None, together) if template else ("Behavior", None)
    layout = Layout(column, template=text, where={"FunctionalCategory": name}, category="SemanticCategory")
    return Part(name, "harmful", rows, (*hub, layout), subset=name, default=default)


BENCHMARKS: Mapping[str, Benchmark] = MappingProxyType(
    {
        "advbench": Benchmark(
            title="AdvBench",
            repo="walledai/AdvBench",
            gated=True,
            original="github.com/llm-attacks/llm-attacks, data/advbench/harmful_behaviors.csv",
            license="MIT",
            paper="2307.15043",
            parts=(Part("behaviors", "harmful", 520, (Layout("prompt"), Layout("goal"))),),
        ),
        "do_not_answer": Benchmark(
            title="Do-Not-Answer",
            repo="LibrAI/do-not-answer",
            license="CC BY-NC-SA 4.0",
            paper="2308.13387",
            parts=(Part("questions", "harmful", 939, (Layout("question", category="types_of_harm"),)),),
        ),
        "harmbench": Benchmark(
            title="HarmBench",
            repo="walledai/HarmBench",
            gated=True,
            original="github.com/centerforaisafety/HarmBench, data/behavior_datasets/harmbench_behaviors_text_all.csv",
            license="MIT",
            paper="2402.04249",
            parts=(
                _harmbench("standard", 200, Layout("prompt", category="category")),
                _harmbench(
                    "contextual",
                    100,
                    Layout(template=f"{{context}}{_CONTEXT_FIRST}{{prompt}}", category="category"),
                    template=True,
                ),
                _harmbench("copyright", 100, Layout("prompt"), default=False),
            ),
        ),
        "harmful_behaviors": Benchmark(
            title="harmful_behaviors",
            repo="mlabonne/harmful_behaviors",
            license="not stated",
            paper="",
            parts=(
                Part("train", "harmful", 416, (Layout("text"),)),
                Part("test", "harmful", 104, (Layout("text"),), split="test"),
            ),
        ),
        "harmless_alpaca": Benchmark(
            title="harmless_alpaca",
            repo="mlabonne/harmless_alpaca",
            license="not stated",
            paper="",
            parts=(
                Part("train", "harmless", 25058, (Layout("text"),)),
                Part("test", "harmless", 6265, (Layout("text"),), split="test", default=False),
            ),
        ),
        "jailbreakbench": Benchmark(
            title="JailbreakBench",
            repo="JailbreakBench/JBB-Behaviors",
            license="MIT",
            paper="2404.01318",
            parts=(
                Part(
                    "harmful",
                    "harmful",
                    100,
                    (Layout("Goal", category="Category"),),
                    subset="behaviors",
                    split="harmful",
                ),
                Part(
                    "benign",
                    "harmless",
                    100,
                    (Layout("Goal", category="Category"),),
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
            parts=(Part("instructions", "harmful", 100, (Layout("prompt"), Layout("text"))),),
        ),
        "or_bench": Benchmark(
            title="OR-Bench",
            repo="bench-llm/or-bench",
            license="CC BY 4.0",
            paper="2405.20947",
            parts=(
                Part(
                    "hard",
                    "harmless",
                    1319,
                    (Layout("prompt", category="category"),),
                    subset="or-bench-hard-1k",
                    over_refusal=True,
                ),
                Part("toxic", "harmful", 655, (Layout("prompt", category="category"),), subset="or-bench-toxic"),
            ),
        ),
        "sorry_bench": Benchmark(
            title="SORRY-Bench",
            repo="sorry-bench/sorry-bench-202503",
            gated=True,
            license="SORRY-Bench's own",
            paper="2406.14598",
            parts=(
                Part(
                    "base",
                    "harmful",
                    440,
                    (Layout("turns", where={"prompt_style": "base"}, category="category", turns=True),),
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
                Part(
                    "forbidden",
                    "harmful",
                    313,
                    (Layout("prompt", category="category"), Layout("forbidden_prompt", category="category")),
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
                Part(
                    "adversarial_harmful",
                    "harmful",
                    2000,
                    (Layout("adversarial", where={"data_type": "adversarial_harmful"}),),
                    subset="eval",
                ),
                Part(
                    "adversarial_benign",
                    "harmless",
                    210,
                    (Layout("adversarial", where={"data_type": "adversarial_benign"}),),
                    subset="eval",
                    over_refusal=True,
                ),
                Part(
                    "vanilla_harmful",
                    "harmful",
                    50050,
                    (Layout("vanilla", where={"data_type": "vanilla_harmful"}),),
                    subset="train",
                    default=False,
                ),
                Part(
                    "vanilla_benign",
                    "harmless",
                    50050,
                    (Layout("vanilla", where={"data_type": "vanilla_benign"}),),
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
                Part(
                    "safe",
                    "harmless",
                    250,
                    (
                        Layout("prompt", where={"label": "safe"}, category="type"),
                        Layout("prompt", where={"type": {"not": "contrast_*"}}, category="type"),
                    ),
                    over_refusal=True,
                ),
                Part(
                    "contrast",
                    "harmful",
                    200,
                    (
                        Layout("prompt", where={"label": "unsafe"}, category="type"),
                        Layout("prompt", where={"type": "contrast_*"}, category="type"),
                    ),
                ),
            ),
        ),
    }
)
OVER_REFUSAL = tuple(name for name, found in BENCHMARKS.items() if any(part.over_refusal for part in found.parts))
"""Names of the benchmarks with prompts on which over-refusal is measured."""
