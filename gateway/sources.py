"""The files behind a running gateway: read into one snapshot, and fingerprinted so that a change is noticed."""

import hashlib
import os
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path

from gateway.catalogue import catalogue_of
from gateway.config import Settings, UpstreamEntry, upstream_key
from gateway.dialects import DIALECTS
from gateway.exchange import Snapshot
from gateway.identity.countries import Countries, load_countries, stamp_of
from gateway.identity.directory import load_directory
from gateway.identity.keys import Pepper
from gateway.identity.peppers import load_peppers
from gateway.policy.archive import Documents
from gateway.policy.compile import compile_files
from gateway.policy.definitions import read_definitions
from gateway.policy.lint import Known, Scene, lint
from gateway.policy.load import DEFINITIONS, policy_paths, read_directory
from gateway.policy.rules import RULES
from gateway.upstreams.settings import Timeouts, UpstreamSettings
from gateway.yamlio import Problem, YamlProblems, load_file

_NOT_AT_RUNTIME = frozenset({"P103", "P106", "P108", "P112", "P206", "P208"})
"""Lint errors that must not stop a running gateway. Missing tests and words are a review matter; an exception or a rule
that ran out is simply over, and a restart at night must not fail for it; a rule that another one makes superfluous does
no harm. Whatever leaves something open that somebody believes closed (P205, P209, P305, P402) stops it."""

_BLOCKING = tuple(rule for rule in RULES if rule.severity == "error" and rule.code not in _NOT_AT_RUNTIME)
_OF_MODELS = tuple(rule for rule in _BLOCKING if rule.code == "P402")
"""Of models only their terms are held against the policies: a name that selects none today may do so tomorrow."""


def load_snapshot(
    settings: Settings, peppers: tuple[Pepper, ...], now_ms: int, countries: Countries | None = None
) -> Snapshot:
    """Accounts, models, policies and countries: all or nothing. Raises YamlProblems with what is wrong.

    `countries` are those in force: where their file is still the same, it is not read again.
    Tiers and accounts that a policy names and nobody has yet are no fault here; `gateway policy lint` tells.
    """
    directory = load_directory(settings.files.accounts, peppers)
    models = load_file(settings.files.models)
    catalogue = catalogue_of(models, settings.upstreams)
    files = read_directory(settings.files.policies)
    definitions = read_definitions(settings.files.policies)
    policies = compile_files(files, definitions)
    known = Known(dialects=frozenset(dialect.name for dialect in DIALECTS))
    findings = lint(Scene(files, now_ms, known=known, definitions=definitions), _BLOCKING)
    known = Known(models=catalogue.models, catalogue=models)
    findings = findings or lint(Scene((), now_ms, known=known, definitions=definitions), _OF_MODELS)
    if findings:
        raise YamlProblems([Problem(f.source, f.line, f.column, f.message, f.code) for f in findings])
    shared = None if definitions.loaded is None else definitions.loaded.value
    documents = Documents(tuple(file.loaded.value for file in files), shared)
    while files:
        files.pop()  # the places in a thousand files, freed at once, would hold up every request (beside.py)
    return Snapshot(directory, catalogue, policies, load_countries(settings.data.country_file, countries), documents)


def tiers(snapshot: Snapshot) -> list[str]:
    """Tiers of accounts, those of most accounts first, then those that only policies name."""
    held = Counter(account.tier for account in snapshot.directory.accounts.values())
    named = (tier for policy in snapshot.policies.policies for tier in (policy.match and policy.match.tier) or ())
    return list(dict.fromkeys((*(tier for tier, _ in held.most_common()), *named)))


def peppers_of(settings: Settings) -> tuple[Pepper, ...]:
    """Raises YamlProblems."""
    return load_peppers([(entry.id or "", entry.file) for entry in settings.key_pepper_files])


def upstream_settings(settings: Settings, env: Mapping[str, str] = os.environ) -> list[UpstreamSettings]:
    """The settings of every upstream with its credential read. Raises config.SecretMissing."""
    return [_upstream(name, entry, env) for name, entry in settings.upstreams.items()]


def _upstream(name: str, entry: UpstreamEntry, env: Mapping[str, str]) -> UpstreamSettings:
    return UpstreamSettings(
        name=name,
        kind=entry.kind,
        base_url=entry.base_url,
        dialects=frozenset(entry.dialects),
        api_key=upstream_key(name, entry, env),
        auth=entry.auth,
        weight=entry.weight,
        ca_file=_text(entry.ca_file),
        client_cert_file=_text(entry.client_cert_file),
        client_key_file=_text(entry.client_key_file),
        stream_usage=entry.stream_usage,
        pass_unknown=entry.pass_unknown,
        logit_bias_entries=entry.bias_entries,
        on_client_abort=entry.on_client_abort,
        transport=entry.transport,
        drain_max_s=entry.drain_max_s,
        drain_max_bytes=entry.drain_max_bytes,
        max_connections=entry.max_connections,
        keepalive_s=entry.keepalive_s,
        timeouts=Timeouts(entry.connect_s, entry.first_byte_s, entry.between_bytes_s, entry.total_s),
        max_response_bytes=entry.max_response_bytes,
        max_stream_bytes=entry.max_stream_bytes,
    )


def _text(path: Path | None) -> str | None:
    return None if path is None else str(path)


def fingerprint(settings: Settings) -> str:
    """A hash over the contents of every reloadable file: config maps swap symlinks, editors rewrite in place.

    Of the country file, which is large, only what its folder says of it.
    """
    return f"{_hash_of(_files(settings))} {stamp_of(settings.data.country_file)}"


def connection_files(settings: Settings) -> str:
    """The same over the files that connections to upstreams are made from."""
    return _hash_of(_upstream_files(settings))


def _hash_of(paths: Iterable[Path]) -> str:
    hasher = hashlib.blake2b(digest_size=16)
    for path in paths:
        hasher.update(str(path).encode() + b"\0")
        try:
            hasher.update(hashlib.blake2b(path.read_bytes()).digest())
        except OSError as error:
            hasher.update(str(error.errno).encode())
    return hasher.hexdigest()


def _files(settings: Settings) -> Iterable[Path]:
    yield settings.files.accounts
    yield settings.files.models
    try:
        yield from policy_paths(settings.files.policies)
    except YamlProblems:
        yield settings.files.policies
    yield settings.files.policies / DEFINITIONS
    yield from (entry.file for entry in settings.key_pepper_files)
    if settings.data.tls is not None:
        yield from (settings.data.tls.cert_file, settings.data.tls.key_file)
    yield from _upstream_files(settings)


def _upstream_files(settings: Settings) -> Iterable[Path]:
    for upstream in settings.upstreams.values():
        for path in (upstream.api_key_file, upstream.ca_file, upstream.client_cert_file, upstream.client_key_file):
            if path is not None:
                yield path
