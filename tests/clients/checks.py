"""What every venue's script checks with, and the run through ccxt that is the same for all of them."""

import time
from dataclasses import dataclass, field

import ccxt


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


def check(claim, holds, seen=None):
    print(("ok    " if holds else "FAILS ") + claim + ("" if holds else f": {seen!r}"))
    if not holds:
        check.failed += 1


check.failed = 0


def raises(claim, code, call, *kinds):
    """The call fails and the library's error names the venue's code. `kinds` are errors of libraries other than ccxt."""
    try:
        check(claim, False, call())
    except (ccxt.BaseError, *kinds) as error:
        seen = str(getattr(error, "code", getattr(error, "status_code", ""))) + " " + str(error)
        check(f"{claim} ({code})", str(code) in seen, seen)


def client_id(name):
    return f"{name}-{time.time_ns() % 10**12}"


@dataclass
class Scenario:
    """One product through ccxt: the client, a second one with a wrong secret, and what differs between products."""

    name: str
    exchange: ccxt.Exchange
    wrong: ccxt.Exchange
    symbol: str
    amount: float
    precision: dict
    # The venue's codes: duplicate, signature, symbol, stale, and small where ccxt lets a small order through.
    codes: dict
    settle: str = "USDT"
    small: float = None
    own_id: callable = client_id
    query: dict = field(default_factory=lambda: {"acknowledged": True})

    def claim(self, text):
        return f"ccxt {self.name}: {text}"

    def fetched(self, order_id):
        return self.exchange.fetch_order(order_id, self.symbol, self.query)

    def placed(self, kind, side, amount, price=None, **params):
        return self.exchange.create_order(self.symbol, kind, side, amount, price, params)


def ccxt_scenario(run):
    """Everything a client does in a day, then everything it can do wrong. Leaves no position and no open order."""
    market = run.exchange.load_markets()[run.symbol]
    seen = {name: market["precision"][name] for name in run.precision}
    check(run.claim("markets load with tick and step"), seen == run.precision, seen)
    bid = through_market_data(run, market)
    through_fills(run, market, bid)
    own = through_resting_order(run, bid)
    balance = run.exchange.fetch_balance()
    check(run.claim(f"balance in {run.settle}"), balance[run.settle]["total"] > 0, balance[run.settle])
    through_refusals(run, bid, own)


def through_market_data(run, market):
    exchange, claim = run.exchange, run.claim
    check(claim("time is now"), abs(exchange.fetch_time() - time.time() * 1000) < 5000)
    ticker = exchange.fetch_ticker(run.symbol)
    check(claim("ticker has a price"), 60000 < ticker["last"] < 70000, ticker)
    book = exchange.fetch_order_book(run.symbol, 5)
    bid, ask = book["bids"][0][0], book["asks"][0][0]
    check(claim("book is not crossed"), bid < ask, (bid, ask))
    if market["swap"]:
        funding = exchange.fetch_funding_rate(run.symbol)
        due = funding["fundingTimestamp"] or funding["nextFundingTimestamp"]
        check(claim("funding rate and next time"), funding["fundingRate"] > 0 and due > time.time() * 1000, funding)
    return bid


def through_fills(run, market, bid):
    exchange, claim, amount = run.exchange, run.claim, run.amount
    bought = run.placed("market", "buy", amount, clientOrderId=run.own_id("market"))
    order = run.fetched(bought["id"])
    check(claim("market order fills"), order["status"] == "closed" and order["filled"] == amount and order["average"] > 0, order)
    if market["swap"]:
        positions = exchange.fetch_positions([run.symbol])
        check(claim(f"position is long {amount}"), positions[0]["contracts"] == amount and positions[0]["side"] == "long", positions)
    trades = [t for t in exchange.fetch_my_trades(run.symbol) if t["order"] == bought["id"]]
    whole = trades and sum(t["amount"] for t in trades) == amount and all(t["fee"]["cost"] > 0 for t in trades)
    check(claim("trade with fee"), whole, trades)
    closing = {"reduceOnly": True} if market["swap"] else {}
    sold = run.placed("limit", "sell", amount, bid, timeInForce="IOC", **closing)
    order = run.fetched(sold["id"])
    check(claim("limit IOC fills"), order["filled"] == amount, order)
    if market["swap"]:
        held = [p for p in exchange.fetch_positions([run.symbol]) if p["contracts"]]
        check(claim("position is flat"), held == [], held)


def through_resting_order(run, bid):
    exchange, claim = run.exchange, run.claim
    own = run.own_id("passive")
    resting = run.placed("limit", "buy", run.amount, passive_price(bid), postOnly=True, clientOrderId=own)
    listed = exchange.fetch_open_orders(run.symbol)
    check(claim("post-only 20 % away rests"), [o["id"] for o in listed] == [resting["id"]] and listed[0]["status"] == "open", listed)
    check(claim("listed with its client id"), listed[0]["clientOrderId"] == own, listed)
    if "duplicate" in run.codes:
        raises(claim("duplicate id"), run.codes["duplicate"], lambda: run.placed("limit", "buy", run.amount, passive_price(bid), clientOrderId=own))
    exchange.cancel_order(resting["id"], run.symbol)
    check(claim("cancelled"), exchange.fetch_open_orders(run.symbol) == [])
    return own


def passive_price(bid):
    return round(bid * 0.8, 0)


def through_refusals(run, bid, own):
    exchange, claim, codes = run.exchange, run.claim, run.codes
    if "small" in codes:
        raises(claim("too small"), codes["small"], lambda: run.placed("limit", "buy", run.small, passive_price(bid)))
    raises(claim("bad signature"), codes["signature"], run.wrong.fetch_balance)
    raises(claim("unknown symbol"), codes["symbol"], lambda: exchange.create_order(unlisted(run), "market", "buy", run.amount, bid))
    exchange.options["timeDifference"] = 20000
    raises(claim("stale timestamp"), codes["stale"], exchange.fetch_balance)


def unlisted(run):
    """A market the library believes in and the exchange does not."""
    known = run.exchange.markets[run.symbol]
    market = {**known, "id": known["id"].replace("BTC", "NOPE"), "symbol": run.symbol.replace("BTC", "NOPE", 1)}
    run.exchange.markets[market["symbol"]] = market
    run.exchange.markets_by_id[market["id"]] = [market]
    return market["symbol"]
