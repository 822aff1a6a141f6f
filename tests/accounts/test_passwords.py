"""What a password may not be."""

from __future__ import annotations

import pytest
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError

from accounts.models import User


@pytest.mark.parametrize(
    "password",
    [
        "short words",
        "x" * 129,
        "password1234",
        "1q2w3e4r5t6y",
        "qwerty123456",
        "mia.miravel!!",
        "adsgem123456",
        "AdsGem-2026!!",
        "Miravel--2026",
        "127.0.0.1---12",
    ],
)
def test_what_others_guess_first_is_refused_with_a_sentence(mia: User, password: str) -> None:
    with pytest.raises(ValidationError) as refused:
        validate_password(password, mia)
    assert all(sentence.endswith(".") for sentence in refused.value.messages)


@pytest.mark.parametrize(
    "password", ["correct horse battery", "alllowercaseletters", "x7" * 64, "miravel sells serums to penguins", "пароль из слов"]
)
def test_a_sentence_is_fine_without_digits_signs_or_capitals(mia: User, password: str) -> None:
    validate_password(password, mia)


def test_passwords_are_kept_by_argon2id(settings: object) -> None:
    from adsgem import settings as real

    assert real.PASSWORD_HASHERS[0] == "django.contrib.auth.hashers.Argon2PasswordHasher"
