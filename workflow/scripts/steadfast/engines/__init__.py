"""Generation engines: one module per engine, each with ``build(*, dtype, runtime) -> steadfast.generation.Engine``."""

AUTO = "auto"

# beside the engine's own module, what it runs without importing it
_FURTHER_MODULES = {"vllm": ["engines._vllm_worker"]}


def code_modules(engine: str) -> list[str]:
    """Modules of the package whose code decides the responses of an engine, for digests of code.

    Args:
        engine: name of an engine, or ``auto``, which may take any of these.
    """
    engines = ["transformers", "vllm"] if engine == AUTO else [engine]
    return [module for name in engines for module in (f"engines.{name}", *_FURTHER_MODULES.get(name, []))]
