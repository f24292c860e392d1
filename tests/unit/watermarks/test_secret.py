"""The master secret in its file: private, whole, and in no message."""

import os

import pytest

from gateway.watermarks.secret import BadSecret, read_master, write_secret

DIGITS = "0123456789abcdef" * 4


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "watermark.key"
    path.write_text(DIGITS + "\n")
    path.chmod(0o600)
    return path


def test_a_new_secret_is_private_random_and_never_replaced(tmp_path):
    first, second = tmp_path / "a", tmp_path / "b"
    write_secret(first)
    write_secret(second)
    assert first.stat().st_mode & 0o777 == 0o600
    assert len(read_master(first).secret) == 32
    assert read_master(first) != read_master(second)
    before = first.read_bytes()
    with pytest.raises(FileExistsError):
        write_secret(first)
    assert first.read_bytes() == before


def test_the_digits_are_the_bytes(path):
    assert read_master(path).secret == bytes.fromhex(DIGITS)
    path.write_text(DIGITS.upper())
    assert read_master(path).secret == bytes.fromhex(DIGITS)


@pytest.mark.parametrize("mode", [0o600, 0o400, 0o700])
def test_owners_may_read(path, mode):
    path.chmod(mode)
    read_master(path)


@pytest.mark.parametrize("mode", [0o640, 0o440, 0o604, 0o644, 0o620, 0o602, 0o610, 0o601])
def test_a_file_of_our_own_is_for_us_alone(path, mode):
    path.chmod(mode)
    with pytest.raises(BadSecret, match=f"chmod 600 {path}") as caught:
        read_master(path)
    assert DIGITS[:8] not in str(caught.value)


@pytest.mark.skipif(os.geteuid() != 0, reason="gives a file away, which only root may")
def test_a_group_may_read_what_belongs_to_somebody_else(path):
    os.chown(path, 12345, -1)
    path.chmod(0o440)
    read_master(path)
    for mode in (0o444, 0o460, 0o450):
        path.chmod(mode)
        with pytest.raises(BadSecret):
            read_master(path)


@pytest.mark.parametrize("content", ["", DIGITS[:-1], DIGITS + "0", "x" + DIGITS[1:], f"{DIGITS}\n{DIGITS}", "a" * 999])
def test_what_is_no_secret_is_not_quoted(path, content):
    path.write_text(content)
    with pytest.raises(BadSecret, match="expected 64 hex digits") as caught:
        read_master(path)
    assert DIGITS[:8] not in str(caught.value)


def test_one_that_is_not_there_is_named(tmp_path):
    with pytest.raises(BadSecret, match="absent: cannot be read: No such file"):
        read_master(tmp_path / "absent")
