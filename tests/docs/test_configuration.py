"""The documentation names every setting with the default it really has, and its examples are valid."""

import re
from pathlib import Path

import pytest
from pydantic import TypeAdapter
from pydantic_core import PydanticUndefined

from gateway import yamlio
from gateway.catalogue import ModelsFile
from gateway.config import Settings, load_config
from gateway.identity.directory import AccountsFile, directory_of
from gateway.identity.keys import Pepper
from gateway.scalars import Seconds, size_bytes
from tests.support.settings_tree import leaves

DOCS = Path(__file__).parents[2] / "docs"
CONFIGURATION = (DOCS / "configuration.md").read_text()
ACCOUNTS = (DOCS / "accounts.md").read_text()


def example(text: str) -> str:
    return text.split("```yaml\n")[1].split("```", maxsplit=1)[0]


def documented(text: str) -> dict[str, str]:
    """The rows of the tables: name to default."""
    rows = re.findall(r"^\| `([^`]+)` \| (.*?) \| (.+) \|$", text, re.MULTILINE)
    return {name: default for name, default, _meaning in rows}


@pytest.mark.parametrize(
    ("name", "field"), list(leaves(Settings)), ids=lambda value: value if isinstance(value, str) else ""
)
def test_every_setting_is_documented_with_its_default(name: str, field):
    written = documented(CONFIGURATION)[name].strip("`")
    if field.default is PydanticUndefined:
        assert written == "required"
    elif field.default in (None, (), {}):
        assert written == "none"
    elif isinstance(field.default, tuple):
        assert written.replace("`", "").split(", ") == list(field.default)
    elif re.fullmatch("[0-9]+[smhd]", written):
        assert TypeAdapter(Seconds).validate_python(written) == field.default
    elif isinstance(field.default, int) and not isinstance(field.default, bool):
        assert int(size_bytes(written)) == field.default
    else:
        assert written == str(field.default).lower()
    assert field.description


def test_nothing_is_documented_that_does_not_exist():
    known = {name for model in (Settings, ModelsFile) for name, _ in leaves(model)}
    files = {"gateway.yaml", "accounts.yaml", "models.yaml", "policies/"}
    assert set(documented(CONFIGURATION)) - known <= files


def test_every_key_of_the_other_files_is_documented():
    models = {re.sub(r"\[\]\.(?!valid_from)", ".", name) for name, _ in leaves(ModelsFile)}
    assert models <= set(documented(CONFIGURATION)) | {"models.<name>.prices.valid_from"}
    assert {name.replace("keys.<name>", "keys.<id>") for name, _ in leaves(AccountsFile)} == set(documented(ACCOUNTS))


def test_the_settings_example_is_valid(tmp_path: Path):
    (tmp_path / "gateway.yaml").write_text(example(CONFIGURATION))
    assert set(load_config(tmp_path / "gateway.yaml", {}).settings.upstreams) == {"main", "other"}


def test_the_accounts_example_is_valid():
    directory = directory_of(yamlio.load(example(ACCOUNTS), "accounts.yaml"), [Pepper("3f9a12bc", b"p" * 32)])
    assert directory.accounts["acme-prod"].org == "acme"
    assert directory.accounts["visitor"].org == "visitor"
    assert directory.keys["4fK2mQ9xTb7c"].label == "production"
