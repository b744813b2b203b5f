"""Plug-ins for Steadfast: one judge, one direction and one source of models."""
