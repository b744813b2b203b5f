"""Intervention methods: one module per method, found by name."""
