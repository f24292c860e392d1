"""`gateway watermark receipt`: is a receipt genuine, and is it the receipt of these bytes."""

import argparse
import json
import re
import sys
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

from gateway.core.jsonio import JsonError, loads
from gateway.receipts.claims import Claims, digest_of
from gateway.receipts.jwks import read_jwks
from gateway.watermarks.keys import KeyPath
from gateway.watermarks.secret import BadSecret, read_master

if TYPE_CHECKING:
    Subparsers = argparse._SubParsersAction[argparse.ArgumentParser]

MOST_BYTES: Final = 256 << 20
_COMMENT: Final = re.compile(rb"^: receipt \S+ (\S+)\r?$", re.MULTILINE)
_JWS: Final = re.compile(r"eyJ[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\Z")


class _Unreadable(Exception):  # noqa: N818 - a state of the world, not a mistake
    """What was named cannot be used; the message says why."""


def add_parser(verbs: "Subparsers") -> None:
    """Add the verb `receipt`."""
    verb = verbs.add_parser(
        "receipt",
        help="check a signed receipt, and the answer it is of",
        epilog="example: gateway watermark receipt answer.sse --jwks keys.json",
    )
    verb.add_argument(
        "receipt", metavar="RECEIPT", help="the receipt, or a file with it: alone, as the API gives it, or in a stream"
    )
    verb.add_argument("--body", type=Path, metavar="FILE", help="the answer's bytes; default: the stream of RECEIPT")
    keys = verb.add_mutually_exclusive_group(required=True)
    keys.add_argument("--jwks", type=Path, metavar="FILE", help="public keys, as GET /v1/receipts/keys gives them")
    keys.add_argument("--secret-file", type=Path, metavar="FILE", help="the master secret, instead of public keys")
    verb.add_argument("--json", action="store_true", help="one JSON document on standard output")


def run(args: argparse.Namespace) -> int:
    """Exit 0 when the receipt is genuine and the bytes are those it is of, 1 when not, 2 when it cannot be checked."""
    try:
        jws, body = _inputs(args)
        claims, problem = _check(args, jws)
        bytes_match = None if claims is None or body is None else digest_of(_covered(body, claims)) == claims.digest
    except _Unreadable as error:
        print(f"gateway watermark receipt: {error}", file=sys.stderr)
        return 2
    if args.json:
        shown = None if claims is None else asdict(claims)
        print(json.dumps({"genuine": claims is not None, "problem": problem, "match": bytes_match, "claims": shown}))
    else:
        print("\n".join(_told(claims, problem, bytes_match)))
    return 0 if claims is not None and bytes_match is not False else 1


def _inputs(args: argparse.Namespace) -> tuple[str, bytes | None]:
    """The receipt, and the bytes that it may be of."""
    if _JWS.match(args.receipt):
        return args.receipt, None if args.body is None else _read(args.body)
    data = _read(Path(args.receipt))
    in_stream = _COMMENT.findall(data)
    if len(in_stream) > 1:
        raise _Unreadable(f"{args.receipt}: several receipts in one stream")
    jws = in_stream[0] if in_stream else _from_document(data)
    body = _read(args.body) if args.body is not None else data if in_stream else None
    return jws.decode("ascii", "replace"), body


def _from_document(data: bytes) -> bytes:
    """A file with the receipt alone, or the API's answer that has it."""
    if not data.lstrip().startswith(b"{"):
        return data.strip()
    try:
        found = loads(data)["receipt"]
    except (JsonError, KeyError):
        raise _Unreadable("the document has no receipt in it") from None
    return str(found).encode("ascii", "replace")


def _check(args: argparse.Namespace, jws: str) -> tuple[Claims | None, str]:
    """The claims, or why there are none."""
    try:
        from gateway.receipts.jws import Ed25519Signer, NotGenuine, key_name, verify  # noqa: PLC0415 - an extra
    except ImportError:
        raise _Unreadable("this needs the package cryptography") from None
    try:
        if args.jwks is not None:
            keys = read_jwks(_read(args.jwks))
        else:
            kid = key_name(jws)
            path = KeyPath(purpose="receipt", version=1, family="", epoch=kid, layer="provider")
            keys = {kid: Ed25519Signer(kid, read_master(args.secret_file).root(path)).public}
        return verify(jws, keys), ""
    except NotGenuine as error:
        return None, str(error)
    except BadSecret as error:
        raise _Unreadable(str(error)) from None
    except ValueError as error:
        raise _Unreadable(f"{args.jwks}: {error}") from None


def _covered(body: bytes, claims: Claims) -> bytes:
    """The part that the digest is of: a whole body, or what came before the comment in a stream."""
    found = _COMMENT.search(body) if claims.over == "stream" else None
    return body if found is None else body[: found.start()]


def _told(claims: Claims | None, problem: str, bytes_match: bool | None) -> list[str]:
    if claims is None:
        return [f"not genuine: {problem}"]
    issued = datetime.fromtimestamp(claims.issued_at, UTC).isoformat().replace("+00:00", "Z")
    facts = {"account": claims.account, "model": claims.model, "issued": issued, "id": claims.id}
    said = {
        None: "the answer was not looked at: name it with --body",
        True: "the bytes are those of the answer",
        False: "the bytes are not those of the answer",
    }
    lines = ["genuine", *(f"  {name:<8} {value}" for name, value in facts.items()), said[bytes_match]]
    if bytes_match is False and claims.over == "stream":
        lines.append("(of a stream: all bytes before the receipt's own comment, as they came)")
    return lines


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            data = file.read(MOST_BYTES + 1)
    except OSError as error:
        raise _Unreadable(f"{path}: {error.strerror}") from None
    if len(data) > MOST_BYTES:
        raise _Unreadable(f"{path}: larger than {MOST_BYTES >> 20} MiB")
    return data
