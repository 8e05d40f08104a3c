"""Sealing, and keys that follow one another."""

from pathlib import Path

import pytest
from pydantic import SecretStr

from core import secrets
from core.sealing import CannotOpen, Vault
from core.settings import Settings

pytestmark = pytest.mark.unit

PHONE = "+8613871234567"


def test_a_sealed_text_opens_again_and_shows_nothing() -> None:
    vault = Vault(b"key")
    for plain in ("", PHONE, "欧阳先生", "长" * 10_000):
        sealed = vault.seal(plain)
        assert vault.open(sealed) == plain
        assert plain == "" or plain not in sealed
        assert vault.seal(plain) != sealed


@pytest.mark.parametrize("place", [0, 10, 30, -1])
def test_a_changed_text_does_not_open(place: int) -> None:
    vault = Vault(b"key")
    sealed = list(vault.seal(PHONE))
    sealed[place] = "A" if sealed[place] != "A" else "B"
    with pytest.raises(CannotOpen):
        vault.open("".join(sealed))


@pytest.mark.parametrize("text", ["", ".", PHONE, "没有封"])
def test_what_was_never_sealed_is_not_taken_for_it(text: str) -> None:
    with pytest.raises(CannotOpen):
        Vault(b"key").open(text)


def test_an_old_key_opens_what_it_sealed_and_seals_no_more() -> None:
    old, both, new = Vault(b"old"), Vault(b"new", b"old"), Vault(b"new")
    assert both.open(old.seal(PHONE)) == PHONE
    assert new.open(both.seal(PHONE)) == PHONE
    with pytest.raises(CannotOpen, match="HOTLINE_OLD_SECRET_KEYS"):
        new.open(old.seal(PHONE))


def test_a_hash_is_the_same_for_the_same_text_and_key_only() -> None:
    old, both = Vault(b"old"), Vault(b"new", b"old")
    assert old.trace(PHONE) == old.trace(PHONE)
    assert old.trace(PHONE) != old.trace("+8613871234568")
    assert both.traces(PHONE) == [Vault(b"new").trace(PHONE), old.trace(PHONE)]


def test_a_key_that_was_made_counts_when_another_is_configured_later(tmp_path: Path) -> None:
    made = Settings(_env_file=None, data_dir=tmp_path)
    sealed = secrets.vault(made).seal(PHONE)
    configured = made.model_copy(update={"secret_key": SecretStr("chosen")})
    assert secrets.vault(configured).open(sealed) == PHONE
    elsewhere = configured.model_copy(
        update={"data_dir": tmp_path / "other", "old_secret_keys": SecretStr(f"x, {secrets.secret_key(made).decode()}")}
    )
    assert secrets.vault(elsewhere).open(sealed) == PHONE
