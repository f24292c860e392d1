"""Policies: YAML in, an immutable set out that answers, for each caller and model, with a plan."""
