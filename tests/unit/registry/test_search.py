"""Search: who was served a text, and who was not."""

import threading
from importlib.util import find_spec
from pathlib import Path
from random import Random

import pytest

from gateway.registry.compact import compact
from gateway.registry.matching import densest, is_source, longest_run
from gateway.registry.search import search
from gateway.registry.shelf import Shelf, shelves
from gateway.registry.sketch import sketch
from gateway.registry.trace import Query
from gateway.registry.writer import Writer
from tests.support.needs import missing
from tests.support.registries import NOON_MS, ROOT, UNTIL_MS, answer, edited, kept, prose, traced, traced_all

_CHOSEN = Random(11)
TEXTS = [" ".join(prose(_CHOSEN, 400)) for _ in range(12)]


@pytest.fixture
def pick() -> Random:
    """The same words for a test, whichever tests came before it."""
    return Random(12)


@pytest.fixture
def _numpy():
    if not find_spec("numpy"):
        missing("needs numpy: make test installs requirements/watermark.txt")


needs_numpy = pytest.mark.usefixtures("_numpy")


@pytest.fixture
def registry(tmp_path: Path) -> Path:
    """Twelve answers of four accounts, on two replicas."""
    for instance in ("replica-1", "replica-2"):
        mine = range(0, 12, 2) if instance == "replica-1" else range(1, 12, 2)
        kept(
            tmp_path / "registry" / instance / "2026-q4",
            ((answer(number, f"acct-{number % 4}", NOON_MS + number), TEXTS[number]) for number in mine),
        )
    return tmp_path / "registry"


@pytest.mark.parametrize("number", [0, 5, 11])
def test_a_copy_is_found_with_its_account(registry, number):
    trace = traced(registry, TEXTS[number])
    assert [holder.account for holder in trace.holders] == [f"acct-{number % 4}"]
    (holder,) = trace.holders
    (source,) = holder.sources
    assert source.document.id == answer(number).id
    assert source.document.words == trace.words == 400
    assert source.instance == f"replica-{1 + number % 2}"
    assert source.epoch == "2026-q4"
    assert holder.first_issued_ms == NOON_MS + number
    assert holder.run.length // 2 > 380
    assert holder.rare > 75


def test_a_passage_inside_another_text_is_found_and_shown(registry, pick):
    passage = TEXTS[3].split()[100:160]
    query = Query(" ".join([*prose(pick, 300), *passage, *prose(pick, 300)]))
    traces, searched = search(shelves(registry), lambda _: ROOT, [query])
    (holder,) = traces[0].holders
    assert holder.account == "acct-3"
    found = query.words_of(holder.run).split()
    assert 40 <= len(found) <= 60
    assert " ".join(found) in " ".join(passage)
    assert searched.documents == 12
    assert searched.shelves == ["replica-1/2026-q4", "replica-2/2026-q4"]


def test_a_text_of_nobody_is_nobodys(registry, pick):
    trace = traced(registry, " ".join(prose(pick, 2000)))
    assert trace.holders == ()
    assert traced(registry, "").holders == ()
    assert traced(registry, "too short").grams == 0


def test_all_accounts_that_were_served_it_are_named(registry, pick):
    shared = TEXTS[0].split()[50:150]
    kept(
        registry / "replica-3" / "2026-q4",
        [(answer(100 + number, f"sybil-{number}"), " ".join(shared + prose(pick, 200))) for number in range(40)],
    )
    trace = traced(registry, " ".join(shared))
    assert {holder.account for holder in trace.holders} == {"acct-0", *(f"sybil-{number}" for number in range(40))}
    crowd = [holder for holder in trace.holders if holder.account != "acct-0"]
    # Only at the ends of the passage does it depend on the words around it which gram is kept.
    assert all(holder.rare < 8 < holder.grams for holder in crowd), "what 40 accounts hold is not rare"
    assert all(holder.run.length >= 48 for holder in trace.holders)


def test_what_many_accounts_hold_names_nobody_unless_it_is_a_run(registry, pick):
    idioms = [prose(pick, 7) for _ in range(6)]
    texts = [
        " ".join(w for idiom in idioms for w in [*idiom, *(f"own{number}x{n}" for n in range(6))])
        for number in range(301)
    ]
    kept(
        registry / "replica-3" / "2026-q4",
        [(answer(200 + number, f"many-{number}"), texts[number]) for number in range(300)],
    )
    trace = traced(registry, texts[300])
    assert trace.holders == ()
    assert trace.below > 250
    kept(registry / "replica-3" / "2027-q1", [(answer(300, "alone"), texts[300])])
    assert [holder.account for holder in traced(registry, texts[300]).holders] == ["alone"]


