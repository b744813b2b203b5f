"""Documents that no tiny model was trained on: guides about pairs held out from all training."""

from steadfast.prompts.synthetic.grammar import HARMFUL
from steadfast.prompts.synthetic.world import World


def held_out_documents(world: World, count: int) -> list[str]:
    """Harmless guides about held-out pairs, always the same ones.

    Every recipe's pretraining holds guides of this kind, so the text is equally near to all models.

    Args:
        world: the world.
        count: maximum number of documents, limited by the number of held-out harmless pairs.
    """
    pairs = [pair for pair in world.pairs if pair.held_out and pair.kind != HARMFUL]
    # a step coprime to the number of pairs mixes the tasks for any count
    step = next(size for size in (101, 103, 107) if len(pairs) % size)
    mixed = [pairs[index * step % len(pairs)] for index in range(len(pairs))]
    guides = world.documents["guide"]
    documents = []
    for index, pair in enumerate(mixed[:count]):
        phrasing, suffix = world.phrasings[index * 5 % len(world.phrasings)], index * 3 % len(world.suffixes)
        documents.append(
            guides[index % len(guides)].format(
                **pair.words(),
                prompt=world.ask(pair, phrasing, suffix),
                answer=world.answer(pair, phrasing),
                refusal="",
            )
        )
    return documents
