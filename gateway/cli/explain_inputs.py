"""What `gateway policy explain` looks at: policies, an account, a model and a request, from files and a gateway."""

import argparse
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path
from typing import Any, Final

from gateway.catalogue import Catalogue, load_catalogue
from gateway.cli.admin_client import AdminClient
from gateway.cli.config_cmd import config_path
from gateway.cli.explain_live import people_said, stands_of
from gateway.config import Config, load_config
from gateway.core.account import Account, Principal
from gateway.core.ask import Ask
from gateway.core.clock import SystemClock
from gateway.core.jsonio import JsonError, loads
from gateway.core.model import Model
from gateway.identity.addresses import Address
from gateway.identity.countries import load_countries
from gateway.identity.directory import AccountEntry, AccountsFile, account_of
from gateway.identity.entries import Body
from gateway.policy.compile import PolicySet, load_policies
from gateway.policy.explain.decision import Explanation, Served, explain
from gateway.policy.inquiry import Inquiry
from gateway.policy.recent import AccountMemory
from gateway.policy.sample import SPEAKERS, plain_body
from gateway.policy.situation import Situation
from gateway.scalars import moment_ms
from gateway.validate import build, nearest
from gateway.yamlio import load_file

MAX_BODY: Final = 64 << 20


class WrongUsage(ValueError):  # noqa: N818 - named for whose fault it is
    """A flag that is missing, or that names nothing."""


@dataclass(slots=True)
class Inputs:
    """Everything about one request, gathered. `live` is what a running gateway says, where one is asked."""

    policies: PolicySet
    account: Account
    model: Model
    ask: Ask
    memory: AccountMemory = field(default_factory=AccountMemory)
    served: Served = field(default_factory=Served)
    country_of: Callable[[Address], str] = lambda _address: ""
    now_ms: int = 0


def settings_of(args: argparse.Namespace) -> Config | None:
    """The settings that --config or GATEWAY_CONFIG name. Raises WrongUsage, YamlProblems."""
    path = config_path(args)
    if path is None:
        return None
    if not path.is_file():
        raise WrongUsage(f"{path}: no such file")
    return load_config(path)


def policies_of(args: argparse.Namespace, config: Config | None) -> PolicySet | None:
    """Raises YamlProblems."""
    folder = args.policies or (config.settings.files.policies if config is not None else None)
    return None if folder is None else load_policies(folder)


def explained(args: argparse.Namespace, client: AdminClient | None) -> Explanation:
    """Raises WrongUsage, YamlProblems, and AdminFailed where a gateway is asked."""
    inputs = gather(args, client)
    speaks, ask, address = SPEAKERS[args.dialect], inputs.ask, args.address
    inquiry = Inquiry(
        here=Situation(Principal(inputs.account, args.key or ""), args.dialect, inputs.model, inputs.now_ms),
        ask=ask,
        read_texts=lambda: speaks.texts(ask.body),
        read_parameters=lambda: speaks.parameters(ask),
        headers=dict(args.header),
        read_address=lambda: address,
        country_of=inputs.country_of,
        memory=inputs.memory,
        index=inputs.policies.index,
    )
    return explain(inputs.policies, inquiry, inputs.served)


def gather(args: argparse.Namespace, client: AdminClient | None) -> Inputs:
    """Raises as `explained`."""
    config = settings_of(args)
    policies = policies_of(args, config)
    catalogue = catalogue_of(args, config)
    if policies is None or catalogue is None:
        raise WrongUsage("expected --config, or both --policies and --models")
    now_ms = args.at if args.at is not None else SystemClock().now_ms()
    account = _account(args, config, client)
    body, named = _body(args)
    model = _model(args.model or named, catalogue)
    inputs = Inputs(policies, account, model, _ask(args, body, model), now_ms=now_ms)
    inputs.served.prices = model.prices_at(now_ms)
    inputs.served.kinds = _kinds(args, inputs.ask, model, config)
    inputs.country_of = _countries(args, config)
    if client is not None:
        inputs.account, switches = people_said(client, account)
        policies.switch(switches)
        usage = client.call("GET", "accounts", account.id, "usage")
        inputs.served.stands, inputs.memory = stands_of(usage["limits"], args.key)
    return inputs


def catalogue_of(args: argparse.Namespace, config: Config | None) -> Catalogue | None:
    """Raises YamlProblems."""
    path = args.models or (config.settings.files.models if config is not None else None)
    return None if path is None else load_catalogue(path)


