"""Files that only a passphrase opens."""

from volunteer_hub.core import strongbox


def test_only_the_passphrase_opens_a_file_and_a_changed_one_opens_no_more() -> None:
    salt, key = strongbox.lock("correct horse battery")
    sealed = strongbox.seal(salt, key, b"Bo, +86139")
    assert b"Bo" not in sealed
    assert strongbox.unseal("correct horse battery", sealed) == b"Bo, +86139"
    assert strongbox.unseal("incorrect horse", sealed) is None
    assert strongbox.unseal("correct horse battery", sealed[:-1] + bytes([sealed[-1] ^ 1])) is None
    assert strongbox.unseal("correct horse battery", b"a picture") is None
    assert strongbox.seal(salt, key, b"Bo, +86139") != sealed
