"""How people ask a model for its reasoning, in seven languages: our own words, general on purpose.

Four shapes, each a pair of words that stand near each other:

- reasoning or thoughts that are hidden, or wanted word for word;
- reasoning (not just any thoughts) that is wanted whole;
- thinking that goes step by step;
- an answer that is supplied, anywhere, and the wish to learn how it was reached.

Thinking tags are a shape by themselves. Every table goes English, Chinese, Japanese, German, French, Spanish, Russian.
"""

from typing import Final

from gateway.detectors.lexicon import Lexicon, Near

_REASONING: Final = (
    r"\breasoning\b|chains?[- ]of[- ]thought|trains? of thought|thought process|thinking process|inner monologue",
    r"internal monologue|\bscratch ?pad|\bdeliberation",
    "推理|思维|思路|推导|思考过程|内心独白",
    "推論|思考|論理展開|考え方|独白",
    "gedankeng[aä]ng|gedankenkette|gedankliche|denkprozess|denkweg|denkschritt|denkvorg|argumentationskette",
    "schlussfolgerung|überlegung|rechenweg|herleitung|innerer monolog",
    "raisonnement|réflexion|cha[iî]ne de pensée|cheminement|monologue int|processus de pensée|fil de (?:ta|tes) pensée",
    "razonamiento|cadena de pensamiento|monólogo int|proceso mental|reflexion|reflexión|deliberaci",
    "рассуждени|размышлени|умозаключени|мыслительн|ход[а-яё]* (?:[а-яё]+ )?мысл|цепочк[а-яё]* (?:[а-яё]+ )?мысл",
)
_THOUGHTS: Final = (
    r"\bthoughts\b|\bthinking\b|\brationale\b",
    "想法|思考|念头",
    "考え|思い",
    r"\bgedanken\b|begründung",
    "pensées?",
    "pensamiento",
    r"мысли\b|мыслей|мысль",
)
_HIDDEN: Final = (
    r"\bhidden\b|\binternal\b|\bsecret\b|\bverbatim\b|\bunfiltered\b|\bunedited\b|\bunabridged\b|\bunsummari[sz]ed\b",
    r"\bword for word\b|\bexactly as (?:it|they) (?:occurs?|comes?|happens?)\b",
    r"\bwithout (?:summari[sz]|omit|skip|shorten)|\bnothing (?:is )?(?:summari[sz]ed|omitted|left out|skipped)",
    r"\byour (?:own )?(?:private|inner|raw|real|actual)\b",
    "内部|内心|内在|隐藏|隐蔽|私下|原始|删减|未编辑|脑海|逐字|一字不|毫无保留|不要(?:省略|概括|总结)|不得(?:省略|概括)",
    "内部|内的|内面|隠れた|隠された|隠して|心の中|頭の中|生の|ありのまま|一字一句|省略せず|省かず|要約せず|余すところなく",
    r"\bintern(?:e[mnrs]?)?\b|verborgen|versteckt|geheim|ungefiltert|ungekürzt|unbearbeitet|wörtlich|in deinem kopf",
    "ohne (?:etwas )?(?:auszulassen|wegzulassen|zusammenzufassen|zu kürzen)|nichts (?:auslassen|weglassen|kürzen)",
    r"\binterne|intérieur|caché|\bsecr[eè]t|brute?s?\b|non (?:filtré|abrégé|résumé)|mot (?:à|pour) mot|in extenso",
    "sans (?:rien )?(?:omettre|résumer|abréger|couper|sauter)|dans ta tête",
    r"\bintern[oa]|interior|ocult|\bsecret|en bruto|palabra por palabra|al pie de la letra|notas privadas",
    "sin (?:filtrar|editar|resumir|abreviar|omitir|saltar)",
    "внутренн|скрыт|тайн|необработанн|неотредактированн|дословн|слово в слово|черновик",
    "без (?:сокращени|пропуск|купюр)|ничего не (?:пропуск|сокращ|опуск)",
)
_WHOLE: Final = (
    r"\bcomplete\b|\bfull(?:y)?\b|\bentire\b|\bwhole\b|\bexhaustive|\bexplicit|\bin full\b|\bevery\b|\bdetailed\b",
    r"\b(?:show|explain|reveal|write out|write down|share|print|describe|include) (?:me )?(?:all )?(?:of )?your\b",
    "完整|全部|所有|详尽|详细|每一步|从头到尾|写出",
    "完全|すべて|全て|全部|詳細|詳しく|書き出",
    "vollständig|komplett|gesamt|lückenlos|ausführlich|sämtlich|detailliert|jede[nrs]? einzelne|alle deine",
    r"complet|complète|intégral|entière|entier|détaill|l'ensemble|totalité|\btous tes\b|\btoutes tes\b",
    "complet|íntegr|enter[oa]|detallad|totalidad|todo tu|todos tus",
    r"полн(?:ый|ую|ое|ые|ых|остью)|целиком|подробн|вс[её] сво|весь ход|всю цепочк",
)
_STEPWISE: Final = (
    r"step[- ]by[- ]step|\bout loud\b|\baloud\b",
    "逐步|一步一步|一步步|分步",
    "段階的|段階ごと|ステップ|一歩ずつ|順を追って|順序立て",
    r"schritt für schritt|schrittweise|\blaut zu denken",
    "étape par étape|pas à pas|à voix haute",
    "paso a paso|en voz alta",
    "шаг за шагом|пошагов|по шагам|вслух",
)
_THINK: Final = (
    r"\bthink\b|\breason\b|\bthink it through",
    "思考|推理|想一想",
    "考えて|考えよ",
    "nachdenken|denk[e ]|überleg",
    r"\bpense|réfléchi|raisonne",
    r"\bpiensa|\bpensar|razona|reflexiona",
    "подума|думай|рассужда|размышля",
)
_TAGS: Final = r"</?(?:think|thinking|thoughts?|reasoning|scratch_?pad|inner_monologue)>"

