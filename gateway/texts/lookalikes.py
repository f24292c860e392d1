"""Letters of other alphabets that look like Latin ones, and punctuation that looks like that of every keyboard.

Our own list, kept to what an eye takes for the other in common type; Unicode's own (Technical Standard 39) holds
thousands more, mostly of scripts that few fonts draw. Forms that NFKC folds (full-width, mathematical, circled) and
letters that only bear a mark (é, ñ) need no place here.
"""

from typing import Final

_ALWAYS: Final = {
    "a": "ɑαаᴀꭺᎪⱥ", "b": "ƀɓʙƅᏏᏴ", "c": "сϲᴄᏟↄ", "d": "ԁɖɗđᴅᎠᏧժ", "e": "еєɛᴇҽεᎬǝəɘ℮", "f": "ƒꜰϝẝ",
    "g": "ɡɢԍᏀᏳցǥɠ", "h": "һհħʜᎻᏂ", "i": "іιıɪɩᎥɨ", "j": "јϳյᴊɉᎫʝ", "k": "κᴋᏦқƙ", "l": "łʟᏞӏɭɫ", "m": "ᴍᎷɱ",
    "n": "ոռɴᴎŋɲ", "o": "оοօᴏø", "p": "рρᴘᏢϱƿ", "q": "ԛզգɋ", "r": "ʀᎡᏒɍɼ", "s": "ѕꜱᏚʂꙅ", "t": "τᴛᎢŧƭ", "u": "υսᴜʋʉ",
    "v": "νѵᴠᏙⱱ", "w": "ԝᴡᎳᏔա", "x": "хχҳ", "y": "уүʏᎩɏყ", "z": "ᴢᏃƶʐ", "ae": "æӕ", "oe": "œ",
}  # fmt: skip
_IN_LATIN_WORDS: Final = {
    "b": "βвᲀьΒВЬ", "h": "нНΗҢ", "k": "кК", "m": "мМΜ", "n": "пηПΠΝ", "r": "гГ", "t": "тᲄᲅТ", "u": "μцЦ", "w": "ωΩшщШЩ",
    "y": "γΓΥ", "z": "ζΖ", "o": "σςΣ",
}  # fmt: skip
_SIGNS: Final = {
    "'": "‘’‚‛′ʹʼʻ´ˈ׳", '"': "“”„‟″«»‹›〝〞「」『』《》〈〉״", "-": "‐‑‒–—―−⁃־", ".": "。․۔।॥", ",": "、،", "/": "⁄∕⧸",
    "*": "∗⁎٭•·・", "|": "∣ǀ", "~": "∼〜", ":": "ː∶", ";": "؛", "?": "؟",
}  # fmt: skip

LATIN: Final = {other: letter for letter, others in _ALWAYS.items() for other in others}
"""A small letter and the one or two Latin ones it passes for. Cyrillic and Greek words lose some of their own letters
to it, the same in a phrase and in a text."""

LATIN_IN_LATIN_WORDS: Final = {other: letter for letter, others in _IN_LATIN_WORDS.items() for other in others}
"""Letters that pass for Latin ones less well: folded in words that are Latin otherwise, or вот would be "bot"."""

SIGNS: Final = {other: sign for sign, others in _SIGNS.items() for other in others}
"""A punctuation mark and its plain counterpart."""
