"""Plain YAML out: what `load` reads back as the same value."""

from typing import Any

import yaml

from gateway.yamlio.scalars import plain


def dump(value: Any) -> str:
    """Plain block YAML that `load` reads back as the same value."""
    return yaml.dump(value, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=110)


class _Dumper(yaml.SafeDumper):
    """Writes text in quotes whenever `load` would read it as something else, and never an alias."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002 - PyYAML's signature
        return True

    def text(self, data: str) -> yaml.Node:
        style = None if isinstance(plain(data), str) else '"'
        return self.represent_scalar("tag:yaml.org,2002:str", data, style=style)


_Dumper.add_representer(str, _Dumper.text)
