"""Plug-ins for Steadfast: one judge and one direction."""
