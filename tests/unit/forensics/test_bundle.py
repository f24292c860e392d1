"""Bundles: written once, whole, signed; any change shows."""

import json
import zipfile

import pytest

from gateway.forensics.bundle import MANIFEST, PUBLIC_KEY, SIGNATURE, BadBundle, read_bundle, write_bundle
from gateway.watermarks.keys import Master

MASTER = Master(bytes(range(32)))
FILES = {"report.json": b'{"a": 1}', "decoys/one.csv": b"decoy,leaf,score\n"}
STAMP = {"made_at": "2026-11-22T00:00:00.000Z", "by": "ada"}

both = pytest.mark.parametrize("name", ["evidence", "evidence.zip"])


@both
def test_there_and_back(tmp_path, name):
    write_bundle(tmp_path / name, FILES, MASTER, STAMP)
    bundle = read_bundle(tmp_path / name, MASTER)
    assert {file: bundle.files[file] for file in FILES} == FILES
    assert bundle.data("report.json") == {"a": 1}
    assert bundle.manifest["by"] == "ada"


@both
def test_nothing_is_overwritten(tmp_path, name):
    write_bundle(tmp_path / name, FILES, MASTER, STAMP)
    with pytest.raises(FileExistsError):
        write_bundle(tmp_path / name, FILES, MASTER, STAMP)


@pytest.mark.parametrize("file", [*FILES, MANIFEST, SIGNATURE])
@pytest.mark.parametrize("change", ["byte", "gone"])
def test_every_change_shows(tmp_path, file, change):
    write_bundle(tmp_path / "evidence", FILES, MASTER, STAMP)
    path = tmp_path / "evidence" / file
    if change == "gone":
        path.unlink()
    else:
        path.write_bytes(path.read_bytes()[:-2] + b"x" + path.read_bytes()[-1:])
    with pytest.raises(BadBundle, match=file.split(".")[0]):
        read_bundle(tmp_path / "evidence", MASTER)


def test_a_file_too_many_shows(tmp_path):
    write_bundle(tmp_path / "evidence", FILES, MASTER, STAMP)
    (tmp_path / "evidence" / "more.txt").write_text("x")
    with pytest.raises(BadBundle, match=r"more\.txt: not in the manifest"):
        read_bundle(tmp_path / "evidence", MASTER)


def test_a_new_manifest_needs_the_secret(tmp_path):
    """Whoever changes a file and its hash cannot sign."""
    write_bundle(tmp_path / "evidence", FILES, Master(bytes(32)), STAMP)
    with pytest.raises(BadBundle, match="another master secret"):
        read_bundle(tmp_path / "evidence", MASTER)


def test_anybody_can_check_the_signature_with_the_public_key(tmp_path):
    from base64 import urlsafe_b64decode

    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    write_bundle(tmp_path / "evidence", FILES, MASTER, STAMP)
    public = bytes.fromhex((tmp_path / "evidence" / PUBLIC_KEY).read_text())
    head, payload, signature = (tmp_path / "evidence" / SIGNATURE).read_text().strip().split(".")

    def decoded(part):
        return urlsafe_b64decode(part + "=" * (-len(part) % 4))

    Ed25519PublicKey.from_public_bytes(public).verify(decoded(signature), f"{head}.{payload}".encode())
    assert json.loads(decoded(payload))["manifest"].startswith("sha-256:")
    assert json.loads(decoded(head))["typ"] == "evidence+jwt"


def test_the_same_bundle_is_the_same_archive(tmp_path):
    for name in ("a.zip", "b.zip"):
        write_bundle(tmp_path / name, FILES, MASTER, STAMP)
    assert (tmp_path / "a.zip").read_bytes() == (tmp_path / "b.zip").read_bytes()


@pytest.mark.parametrize("data", [b"", b"PK\x03\x04 not really", b"text"])
def test_what_is_no_archive(tmp_path, data):
    (tmp_path / "x.zip").write_bytes(data)
    with pytest.raises(BadBundle):
        read_bundle(tmp_path / "x.zip", MASTER)
    with pytest.raises(BadBundle, match="no such bundle"):
        read_bundle(tmp_path / "nothing", MASTER)


def test_an_archive_that_unpacks_to_too_much_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("gateway.forensics.bundle.MOST_BYTES", 1000)
    with zipfile.ZipFile(tmp_path / "bomb.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("zeros", bytes(100_000))
    with pytest.raises(BadBundle, match="larger than any bundle"):
        read_bundle(tmp_path / "bomb.zip", MASTER)


def test_an_archive_whose_data_cannot_be_unpacked_is_no_bundle(tmp_path):
    """Zlib has a fault of its own, which is none of zipfile's."""
    path = tmp_path / "bundle.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("manifest.json", b"word " * 500)
    data = bytearray(path.read_bytes())
    begin = 30 + len("manifest.json")
    data[begin : begin + 8] = b"\xff" * 8
    path.write_bytes(bytes(data))
    with pytest.raises(BadBundle, match=r"not a readable \.zip"):
        read_bundle(path, MASTER)
