"""Reading prompt sources: file formats, rows, conditions and templates that all kinds share."""
