"""Where the service listens, and by what names it is known there."""

from __future__ import annotations

import pytest

from etl.service.address import Address, parse_address


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [
        ("8787", "127.0.0.1", 8787),
        ("127.0.0.1:0", "127.0.0.1", 0),
        ("0.0.0.0:80", "0.0.0.0", 80),
        ("localhost:8787", "localhost", 8787),
        ("[::1]:8787", "::1", 8787),
        (" etl.example.com:65535 ", "etl.example.com", 65535),
    ],
)
def test_an_address_is_a_host_and_a_port_or_a_port_of_this_machine(text: str, host: str, port: int) -> None:
    assert parse_address(text) == Address(host=host, port=port)


@pytest.mark.parametrize(
    "text", ["", ":", "host", "host:", "host:65536", "::1:80", "http://host:80", "a b:80"]
)
def test_anything_else_is_no_address(text: str) -> None:
    with pytest.raises(ValueError, match="expected HOST:PORT"):
        parse_address(text)


@pytest.mark.parametrize("text", ["8787", "localhost:1", "[::1]:1", "127.3.2.1:1"])
def test_who_listens_to_this_machine_alone_answers_to_its_names_alone(text: str) -> None:
    names = parse_address(text).names
    assert names is not None
    assert names >= {"localhost", "127.0.0.1", "[::1]"}
    assert "etl.example.com" not in names


@pytest.mark.parametrize("text", ["0.0.0.0:80", "[::]:80", "etl.example.com:80", "192.168.1.7:80"])
def test_who_listens_to_others_is_known_by_any_name_and_says_what_it_exposes(text: str) -> None:
    address = parse_address(text)
    assert address.names is None
    assert "there is no password" in str(address.exposes)


def test_who_listens_to_this_machine_exposes_nothing() -> None:
    assert parse_address("8787").exposes is None


@pytest.mark.parametrize("text", ["127.0.0.1:80", "[::1]:80"])
def test_an_address_is_shown_as_one_can_be_opened(text: str) -> None:
    assert parse_address(text).url == f"http://{text}/"
