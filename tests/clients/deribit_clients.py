"""Drives a simulated Deribit through ccxt, and its tokens through plain HTTP, and checks what they get.

    deribit_clients.py URL

Needs the exchange running with its demo key; changes nothing about the library but its base URL.
"""

import argparse
import json
import time
import urllib.error
import urllib.request

import ccxt

KEY = "demo-key-deribit"
SECRET = "demo-secret-not-confidential-deribit"
FAILED = []


def check(claim, holds, seen=None):
    print(("ok    " if holds else "FAILS ") + claim + ("" if holds else f": {seen!r}"))
    if not holds:
        FAILED.append(claim)


def refused(claim, code, call):
    """The call fails and the library's error names the venue's code."""
    try:
        check(claim, False, call())
    except ccxt.BaseError as error:
        check(f"{claim} ({code})", f'"code":{code}' in str(error), error)


def exchange_at(url, secret=SECRET):
    exchange = ccxt.deribit({"apiKey": KEY, "secret": secret})
    exchange.urls["api"]["rest"] = url
    return exchange


def unlisted(exchange, symbol):
    """A market the library believes in and the exchange does not."""
    market = {**exchange.markets[symbol], "id": "NOPE-PERPETUAL", "symbol": "NOPE/USD:NOPE"}
    exchange.markets[market["symbol"]] = market
    exchange.markets_by_id[market["id"]] = [market]
    return market["symbol"]


def claims_of(symbol):
    return lambda text: f"ccxt deribit {symbol}: {text}"


def through_ccxt(url, symbol, amount, currency):
    exchange = exchange_at(url)
    claim = claims_of(symbol)
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
    refused(claim("cancelled once"), 11044, lambda: exchange.cancel_order(resting["id"], symbol))
    check(claim("balance"), exchange.fetch_balance()[currency]["total"] > 0)
    refused(claim("post-only that would take"), 11054, lambda: exchange.create_order(symbol, "limit", "buy", amount, ask, {"postOnly": True}))
    refused(claim("too small"), 10002, lambda: exchange.privateGetBuy({"instrument_name": market["id"], "type": "market", "amount": "0.0001"}))
    refused(claim("past its valid_until"), 13888, lambda: exchange.create_order(symbol, "market", "buy", amount, None, {"valid_until": 1}))
    refused(claim("unknown symbol"), 13020, lambda: exchange.create_order(unlisted(exchange, symbol), "market", "buy", amount))
    refused(claim("bad signature"), 13009, exchange_at(url, "wrong").fetch_balance)
    late = exchange_at(url)
    late.load_markets()
    late.milliseconds = lambda: int(time.time() * 1000) - 120000
    refused(claim("stale timestamp"), 13009, late.fetch_balance)


def one_option(url):
    exchange = exchange_at(url)
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


def tokens(url):
    credentials = {"grant_type": "client_credentials", "client_id": KEY, "client_secret": SECRET}
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


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("url")
    args = parser.parse_args()
    tokens(args.url)
    through_ccxt(args.url, "BTC/USD:BTC", 100.0, "BTC")
    through_ccxt(args.url, "BTC/USDC:USDC", 0.01, "USDC")
    one_option(args.url)
    raise SystemExit(1 if FAILED else 0)


if __name__ == "__main__":
    main()
