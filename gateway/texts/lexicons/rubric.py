"""How people ask for grades by criteria, in eleven languages: our own words, general on purpose.

A request to grade names all three: the criteria, a scale or a choice, and, near a word of grading, what is graded.
Each language has its own three, because words of one language do not stand for those of another.
"""

from typing import Final, NamedTuple

from gateway.texts.lexicons.words import any_of
from gateway.texts.patterns import Every, Near, Pattern


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
    "antwort|losung|aufsatz|ausgabe|ubersetzung|kandidat",
)
_FRENCH: Final = _Words(
    "criteres?|grille (?:d'evaluation|de notation)|bareme",
    r"echelle de|\bde \d+ a \d+|entre \d+ et \d+|\bsur \d+|la meilleure",
    r"\bevalu|\bnot(?:e|er|ez|ation)\b|\bjuge|\bcompar",
    "reponse|copie|candidat|redaction|traduction|solution",
)
_SPANISH: Final = _Words(
    "criterios?|rubricas?|baremo",
    r"escala del?|\bdel? \d+ al? \d+|entre \d+ y \d+|\d+ puntos|la mejor",
    r"\bevalu|calific|puntu|juzg|\bcompar",
    "respuesta|candidat|redaccion|traduccion|solucion",
)
_RUSSIAN: Final = _Words(
    "критери|рубрик",
    r"от \d+ до \d+|по шкале|балл|лучше",
    "оцени|оценк|оценива|сравни",
    "ответ|решени|сочинени|перевод|кандидат",
)
_PORTUGUESE: Final = _Words(
    "criterios?|rubricas?|grade de (?:avaliacao|correcao)",
    r"escala de|\bde \d+ a \d+|entre \d+ e \d+|\d+ pontos|a melhor",
    r"\bavali|pontu|\bjulg|\bcorrij|\bcompar|\bnota\b",
    "resposta|candidat|redacao|traducao|solucao",
)
_KOREAN: Final = _Words(
    "(?:평가|채점|심사) ?(?:기준|항목|지표|척도)|루브릭",
    rf"{_RANGE} ?점|\d+점? ?(?:부터|에서) ?\d+|\d+점 ?만점|척도|더 ?나은|더 ?좋은",
    "평가|채점|심사|비교|점수",
    "답변|응답|답안|후보|출력|에세이|번역|글",
)
_ARABIC: Final = _Words(
    "معايير|معيار|مقياس التقييم|سلم التقييم",
    r"من \d+ (?:الى|حتي|حتى) \d+|بين \d+ و ?\d+|مقياس من|\d+ (?:نقاط|درجات)|الافضل|افضل",
    "قيم|تقييم|قارن|مقارنة|صحح|احكم",
    "الاجابة|اجابة|الرد|الردين|الاستجابة|الحل|المقال|الترجمة",
)
_HINDI: Final = _Words(
    "मानदंड|मापदंड|कसौटी|रूब्रिक",
    r"\d+ से \d+|पैमाने|अंक|बेहतर",
    "मूल्यांकन|आकलन|जाँच|जांच|तुलना|अंक",
    "उत्तर|जवाब|निबंध|अनुवाद|समाधान",
)
_LANGUAGES: Final = (
    _ENGLISH, _CHINESE, _JAPANESE, _GERMAN, _FRENCH, _SPANISH, _RUSSIAN, _PORTUGUESE, _KOREAN, _ARABIC, _HINDI,
)  # fmt: skip

PATTERNS: Final[tuple[Pattern, ...]] = tuple(
    Every((any_of((words.criteria,)), any_of((words.scale,)), Near(any_of((words.grade,)), any_of((words.graded,)))))
    for words in _LANGUAGES
)
