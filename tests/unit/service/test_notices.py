"""What is said of an incident, to people and to programs."""

from __future__ import annotations

from datetime import timedelta

from etl.service.notices import Notice, slack_message
from etl.state.incidents import News

from support.clocks import START


def notice(news: News = News.OPENED, detail: str = "the last sync failed: 500", **more: object) -> Notice:
    return Notice(news=news, kind="failing", account="acme", detail=detail, since=START, **more)  # type: ignore[arg-type]


def test_a_notice_names_the_account_and_what_is_wrong() -> None:
    assert notice().text == "acme: the last sync failed: 500"
    assert notice(News.WORSE).text == "acme: worse, the last sync failed: 500"


def test_what_concerns_all_accounts_names_none() -> None:
    outage = Notice(news=News.OPENED, kind="database", account=None, detail="it is away", since=START)
    assert outage.text == "it is away"


def test_what_is_over_says_how_long_it_took() -> None:
    until = START + timedelta(hours=3)
    assert notice(News.CLOSED, until=until).text == "acme: over after 3 h: the last sync failed: 500"


def test_a_clock_that_was_set_back_makes_no_negative_time() -> None:
    assert "over after 0 s" in notice(News.CLOSED, until=START - timedelta(hours=1)).text


def test_a_program_gets_every_part() -> None:
    assert notice(subject="x").as_json() == {
        "event": "opened",
        "kind": "failing",
        "account": "acme",
        "subject": "x",
        "detail": "the last sync failed: 500",
        "opened_at": "2026-03-14T12:00:00+00:00",
        "closed_at": None,
        "text": "acme: the last sync failed: 500",
    }


def test_a_name_that_the_source_chose_cannot_write_to_a_channel() -> None:
    message = slack_message(notice(detail="field <!channel> & more\nsecond line"))
    assert message == {"text": "magpipe-etl: acme: field &lt;!channel&gt; &amp; more\\nsecond line"}


def test_a_text_is_of_a_length_that_a_receiver_takes() -> None:
    assert len(notice(detail="x" * 10_000).text) == 2000