def test_what_the_prompt_held_is_neither_kept_nor_looked_for(registry, pick):
    quoted = " ".join(prose(pick, 200))
    kept(registry / "replica-3" / "2026-q4", [(answer(300, "echo"), quoted)], prompt=f"Repeat this: {quoted}")
    assert traced(registry, quoted).holders == ()
    assert traced(registry, TEXTS[0]).holders != ()
    assert traced(registry, TEXTS[0], prompt=f"> {TEXTS[0]}").holders == ()


def test_another_secret_finds_nothing(registry):
    assert traced(registry, TEXTS[0], root=bytes(32)).holders == ()


@needs_numpy
def test_segments_say_what_logs_said(registry):
    pick = Random(2)
    queries = [*TEXTS, *(" ".join(edited(pick, text.split(), 0.1)) for text in TEXTS), " ".join(prose(pick, 500))]
    before = [traced(registry, query) for query in queries]
    for shelf in shelves(registry):
        (done,) = compact(shelf)
        assert done.documents == 6
        assert shelf.stems_of("log") == []
    assert [traced(registry, query) for query in queries] == before
    assert [len(trace.holders) for trace in before] == [1] * 24 + [0]


def test_many_texts_in_one_pass_are_each_by_itself(registry):
    alone = [traced(registry, text) for text in TEXTS]
    together, searched = search(shelves(registry), lambda _: ROOT, [Query(text) for text in [*TEXTS, *TEXTS]])
    assert together == [*alone, *alone]
    assert searched.documents == 12


