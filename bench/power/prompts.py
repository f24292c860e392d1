"""Openings that a base model goes on from: essays, explanations, stories, letters, advice; and openings of code."""

from typing import Final

_LEAD: Final = "From a collection of good writing in plain English.\n\n"

_PROSE: Final = (
    ("How rivers shape cities", "Almost every old city stands on a river, and the reason is simpler than it seems."),
    ("Why leaves change colour", "In autumn the days grow shorter, and a tree begins to prepare for the winter."),
    ("The letter", "It was the first evening of winter, and Martha had not yet decided whether to open the letter."),
    ("Learning to cook late", "I was forty years old before I cooked a meal that anybody wanted to eat twice."),
    ("What a market does", "A price is a message, and most of us send and receive hundreds of them every day."),
    ("The lighthouse keeper", "Nobody on the island could remember a time when the old man had not kept the light."),
    ("How to sleep better", "If you wake up tired in the morning, begin by looking at what you do in the evening."),
    ("The history of bread", "People were baking flat bread on hot stones long before they planted the first field."),
    (
        "A walk in the hills",
        "We left the village early, because the path to the pass is long and the weather changes fast.",
    ),
    ("How vaccines work", "The body learns from every illness that it survives, and a vaccine is a way to teach it."),
    ("My grandmother's garden", "There were no straight lines in my grandmother's garden, and she was proud of that."),
    (
        "The night train",
        "The train was already moving when the stranger pulled the door open and sat down across from me.",
    ),
    (
        "Advice for a new manager",
        "The hardest thing about leading other people is that your own work no longer counts.",
    ),
    (
        "Why the sea is salt",
        "Rain is not salt and rivers are hardly salt, and yet the sea has been salt for a very long time.",
    ),
    (
        "The school at the edge of town",
        "When the school opened again in September, there were only eleven children left.",
    ),
    (
        "How to buy a used car",
        "Before you look at a single car, decide how much you are willing to spend in the first year.",
    ),
    ("The clock", "My father repaired clocks, and he believed that every clock had a character of its own."),
    ("Cities without cars", "Imagine a street where the loudest sound is the sound of people talking to each other."),
    (
        "What historians do",
        "The past does not speak for itself, and the first task of a historian is to ask it something.",
    ),
    (
        "A friend returns",
        "I had not seen Daniel for twelve years, and I did not recognise him when he came into the shop.",
    ),
    (
        "Birds that travel",
        "Every spring a small bird that weighs less than a coin flies across an ocean without a rest.",
    ),
    ("Saving money", "Most people do not fail to save because they earn too little but because they decide too often."),
    ("The bridge", "They had been building the bridge for three years when the engineer noticed the first crack."),
    ("Reading to children", "A child who hears stories every evening learns much more than words."),
    (
        "How glass is made",
        "Glass begins as sand, and it takes a great deal of heat to make it forget that it was a stone.",
    ),
    ("The storm", "By noon the sky had turned yellow, and the fishermen were pulling their boats up on the beach."),
    (
        "On being alone",
        "There is a difference between being alone and being lonely, and it takes some people years to find it.",
    ),
    ("The first computers", "The first computers filled whole rooms and could do less than a cheap watch does today."),
    (
        "A dispute about a wall",
        "The two families had been neighbours for sixty years before they began to argue about the wall.",
    ),
    ("How to write a good letter", "A good letter says one thing, and says it early."),
    ("Winter in the north", "In the far north the sun goes down in November and does not come back until January."),
    ("The doctor", "The doctor closed the door behind her and asked the question that she asked everybody."),
    ("Why we dream", "For as long as people have slept they have wondered what their dreams were for."),
    ("The last shop", "After the bakery closed, there was only one shop left in the street, and it sold buttons."),
    (
        "Work and rest",
        "The idea that everybody should have two days of rest in a week is younger than most people think.",
    ),
    ("How a bill becomes law", "Anybody can have an idea for a law, but the way from the idea to the law is long."),
    ("The painter's mistake", "The painting was nearly finished when she saw that the hand was wrong."),
    ("Growing tomatoes", "Tomatoes are easy to grow if you remember three things about where they come from."),
    ("The mountain village", "The road to the village is closed for five months of the year, and nobody there minds."),
    (
        "On money and happiness",
        "People with more money are happier than people with less, but not for the reason they expect.",
    ),
    (
        "The lost dog",
        "The dog had been gone for nine days when somebody called from a farm on the other side of the lake.",
    ),
    ("How sound travels", "When you clap your hands, you push the air, and the air pushes the air beside it."),
    (
        "The museum at night",
        "He had worked as a guard in the museum for twenty years and knew the sound of every door.",
    ),
    ("Moving to a new country", "The first thing that you lose in a new country is the ability to be funny."),
    ("Electric light", "Before there was electric light, the evening belonged to those who could pay for candles."),
    ("The inheritance", "When the will was read, nobody was more surprised than the youngest brother."),
    (
        "What makes a good teacher",
        "I have forgotten most of what I learned at school, but I remember who taught it to me.",
    ),
    (
        "Running a small business",
        "In the first year of a small business almost everything that can go wrong does go wrong.",
    ),
    ("The island", "There is an island in the middle of the lake where nobody has lived since the war."),
    ("How to learn a language", "You do not need a gift to learn a language, but you need a habit."),
    ("The trial", "On the third day of the trial a witness appeared whom neither side had expected."),
    (
        "Forests and rain",
        "A large forest makes part of its own weather, and we notice it only when the trees are gone.",
    ),
    ("The piano", "The piano had come up the stairs in 1931, and it was clear that it would never go down again."),
    ("Why old houses are cold", "Old houses were built by people who expected to be cold, and who dressed for it."),
    ("The interview", "She had prepared for every question except for the one with which they began."),
    ("Health and habit", "A doctor can tell you what to eat, but the doctor is not in your kitchen in the evening."),
    (
        "A day at the harbour",
        "The harbour wakes up at four in the morning, when the first boats come in with the night's fish.",
    ),
    ("The meaning of maps", "Every map leaves something out, and the most interesting question is who decided what."),
    ("Two sisters", "The older sister wanted to sell the farm, and the younger sister wanted to keep it as it was."),
    ("How memory fails", "We think of memory as a store of pictures, but it is much more like telling a story again."),
    ("The election", "A week before the election nobody in the town wanted to talk about anything else."),
    (
        "Looking after old people",
        "When people grow old they need help, and it is not always the help that we want to give.",
    ),
    (
        "The experiment",
        "The first experiment failed, and so did the second, but the third gave a result that nobody understood.",
    ),
    ("Travelling slowly", "If you travel by foot, a country is larger than you thought and the people are kinder."),
)
PROSE: Final = tuple(f"{_LEAD}# {title}\n\n{opening}" for title, opening in _PROSE)

CODE: Final = (
    (
        '"""Helpers for reading configuration files."""\n\n'
        "import json\nfrom pathlib import Path\n\n\ndef read_config(path):\n"
    ),
    '"""A small bank account."""\n\n\nclass Account:\n    def __init__(self, owner, balance=0):\n',
    "// A queue with a fixed capacity.\nfunction createQueue(capacity) {\n",
    '"""Statistics of lists of numbers."""\n\n\ndef mean(values):\n    """The arithmetic mean."""\n',
    "/* A linked list of integers. */\n#include <stdio.h>\n#include <stdlib.h>\n\nstruct node {\n",
    (
        '"""Parse lines of a log file."""\n\nimport re\n\n'
        'LINE = re.compile(r"(\\S+) (\\S+) (.*)")\n\n\ndef parse_line(line):\n'
    ),
    'package main\n\nimport (\n\t"fmt"\n\t"strings"\n)\n\n// countWords counts the words of a text.\nfunc countWords(',
    '"""Search algorithms."""\n\n\ndef binary_search(items, wanted):\n    """Return the index of wanted, or None."""\n',
)
