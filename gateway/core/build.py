"""Which build this process runs: the source as Python, or the request path compiled by mypyc (setup.py)."""

from typing import Final

COMPILED: Final = not __file__.endswith(".py")
"""This very module is compiled with the rest of the path."""
