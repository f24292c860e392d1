"""Ids: no two alike, in whatever thread or child they are made."""

import os
import threading

import pytest

from gateway.core import ids
from gateway.core.ids import new_id, valid_inbound_id


def test_an_id_is_its_prefix_and_96_bits():
    one = new_id("req-")
    assert one.startswith("req-")
    assert len(bytes.fromhex(one[4:])) * 8 == 96
    assert valid_inbound_id(one)


def test_none_comes_twice():
    assert len({new_id("") for _ in range(10_000)}) == 10_000


def test_they_are_the_systems_randomness(monkeypatch):
    monkeypatch.setattr(ids, "_drawn", [])
    monkeypatch.setattr(os, "urandom", lambda size: bytes(number % 251 for number in range(size)))
    first = new_id("")
    drawn = {first, *ids._drawn}
    assert len(drawn) == ids._STOCK
    assert bytes(range(12)).hex() in drawn


def test_threads_share_none():
    made: list[list[str]] = [[] for _ in range(8)]

    def make(mine: list[str]) -> None:
        mine += [new_id("") for _ in range(2000)]

    threads = [threading.Thread(target=make, args=(mine,)) for mine in made]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({one for mine in made for one in mine}) == 8 * 2000


@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork.*:DeprecationWarning")
def test_a_child_makes_its_own():
    while not ids._drawn:  # whoever came before may have taken the last one
        new_id("")
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(writer, "".join(new_id("") for _ in range(ids._STOCK)).encode())
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader) as said:
        theirs = said.read()
    assert os.waitpid(child, 0)[1] == 0
    of_child = {theirs[at : at + 24] for at in range(0, len(theirs), 24)}
    assert len(of_child) == ids._STOCK
    assert of_child.isdisjoint(new_id("") for _ in range(2 * ids._STOCK))