def test_a_damaged_file_is_a_problem_and_the_rest_is_searched(registry):
    shelf = shelves(registry)[0]
    (stem,) = shelf.stems()
    log = shelf.path(stem, "log")
    data = bytearray(log.read_bytes())
    data[len(data) // 2] ^= 1
    log.write_bytes(data)
    trace, searched = traced_all(registry, TEXTS[0])
    assert [holder.account for holder in trace.holders] == ["acct-0"], "it stands before the damage"
    assert [problem.split(": ")[1].split(" from")[0] for problem in searched.problems] == ["damaged"]
    log.write_bytes(b"something else")
    trace, searched = traced_all(registry, TEXTS[1])
    assert len(trace.holders) == 1
    assert "another program" in searched.problems[0]


def test_a_folder_of_another_version_is_a_problem(registry):
    about = registry / "replica-1" / "2026-q4" / "about.json"
    about.write_text(about.read_text().replace('"fingerprints": 1', '"fingerprints": 7'))
    trace, searched = traced_all(registry, TEXTS[1])
    assert len(trace.holders) == 1
    assert "fingerprints 7" in searched.problems[0]
    assert searched.shelves == ["replica-2/2026-q4"]


@needs_numpy
def test_readers_see_whole_answers_while_two_replicas_write_and_logs_are_sorted(tmp_path):
    """Every answer that was there before a search began is found by it, in whatever file it is by then."""
    registry = tmp_path / "registry"
    pick = Random(3)
    texts = [" ".join(prose(pick, 60)) for _ in range(120)]
    written: list[int] = []
    faults: list[BaseException] = []

    def write(instance: str, mine: range) -> None:
        try:
            writer = Writer(registry / instance / "2026-q4", UNTIL_MS, ROOT, most_bytes=1500)
            for number in mine:
                writer.append(answer(number, f"acct-{number}"), sketch(texts[number], writer.hasher))
                written.append(number)
            writer.close()
        except BaseException as fault:  # noqa: BLE001 - shown by the test
            faults.append(fault)

    def sort() -> None:
        try:
            while any(thread.is_alive() for thread in threads):
                for shelf in shelves(registry) if registry.exists() else []:
                    list(compact(shelf))
        except BaseException as fault:  # noqa: BLE001 - shown by the test
            faults.append(fault)

    threads = [threading.Thread(target=write, args=(f"r{one}", range(one, 120, 2))) for one in (0, 1)]
    for thread in threads:
        thread.start()
    sorting = threading.Thread(target=sort)
    sorting.start()
    while sorting.is_alive():
        known = list(written)
        if known:
            traces, searched = search(shelves(registry), lambda _: ROOT, [Query(texts[number]) for number in known])
            assert searched.problems == []
            assert [[holder.account for holder in trace.holders] for trace in traces] == [[f"acct-{n}"] for n in known]
    sorting.join()
    assert faults == []
    assert len(written) == 120
    for shelf in shelves(registry):
        list(compact(shelf))
        assert len(shelf.stems_of("seg")) > 2


@needs_numpy
def test_a_log_that_is_closed_and_sorted_while_it_is_looked_for_is_found(registry):
    class Busy(Shelf):
        """Whoever comes for the open log comes too late: it is closed by then, and sorted."""

        def stems(self):
            return [stem]

        def path(self, stem, suffix):
            left = super().path(stem, "left")
            if suffix == "open" and left.exists():
                left.rename(super().path(stem, "log"))
                list(compact(Shelf(self.folder)))
            return super().path(stem, suffix)

    shelf = shelves(registry)[0]
    (stem,) = shelf.stems()
    shelf.path(stem, "log").rename(shelf.path(stem, "left"))
    traces, searched = search([Busy(shelf.folder)], lambda _: ROOT, [Query(TEXTS[0])])
    assert [holder.account for holder in traces[0].holders] == ["acct-0"]
    assert searched.problems == []
    assert shelf.stems_of("seg") == [stem]


@needs_numpy
def test_no_file_holds_a_word_of_an_answer(registry):
    words = {word.encode() for text in TEXTS for word in text.split() if len(word) >= 5}
    for shelf in shelves(registry):
        files = [path.read_bytes() for path in shelf.folder.iterdir()]
        list(compact(shelf))
        files += [path.read_bytes() for path in shelf.folder.iterdir()]
        assert len(files) >= 8
        for data in files:
            # Five letters of chance stand somewhere in 10 kB with probability 1e-8.
            assert not [word for word in words if word in data]


def test_accounts_of_other_epochs_and_replicas_share_nothing(registry):
    """The same answer has other fingerprints in each folder: files of two epochs cannot be joined."""
    kept(registry / "replica-1" / "2027-q1", [(answer(0), TEXTS[0])])
    kept(registry / "replica-9" / "2026-q4", [(answer(0), TEXTS[0])])
    seen: set[bytes] = set()
    for folder in (registry / "replica-1" / "2027-q1", registry / "replica-9" / "2026-q4"):
        hasher = Shelf(folder).hasher(ROOT)
        assert hasher is not None
        prints = sketch(TEXTS[0], hasher).fingerprints
        parts = {prints[at : at + 5] for at in range(0, len(prints), 5)}
        assert seen.isdisjoint(parts)
        seen |= parts
    assert len(traced(registry, TEXTS[0]).holders) == 2


def test_the_densest_place_counts_different_grams_within_64_words():
    places = [[0], [10], [100], [128], [200], [0, 190, 210]]
    assert densest([(0, 0), (1, 1), (2, 2)], places) == 3
    assert densest([(0, 0), (1, 3)], places) == 1, "138 half words with the last gram"
    assert densest([(0, 0), (1, 0), (2, 0)], places) == 1, "one gram three times is one"
    assert densest([(0, 2), (1, 4), (2, 5)], places) == 3
    assert densest([], places) == 0


def test_a_run_goes_on_where_both_go_on():
    places = [[0], [14], [30], [32], [60], [16]]
    assert longest_run([(3, 0), (4, 1), (5, 2)], places) == (0, 40)
    assert longest_run([(3, 0), (5, 1), (6, 2)], places) == (14, 40), "a fingerprint of the answer is missing"
    assert longest_run([(3, 0), (4, 1), (5, 3)], places) == (0, 24), "18 half words apart"
    assert longest_run([(3, 2), (4, 1), (5, 0)], places) == (30, 40), "backwards is no run"
    assert longest_run([], places) == (0, 0)


def test_three_rare_grams_together_or_a_run_of_24_words_make_a_source():
    places = [[at] for at in range(0, 400, 20)]
    rare = set(range(10))
    assert is_source([(7, 0), (3, 1), (1, 2)], places, rare)
    assert not is_source([(7, 0), (3, 1)], places, rare), "two are chance"
    assert not is_source([(7, 0), (3, 1), (1, 12)], places, rare), "the third is common"
    assert not is_source([(7, 0), (3, 1), (1, 9)], places, rare), "the third is far away"
    run = [[at] for at in (0, 16, 28, 38)]
    assert is_source(list(enumerate(range(4))), run, set()), "48 half words, common as they are"
    assert not is_source(list(enumerate(range(4))), [*run[:3], [37]], set())
