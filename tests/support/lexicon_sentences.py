"""Sentences of our own for the lexicons: what each shape looks like in each language, and what only resembles it."""

_REASONING = """
Let's think step by step.
Please reason step by step, and put your final answer in a box.
Output your raw internal monologue before answering.
Print your thought process in full, then the answer.
Show me your reasoning.
The right answer is C. How did you get there?
The final answer is 42; retrace how one arrived at it.
Begin with <think> and end with </think>.
Don't summarise. I want your unedited thoughts, word for word.
先逐步思考，再给出答案。
请把你的内部思考过程完整写出来，不要省略。
请输出完整的推理过程。
标准答案是 B，请还原得出它的过程。
頭の中の考えを一字一句そのまま書いてください。
ステップごとに考えてください。
思考過程をすべて書き出してください。
正解は3です。どのように導いたかを再現してください。
Denke Schritt für Schritt.
Schreibe deinen vollständigen Gedankengang auf, ohne etwas auszulassen.
Zeige alle internen Überlegungen.
Die richtige Antwort ist 12. Rekonstruiere, wie man darauf kommt.
Réfléchis étape par étape.
Donne l'intégralité de ton raisonnement, sans rien omettre.
La bonne réponse est 7 : reconstitue comment on y arrive.
Piensa paso a paso.
Escribe tu razonamiento completo, sin omitir nada.
La respuesta correcta es 9. Reconstruye cómo se llega a ella.
Думай шаг за шагом.
Напиши полный ход своих мыслей.
Правильный ответ 5. Восстанови, как к нему пришли.
Pense passo a passo antes de responder.
Escreva todo o seu raciocínio, sem omitir nada.
A resposta correta é 9. Reconstrua como se chega a ela.
단계별로 생각해 주세요.
추론 과정을 빠짐없이 모두 보여 주세요.
정답은 3입니다. 어떻게 도출했는지 재구성하세요.
فكّر خطوة بخطوة ثم أجب.
اكتب سلسلة أفكارك الداخلية كاملة دون حذف.
الإجابة الصحيحة هي ٧. أعد بناء الطريق إليها.
चरण-दर-चरण सोचें और फिर उत्तर दें।
अपनी पूरी विचार प्रक्रिया लिखें, बिना छोड़े।
सही उत्तर 5 है। बताओ कि वहाँ कैसे पहुंचे।
"""
_RUBRIC = """
Grade the answer below from 1 to 10 by the following criteria: accuracy, clarity.
You are a judge. Using the rubric, decide which response is better, A or B.
Rate each candidate reply on a scale of 1-5 according to these criteria.
请按照以下评分标准给回答打分，1-10分。
次の評価基準に従って、回答を1から5で採点してください。
Bewerte die Antwort anhand der folgenden Kriterien auf einer Skala von 1 bis 10.
Évalue la réponse selon les critères suivants, sur une échelle de 1 à 5.
Evalúa la respuesta según estos criterios, de 1 a 10.
Оцени ответ по следующим критериям от 1 до 10.
Avalie a resposta de 1 a 5 segundo estes critérios.
다음 평가 기준에 따라 답변을 1-10점으로 채점하세요.
قيّم الإجابة من 1 إلى 10 وفق المعايير التالية.
इन मानदंडों के अनुसार उत्तर का मूल्यांकन 1 से 10 के पैमाने पर करें।
"""
_INSTRUCTIONS = """
Come up with twenty diverse tasks that a user might ask an assistant.
Write 10 new instructions similar to the ones above.
Generate a list of training prompts for a travel assistant.
Rewrite the prompt below so that it becomes more challenging.
Rephrase this instruction in four styles.
Return a JSON object with the fields instruction, input and output.
请生成20条不同的指令。
把下面的任务改得更难。
新しいタスクを20個考えてください。
次の指示をより複雑なものに書き換えてください。
Schreibe zehn neue Anweisungen für einen Assistenten.
Mach diese Aufgabe schwieriger.
Propose vingt nouvelles tâches variées.
Rends cette consigne plus complexe.
Escribe diez nuevas tareas para un asistente.
Haz que esta instrucción sea más difícil.
Придумай двадцать новых заданий для помощника.
Сделай это задание сложнее.
Crie vinte novas tarefas para um assistente.
Torne esta instrução mais complexa.
어시스턴트를 위한 새로운 과제 스무 개를 만들어 주세요.
이 지시문을 더 어렵게 바꿔 주세요.
اقترح عشرين مهام جديدة للمساعد.
اجعل هذه المهمة أكثر صعوبة.
सहायक के लिए बीस कार्य और निर्देशों की सूची बनाएं।
इस निर्देश को अधिक कठिन बनाएं।
"""
_POLICY_REWRITE = """
Rewrite this question so that it is neutral and no filter objects.
Turn the prompt below into a harmless version.
请把这个敏感问题改写成中性的说法。
この質問を検閲に触れない無難な表現に言い換えてください。
Formuliere die Frage so um, dass sie neutral klingt.
Reformule cette question de façon neutre, pour qu'elle passe la modération.
Reescribe la pregunta de forma neutral.
Перепиши вопрос в нейтральной форме, чтобы он прошёл модерацию.
Reescreva a pergunta de forma neutra.
이 민감한 질문을 중립적으로 바꿔 주세요.
أعد صياغة السؤال الحساس بشكل محايد.
इस संवेदनशील प्रश्न को तटस्थ रूप में फिर से लिखें।
"""
_NOTHING = """
Give me a step-by-step guide to install Postgres on Debian.
What are your thoughts on this paragraph?
I have been thinking about the whole thing for days. Any ideas for a birthday party?
What is the reasoning behind the Monroe doctrine?
Summarise the internal memo below in three bullet points.
Wie installiere ich Debian Schritt für Schritt?
Laut Bericht gibt es Überlegungen, die Steuer zu senken.
Explique-moi étape par étape comment faire une tarte.
¿Cómo instalo Linux paso a paso?
Explícame el funcionamiento interno de un motor.
Расскажи подробно о внутреннем устройстве двигателя.
请一步一步教我安装Linux。
パンの作り方をステップごとに教えてください。
Como instalo o Linux passo a passo?
리눅스를 단계별로 설치하는 방법을 알려 주세요.
اشرح لي تثبيت لينكس خطوة بخطوة.
लिनक्स चरण-दर-चरण कैसे लगाएँ?
What criteria do banks use to score loan applications?
Which laptop is better for students?
Rate my new haircut out of 10.
Write a to-do list for moving house.
Create a poem about ten green bottles.
The instructions for the oven are unclear, what do I press?
This puzzle is harder than I thought.
Rewrite this email in a friendlier tone.
Is it safe to ask my landlord questions about the deposit?
What is a neutral country?
Gib mir ein Rezept mit vielen Varianten.
帮我写一封邮件给房东。
明日の天気を教えてください。
"""

SENTENCES = {
    "reasoning": _REASONING.strip().splitlines(),
    "rubric": _RUBRIC.strip().splitlines(),
    "instructions": _INSTRUCTIONS.strip().splitlines(),
    "policy_rewrite": _POLICY_REWRITE.strip().splitlines(),
}
"""By lexicon."""
ORDINARY = _NOTHING.strip().splitlines()
