"""Sizes as people read them."""

import pytest

from steadfast.core.units import in_units


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (0, "0 bytes"),
        (1023, "1,023 bytes"),
        (1024, "1.0 KiB"),
        (516 * 2**20, "516 MiB"),
        (1.5 * 2**30, "1.5 GiB"),
        (2**60, "1,048,576 TiB"),
    ],
)
def test_in_units_uses_the_largest_fitting_unit(size, text):
    assert in_units(size) == text
