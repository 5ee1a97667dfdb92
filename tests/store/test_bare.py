"""A statement below the driver's cursors gives rows, or the error that a cursor would raise."""

import psycopg
import pytest

from wherry.store.bare import ask_prepared

QUERY = b"SELECT coalesce($1, 'nothing'), $2::int + 1"


@pytest.fixture
def link(postgresql_url):
    with psycopg.connect(postgresql_url, autocommit=True) as db:
        yield db.pgconn


def ask(link, *params):
    told = ask_prepared(link, b"question", QUERY, params)
    return [told.get_value(0, column) for column in range(told.nfields)]


def test_it_is_asked_the_first_time_as_every_other(link):
    assert ask(link, b"a'\\b", b"1") == [b"a'\\b", b"2"]
    assert ask(link, None, b"2") == [b"nothing", b"3"]


def test_a_text_with_a_nul_is_refused_and_not_cut(link):
    with pytest.raises(psycopg.DataError, match="NUL"):
        ask(link, b"a\0b", b"1")


def test_what_the_database_refuses_is_raised_and_the_next_is_answered(link):
    with pytest.raises(psycopg.errors.InvalidTextRepresentation, match='"one"'):
        ask(link, b"a", b"one")
    assert ask(link, b"a", b"1") == [b"a", b"2"]


def test_a_connection_that_ended_is_told_from_a_refusal(link):
    ask(link, b"a", b"1")
    link.finish()
    with pytest.raises(psycopg.OperationalError):
        ask(link, b"a", b"1")
