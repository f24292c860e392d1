"""How people ask for questions that no censor minds, in eleven languages: our own words, general on purpose.

A word of rewriting stands near one for harmless, or near one of censorship, and a question or prompt is named.
Every table goes English, Chinese, Japanese, German, French, Spanish, Russian, Portuguese, Korean, Arabic, Hindi.
"""

from typing import Final

from gateway.texts.lexicons.words import any_of
from gateway.texts.patterns import Every, Near, Pattern

_REWRITE: Final = (
    (
        r"\b(?:rewrit(?:e|es|ten|ing)|rephras|reword|paraphras|reformulat|restat|convert|transform|sanitis"
        r"|sanitiz|soften"
        r"|tone down|tone it down|substitut|depolitici|neutrali[sz]e)|\breplac|\bturn (?:this|the|it|each)\b"
        r"|\b(?:write|give|draft|produce|return|provide|suggest|offer)\b"
    ),
    r"\b(?:versions?|counterpart|alternatives?|equivalent|variant)\b",
    "改写|改成|改得|改为|替换|转换|替代|改编|重写|换成",
    "書き換え|言い換え|書き直|置き換え|言い直|変換|直して",
    "umformulier|formulier|schreib|umschreib|ersetz|entscharf|wandle|verwandle|abgeschwacht|fassung|version|variante",
    "reformul|reecri|recri|reecriv|remplac|transform|adouci|attenue|version|variante|alternative",
    "reescrib|reformul|conviert|convierte|sustitu|reemplaz|suaviz|transform|version|alternativa|variante",
    "перепиш|переписа|переформулир|перефразир|замени|преобраз|смягчи|верси|вариант",
    "reescrev|reformul|convert|substitu|troque|suaviz|transform|versao|alternativa|variante",
    "바꿔|바꾸|고쳐|다시 ?쓰|재작성|순화|대체|변환|완화",
    "اعد صياغة|اعد كتابة|حول|استبدل|خفف|صياغة",
    "पुनः लिख|फिर से लिख|दोबारा लिख|पुनर्लेख|बदल|रूपांतर|नरम",
)
_HARMLESS: Final = (
    (
        r"\bneutral(?:ly)?\b|\bbland\b|\bharmless|\binnocuous|\binoffensive|\buncontroversial|\bnon-controversial"
        r"|\brisk-free|\bsafe(?:r|st)? (?:version|alternative|substitute|wording|question|prompt|counterpart"
        r"|equivalent|form"
        r"|phrasing)|\bdiplomatic|\bdepoliticis|\bdepoliticiz|\bapolitical|\bsaniti[sz]ed\b"
        r"|\bpolicy[- ]compliant|\bcompliant\b"
        r"|\bloaded term|\bcautious|\bmost cautious|\bmilder\b|\bunobjectionable"
    ),
    "中性|中立|委婉|温和|安全的说法|稳妥|无害|不引起争议|去掉政治|非政治|不带评价|客观|合规",
    "中立|無難|穏やか|穏当|当たり障り|無害|安全な(?:表現|言い回し|質問|形)|政治色|差し障り|角の立たない|婉曲",
    (
        "neutral|harmlos|unverfanglich|unbedenklich|entpolitisier|unpolitisch|diplomatisch|entscharft|unauffallig"
        "|gemassigt"
    ),
    "sachlich",
    "neutre|inoffensi|anodin|apolitique|depolitise|diplomatique|acceptable|mesure|edulcore|consensuel|prudent",
    "sans risque",
    "neutral|neutra|inofensiv|anodin|apolitic|despolitiz|diplomatic|aceptable|inocu|prudente|sin riesgo",
    "нейтральн|безобидн|безопасн|обтекаем|аполитичн|деполитизир|дипломатичн|приемлем|мягк|осторожн|допустим",
    "neutr|inofensiv|apolitic|despolitiz|diplomatic|aceitavel|inocu|prudente|sem risco",
    "중립|무난|완곡|무해|온건|비정치|안전한 ?(?:표현|질문)|순화",
    "محايد|غير ضار|مقبول|امن|غير سياسي|دبلوماسي|مخفف|حيادي",
    "तटस्थ|निष्पक्ष|हानिरहित|सुरक्षित (?:रूप|प्रश्न|शब्द)|गैर[- ]राजनीतिक|स्वीकार्य|निरापद",
)
_CENSOR: Final = (
    (
        r"\bmoderation\b|\bmoderator|\bcensor|\bflagged\b|\b(?:content )?filter(?:s|ed)?\b"
        r"|\bpolitically (?:sensitive|charged)"
        r"|\bsensitive\b|\bstrict media|\bmedia (?:rules|law)|\bpolitical (?:charge|content|terms)"
        r"|\brisky (?:questions?|prompts?)"
    ),
    "审查|审核|敏感|过滤|屏蔽",
    "検閲|審査|規制|センシティブ|フィルター|検査|敏感|政治的に",
    "zensur|zensor|filter|moderation|heikel|heikle|sensibel|sensible|brisant|politisch",
    r"censur|moderation|filtre|delicat|sensible|politiquement|\bbloque",
    "censur|moderacion|filtro|delicad|sensible|politicamente",
    "цензур|модерац|фильтр|чувствительн|острый вопрос|острую|деликатн|политическ",
    "censura|moderacao|filtro|delicad|sensivel|sensiveis|politicamente",
    "검열|심의|민감|필터|차단|정치적으로",
    "الرقابة|حساس|حساسة|الفلتر|الاشراف|المرشحات",
    "सेंसर|संवेदनशील|फ़िल्टर|फिल्टर|मॉडरेशन",
)
_QUESTION: Final = (
    r"\bquestions?\b|\bprompts?\b|\bquer(?:y|ies)\b|\bask\b",
    "问题|提问|问法|提示",
    "質問|問い|プロンプト|設問",
    "frage|anfrage|prompt",
    "question|requete|prompt|interrog",
    "pregunta|consulta|prompt",
    "вопрос|запрос|промпт",
    "pergunta|questao|prompt|consulta",
    "질문|문의|프롬프트",
    "السؤال|سؤال|الاسئلة",
    "प्रश्न|सवाल|प्रॉम्प्ट",
)

PATTERNS: Final[tuple[Pattern, ...]] = (Every((any_of(_QUESTION), Near(any_of(_REWRITE), any_of(_HARMLESS, _CENSOR)))),)
