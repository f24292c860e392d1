"""How people ask a model for its reasoning, in eleven languages: our own words, general on purpose.

Four shapes, each a pair of words that stand near each other:

- reasoning or thoughts that are hidden, or wanted word for word;
- reasoning (not just any thoughts) that is wanted whole;
- thinking that goes step by step;
- an answer that is supplied, anywhere, and the wish to learn how it was reached.

Thinking tags are a shape by themselves. Every table goes English, Chinese, Japanese, German, French, Spanish, Russian,
Portuguese, Korean, Arabic, Hindi.
"""

from typing import Final

from gateway.texts.lexicons.words import any_of
from gateway.texts.patterns import Every, Near, Pattern

_REASONING: Final = (
    r"\breasoning\b|chains?[- ]of[- ]thought|trains? of thought|thought process|thinking process|inner monologue",
    r"internal monologue|\bscratch ?pad|\bdeliberation",
    "推理|思维|思路|推导|思考过程|内心独白",
    "推論|思考|論理展開|考え方|独白",
    "gedankengang|gedankengange|gedankenkette|gedankliche|denkprozess|denkweg|denkschritt|denkvorg|argumentationskette",
    "schlussfolgerung|uberlegung|rechenweg|herleitung|innerer monolog",
    "raisonnement|reflexion|chaine de pensee|cheminement|monologue int|processus de pensee|fil de (?:ta|tes) pensee",
    "razonamiento|cadena de pensamiento|monologo int|proceso mental|deliberaci",
    r"рассуждени|размышлени|умозаключени|мыслительн|ход[а-яё]* (?:[а-яё]+ )?мысл|цепочк[а-яё]* (?:[а-яё]+ )?мысл",
    "raciocinio|cadeia de pensamento|monologo int|processo de pensamento|linha de pensamento|reflexao|reflexoes",
    "추론|사고 ?과정|생각의 ?흐름|사고의 ?흐름|사고 ?사슬|내적 ?독백|풀이 ?과정",
    "تفكيرك|سلسلة الافكار|سلسلة افكار|عملية التفكير|مسار التفكير|استدلال|منطقك|الحوار الداخلي",
    "तर्क|विचार प्रक्रिया|सोच प्रक्रिया|सोचने की प्रक्रिया|विचार श्रृंखला|विचारों की श्रृंखला",
)
_THOUGHTS: Final = (
    r"\bthoughts\b|\bthinking\b|\brationale\b",
    "想法|思考|念头",
    "考え|思い",
    r"\bgedanken\b|begrundung",
    "pensees?",
    "pensamiento",
    r"мысли\b|мыслей|мысль",
    "pensamentos?",
    "생각",
    "افكار|تفكير",
    "विचार|सोच",
)
_HIDDEN: Final = (
    r"\bhidden\b|\binternal\b|\bsecret\b|\bverbatim\b|\bunfiltered\b|\bunedited\b|\bunabridged\b|\bunsummari[sz]ed\b",
    r"\bword for word\b|\bexactly as (?:it|they) (?:occurs?|comes?|happens?)\b",
    r"\bwithout (?:summari[sz]|omit|skip|shorten)|\bnothing (?:is )?(?:summari[sz]ed|omitted|left out|skipped)",
    r"\byour (?:own )?(?:private|inner|raw|real|actual)\b",
    "内部|内心|内在|隐藏|隐蔽|私下|原始|删减|未编辑|脑海|逐字|一字不|毫无保留|不要(?:省略|概括|总结)|不得(?:省略|概括)",
    "内部|内的|内面|隠れた|隠された|隠して|心の中|頭の中|生の|ありのまま|一字一句|省略せず|省かず|要約せず|余すところなく",
    r"\bintern(?:e[mnrs]?)?\b|verborgen|versteckt|geheim|ungefiltert|ungekurzt|unbearbeitet|wortlich|in deinem kopf",
    "ohne (?:etwas )?(?:auszulassen|wegzulassen|zusammenzufassen|zu kurzen)|nichts (?:auslassen|weglassen|kurzen)",
    r"\binterne|interieur|\bcachee?s?\b|\bsecret|\bbrute?s?\b|non (?:filtre|abrege|resume)|mot (?:a|pour) mot",
    "in extenso",
    "sans (?:rien )?(?:omettre|resumer|abreger|couper|sauter)|dans ta tete",
    r"\bintern[oa]|interior|ocult|en bruto|palabra por palabra|al pie de la letra|notas privadas",
    "sin (?:filtrar|editar|resumir|abreviar|omitir|saltar)",
    "внутренн|скрыт|тайн|необработанн|неотредактированн|дословн|слово в слово|черновик",
    "без (?:сокращени|пропуск|купюр)|ничего не (?:пропуск|сокращ|опуск)",
    r"sem (?:filtr|editar|resumir|abreviar|omitir|pular|cortes)|palavra por palavra|na integra|escondid|\bsecreto",
    r"\bbruto",
    "숨겨진|숨긴|내부|내면|비공개|가공되지 ?않은|있는 ?그대로|한 ?글자도|빠짐없이|생략 ?(?:없이|하지)|요약하지|머릿속",
    "مخفي|خفي|داخلي|سري|حرفيا|كلمة بكلمة|كما هو|كما هي|دون (?:حذف|اختصار|تلخيص)|بدون (?:حذف|اختصار|تلخيص)",
    "छिपा|छिपे|छिपी|छुपा|छुपे|छुपी|आंतरिक|आन्तरिक|गुप्त|शब्दशः|ज्यों का त्यों|बिना (?:छोड़े|काटे|संक्षेप|सारांश)",
)
_WHOLE: Final = (
    r"\bcomplete\b|\bfull(?:y)?\b|\bentire\b|\bwhole\b|\bexhaustive|\bexplicit|\bin full\b|\bevery\b|\bdetailed\b",
    r"\b(?:show|explain|reveal|write out|write down|share|print|describe|include) (?:me )?(?:all )?(?:of )?your\b",
    "完整|全部|所有|详尽|详细|每一步|从头到尾|写出",
    "完全|すべて|全て|全部|詳細|詳しく|書き出",
    "vollstandig|komplett|gesamt|luckenlos|ausfuhrlich|samtlich|detailliert|jede[nrs]? einzelne|alle deine",
    r"\bcomplet|integral|entiere|entier|detaill|l'ensemble|totalite|\btous tes\b|\btoutes tes\b",
    "integr[oa]|enter[oa]|detallad|totalidad|todo tu|todos tus",
    r"полн(?:ый|ую|ое|ые|ых|остью)|целиком|подробн|все сво|всё сво|весь ход|всю цепочк",
    r"\binteir|detalhad|totalidade|\btodo o (?:seu|teu)|\btodos os (?:seus|teus)|passo do (?:seu|teu)",
    "전체|전부|모두|모든|완전|자세|상세|하나하나",
    "كامل|جميع|بالتفصيل|مفصل|بالكامل|خطوة من",
    "पूरा|पूरी|पूरे|सम्पूर्ण|संपूर्ण|विस्तृत|विस्तार|सभी|हर चरण|सारा|सारे",
)
_STEPWISE: Final = (
    r"step[- ]by[- ]step|\bout loud\b|\baloud\b",
    "逐步|一步一步|一步步|分步",
    "段階的|段階ごと|ステップ|一歩ずつ|順を追って|順序立て",
    r"schritt fur schritt|schrittweise|\blaut zu denken",
    "etape par etape|pas a pas|a voix haute",
    "paso a paso|en voz alta",
    "шаг за шагом|пошагов|по шагам|вслух",
    "passo a passo|em voz alta",
    "단계별|단계적|차근차근|한 ?단계씩|소리 ?내어",
    "خطوة بخطوة|خطوة خطوة|بصوت عال",
    "चरण[- ]दर[- ]चरण|कदम[- ]दर[- ]कदम|एक[- ]एक कदम|ज़ोर से|जोर से",
)
_THINK: Final = (
    r"\bthink\b|\breason\b",
    "思考|推理|想一想",
    "考えて|考えよ",
    "nachdenken|denk[e ]|uberleg",
    r"\bpense|reflechi|raisonne",
    r"\bpiensa|\bpensar|razona|reflexiona",
    "подума|думай|рассужда|размышля",
    r"\bpense\b|\bpensar|raciocin|reflita",
    "생각해|생각하|추론하|추론해",
    "فكر|تفكر|استنتج",
    "सोचें|सोचो|सोचिए|सोचकर|विचार करें|विचार करो|विचार कीजिए",
)
_TAGS: Final = (r"</?(?:think|thinking|thoughts?|reasoning|scratch_?pad|inner_monologue)>",)

