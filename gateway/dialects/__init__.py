"""What callers ask and how they are answered: one file per wire format."""

from gateway.dialects.anthropic_count_tokens import AnthropicCountTokens
from gateway.dialects.anthropic_family import AnthropicFamily
from gateway.dialects.anthropic_messages import AnthropicMessages
from gateway.dialects.base import Dialect, Family
from gateway.dialects.openai_chat import OpenAIChat
from gateway.dialects.openai_completions import OpenAICompletions
from gateway.dialects.openai_embeddings import OpenAIEmbeddings
from gateway.dialects.openai_family import OpenAIFamily
from gateway.dialects.openai_responses import OpenAIResponses

OPENAI: Family = OpenAIFamily()
ANTHROPIC: Family = AnthropicFamily()
FAMILIES: tuple[Family, ...] = (OPENAI, ANTHROPIC)

DIALECTS: tuple[Dialect, ...] = (
    OpenAIChat(OPENAI),
    OpenAICompletions(OPENAI),
    OpenAIEmbeddings(OPENAI),
    OpenAIResponses(OPENAI),
    AnthropicMessages(ANTHROPIC),
    AnthropicCountTokens(ANTHROPIC),
)

__all__ = ["ANTHROPIC", "DIALECTS", "FAMILIES", "OPENAI"]
