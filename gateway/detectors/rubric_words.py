"""How people ask for grades by criteria, in seven languages: our own words, general on purpose.

A request to grade names all three: the criteria, a scale or a choice, and, near a word of grading, what is graded.
Each language has its own three, because words of one language do not stand for those of another.
"""

from typing import Final, NamedTuple

from gateway.detectors.lexicon import Lexicon, Near


class _Words(NamedTuple):
    criteria: str
    scale: str
    grade: str
    graded: str


_RANGE: Final = r"\d+ ?[-–~〜] ?\d+"
_ENGLISH: Final = _Words(
    r"\brubrics?\b|\bcriteri(?:a|on)\b"
    r"|\b(?:grading|scoring|evaluation|assessment|judging|marking) (?:guidelines?|guide|standards?|scale|scheme)\b",
    rf"\bscores? (?:of )?\d|\b(?:from|between) \d+ (?:to|and|through) \d+\b|\b(?:score|rate|rating|grade):? {_RANGE}"
    rf"|\b(?:on a scale|scale of|scale from)\b|\bout of \d|{_RANGE} (?:scale|points)"
    r"|\b(?:better|best|stronger|preferred|winning) (?:response|answer|candidate|output|submission|essay|one)\b"
    r"|\b(?:response|answer|candidate|output|submission|essay|one)s? is (?:better|best)\b",
    r"\bevaluat|\bgrad(?:e|ing)|\bscor(?:e|ing)|\brat(?:e|ing)\b|\bjudg|\bassess|\bmark(?:ing)?\b|\bcompar|\bdecide",
    r"\b(?:response|answer|candidate|submission|output|completion|essay|solution|summar|translation)"
    r"|\brepl(?:y|ies)\b",
)
_CHINESE: Final = _Words(
    "(?:评分|打分|评价|评估|评判|评审|批改)的?(?:标准|细则|准则|维度|规则|指标)",
    rf"{_RANGE} ?分|\d+ ?(?:到|至) ?\d+|满分|更好",
    "评分|打分|评价|评估|评判|评审|批改|比较",
    "回答|答案|答复|回复|作文|译文|候选|输出",
)
_JAPANESE: Final = _Words(
    "(?:評価|採点|審査)の?(?:基準|項目|観点)|ルーブリック",
    rf"{_RANGE}|\d+から\d+|点満点|段階|点数|スコア|優れて|良い方",
    "評価|採点|審査|比較",
    "回答|解答|応答|候補|出力|作文|訳文",
)
_GERMAN: Final = _Words(
    r"kriteri(?:um|en)|bewertungs(?:massstab|raster|bogen|schema)|\brubrik",
    r"\bvon \d+ bis \d+|zwischen \d+ und \d+|\bskala\b|\d+ punkte|\bbesser",
    "bewert|benot|beurteil|vergleich",
    "antwort|lösung|aufsatz|ausgabe|übersetzung|kandidat",
)
_FRENCH: Final = _Words(
    "critères?|grille (?:d'évaluation|de notation)|barème",
    r"échelle de|\bde \d+ à \d+|entre \d+ et \d+|\bsur \d+|la meilleure",
    r"évalu|\bnot(?:e|er|ez|ation)\b|\bjuge|compar",
    "réponse|copie|candidat|rédaction|traduction|solution",
)
_SPANISH: Final = _Words(
    "criterios?|rúbricas?|baremo",
    r"escala del?|\bdel? \d+ al? \d+|entre \d+ y \d+|\d+ puntos|la mejor",
    "eval[uú]|calific|punt[uú]|juzg|compar",
    "respuesta|candidat|redacción|traducción|solución",
)
_RUSSIAN: Final = _Words(
    "критери|рубрик",
    r"от \d+ до \d+|по шкале|балл|лучше",
    "оцени|оценк|оценива|сравни",
    "ответ|решени|сочинени|перевод|кандидат",
)
_LANGUAGES: Final = (_ENGLISH, _CHINESE, _JAPANESE, _GERMAN, _FRENCH, _SPANISH, _RUSSIAN)

ANY_CRITERIA: Final = Lexicon(*(words.criteria for words in _LANGUAGES))
"""Most requests end here: one search instead of twenty-one."""


class Grading(NamedTuple):
    """One language's three."""

    criteria: Lexicon
    scale: Lexicon
    graded: Near


GRADINGS: Final = tuple(
    Grading(Lexicon(words.criteria), Lexicon(words.scale), Near(Lexicon(words.grade), Lexicon(words.graded)))
    for words in _LANGUAGES
)
