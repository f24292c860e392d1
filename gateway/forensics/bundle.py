"""Evidence bundles: a folder or a .zip whose manifest names the hash of every file, and is signed.

The signature is Ed25519 (RFC 8032) as compact JWS (RFC 7515), under a key of its own from the master secret; the public
key lies beside it. It shows that the bundle is whole and was made by a holder of the secret. The time in it is that
of the machine's clock: for a date that others believe, have the manifest time-stamped (RFC 3161).
"""

import io
import json
import os
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path, PurePosixPath
from typing import Any, Final

from gateway.receipts.jws import Ed25519Signer
from gateway.watermarks.keys import KeyPath, Master

FORMAT: Final = 1
MANIFEST: Final = "manifest.json"
SIGNATURE: Final = "manifest.jws"
PUBLIC_KEY: Final = "manifest.key"
MOST_FILES: Final = 5_000
MOST_BYTES: Final = 512 << 20
_EPOCH_0: Final = (1980, 1, 1, 0, 0, 0)
"""The time of every file in an archive, so that the same bundle is the same bytes."""
_KID: Final = "evidence"
TYPE: Final = "evidence+jwt"
"""What the signature's header says that it is: no receipt."""


class BadBundle(ValueError):  # noqa: N818 - named for what it is about
    """A bundle that cannot be read, or that somebody changed; the message names the file."""


@dataclass(frozen=True, slots=True)
class Bundle:
    """What a bundle holds, once its manifest and its signature were found right."""

    files: Mapping[str, bytes]
    manifest: dict[str, Any]

    def data(self, name: str) -> Any:
        """A file's JSON. Raises BadBundle."""
        try:
            return json.loads(self.files[name])
        except (KeyError, ValueError):
            raise BadBundle(f"{name}: missing, or not JSON") from None


def write_bundle(path: Path, files: Mapping[str, bytes], master: Master, stamp: Mapping[str, str]) -> None:
    """Write files and their signed manifest to a new folder, or to a new archive where the name ends in .zip.

    Raises FileExistsError rather than to overwrite anything, OSError as the disk does.
    """
    hashes = {name: sha256(data).hexdigest() for name, data in sorted(files.items())}
    manifest = json.dumps({"format": FORMAT, **stamp, "files": hashes}, indent=1).encode() + b"\n"
    signer = _signer(master)
    signed = {
        **files,
        MANIFEST: manifest,
        SIGNATURE: signer.sign(_payload(manifest)).encode() + b"\n",
        PUBLIC_KEY: signer.public.hex().encode() + b"\n",
    }
    if path.suffix == ".zip":
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(_archive(signed))
        return
    path.mkdir(mode=0o700)
    for name, data in signed.items():
        target = path / name
        target.parent.mkdir(mode=0o700, exist_ok=True, parents=True)
        target.write_bytes(data)


def read_bundle(path: Path, master: Master) -> Bundle:
    """Read and check a bundle. Raises BadBundle: a file was changed or is missing, or this secret did not sign."""
    files = _unpacked(path) if path.is_file() else _folder(path)
    try:
        manifest = json.loads(files[MANIFEST])
        hashes = dict(manifest["files"])
        signature = files[SIGNATURE].decode("ascii").strip()
    except (KeyError, ValueError, TypeError):
        raise BadBundle(f"{path}: no bundle: {MANIFEST} or {SIGNATURE} is missing or cannot be read") from None
    # Signing takes no random numbers, so the right signature is the one that is made again.
    if signature != _signer(master).sign(_payload(files[MANIFEST])):
        raise BadBundle(f"{MANIFEST}: changed, or signed under another master secret")
    if manifest.get("format") != FORMAT:
        raise BadBundle(f"{MANIFEST}: expected format {FORMAT}")
    for name, digest in hashes.items():
        if name not in files:
            raise BadBundle(f"{name}: missing")
        if sha256(files[name]).hexdigest() != digest:
            raise BadBundle(f"{name}: changed")
    strangers = files.keys() - hashes.keys() - {MANIFEST, SIGNATURE, PUBLIC_KEY}
    if strangers:
        raise BadBundle(f"{min(strangers)}: not in the manifest")
    return Bundle(files, manifest)


def _signer(master: Master) -> Ed25519Signer:
    return Ed25519Signer(_KID, master.root(KeyPath("receipt", 1, _KID, "", "provider")), TYPE)


def _payload(manifest: bytes) -> bytes:
    return json.dumps({"manifest": f"sha-256:{sha256(manifest).hexdigest()}"}).encode()


def _archive(files: Mapping[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in sorted(files.items()):
            archive.writestr(zipfile.ZipInfo(name, _EPOCH_0), data, zipfile.ZIP_DEFLATED)
    return buffer.getvalue()


def _unpacked(path: Path) -> dict[str, bytes]:
    try:
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
            if len(entries) > MOST_FILES or sum(entry.file_size for entry in entries) > MOST_BYTES:
                raise BadBundle(f"{path}: larger than any bundle")
            return {entry.filename: archive.read(entry) for entry in entries if not entry.is_dir()}
    except (zipfile.BadZipFile, zlib.error, OSError, EOFError, NotImplementedError, RuntimeError):
        # The last two are zipfile's words for a compression that it does not know, and for an encrypted file.
        raise BadBundle(f"{path}: not a readable .zip file") from None


def _folder(path: Path) -> dict[str, bytes]:
    if not path.is_dir():
        raise BadBundle(f"{path}: no such bundle")
    files = [one for one in sorted(path.rglob("*")) if one.is_file()]
    if len(files) > MOST_FILES or sum(one.stat().st_size for one in files) > MOST_BYTES:
        raise BadBundle(f"{path}: larger than any bundle")
    try:
        return {str(PurePosixPath(one.relative_to(path))): one.read_bytes() for one in files}
    except OSError as error:
        raise BadBundle(f"{path}: cannot be read: {error.strerror}") from None
