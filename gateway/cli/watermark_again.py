"""Reproduces a bundle: the part of the verb that needs the extras."""

import argparse
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from gateway.cli.forensic_access import Refused, access_of
from gateway.cli.watermark_lookup import EXCLUDE, lookup_in, registries
from gateway.cli.watermark_run import Unusable, explained
from gateway.forensics.bundle import BadBundle, Bundle, read_bundle
from gateway.forensics.dossier import PROMPT, TEXT
from gateway.forensics.inputs import Source, found, read_text
from gateway.forensics.page import plain
from gateway.forensics.reproduce import compare
from gateway.watermarks.keys import Master
from gateway.watermarks.secret import read_master


def reproduce(args: argparse.Namespace) -> int:
    """0 the same, 1 not. Raises Unusable."""
    with explained():
        master, directory = _held(args)
        try:
            bundle = read_bundle(args.bundle, master)
            prompt = _prompt(args, bundle)
            folders = [] if args.no_registry else registries(args.registry, directory)
            with _sources(args, bundle) as sources:
                compared = compare(
                    bundle, master, sources, prompt, lambda until_ms: lookup_in(folders, master, prompt, until_ms)
                )
        except BadBundle as error:
            raise Unusable(str(error), 1) from None
    if compared.fingerprints:
        print(plain(f"fingerprints: not looked up again: {compared.fingerprints}"), file=sys.stderr)
    if compared.differing:
        print("\n".join(["differs:", *(f"  {plain(place)}" for place in compared.differing)]))
        return 1
    print(f"the same: {bundle.data('report.json')['verdict']['name']}, made {bundle.manifest['made_at']}")
    return 0


def _held(args: argparse.Namespace) -> tuple[Master, Path | None]:
    """The secret, and the watermark folder where settings name one."""
    if args.no_registry and args.registry:
        raise Refused(EXCLUDE)
    if args.secret_file is not None:
        return read_master(args.secret_file), None
    access = access_of(args)
    if not access.forensic:
        raise Refused("bundles are for admins with the role forensic: set GATEWAY_ADMIN_TOKEN")
    return access.holdings.master, access.holdings.directory


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