_SUPPLIED: Final = (
    r"\b(?:correct|right|true|final|known|expected) (?:answer|solution|result)\b",
    "(?:正确|标准|最终|已知)的?答案",
    "正解|正しい答え|(?:答え|解答)は",
    "(?:richtig|korrekt|endgultig)[a-z]* (?:antwort|losung|ergebnis)",
    "(?:bonne|vraie) reponse|(?:reponse|solution) (?:correcte|exacte|juste)",
    "(?:respuesta|solucion) (?:correcta|final|exacta)",
    r"(?:правильн|верн|итогов)[а-яё]* (?:ответ|решени)",
    "(?:resposta|solucao) (?:correta|certa|final|exata)",
    "정답|올바른 ?답|맞는 ?답|최종 ?답",
    "(?:الاجابة|الجواب|الحل) (?:الصحيح|النهائي)",
    "सही (?:उत्तर|जवाब|हल)|अंतिम उत्तर",
)
_RECONSTRUCT: Final = (
    r"\breconstruct|\brecreate|\bretrace|reverse[- ]engineer|\bwork back",
    r"\bhow (?:did |do |does |would )?(?:you|one|we) (?:got|get|arrived?|reach(?:ed)?|came|come)\b",
    "还原|重构|重建|复原|倒推|反推|(?:如何|怎么|怎样)得出",
    "復元|再現|再構成|逆算|どのように(?:導|たどり)|導き出した",
    "rekonstruier|zuruckverfolg|nachvollzieh|wie (?:du|man|sie) (?:darauf|dazu|dahin)",
    "reconstitu|reconstrui|retrac|comment (?:tu|vous|on) (?:y )?(?:es|etes|est|arriv|parv)",
    "reconstru|como (?:has |se |ha )?(?:llega|obten|alcanz)",
    "восстанов|реконструир|воссозда|как (?:ты|вы|можно) (?:приш|получ)",
    "reconstrua|refaca o|como (?:voce |se )?(?:chega|chegou|chegaria|obteve|obtem)",
    "재구성|재현|복원|역추적|어떻게 ?(?:도출|나왔|얻)|도달했",
    "اعد بناء|استرجع|كيف (?:توصل|وصلت|حصلت|يمكن الوصول)",
    "पुनर्निर्माण|पुनः बना|दोबारा बना|कैसे (?:पहुंचे|पहुँचे|मिला|निकला|आया)",
)

PATTERNS: Final[tuple[Pattern, ...]] = (
    any_of(_TAGS),
    Near(any_of(_REASONING, _THOUGHTS), any_of(_HIDDEN)),
    Near(any_of(_REASONING), any_of(_WHOLE)),
    Near(any_of(_STEPWISE), any_of(_REASONING, _THOUGHTS, _THINK)),
    Every((any_of(_SUPPLIED), any_of(_RECONSTRUCT))),
)
