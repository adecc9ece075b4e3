"""What every venue's script checks with, and the operations that every client library is tried for."""

import contextlib
import re
import time
import traceback
from dataclasses import dataclass
from unittest import mock

# What a client must be able to do on every venue, in the order a client does it.
OPERATIONS = (
    "server time", "load markets", "ticker", "market order", "limit IOC", "post-only rests", "query by client id",
    "open orders", "cancel", "trades", "positions", "balances",
    "bad signature", "stale timestamp", "unknown symbol", "too small", "duplicate id",
)

SPOT = "spot: what is held are the balances"


@dataclass
class Exchange:
    """One simulated exchange that is running; `demo` holds its key and secret."""

    adapter: str
    url: str
    demo: dict

    @property
    def key(self):
        return self.demo["key"]

    @property
    def secret(self):
        return self.demo["secret"]


@dataclass(frozen=True)
class Outcome:
    """What one check found. `absent` says why the venue has no such operation; such an outcome is no check."""

    package: str
    adapter: str
    note: str
    claim: str
    holds: bool = True
    seen: str = ""
    absent: str = ""

    @property
    def operation(self):
        name = self.claim.partition(":")[0]
        return name if name in OPERATIONS else None

    @property
    def line(self):
        via = " ".join(part for part in (self.package, self.adapter, self.note) if part)
        return f"ok    {via}: {self.claim}" if self.holds else f"FAILS {via}: {self.claim}: {self.seen}"


# The outcomes of the script that runs in this process.
outcomes = []


class Claims:
    """Claims about one venue through one way of reaching it. `errors` are what its library raises."""

    def __init__(self, package, adapter, note="", errors=()):
        self.package, self.adapter, self.note, self.errors = package, adapter, note, errors

    def record(self, claim, holds=True, seen=None, absent=""):
        outcomes.append(Outcome(self.package, self.adapter, self.note, claim, bool(holds), repr(seen), absent))

    def check(self, claim, holds, seen=None):
        """`claim` is an operation, an operation with a detail after a colon, or anything else worth knowing."""
        self.record(claim, holds, seen)

    def raises(self, claim, code, call):
        """The call fails with the venue's own code, or with a pair of code and text where the code has several meanings."""
        code, text = code if isinstance(code, tuple) else (code, "")
        claim = f"{claim}: {code}"
        try:
            self.check(claim, False, call())
        except self.errors as error:
            seen = f"{getattr(error, 'code', '')} {getattr(error, 'status_code', '')} {error}"
            self.check(claim, re.search(rf"(?<![\w-]){re.escape(str(code))}(?!\w)", seen) and text in seen, seen)

    def __enter__(self):
        return self

    def __exit__(self, kind, error, trace):
        """A script that breaks off is a failed check of its own; what comes after it is driven all the same."""
        if isinstance(error, Exception):
            self.check("ran to its end", False, "".join(traceback.format_exception(kind, error, trace)))
            return True
        return None


class Through(Claims):
    """Claims about one product through one client library: every operation is tried or said to be absent."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.open = set(OPERATIONS)

    def record(self, claim, *args, **kwargs):
        self.open.discard(claim.partition(":")[0])
        super().record(claim, *args, **kwargs)

    def absent(self, operation, reason):
        self.record(operation, absent=reason)

    def __exit__(self, kind, error, trace):
        ended = super().__exit__(kind, error, trace)
        if error is None:
            self.check("every operation was tried", not self.open, sorted(self.open))
        return ended


def client_id(name):
    return f"{name}-{time.time_ns() % 10**12}"


def is_now(milliseconds):
    return abs(int(milliseconds) - time.time() * 1000) < 5000


def passive_price(bid):
    """20 % below the market, on every tick."""
    return round(float(bid) * 0.8)


@contextlib.contextmanager
def clock_put_back(seconds=130):
    """The machine's clock as a client finds it: longer ago than any receive window or the life of a token."""
    right, right_ns = time.time, time.time_ns
    with mock.patch("time.time", lambda: right() - seconds), \
            mock.patch("time.time_ns", lambda: right_ns() - seconds * 10**9):
        yield