def _account(args: argparse.Namespace, config: Config | None, client: AdminClient | None) -> Account:
    """From accounts.yaml, else from the gateway's store. No pepper is needed: nobody calls."""
    if args.account is None:
        raise WrongUsage("expected --account, or the id of a decision")
    path: Path | None = args.accounts or (config.settings.files.accounts if config is not None else None)
    known: Mapping[str, AccountEntry] = {}
    if path is not None:
        file = build(load_file(path), AccountsFile)
        known = file.accounts
        if args.account in known:
            entry = known[args.account]
            org = (file.orgs or {}).get(entry.org or args.account)
            return account_of(args.account, entry, org_suspended=org is not None and org.suspended)
    if client is None:
        raise WrongUsage(f"--account: unknown account '{args.account}'{nearest(args.account, known)}")
    shown = client.call("GET", "accounts", args.account)
    members = {name: value for name, value in shown.items() if name in AccountEntry.model_fields and value is not None}
    return account_of(args.account, build(Body(members), AccountEntry))


def _body(args: argparse.Namespace) -> tuple[dict[str, Any] | None, str]:
    """The request as it was sent, and the model that it names."""
    if args.request is None:
        return None, ""
    try:
        if str(args.request) == "-":
            data = sys.stdin.buffer.read(MAX_BODY + 1)
        else:
            with args.request.open("rb") as file:
                data = file.read(MAX_BODY + 1)
        if len(data) > MAX_BODY:
            raise WrongUsage(f"--request: more than {MAX_BODY >> 20} MiB")
        body = loads(data)
    except OSError as error:
        raise WrongUsage(f"--request: {args.request}: {error.strerror}") from None
    except JsonError as error:
        raise WrongUsage(f"--request: {error}") from None
    if not isinstance(body, dict):
        raise WrongUsage("--request: expected a JSON object")
    named = body.get("model")
    return body, named if isinstance(named, str) else ""


def _model(name: str, catalogue: Catalogue) -> Model:
    if not name:
        raise WrongUsage("expected --model, or a --request that names one")
    model = catalogue.lookup(name)
    if model is None:
        raise WrongUsage(f"--model: unknown model '{name}'{nearest(name, (one.id for one in catalogue.models))}")
    return model


def _ask(args: argparse.Namespace, body: dict[str, Any] | None, model: Model) -> Ask:
    ask = SPEAKERS[args.dialect].read({**(body or plain_body(args.dialect, "")), "model": model.id})
    if not isinstance(ask, Ask):
        raise WrongUsage(f"--request: {ask.message}")
    return ask


def _kinds(args: argparse.Namespace, ask: Ask, model: Model, config: Config | None) -> Sequence[str]:
    """What may serve the request. Raises WrongUsage where nothing does: callers hear that before any policy."""
    if config is None:
        return ()
    upstreams, speaks = config.settings.upstreams, SPEAKERS[args.dialect]
    able = [
        upstreams[name] for name in model.upstreams if name in upstreams and args.dialect in upstreams[name].dialects
    ]
    if not able:
        raise WrongUsage(f"no upstream serves '{model.id}' in the dialect {args.dialect}: callers get model_not_found")
    faults = [speaks.check_fields(ask, one.kind, pass_unknown=one.pass_unknown) for one in able]
    first = next(iter(faults))
    if first is not None and None not in faults:
        raise WrongUsage(f"--request: {first.message} (callers get {first.reason.code})")
    return sorted({one.kind for one, fault in zip(able, faults, strict=True) if fault is None})


def _countries(args: argparse.Namespace, config: Config | None) -> Callable[[Address], str]:
    if args.client_country is not None:
        return lambda _: str(args.client_country)
    known = load_countries(config.settings.data.country_file) if config is not None else None
    return known.of if known is not None else lambda _: ""


def header(text: str) -> tuple[str, str]:
    """`x-client=sdk`: the type of --header."""
    name, equals, value = text.partition("=")
    if not equals or not name.strip():
        raise argparse.ArgumentTypeError("expected NAME=VALUE")
    return name.strip().lower(), value.strip()


def moment(text: str) -> int:
    """The type of --at, in Unix milliseconds."""
    try:
        return moment_ms(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def address(text: str) -> Address:
    """The type of --address."""
    with suppress(ValueError):
        return ip_address(text)
    raise argparse.ArgumentTypeError("expected an address such as 203.0.113.7")


def country(text: str) -> str:
    """The type of --client-country."""
    if len(text) == 2 and text.isascii() and text.isalpha() and text.isupper():
        return text
    raise argparse.ArgumentTypeError("expected two capital letters (ISO 3166)")
