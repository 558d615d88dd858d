"""The least that anybody could do: fetch every page, parse it, write it in the driver's own bulk way.

No retries, no proof, no history, no types, no second look: what remains beside it is the price of these.

`python floor.py BASE_URL fetch`, or `python floor.py BASE_URL load DATABASE_URL`; prints the number of rows.
"""

from __future__ import annotations

import http.client
import json
import sys
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

Batch = dict[str, Any]


def fetch(base_url: str) -> Iterator[list[Batch]]:
    address = urlsplit(base_url)
    connection = http.client.HTTPConnection(address.hostname or "", address.port)
    offset = 0
    while True:
        body = json.dumps({"action": "list", "limit": 1_000, "offset": offset})
        connection.request("POST", "/batch-calls", body, {"Authorization": "Bearer none"})
        batches = json.loads(connection.getresponse().read())["batches"]
        if not batches:
            return
        yield batches
        offset += len(batches)


def values(batch: Batch) -> list[Any]:
    return [json.dumps(value) if isinstance(value, list) else value for value in batch.values()]


def load_sqlite(pages: Iterator[list[Batch]], file: str) -> int:
    import sqlite3

    connection = sqlite3.connect(file)
    count = 0
    for page in pages:
        if not count:
            connection.execute(f"CREATE TABLE batches ({', '.join(page[0])}, PRIMARY KEY (id))")
        connection.executemany(
            f"INSERT INTO batches VALUES ({', '.join('?' * len(page[0]))})", map(values, page)
        )
        connection.commit()
        count += len(page)
    return count


def load_postgres(pages: Iterator[list[Batch]], url: str) -> int:
    import psycopg

    count = 0
    with psycopg.connect(url) as connection:
        for page in pages:
            if not count:
                columns = ", ".join(f"{name} text" for name in page[0])
                connection.execute(f"CREATE TABLE floor_batches ({columns}, PRIMARY KEY (id))")
            with connection.cursor() as cursor, cursor.copy("COPY floor_batches FROM STDIN") as copy:
                for batch in page:
                    copy.write_row(values(batch))
            connection.commit()
            count += len(page)
    return count


def main(base_url: str, what: str, database_url: str = "") -> int:
    pages = fetch(base_url)
    if what == "fetch":
        return sum(map(len, pages))
    if database_url.startswith("sqlite:///"):
        return load_sqlite(pages, database_url.removeprefix("sqlite:///"))
    return load_postgres(pages, database_url)


if __name__ == "__main__":
    print(main(*sys.argv[1:]))
