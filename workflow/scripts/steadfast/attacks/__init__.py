"""Attacks: refusal directions, edits of weights, interventions at inference, and decoding rules."""
