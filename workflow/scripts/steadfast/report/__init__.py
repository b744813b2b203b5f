"""``results/report.html``: the whole run on one self-contained page.

`study` holds the results, `sections` define what is shown (add one to the list in ``sections/__init__.py``),
`blocks` are the tables and charts that sections are made of, and `page` puts everything into one file.
"""
