"""All criteria by hand, one file each: those on whom and what a policy covers, and those on the request itself."""

from typing import Final

from gateway.policy.criteria import (
    account,
    account_age,
    address,
    attested_age,
    client_country,
    country,
    declared_purpose,
    dialect,
    distinct_prompts,
    family,
    headers,
    images,
    key,
    logprobs,
    max_output,
    media,
    messages,
    model,
    n,
    org,
    owner_country,
    prompt_tokens,
    reasoning,
    response_format,
    route,
    seed,
    standing,
    stream,
    tags,
    temperature,
    terms,
    text,
    tier,
    time,
    token_ids,
    tools,
    top_logprobs,
    upstream,
    usage,
    user_turns,
    verified,
)
from gateway.policy.criteria.base import Asked, Criterion, Whom

WHOM: Final[tuple[Whom, ...]] = (
    tier.CRITERION, account.CRITERION, org.CRITERION, key.CRITERION, country.CRITERION, owner_country.CRITERION,
    verified.CRITERION, declared_purpose.CRITERION, tags.CRITERION, account_age.CRITERION, attested_age.CRITERION,
    standing.CRITERION, model.CRITERION, family.CRITERION, dialect.CRITERION, route.CRITERION, upstream.CRITERION,
    terms.CRITERION,
)  # fmt: skip
ASKED: Final[tuple[Asked, ...]] = (
    headers.CRITERION, address.CRITERION, client_country.CRITERION, time.CRITERION, stream.CRITERION, n.CRITERION,
    logprobs.CRITERION, top_logprobs.CRITERION, temperature.CRITERION, seed.CRITERION, max_output.CRITERION,
    reasoning.CRITERION, tools.CRITERION, response_format.CRITERION, messages.CRITERION, user_turns.CRITERION,
    prompt_tokens.CRITERION, images.CRITERION, media.CRITERION, token_ids.CRITERION, text.CRITERION, usage.CRITERION,
    distinct_prompts.CRITERION,
)  # fmt: skip
CRITERIA: Final[tuple[Criterion, ...]] = (*WHOM, *ASKED)
