"""Runs of the workflow: checks before the first job, locks, estimates, the terminal, unfinished runs, verification."""
