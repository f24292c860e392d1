"""From a store's URL to the book beside it."""

import pytest

from gateway.stores.book.open import open_book

URLS = {"memory:": "memory", "sqlite:/tmp/usage.db": "sqlite", "redis://db": "redis", "redis+cluster://a,b": "redis"}


@pytest.mark.parametrize(("url", "name"), URLS.items())
def test_the_url_of_the_store_names_the_book(url, name):
    assert open_book(url).name == name


def test_the_accounts_of_a_database_are_in_a_file_beside_it():
    assert str(open_book("sqlite:/var/lib/usage.db")._path) == "/var/lib/usage.db.accounts"


@pytest.mark.parametrize("url", ["", "memory", "memory:x", "sqlite:", "postgres://x", "redis://"])
def test_anything_else_says_what_was_expected(url):
    with pytest.raises(ValueError, match="expected"):
        open_book(url)
