"""`gateway watermark pairs`: makes the pair table of a model from a sample of text and the model's tokenizer."""

import argparse
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import ValidationError

from gateway.cli.config_cmd import config_path
from gateway.cli.sample_words import BadSample, sample_words
from gateway.cli.token_sources import TokenFile, TokensFailed, TokenSource, tokens_for
from gateway.cli.tokens_from_file import FileTokens
from gateway.cli.tokens_from_server import ServerTokens
from gateway.config import SecretMissing, UpstreamEntry, load_config
from gateway.sources import upstream_settings
from gateway.upstreams.settings import UpstreamSettings
from gateway.watermarks.pairing import candidates, pair_up, read_sample
from gateway.watermarks.pairs import MOST_PAIRS, BadTable, write_table
from gateway.yamlio import YamlProblems

if TYPE_CHECKING:
    Subparsers = argparse._SubParsersAction[argparse.ArgumentParser]


class _Usage(Exception):  # noqa: N818 - ends the verb with status 2
    """What is wrong with the flags."""


def add_parser(verbs: "Subparsers") -> None:
    """Add the verb `pairs`."""
    verb = verbs.add_parser(
        "pairs",
        help="make the pair table of a model",
        epilog="example: gateway watermark pairs --sample texts.jsonl --tokenizer tokenizer.json --model gemma-3 "
        "-o tables/gemma-3.json",
    )
    verb.add_argument(
        "--sample", type=Path, nargs="+", required=True, metavar="FILE", help="unmarked text; .jsonl: one a line"
    )
    verb.add_argument("--field", default="text", metavar="NAME", help="where the text is in a line of .jsonl; text")
    source = verb.add_mutually_exclusive_group(required=True)
    source.add_argument("--tokenizer", type=Path, metavar="FILE", help="the model's tokenizer.json")
    source.add_argument("--upstream", metavar="NAME", help="upstream of the settings, or address of a server, to ask")
    verb.add_argument("--model", required=True, metavar="NAME", help="the model, by its name at the server")
    verb.add_argument("-o", "--output", type=Path, required=True, metavar="FILE", help="the table, a new file")
    verb.add_argument("--pairs", type=_count, default=MOST_PAIRS, metavar="N", help=f"most pairs; {MOST_PAIRS}")
    verb.add_argument("--cache", type=Path, metavar="FILE", help="the tokenizer's answers; beside the table")
    verb.add_argument("--config", type=Path, metavar="FILE", help="gateway.yaml of --upstream; else GATEWAY_CONFIG")


def run(args: argparse.Namespace) -> int:
    """Write the table; 1 where a file or the tokenizer is at fault."""
    try:
        _make(args)
    except _Usage as error:
        print(f"gateway watermark pairs: {error}", file=sys.stderr)
        return 2
    except (BadSample, BadTable, SecretMissing, TokensFailed, YamlProblems) as error:
        print(f"gateway watermark pairs: {error}", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"gateway watermark pairs: {error}", file=sys.stderr)
        return 1
    return 0


def _make(args: argparse.Namespace) -> None:
    output: Path = args.output
    if output.exists():
        raise _Usage(f"{output}: exists; a table in use is never changed, name another file")
    source = _source(args)
    sample = read_sample(sample_words(args.sample, args.field))
    words = candidates(sample)
    kept = TokenFile(args.cache or output.with_name(f"{output.name}.tokens"), source.name)
    tokens, checked = tokens_for(words, source, kept)
    table = pair_up(sample, tokens, args.model, args.pairs)
    write_table(output, table)
    share = sum(pair.first_rate + pair.second_rate for pair in table.pairs) / 1e6
    print(output)
    print(
        f"{sample.total} words read; {len(words)} asked about, {len(tokens)} are one token; {checked}\n"
        f"{len(table.pairs)} pairs, {share:.1%} of the sample's words; digest {table.digest}",
        file=sys.stderr,
    )


def _source(args: argparse.Namespace) -> TokenSource:
    if args.tokenizer is not None:
        return FileTokens(args.tokenizer)
    return ServerTokens(_address(args) if "://" in args.upstream else _configured(args), args.model)


def _address(args: argparse.Namespace) -> UpstreamSettings:
    try:
        entry = UpstreamEntry(base_url=args.upstream)
    except ValidationError as error:
        raise _Usage(f"--upstream: {error.errors()[0]['ctx']['error']}") from None
    return UpstreamSettings("upstream", "generic", entry.base_url, frozenset({"chat"}))


def _configured(args: argparse.Namespace) -> UpstreamSettings:
    path = config_path(args)
    if path is None or not path.is_file():
        raise _Usage(f"--upstream {args.upstream}: {path or 'no settings'}: no such file: give --config or an address")
    settings = load_config(path, os.environ).settings
    for one in upstream_settings(settings):
        if one.name == args.upstream:
            return one
    raise _Usage(f"--upstream: the settings have no upstream {args.upstream}")


def _count(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= MOST_PAIRS:
        raise argparse.ArgumentTypeError(f"expected 1 to {MOST_PAIRS}")
    return int(text)
