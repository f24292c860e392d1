"""How people ask for tasks to train on, in eleven languages: our own words, general on purpose.

Three shapes:

- several, or other, tasks (prompts, instructions, requests) are to be made up;
- a task is to be made harder, or said in other ways;
- a record with an instruction in it is wanted.

Every table goes English, Chinese, Japanese, German, French, Spanish, Russian, Portuguese, Korean, Arabic, Hindi.
"""

from typing import Final

from gateway.texts.lexicons.words import any_of
from gateway.texts.patterns import Every, Near, Pattern

_MAKE: Final = (
    (
        r"\b(?:come up with|generat(?:e|ing)|creat(?:e|ing)|invent|brainstorm|produce|devise|compose"
        r"|synthesi[sz]e|make up"
        r"|propose|suggest|design|draft|write|think of|continue)\b"
    ),
    "生成|编写|设计|创建|构造|写出|想出|提出|扩充|改写",
    "作成|生成|考え|作って|作り|考案|列挙|挙げ",
    "erstell|generier|erfind|entwirf|entwickl|denk dir|schreib|formulier|erzeug|nenn",
    r"\bgener|\bcree|\binvent|\bredige|\becri[st]|\bpropos|\bimagin|\bconcoi|\belabor",
    r"\bcrea|\bredacta|\bescrib|\bpropon|\bdisen|\bpiensa en",
    "придума|сгенерир|созда|состав|напиши|предложи|разработ",
    r"\bger[ae]\b|\bcri[ae]\b|\bredij|\bescrev|\bproponh|\bpense em",
    "만들|만드|생성|작성|고안|제안|나열|지어",
    "انشئ|اكتب|ولد|اقترح|ابتكر|صمم|الف",
    "बनाएँ|बनाएं|बनाओ|बनाइए|लिखें|लिखो|लिखिए|तैयार|सुझा|सोच",
)
_TASKS: Final = (
    (
        r"\b(?:new|diverse|different|similar|varied|various|unique|novel|original|distinct|additional|creative"
        r"|more|other"
        r"|another|synthetic|\d+|two|three|four|five|six|seven|eight|ten|twenty|fifty|hundred|(?:list|series|set|batch"
        r"|collection|variety|number) of|brand-new|completely different|rarer|training|classification|user)"
        r" (?:[a-z-]+,? ){0,3}(?:tasks?|instructions?|prompts?|user (?:requests|queries|questions))\b"
    ),
    r"\b(?:task|training|instruction|user) (?:descriptions|examples|instructions|prompts|queries|requests)\b",
    "指令|任务|提示词|提示语",
    "タスク|指示文|プロンプト|課題|命令文|新しい指示",
    (
        r"(?:neue|weitere|andere|verschiedene|vielfaltige|unterschiedliche|ahnliche|\d+|zehn|zwanzig|funf)[nrs]? "
        "(?:[a-z]+ )?(?:aufgabe|anweisung|prompt|instruktion|nutzeranfrag)"
    ),
    (
        r"(?:nouvelles?|autres|differentes|diverses|varies|variees|similaires|\d+|dix|vingt|cinq|serie de|liste de"
        "|liste d') (?:taches?|instructions?|consignes?|prompts?)"
    ),
    "(?:taches|instructions|consignes|prompts) (?:nouve|vari|diff|divers)",
    (
        r"(?:nuev[ao]s?|otr[ao]s|diferentes|divers[ao]s|variad[ao]s|similares|\d+|diez|veinte|cinco|serie de|lista de)"
        " (?:tareas?|instruccion|prompts?|consignas?)|(?:tareas|instrucciones|prompts|consignas) (?:nuev|vari"
        "|dife|diver)"
    ),
    (
        "(?:новых|новые|новую|новое|других|разных|разнообразных|различных|похожих|[0-9]+|десять|двадцать|пять"
        "|серию|список)"
        " (?:[а-яё]+ )?(?:задани|инструкц|промпт)"
    ),
    (
        r"(?:nov[ao]s?|outr[ao]s|diferentes|divers[ao]s|variad[ao]s|similares|\d+|dez|vinte|cinco|serie de|lista de)"
        " (?:tarefas?|instruc|prompts?)|(?:tarefas|instrucoes|prompts) (?:nov|vari|dife|diver)"
    ),
    "지시문|명령문|프롬프트|새로운 ?(?:과제|작업|지시)|다양한 ?(?:과제|작업|지시)|과제를",
    "(?:مهام|تعليمات|مطالبات|اوامر) (?:جديدة|متنوعة|مختلفة)|مهمة جديدة|قائمة (?:مهام|تعليمات)|سلسلة من المهام",
    "(?:नए|नये|विविध|अलग-अलग|विभिन्न|[0-9]+|दस|बीस|पांच|पाँच) (?:कार्य|निर्देश|प्रॉम्प्ट)|निर्देशों की सूची|कार्यों की सूची",
)
_TASK: Final = (
    r"\b(?:task|prompt|instruction|user request|user query|request)s?\b",
    "任务|指令|提示词|题目|请求",
    "タスク|指示|プロンプト|課題|問題|依頼",
    "aufgabe|anweisung|prompt|instruktion|anfrage",
    r"\btaches?\b|instruction|consigne|\bprompt|requete",
    r"\btareas?\b|instruccion|\bprompt|consigna|peticion",
    "задани|инструкци|промпт|запрос",
    r"\btarefas?\b|instruc(?:ao|oes)|\bprompt|pedido",
    "과제|지시문|지시|프롬프트|요청",
    "المهمة|التعليمات|المطالبة|الطلب|السؤال",
    "कार्य|निर्देश|प्रॉम्प्ट|अनुरोध",
)
_EVOLVE: Final = (
    (
        r"\bharder\b|\bmore (?:difficult|complex|challenging|demanding)\b|\btrickier\b|\b(?:rais|increas)(?:e|ing)"
        r" the difficulty|\bincreas(?:e|ing) the complexity|\badd(?:ing)? (?:one|a|another|more|further"
        r"|extra) (?:more )?"
        r"(?:constraint|requirement|condition)"
    ),
    (
        r"\b(?:rephrase|paraphrase|reword|restate|reformulate) (?:the|this|these|each|every|it)\b|\binspired by\b"
        r"|\bas a starting point\b|\brewrite (?:the|this|each) (?:task|prompt|instruction|request)"
        r"|\bthe way (?:a|an|some) (?:person|user|customer)"
        r"|\bsame (?:domain|topic|kind|skill|type|field)\b"
    ),
    "更难|更复杂|更具挑战|增加难度|提高难度|加大难度|由浅入深|互不重复|增加(?:约束|限制|要求)|不同的?方式|多种说法|仿照|类似的?(?:新)?",
    "より難し|より複雑|難易度を上げ|制約を(?:追加|加え)|言い換え|別の言い方|異なる表現|参考に(?:し|新)|似た",
    "schwierigere?|komplexere?|anspruchsvollere?|schwieriger|komplexer|umformulier|formulier[a-z]* um|varianten",
    "plus (?:difficile|complexe|exigeant|ardu)|reformul|paraphras|variantes",
    "mas (?:dificil|compleja|complejo|exigente)|reformul|parafrase|variantes",
    "сложнее|усложн|труднее|перефразир|переформулир|вариант",
    "mais (?:dificil|complexa|complexo|exigente)|reformul|parafrase|variantes|variacoes",
    "더 ?(?:어렵|복잡|까다)|난이도를 ?(?:높|올)|바꿔 ?(?:쓰|말)|다시 ?(?:쓰|표현)|변형",
    "اكثر (?:صعوبة|تعقيدا)|اصعب|اعد صياغة|بطرق مختلفة|صيغ مختلفة",
    "(?:अधिक|ज़्यादा|ज्यादा|और) (?:कठिन|जटिल|मुश्किल)|अलग[- ]अलग (?:तरीक|ढंग|शब्द)|पुनर्लेख|दूसरे शब्दों",
)
_RECORD: Final = (
    (
        r"\bjson|\bfields?\b|\bkeys?\b|字段|フィールド|キー|\bfeld|\bschlussel|\bchamps?\b|\bcles?\b|\bcampos?\b|поля|полями"
        r"|필드|حقول|फ़ील्ड"
    ),
)
_PARTS: Final = (r"\binput\b|\boutput\b|\bpersona\b|\bresponse\b|\bcompletion\b|\banswer\b",)
_INSTRUCTION: Final = (r"\binstruction\b",)

PATTERNS: Final[tuple[Pattern, ...]] = (
    Near(any_of(_MAKE), any_of(_TASKS)),
    Near(any_of(_EVOLVE), any_of(_TASK)),
    Every((Near(any_of(_INSTRUCTION), any_of(_RECORD)), Near(any_of(_INSTRUCTION), any_of(_PARTS)))),
)
