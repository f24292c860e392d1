"""Which request fields exist, by dialect and by the kind of upstream, and what each one touches.

A field that is missing here is refused, so the tables follow the providers' published parameters.
"""

from collections.abc import Mapping
from enum import Enum, auto
from types import MappingProxyType
from typing import Final


class Group(Enum):
    """What a field touches."""

    PLAIN = auto()
    """Passes untouched, whatever its value."""
    COST = auto()
    """Changes what a request costs."""
    LOGPROB = auto()
    """Makes the answer carry token probabilities."""
    STATE = auto()
    """Names or creates something that the upstream keeps between requests; there is no owner to check."""
    ENGINE = auto()
    """Reaches into the inference engine or around this gateway's own decisions."""


KINDS: Final = ("openai", "azure", "vllm", "llamacpp", "generic")
SELF_HOSTED: Final = frozenset({"vllm", "llamacpp", "generic"})
PASSES_UNKNOWN: Final = frozenset({"openai", "azure"})

Table = Mapping[str, Group]


def _table(plain: str, cost: str = "", logprob: str = "", state: str = "", engine: str = "") -> dict[str, Group]:
    groups = {
        Group.PLAIN: plain,
        Group.COST: cost,
        Group.LOGPROB: logprob,
        Group.STATE: state,
        Group.ENGINE: engine,
    }
    return {name: group for group, names in groups.items() for name in names.split()}


_ENGINE: Final = _table(
    "",
    engine="""
    add_special_tokens allowed_token_ids backend_sampling bad_words_ids bypass_prompt_cache cache_prompt cache_salt
    chat_template chat_template_kwargs continue_final_message add_generation_prompt data_parallel_rank documents
    echo_prompt generation_prompt grammar grammar_lazy grammar_triggers guided_choice guided_decoding_backend
    guided_grammar guided_json guided_regex guided_whitespace_pattern id_slot ignore_eos include_stop_str_in_output
    input_extra input_prefix input_suffix json_schema kv_transfer_params logits_processors lora media_io_kwargs
    min_keep mm_processor_kwargs n_cmpl n_discard n_indent n_keep n_predict parse_tool_calls post_sampling_probs
    preserved_tokens priority prompt_embeds reasoning_budget reasoning_budget_end_tag reasoning_budget_message
    reasoning_budget_start_tag reasoning_control reasoning_format request_id response_fields return_progress
    return_token_ids return_tokens return_tokens_as_token_ids samplers skip_special_tokens
    spaces_between_special_tokens speculative structural_tag structured_outputs t_max_predict_ms
    thinking_token_budget thinking_budget_tokens truncate_prompt_tokens vllm_xargs watermark watermarking
    watermarking_config
    """,
)

_CHAT: Final = _table(
    """
    audio frequency_penalty function_call functions logit_bias messages metadata modalities model moderation
    parallel_tool_calls presence_penalty prompt_cache_key prompt_cache_options
    prompt_cache_retention response_format safety_identifier seed stop stream stream_options temperature tool_choice
    tools top_p user verbosity
    """,
    cost="n max_tokens max_completion_tokens prediction reasoning_effort service_tier",
    logprob="logprobs top_logprobs",
    state="store web_search_options",
)
_COMPLETIONS: Final = _table(
    """
    frequency_penalty logit_bias model presence_penalty prompt seed stop stream stream_options suffix temperature
    top_p user
    """,
    cost="best_of max_tokens n",
    logprob="logprobs echo",
)
_EMBEDDINGS: Final = _table("dimensions encoding_format input model user")
_RESPONSES: Final = _table(
    """
    access_programs context_management image include input instructions metadata model moderation
    parallel_tool_calls prompt_cache_key prompt_cache_options prompt_cache_retention safety_identifier stream
    stream_options temperature text tool_choice tools top_p truncation user
    """,
    cost="max_output_tokens max_tool_calls reasoning service_tier",
    logprob="top_logprobs",
    state="background background_options conversation previous_response_id prompt store",
)
_COUNT_TOKENS: Final = _table(
    "cache_control compaction context_management messages model output_config output_format speed system thinking "
    "tool_choice tools",
    state="mcp_servers user_profile_id workspace_id",
    engine="billing_policy",
)
_MESSAGES: Final = _table(
    """
    cache_control compaction context_management messages metadata model output_format stop_sequences stream system
    temperature tool_choice tools top_k top_p
    """,
    cost="inference_geo max_tokens output_config service_tier speed thinking",
    state="container diagnostics mcp_servers thread user_profile_id workspace_id",
    engine="billing_policy fallback_credit_token fallbacks",
)

_SAMPLING: Final = _table("min_p repetition_penalty top_k")
_VLLM: Final = _SAMPLING | _table(
    "bad_words include_reasoning length_penalty min_tokens repetition_detection stop_token_ids",
    cost="use_beam_search",
    logprob="prompt_logprobs",
)
_LLAMACPP: Final = _SAMPLING | _table(
    """
    adaptive_decay adaptive_target dry_allowed_length dry_base dry_multiplier dry_penalty_last_n
    dry_sequence_breakers dynatemp_exponent dynatemp_range mirostat mirostat_eta mirostat_tau repeat_last_n
    repeat_penalty timings_per_token top_n_sigma typical_p xtc_probability xtc_threshold
    """,
    logprob="n_probs",
)
_VLLM_TEXT: Final = _VLLM | _table("", cost="best_of", logprob="echo")

_OFFICIAL: Final[dict[str, dict[str, Group]]] = {
    "chat": _CHAT,
    "completions": _COMPLETIONS,
    "embeddings": _EMBEDDINGS,
    "responses": _RESPONSES,
    "messages": _MESSAGES,
    "count_tokens": _COUNT_TOKENS,
}
_EXTRAS: Final[dict[tuple[str, str], dict[str, Group]]] = {
    ("chat", "vllm"): _VLLM_TEXT,
    ("chat", "llamacpp"): _LLAMACPP,
    ("chat", "generic"): _SAMPLING,
    ("completions", "vllm"): _VLLM_TEXT | _table("response_format"),
    ("completions", "llamacpp"): _LLAMACPP | _table("response_format"),
    ("completions", "generic"): _SAMPLING,
    ("responses", "vllm"): _VLLM,
    ("responses", "llamacpp"): _LLAMACPP,
    ("responses", "generic"): _SAMPLING,
    ("messages", "vllm"): _SAMPLING,
    ("messages", "llamacpp"): _LLAMACPP,
    ("embeddings", "vllm"): _table("normalize use_activation"),
    ("embeddings", "llamacpp"): _table("embd_normalize"),
}

_TABLES: Final[dict[tuple[str, str], Table]] = {
    (dialect, kind): MappingProxyType(_ENGINE | official | _EXTRAS.get((dialect, kind), {}))
    for dialect, official in _OFFICIAL.items()
    for kind in KINDS
}


_FREE: Final = {
    key: frozenset(name for name, group in fields.items() if group not in (Group.STATE, Group.ENGINE))
    for key, fields in _TABLES.items()
}


def free(dialect: str, kind: str) -> frozenset[str]:
    """The fields that may have any value."""
    return _FREE[dialect, kind]


def table(dialect: str, kind: str) -> Table:
    """The fields of one dialect towards one kind of upstream."""
    return _TABLES[dialect, kind]
