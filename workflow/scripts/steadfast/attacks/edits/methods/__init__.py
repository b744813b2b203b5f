"""Edit methods: one module per method, found by name."""
