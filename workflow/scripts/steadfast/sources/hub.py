"""A checkpoint of the Hugging Face hub; without the hub nothing of it can be checked."""

from steadfast.sources import Source

SOURCE = Source()
