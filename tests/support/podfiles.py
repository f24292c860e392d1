"""A pod's file system as the kubelet would lay it out, under a folder: what mounts where, links and all."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.support.helm import Doc, named

PEPPER = "pepper-of-the-tests-pepper-of-the-tests\n"


class PodFiles:
    """The mounts of one pod spec, below `root`. Objects that the chart only names come from `given`."""

    def __init__(self, root: Path, documents: list[Doc], spec: Doc, given: dict[str, dict[str, str]]) -> None:
        self.root = root
        self._documents = documents
        self._given = given
        volumes = {volume["name"]: volume for volume in spec["volumes"]}
        for mount in spec["containers"][0]["volumeMounts"]:
            folder = self.path(mount["mountPath"])
            folder.mkdir(parents=True)
            files = dict(self._files(volumes[mount["name"]]))
            if files:
                _link(folder, files)

    def path(self, inside: str) -> Path:
        """Where a path of the pod is."""
        return self.root / inside.lstrip("/")

    def outside(self, text: str) -> str:
        """A text that names paths of the pod, with ours in their place."""
        for prefix in ("/etc/gateway/", "/var/lib/gateway/"):
            text = text.replace(prefix, str(self.path(prefix)) + "/")
        return text

    def localise(self) -> Path:
        """Make gateway.yaml name our paths; returns where it is."""
        path = self.path("/etc/gateway/config/gateway.yaml")
        path.write_text(self.outside(path.read_text()))
        return path

    def _files(self, volume: Doc) -> Iterator[tuple[str, str]]:
        if "projected" in volume:
            for source in volume["projected"]["sources"]:
                ((kind, reference),) = source.items()
                yield from self._of(kind, reference["name"], reference.get("items"))
        elif "configMap" in volume:
            yield from self._of("configMap", volume["configMap"]["name"], None)

    def _of(self, kind: str, name: str, items: list[Any] | None) -> Iterator[tuple[str, str]]:
        """Files of one object; a key that it lacks keeps a pod from starting, here too."""
        data = self._given.get(name)
        if data is None:
            assert kind == "configMap", f"the secret {name} is named and nobody made it"
            data = named(self._documents, "ConfigMap", name)["data"]
        if items is None:
            yield from data.items()
        else:
            yield from ((item["path"], data[item["key"]]) for item in items)


def _link(folder: Path, files: dict[str, str]) -> None:
    """Real files in a dated folder, a link ..data to it, links to what is at the top: how updates are atomic."""
    dated = folder / "..2026_11_22"
    for path, text in files.items():
        (dated / path).parent.mkdir(parents=True, exist_ok=True)
        (dated / path).write_text(text)
    (folder / "..data").symlink_to(dated.name)
    for top in {path.split("/")[0] for path in files}:
        (folder / top).symlink_to(Path("..data") / top)
