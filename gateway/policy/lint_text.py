"""Lint of words: phrases and patterns that find nothing or everything, and what they need around them."""

from typing import Final

from gateway.policy.actions import REFUSALS, name_of
from gateway.policy.compiling import Compiler
from gateway.policy.criteria.text import TextMatch, patterns_of
from gateway.policy.definitions import Definitions
from gateway.policy.lint import Complaints, Path, Rule, Scene
from gateway.policy.lint_blocks import Blocks, blocks_in, fragment_blocks, texts_in, texts_of, with_fragments
from gateway.policy.load import PolicyFile
from gateway.texts.index import TextIndex
from gateway.texts.patterns import Pattern, Phrase, Regex, longest
from gateway.texts.patterns import Words as WordList

LONG_WINDOW: Final = 200
"""Characters. A model that writes fifty tokens a second writes about so many in one."""
_UNRELATED: Final = (
    "What is the capital of France?", "bonjour", "Übersetze das bitte", "print(2 + 2)", "今日は天気がいい", "ok",
    "Привет, как дела", "SELECT name FROM towns", "12 eggs", "zzz",
)  # fmt: skip
"""Texts that have nothing in common: what finds all of them finds about everything."""
_WRITTEN_BY_CALLERS: Final = frozenset(
    {
        "x-forwarded-for", "x-real-ip", "x-client-ip", "true-client-ip", "forwarded", "cf-connecting-ip",
        "cf-ipcountry", "x-country-code", "cloudfront-viewer-country", "x-vercel-ip-country", "x-appengine-country",
        "fastly-client-ip",
    }
)  # fmt: skip


def without_letters(file: PolicyFile, _scene: Scene) -> Complaints:
    for path, text in texts_of(file.policy):
        yield from _without_letters(text.phrases or (), (*path, "phrases"))


def without_letters_shared(scene: Scene) -> Complaints:
    for path, text in texts_in(fragment_blocks(scene)):
        yield from _without_letters(text.phrases or (), (*path, "phrases"))
    for name, words in scene.definitions.words.items():
        yield from _without_letters(words, ("words", name))


def _without_letters(phrases: tuple[str, ...], path: Path) -> Complaints:
    for index, phrase in enumerate(phrases):
        if not any(char.isalpha() for char in phrase):
            yield (*path, index), f"a phrase without a letter: '{phrase}' stands in all kinds of texts"


def finds_everything(file: PolicyFile, _scene: Scene) -> Complaints:
    for path, text in texts_of(file.policy):
        yield from _finds_everything(text, path)


def finds_everything_shared(scene: Scene) -> Complaints:
    for path, text in texts_in(fragment_blocks(scene)):
        yield from _finds_everything(text, path)


def _finds_everything(text: TextMatch, path: Path) -> Complaints:
    for index, source in enumerate(text.patterns or ()):
        search = TextIndex((Regex(source),)).search
        if all(search(sample).indices for sample in _UNRELATED):
            yield (*path, "patterns", index), "the pattern is found in almost every text: it tells nobody apart"


def refuses_on_words(file: PolicyFile, scene: Scene) -> Complaints:
    policy = file.policy
    if policy.effective_mode != "enforce" or policy.false_positives is not None:
        return
    for name, rule in policy.rules.items():
        reads = any(getattr(block, "text", None) is not None for block in with_fragments(rule.when, scene))
        if reads and rule.per_request and name_of(rule.then) in REFUSALS:
            message = f"'{name}' refuses a request for its words: expected false_positives, for whoever is asked why"
            yield ("rules", name, "per_request"), message


def tells_what_is_sought(file: PolicyFile, scene: Scene) -> Complaints:
    policy = file.policy
    said: list[tuple[Path, str]] = [(("title",), policy.title)]
    if policy.on_violation.message is not None:
        said.append((("on_violation", "message"), policy.on_violation.message))
    wanted = [
        one
        for _, text in (*texts_of(policy), *texts_in(_used(file, scene)))
        for one in _phrases(text, scene.definitions)
    ]
    if not wanted:
        return
    index = TextIndex(tuple(dict.fromkeys(wanted)))
    for path, text in said:
        if index.search(text).indices:
            yield (
                path,
                "refused callers read a phrase that the policy looks for: say what is forbidden, not how it is found",
            )


def headers_of_callers(file: PolicyFile, _scene: Scene) -> Complaints:
    for name, rule in file.policy.rules.items():
        yield from _headers(blocks_in(rule.when, ("rules", name, "when")))


def headers_of_callers_shared(scene: Scene) -> Complaints:
    yield from _headers(fragment_blocks(scene))


def _headers(blocks: Blocks) -> Complaints:
    for path, block in blocks:
        for name in getattr(block, "headers", None) or ():
            if name in _WRITTEN_BY_CALLERS:
                message = f"callers can write '{name}' themselves: expected address or client_country"
                yield (*path, "headers", name), f"{message}, which know data.trusted_proxies"


def long_hold_back(file: PolicyFile, scene: Scene) -> Complaints:
    for name, entry in file.policy.output.items():
        if entry.text is None or entry.how != "hold_back" or entry.then != "stop":
            continue
        reach = [longest(one) or entry.window or 0 for one in patterns_of(entry.text, Compiler(scene.definitions))]
        if max(reach) > LONG_WINDOW:
            key = "window" if entry.window == max(reach) else "text"
            message = f"'{name}' keeps back {max(reach)} characters of every stream, a second or more of writing"
            yield ("output", name, key), f"{message}: shorten its phrases or window, or say how: windowed"


def _used(file: PolicyFile, scene: Scene) -> Blocks:
    """The blocks of a policy's rules, those of fragments included."""
    for rule in file.policy.rules.values():
        for block in with_fragments(rule.when, scene):
            yield (), block


def _phrases(text: TextMatch, definitions: Definitions) -> list[Pattern]:
    """What it looks for word by word; lexicons and patterns say more than a person reads out of a message."""
    lists = [definitions.words[name] for name in text.words or () if name in definitions.words]
    return [*map(Phrase, text.phrases or ()), *map(WordList, lists)]


TEXT_RULES: Final = (
    Rule("P112", "refuses on words without false_positives", "error", refuses_on_words),
    Rule("P501", "phrase without a letter", "warning", without_letters, without_letters_shared),
    Rule("P502", "pattern finds everything", "warning", finds_everything, finds_everything_shared),
    Rule("P503", "message tells what is looked for", "warning", tells_what_is_sought),
    Rule("P504", "header that callers write", "warning", headers_of_callers, headers_of_callers_shared),
    Rule("P505", "long hold back", "warning", long_hold_back),
)
