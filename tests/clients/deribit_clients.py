"""Deribit through ccxt, and its tokens through plain HTTP."""

import json
import time
import urllib.error
import urllib.request

import ccxt
from checks import check, raises

ADAPTERS = ("deribit",)


def drive(exchanges):
    running = exchanges["deribit"]
    tokens(running)
    through_ccxt(running, "BTC/USD:BTC", 100.0, "BTC")
    through_ccxt(running, "BTC/USDC:USDC", 0.01, "USDC")
    one_option(running)


def ccxt_client(running, secret=None):
    exchange = ccxt.deribit({"apiKey": running.key, "secret": secret or running.secret})
    exchange.urls["api"]["rest"] = running.url
    return exchange


def unlisted(exchange, symbol):
    """A market the library believes in and the exchange does not."""
    market = {**exchange.markets[symbol], "id": "NOPE-PERPETUAL", "symbol": "NOPE/USD:NOPE"}
    exchange.markets[market["symbol"]] = market
    exchange.markets_by_id[market["id"]] = [market]
    return market["symbol"]


def through_ccxt(running, symbol, amount, currency):
    exchange = ccxt_client(running)

    def claim(text):
        return f"ccxt deribit {symbol}: {text}"

    market = exchange.load_markets()[symbol]
    check(claim("markets load with tick and smallest amount"), market["precision"]["price"] == 0.5 and market["limits"]["amount"]["min"] <= amount, market["precision"])
    check(claim("time is now"), abs(exchange.fetch_time() - time.time() * 1000) < 5000)
    ticker = exchange.fetch_ticker(symbol)
    check(claim("ticker has a price"), 60000 < ticker["last"] < 70000, ticker)
    book = exchange.fetch_order_book(symbol, 5)
    bid, ask = book["bids"][0][0], book["asks"][0][0]
    check(claim("book is not crossed"), bid < ask, (bid, ask))
    funding = exchange.fetch_funding_rate(symbol)
    check(claim("funding rate"), funding["fundingRate"] > 0, funding)

    label = f"market-{time.time_ns()}"
    bought = exchange.create_order(symbol, "market", "buy", amount, None, {"label": label})
    check(claim("market order is answered with its fill"), bought["status"] == "closed" and bought["filled"] == amount and bought["average"] > 0, bought)
    order = exchange.fetch_order(bought["id"], symbol)
    check(claim("found by id"), order["status"] == "closed" and order["filled"] == amount, order)
    same = exchange.privateGetGetOrderStateByLabel({"currency": currency, "label": label})["result"]
    check(claim("found by label"), [row["order_id"] for row in same] == [bought["id"]], same)
    trades = exchange.fetch_my_trades(symbol)
    check(claim("trade with fee"), any(t["order"] == bought["id"] and t["amount"] == amount and t["fee"]["cost"] > 0 for t in trades), trades)
    positions = [p for p in exchange.fetch_positions([symbol]) if p["contracts"]]
    check(claim("position is long"), [(p["side"], p["contracts"]) for p in positions] == [("long", amount)], positions)
    sold = exchange.create_order(symbol, "limit", "sell", amount, bid, {"timeInForce": "IOC", "reduceOnly": True})
    check(claim("IOC reduce-only closes"), sold["filled"] == amount, sold)
    check(claim("position is flat"), [p for p in exchange.fetch_positions([symbol]) if p["contracts"]] == [])

    passive = round(bid * 0.8 * 2) / 2
    resting = exchange.create_order(symbol, "limit", "buy", amount, passive, {"postOnly": True})
    listed = exchange.fetch_open_orders(symbol)
    check(claim("post-only 20 % away rests"), [o["id"] for o in listed] == [resting["id"]] and listed[0]["status"] == "open", listed)
    cancelled = exchange.cancel_order(resting["id"], symbol)
    check(claim("cancelled"), cancelled["status"] == "canceled" and exchange.fetch_open_orders(symbol) == [], cancelled)
    raises(claim("cancelled once"), 11044, lambda: exchange.cancel_order(resting["id"], symbol))
    check(claim("balance"), exchange.fetch_balance()[currency]["total"] > 0)
    raises(claim("post-only that would take"), 11054, lambda: exchange.create_order(symbol, "limit", "buy", amount, ask, {"postOnly": True}))
    raises(claim("too small"), 10002, lambda: exchange.privateGetBuy({"instrument_name": market["id"], "type": "market", "amount": "0.0001"}))
    raises(claim("past its valid_until"), 13888, lambda: exchange.create_order(symbol, "market", "buy", amount, None, {"valid_until": 1}))
    raises(claim("unknown symbol"), 13020, lambda: exchange.create_order(unlisted(exchange, symbol), "market", "buy", amount))
    raises(claim("bad signature"), 13009, ccxt_client(running, "wrong").fetch_balance)
    late = ccxt_client(running)
    late.load_markets()
    # Its limiter would wait until the clock that is put back here is where it was.
    late.enableRateLimit = False
    late.milliseconds = lambda: int(time.time() * 1000) - 120000
    raises(claim("stale timestamp"), 13009, late.fetch_balance)


def one_option(running):
    exchange = ccxt_client(running)
    markets = [m for m in exchange.load_markets().values() if m["option"]]
    check("ccxt deribit: an option is listed", [m["strike"] for m in markets] == [65000.0], markets)
    bought = exchange.create_order(markets[0]["symbol"], "market", "buy", 0.1)
    check("ccxt deribit: the option fills", bought["filled"] == 0.1 and bought["average"] < 1, bought)
    exchange.create_order(markets[0]["symbol"], "market", "sell", 0.1)


def call(url, method, params, token=None):
    """What a JSON-RPC POST returns, refusals included."""
    body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}).encode()
    request = urllib.request.Request(f"{url}/api/v2/{method}", body, {"Content-Type": "application/json"})
    if token:
        request.add_header("Authorization", f"Bearer {token}")
    try:
        with urllib.request.urlopen(request) as response:
            return json.load(response)
    except urllib.error.HTTPError as error:
        return json.load(error)


def tokens(running):
    url = running.url
    credentials = {"grant_type": "client_credentials", "client_id": running.key, "client_secret": running.secret}
    first = call(url, "public/auth", credentials)["result"]
    summary = call(url, "private/get_account_summary", {"currency": "BTC"}, first["access_token"])
    check("plain HTTP: a token opens private methods", float(summary["result"]["balance"]) > 0, summary)
    renewed = call(url, "public/auth", {"grant_type": "refresh_token", "refresh_token": first["refresh_token"]})["result"]
    gone = call(url, "private/get_account_summary", {"currency": "BTC"}, first["access_token"])
    check("plain HTTP: a refreshed token replaces the old one (13009)", renewed["access_token"] != first["access_token"] and gone["error"]["code"] == 13009, gone)
    wrong = call(url, "public/auth", {**credentials, "client_secret": "wrong"})
    check("plain HTTP: wrong credentials (13004)", wrong["error"]["code"] == 13004, wrong)
    none = call(url, "private/get_account_summary", {"currency": "BTC"})
    check("plain HTTP: no token (10000)", none["error"]["code"] == 10000, none)
