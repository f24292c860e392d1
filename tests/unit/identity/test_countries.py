"""Where addresses are, by a file of the operator's: what is read, what is refused, and that nobody fails of it."""

from ipaddress import ip_address

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.identity import countries as module
from gateway.identity.countries import Countries, load_countries
from gateway.yamlio import YamlProblems
from tests.support.mmdb import countries, country, mmdb

FILE = countries(NZ="192.0.2.0/24", DE="2001:db8::/48", FR="198.51.100.128/25")


def where(data, address):
    return Countries(data).of(ip_address(address))


@pytest.mark.parametrize(("address", "found"), [
    ("192.0.2.0", "NZ"), ("192.0.2.255", "NZ"), ("192.0.3.0", ""), ("198.51.100.127", ""), ("198.51.100.128", "FR"),
    ("2001:db8::1", "DE"), ("2001:db8:0:ffff::1", "DE"), ("2001:db8:1::1", ""), ("::1", ""),
])  # fmt: skip
def test_the_country_of_an_address(address, found):
    assert where(FILE, address) == found


@pytest.mark.parametrize(("record", "found"), [
    (country("nz"), "NZ"), ({"country": "NZ"}, "NZ"), ({"country": "New Zealand", "country_code": "NZ"}, "NZ"),
    ({"registered_country": {"iso_code": "NZ"}}, ""), ({"country": {"iso_code": "NZL"}}, ""),
    ({"country": {"iso_code": "N1"}}, ""), ({"country": {"iso_code": "Ñž"}}, ""), ({"country": {}}, ""), ("NZ", ""),
    ({}, ""),
])  # fmt: skip
def test_records_as_providers_write_them(record, found):
    assert where(mmdb({"192.0.2.0/24": record}), "192.0.2.1") == found


def test_a_file_of_ipv4_alone_knows_nothing_of_ipv6_and_that_is_no_fault(caplog):
    data = mmdb({"0.0.0.0/1": country("NZ")}, ip_version=4)
    assert where(data, "192.0.2.1") == ""
    assert where(data, "10.0.0.1") == "NZ"
    assert where(data, "2001:db8::1") == ""
    assert caplog.records == []


def test_one_network_of_ipv6_is_looked_up_once():
    found = Countries(FILE)
    for last in range(50):
        assert found.of(ip_address(f"2001:db8::{last:x}:1")) == "DE"
    assert found._of.cache_info().misses == 1
    assert found._of.cache_info().maxsize == module.KEPT


def test_what_the_file_is_and_when_it_was_made():
    found = Countries(mmdb({"192.0.2.0/24": country("NZ")}, kind="Some-Country", built=1_700_000_000))
    assert (found.kind, found.built_ms) == ("Some-Country", 1_700_000_000_000)


def test_a_file_is_loaded(tmp_path):
    path = tmp_path / "countries.mmdb"
    path.write_bytes(FILE)
    found = load_countries(path)
    path.write_bytes(b"")
    assert found.of(ip_address("192.0.2.1")) == "NZ", "written over, and nothing is lost"
    assert load_countries(None) is None


def test_a_file_that_is_still_the_same_is_not_read_again(tmp_path):
    path = tmp_path / "countries.mmdb"
    path.write_bytes(FILE)
    first = load_countries(path)
    assert load_countries(path, first) is first
    (tmp_path / "new").write_bytes(FILE)
    (tmp_path / "new").rename(path)
    second = load_countries(path, first)
    assert second is not first
    path.unlink()
    with pytest.raises(YamlProblems, match="No such file"):
        load_countries(path, second)


@pytest.mark.parametrize(("data", "says"), [
    (None, "cannot be read: No such file or directory"),
    (b"", "expected a file in MaxMind's DB format (.mmdb)"),
    (b"NZ,192.0.2.0/24\n", "expected a file in MaxMind's DB format (.mmdb)"),
    (FILE[40:], "expected a file in MaxMind's DB format (.mmdb)"),
    (mmdb({"192.0.2.0/24": {"organization": "Example"}}, kind="Test-ASN"),
     "expected a file with countries, found one of the kind 'Test-ASN'"),
    (mmdb({}), "expected a file with countries, found one of the kind 'Test-Country'"),
])  # fmt: skip
def test_what_is_no_country_file_is_refused_with_its_name(tmp_path, data, says):
    path = tmp_path / "countries.mmdb"
    if data is not None:
        path.write_bytes(data)
    with pytest.raises(YamlProblems) as caught:
        load_countries(path)
    assert [str(problem) for problem in caught.value.problems] == [f"{path}:1:1: data.country_file: {says}"]


def test_a_folder_and_a_file_that_is_too_large_are_refused(tmp_path, monkeypatch):
    with pytest.raises(YamlProblems, match="Is a directory"):
        load_countries(tmp_path)
    monkeypatch.setattr(module, "MAX_BYTES", 100)
    (tmp_path / "countries.mmdb").write_bytes(FILE)
    with pytest.raises(YamlProblems, match="expected at most"):
        load_countries(tmp_path / "countries.mmdb")


def test_a_file_that_breaks_off_within_its_records_makes_its_addresses_unknown(caplog):
    """The map of one record says that it is longer than the file is."""
    broken = FILE.replace(b"\xe1\x47country\xe1\x48iso_code\x42NZ", b"\xfc\x47country\xe1\x48iso_code\x42NZ")
    assert broken != FILE
    found = Countries(broken, "countries.mmdb")
    assert [found.of(ip_address(f"192.0.2.{last}")) for last in range(3)] == ["", "", ""]
    assert found.of(ip_address("198.51.100.129")) == "FR"
    [line] = caplog.records
    assert line.message == "the country file cannot be read everywhere"
    assert line.fields["file"] == "countries.mmdb"
    assert "192.0" not in str(line.fields)


@settings(max_examples=300, deadline=None)
@given(st.lists(st.tuples(st.integers(0, len(FILE) - 1), st.integers(0, 255)), min_size=1, max_size=6))
def test_whatever_stands_in_a_file_it_is_refused_or_read_and_nothing_breaks(changes):
    data = bytearray(FILE)
    for place, value in changes:
        data[place] = value
    try:
        found = Countries(bytes(data))
        found.has_some()
    except Exception:  # noqa: BLE001 - load_countries words all of them the same way
        return
    for address in ("192.0.2.1", "198.51.100.200", "2001:db8::1", "::1"):
        code = found.of(ip_address(address))
        assert code == "" or (len(code) == 2 and code.isupper())
