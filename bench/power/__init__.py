"""How well the mark shows with a real model, and what it costs: `python -m bench.power`."""
