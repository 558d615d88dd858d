"""JSON that parsers and databases stumble over, as it would be spelled on the wire."""

from __future__ import annotations

import json

NUMBERS = (
    *"NaN Infinity -Infinity 1e999 -1e999 1e-999 -0 -0.0 0.1 1E5 5e-324 1.7976931348623157e308".split(),
    *"18446744073709551616 9223372036854775807 -9223372036854775809".split(),
    *("9" * 400, "-" + "9" * 400, "0." + "3" * 400, "9" * 5_000, "1e" + "9" * 400),
)
TIMES = tuple(
    json.dumps(time)
    for time in (
        *"0001-01-01T00:00:00Z 0001-01-01T00:00:00+14:00 0000-00-00 1969-12-31T23:59:59.999999999Z".split(),
        *"9999-12-31T23:59:59.999999Z 9999-12-31T23:59:59-23:59 10000-01-01T00:00:00Z".split(),
        *"2023-02-29T00:00:00Z 2024-02-29T24:00:00Z 2016-12-31T23:59:60Z 2024-03-31T02:30:00+01:00".split(),
        *"infinity -infinity 2024-W01-1 09:00:00 24:00:00 00:00:00.5 1e9 99991231".split(),
        *("0044-03-15 00:00:00+00 BC", "", " ", "2024-01-01T00:00:00 Europe/Berlin"),
    )
)
HOSTILE_TEXTS = (
    '"\\ud800"',  # half a character
    '"\\udc00\\ud800"',
    '"a\\u0000b"',
    '"a\0b"',
    '"a\x01\x1f\x7f\r\nb"',  # control characters as they are
    '"\\u2028\\u202e\\u200b\\ufeff\\uffff"',
    '"\\b\\f\\n\\r\\t\\/\\"\\\\"',
    '"\u0301\U0001f469\u200d\U0001f52c\U0010ffff"',
    '"\'; DROP TABLE batch_calls; -- %s %(x)s {0} ? :x $1"',
    '"=1+1"',
    '"\\x"',  # an escape that there is not
    '"' + "ü" * 100_000 + '"',
)
NESTED = (
    "[" * 2_000 + "]" * 2_000,
    '{"a":' * 2_000 + "1" + "}" * 2_000,
    "[" * 64 + "]" * 64,
    "[" * 66 + "NaN" + "]" * 66,
    '{"a":1,"a":NaN,"a":2}',
    '{"":{"":null}}',
    '{"a\\u0000":1}',
    '{"\\ud800":1}',
    "[1e999,NaN]",
)
