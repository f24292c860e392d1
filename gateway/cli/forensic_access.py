"""Who runs the detector, what they may see, and where the keys are: from the settings, or from the secret itself."""

import argparse
import getpass
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from gateway.cli.admin_client import TOKEN, TOKEN_FILE
from gateway.cli.config_cmd import config_path
from gateway.config import load_config
from gateway.config.secrets import SecretMissing, read_secret
from gateway.config.settings import Settings
from gateway.core.refusal import Refusal
from gateway.forensics.load import Holdings
from gateway.identity.admins import Admin, Role, authenticate_admin
from gateway.mark_files import load_mark_files
from gateway.watermarks.epochs import Epoch
from gateway.watermarks.pairs import BadTable, PairTable, read_table
from gateway.watermarks.secret import read_master


class Refused(Exception):  # noqa: N818 - wrong usage, or not allowed: both end the verb
    """What is missing, or not allowed."""


@dataclass(frozen=True, slots=True)
class Access:
    """Keys and records, and who uses them."""

    holdings: Holdings
    epochs: tuple[Epoch, ...]
    """Those of the settings; none where the secret was given directly."""
    by: str
    """For the ledger of runs: the admin's name, or that of the user of this machine."""
    forensic: bool
    rolls: Mapping[str, int]
    """How often the seed of an account was replaced, as the settings say."""


def add_flags(parser: argparse.ArgumentParser) -> None:
    """Where the keys are."""
    parser.add_argument("--config", type=Path, metavar="FILE", help="gateway.yaml; else GATEWAY_CONFIG")
    parser.add_argument("--secret-file", type=Path, metavar="FILE", help="the master secret, without any settings")
    parser.add_argument("--directory", type=Path, metavar="DIR", help="with --secret-file: the watermark folder")
    parser.add_argument(
        "--table", action="append", default=[], metavar="FAMILY=FILE", help="with --secret-file: a pair table"
    )
    parser.add_argument("--lists", type=int, default=1, metavar="N", help="with --secret-file: lists of an account; 1")
    parser.add_argument(
        "--provider-quarters", type=int, default=1, metavar="N", help="with --secret-file: the provider's quarters; 1"
    )


def access_of(args: argparse.Namespace, env: Mapping[str, str] = os.environ) -> Access:
    """Raises Refused, BadSecret, and YamlProblems for settings that cannot be read.

    Whoever can read the master secret can compute every score, so with --secret-file no role is asked for.
    """
    if args.secret_file is not None:
        return _direct(args)
    if args.directory is not None or args.table:
        raise Refused("--directory and --table belong to --secret-file")
    path = config_path(args)
    if path is None or not path.is_file():
        raise Refused(f"{path or 'no settings'}: no such file: give --config, or --secret-file with --directory")
    settings = load_config(path, env).settings
    entry = settings.watermark
    if entry is None:
        raise Refused(f"{path}: the settings have no watermark")
    files = load_mark_files(entry)
    holdings = Holdings(files.master, entry.directory, files.tables, entry.lists, entry.provider_quarters)
    admin = _admin(settings, env)
    by = admin.name if admin else _user()
    return Access(holdings, files.epochs, by, bool(admin and admin.role >= Role.FORENSIC), entry.rolls)


def _direct(args: argparse.Namespace) -> Access:
    if args.directory is None or not args.directory.is_dir():
        raise Refused("--secret-file needs --directory, a folder with commitments, account logs and the ledger of runs")
    if not 1 <= args.lists <= 4 or not 0 <= args.provider_quarters <= 2:
        raise Refused("--lists is 1 to 4, --provider-quarters 0 to 2: as they were when the texts were marked")
    tables = _tables(args.table)
    holdings = Holdings(read_master(args.secret_file), args.directory, tables, args.lists, args.provider_quarters)
    return Access(holdings, (), _user(), forensic=True, rolls={})


def _tables(named: Sequence[str]) -> dict[str, PairTable]:
    tables = {}
    for text in named:
        family, _, path = text.partition("=")
        try:
            tables[family] = read_table(Path(path))
        except OSError as error:
            raise Refused(f"--table {text}: {error.strerror}: expected FAMILY=FILE") from None
        except BadTable as error:
            raise Refused(f"--table {text}: {error}") from None
    return tables


def _admin(settings: Settings, env: Mapping[str, str]) -> Admin | None:
    """The admin whose token the environment holds; None without a token. Raises Refused for an unknown one."""
    try:
        token = read_secret(Path(env[TOKEN_FILE])) if env.get(TOKEN_FILE) else env.get(TOKEN, "").strip()
    except SecretMissing as error:
        raise Refused(str(error)) from None
    if not token:
        return None
    admins = [Admin(one.name, Role[one.role.upper()], bytes.fromhex(one.token_sha256)) for one in settings.admins]
    found = authenticate_admin(f"Bearer {token}", admins)
    if isinstance(found, Refusal):
        raise Refused(found.message)
    return found


def _user() -> str:
    try:
        return f"user {getpass.getuser()}"
    except (OSError, KeyError):
        return f"uid {os.getuid()}"
