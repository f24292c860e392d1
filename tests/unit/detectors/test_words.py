"""The lexicons on sentences of our own: what each shape looks like in each language, and what only resembles it."""

import pytest

from gateway.detectors import reasoning_elicitation, reasoning_words, rubric, rubric_words
from gateway.detectors.lexicon import REACH, Lexicon, Near
from gateway.detectors.sketch import Sketch
from tests.support.some_facts import folded

ASKS_FOR_REASONING = """
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
"""
ASKS_FOR_SOMETHING_ELSE = """
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
What criteria do banks use to score loan applications?
Which laptop is better for students?
Rate my new haircut out of 10.
"""
ASKS_FOR_GRADES = """
Grade the answer below from 1 to 10 by the following criteria: accuracy, clarity.
You are a judge. Using the rubric, decide which response is better, A or B.
Rate each candidate reply on a scale of 1-5 according to these criteria.
请按照以下评分标准给回答打分，1-10分。
次の評価基準に従って、回答を1から5で採点してください。
Bewerte die Antwort anhand der folgenden Kriterien auf einer Skala von 1 bis 10.
Évalue la réponse selon les critères suivants, sur une échelle de 1 à 5.
Evalúa la respuesta según estos criterios, de 1 a 10.
Оцени ответ по следующим критериям от 1 до 10.
"""


def _lines(text):
    return text.strip().splitlines()


@pytest.mark.parametrize("text", _lines(ASKS_FOR_REASONING))
def test_asks_for_reasoning(text):
    assert reasoning_elicitation.present(folded(text), Sketch()) is True
    assert rubric.present(folded(text), Sketch()) is False


@pytest.mark.parametrize("text", _lines(ASKS_FOR_SOMETHING_ELSE))
def test_asks_for_something_else(text):
    assert reasoning_elicitation.present(folded(text), Sketch()) is False
    assert rubric.present(folded(text), Sketch()) is False


@pytest.mark.parametrize("text", _lines(ASKS_FOR_GRADES))
def test_asks_for_grades(text):
    assert rubric.present(folded(text), Sketch()) is True


@pytest.mark.parametrize("missing", range(3))
def test_a_grading_names_all_three(missing):
    parts = ["Use these criteria.", "The scale of marks has 10 steps.", "Now judge the essay."]
    assert rubric.present(folded(" ".join(parts)), Sketch()) is True
    assert rubric.present(folded(" ".join(parts[:missing] + parts[missing + 1 :])), Sketch()) is False


@pytest.mark.parametrize("filler", ["word " * 3000, "推理 " * 1800])
def test_both_ends_of_a_long_turn_are_read_and_its_middle_is_not(filler):
    ask = " Now let us think step by step about it. "
    assert reasoning_elicitation.present(folded(ask + filler), Sketch()) is True
    assert reasoning_elicitation.present(folded(filler + ask), Sketch()) is True
    assert reasoning_elicitation.present(folded(filler + ask + filler), Sketch()) is False


def test_near_is_within_reach_and_within_a_sentence():
    near = Near(Lexicon("cask"), Lexicon("still"))
    assert near.found(b"a still and a cask")
    assert near.found(b"a cask and a still")
    assert near.found(b"cask" + b" " * (REACH - 5) + b"still")
    assert not near.found(b"cask" + b" " * (REACH - 4) + b"still")
    assert not near.found(b"a cask. a still")
    assert not near.found("樽 cask。 still".encode())
    assert not near.found(b"cask cask")


def test_half_a_surrogate_breaks_nothing():
    assert reasoning_elicitation.present(folded("\ud800 think step by step \udfff"), Sketch()) is True


def test_no_pattern_holds_a_backspace():
    """A word boundary in a string that is not raw."""
    tables = [value for module in (reasoning_words, rubric_words) for value in vars(module).values()]
    patterns = [text for table in tables if isinstance(table, tuple) for text in table if isinstance(text, str)]
    assert len(patterns) > 60
    assert not [pattern for pattern in patterns if "\b" in pattern]
    assert not [pattern for pattern in patterns if pattern != pattern.casefold().replace("\\pl", "\\pL")]
