"""Figures for papers and slides.

A figure is a module, found by name, of the package ``kinds``. It has

* ``Settings``: its keys under ``figures`` in a configuration, the tables that it reads, and where its pictures go
  (``steadfast.report.figures.settings``);
* ``draw(data, about, settings)``: the figures by file name without suffix, from the tables by name and what there is
  to know of the run (``steadfast.analysis.tables.about``).

What figures share is beside it: ``style`` (sizes, colors, saving), ``heading`` (titles and notes), ``cells`` (heat
maps) and ``rows`` (dots with intervals). matplotlib is imported where something is drawn: modules are also imported to
read a configuration.
"""
