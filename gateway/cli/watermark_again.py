"""Reproduces a bundle: the part of the verb that needs the extras."""

import argparse
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from gateway.cli.forensic_access import Refused, access_of
from gateway.cli.watermark_run import Unusable, explained
from gateway.forensics.bundle import BadBundle, Bundle, read_bundle
from gateway.forensics.dossier import PROMPT, TEXT
from gateway.forensics.inputs import Source, found, read_text
from gateway.forensics.page import plain
from gateway.forensics.reproduce import differences
from gateway.watermarks.keys import Master
from gateway.watermarks.secret import read_master


def reproduce(args: argparse.Namespace) -> int:
    """0 the same, 1 not. Raises Unusable."""
    with explained():
        master = _master(args)
        try:
            bundle = read_bundle(args.bundle, master)
            prompt = _prompt(args, bundle)
            with _sources(args, bundle) as sources:
                differing = differences(bundle, master, sources, prompt)
        except BadBundle as error:
            raise Unusable(str(error), 1) from None
    if differing:
        print("\n".join(["differs:", *(f"  {plain(place)}" for place in differing)]))
        return 1
    print(f"the same: {bundle.data('report.json')['verdict']['name']}, made {bundle.manifest['made_at']}")
    return 0


def _master(args: argparse.Namespace) -> Master:
    if args.secret_file is not None:
        return read_master(args.secret_file)
    access = access_of(args)
    if not access.forensic:
        raise Refused("bundles are for admins with the role forensic: set GATEWAY_ADMIN_TOKEN")
    return access.holdings.master


def _prompt(args: argparse.Namespace, bundle: Bundle) -> str | None:
    if args.prompt is not None:
        return read_text(args.prompt)
    own = bundle.files.get(PROMPT)
    return None if own is None else own.decode("utf-8", "surrogatepass")


@contextmanager
def _sources(args: argparse.Namespace, bundle: Bundle) -> Iterator[list[Source]]:
    if args.text:
        yield found(args.text)
        return
    if TEXT not in bundle.files:
        raise Refused("the bundle does not hold the text: give it with --text")
    with TemporaryDirectory() as folder:
        path = Path(folder) / TEXT
        path.write_bytes(bundle.files[TEXT])
        yield [Source(path, TEXT)]