_SUPPLIED: Final = (
    r"\b(?:correct|right|true|final|known|expected) (?:answer|solution|result)\b",
    "(?:正确|标准|最终|已知)的?答案",
    "正解|正しい答え|(?:答え|解答)は",
    "(?:richtig|korrekt|endgültig)[a-z]* (?:antwort|lösung|ergebnis)",
    "(?:bonne|vraie) réponse|(?:réponse|solution) (?:correcte|exacte|juste)",
    "(?:respuesta|solución) (?:correcta|final|exacta)",
    "(?:правильн|верн|итогов)[а-я]* (?:ответ|решени)",
)
_RECONSTRUCT: Final = (
    r"\breconstruct|\brecreate|\bretrace|reverse[- ]engineer|\bwork back",
    r"\bhow (?:did |do |does |would )?(?:you|one|we) (?:got|get|arrived?|reach(?:ed)?|came|come)\b",
    "还原|重构|重建|复原|倒推|反推|(?:如何|怎么|怎样)得出",
    "復元|再現|再構成|逆算|どのように(?:導|たどり)|導き出した",
    "rekonstruier|zurückverfolg|nachvollzieh|wie (?:du|man|sie) (?:darauf|dazu|dahin)",
    "reconstitu|reconstrui|retrac|comment (?:tu|vous|on) (?:y )?(?:es|êtes|est|arriv|parv)",
    "reconstru|cómo (?:has |se |ha )?(?:llega|obten|alcanz)",
    "восстанов|реконструир|воссозда|как (?:ты|вы|можно) (?:приш|получ)",
)

ANY: Final = Lexicon(*_REASONING, *_THOUGHTS, *_STEPWISE, *_SUPPLIED, _TAGS)
"""Every shape has one of these: most requests end here, after one search instead of five."""
HIDDEN: Final = Near(Lexicon(*_REASONING, *_THOUGHTS), Lexicon(*_HIDDEN))
WHOLE: Final = Near(Lexicon(*_REASONING), Lexicon(*_WHOLE))
STEPWISE: Final = Near(Lexicon(*_STEPWISE), Lexicon(*_REASONING, *_THOUGHTS, *_THINK))
TAGS: Final = Lexicon(_TAGS)
SUPPLIED: Final = Lexicon(*_SUPPLIED)
RECONSTRUCT: Final = Lexicon(*_RECONSTRUCT)
