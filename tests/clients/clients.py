"""Drives simulated exchanges through public client libraries and checks what they get.

Needs two exchanges that are already running; changes nothing about the libraries but their base URLs.
"""

import argparse
import time
import urllib.error
import urllib.request

import ccxt
from binance.client import Client as BinanceClient
from binance.exceptions import BinanceAPIException
from pybit.exceptions import InvalidRequestError
from pybit.unified_trading import HTTP

SYMBOL = "BTC/USDT:USDT"


def check(claim, holds, seen=None):
    print(("ok    " if holds else "FAILS ") + claim + ("" if holds else f": {seen!r}"))
    if not holds:
        check.failed += 1


check.failed = 0


def raises(claim, code, call):
    """The call fails and the library's error names the venue's code."""
    try:
        check(claim, False, call())
    except (ccxt.BaseError, BinanceAPIException, InvalidRequestError) as error:
        seen = str(getattr(error, "code", getattr(error, "status_code", ""))) + " " + str(error)
        check(f"{claim} ({code})", str(code) in seen, seen)


def client_id(name):
    return f"{name}-{time.time_ns() % 10**12}"


def ccxt_binance(url, key, secret):
    exchange = ccxt.binanceusdm({"apiKey": key, "secret": secret, "options": {"fetchCurrencies": False}})
    for name in list(exchange.urls["api"]):
        if name.startswith("fapi"):
            version = exchange.urls["api"][name].rsplit("/", 1)[1]
            exchange.urls["api"][name] = f"{url}/fapi/{version}"
    return exchange


def ccxt_bybit(url, key, secret):
    exchange = ccxt.bybit({"apiKey": key, "secret": secret, "options": {"defaultType": "swap"}})
    for name in exchange.urls["api"]:
        exchange.urls["api"][name] = url
    return exchange


def unlisted(exchange):
    """A market the library believes in and the exchange does not."""
    market = {**exchange.markets[SYMBOL], "id": "NOPEUSDT", "symbol": "NOPE/USDT:USDT"}
    exchange.markets[market["symbol"]] = market
    exchange.markets_by_id[market["id"]] = [market]
    return market["symbol"]


def through_ccxt(name, exchange, wrong, codes):
    def claim(text):
        return f"ccxt {name}: {text}"

    markets = exchange.load_markets()
    market = markets[SYMBOL]
    check(claim("markets load with tick and step"), market["precision"] == {**market["precision"], "price": 0.1, "amount": 0.001}, market["precision"])
    check(claim("time is now"), abs(exchange.fetch_time() - time.time() * 1000) < 5000)
    ticker = exchange.fetch_ticker(SYMBOL)
    check(claim("ticker has a price"), 60000 < ticker["last"] < 70000, ticker)
    book = exchange.fetch_order_book(SYMBOL, 5)
    bid, ask = book["bids"][0][0], book["asks"][0][0]
    check(claim("book is not crossed"), bid < ask, (bid, ask))
    funding = exchange.fetch_funding_rate(SYMBOL)
    check(claim("funding rate and next time"), funding["fundingRate"] > 0 and (funding["fundingTimestamp"] or funding["nextFundingTimestamp"]) > time.time() * 1000, funding)

    bought = exchange.create_order(SYMBOL, "market", "buy", 0.01, None, {"clientOrderId": client_id("market")})
    order = exchange.fetch_order(bought["id"], SYMBOL, {"acknowledged": True})
    check(claim("market order fills"), order["status"] == "closed" and order["filled"] == 0.01 and order["average"] > 0, order)
    positions = exchange.fetch_positions([SYMBOL])
    check(claim("position is long 0.01"), positions[0]["contracts"] == 0.01 and positions[0]["side"] == "long", positions)
    trades = exchange.fetch_my_trades(SYMBOL)
    check(claim("trade with fee"), any(t["order"] == bought["id"] and t["amount"] == 0.01 and t["fee"]["cost"] > 0 for t in trades), trades)
    sold = exchange.create_order(SYMBOL, "limit", "sell", 0.01, bid, {"timeInForce": "IOC", "reduceOnly": True})
    order = exchange.fetch_order(sold["id"], SYMBOL, {"acknowledged": True})
    check(claim("IOC reduce-only closes"), order["filled"] == 0.01, order)
    open_positions = [p for p in exchange.fetch_positions([SYMBOL]) if p["contracts"]]
    check(claim("position is flat"), open_positions == [], open_positions)

    passive = round(bid * 0.8, 1)
    own = client_id("passive")
    resting = exchange.create_order(SYMBOL, "limit", "buy", 0.01, passive, {"postOnly": True, "clientOrderId": own})
    listed = exchange.fetch_open_orders(SYMBOL)
    check(claim("post-only 20 % away rests"), [o["id"] for o in listed] == [resting["id"]] and listed[0]["status"] == "open", listed)
    check(claim("listed with its client id"), listed[0]["clientOrderId"] == own, listed)
    again = {"clientOrderId": own}
    raises(claim("duplicate id"), codes["duplicate"], lambda: exchange.create_order(SYMBOL, "limit", "buy", 0.01, passive, again))
    exchange.cancel_order(resting["id"], SYMBOL)
    check(claim("cancelled"), exchange.fetch_open_orders(SYMBOL) == [])
    check(claim("balance in USDT"), exchange.fetch_balance()["USDT"]["total"] > 0)
    raises(claim("bad signature"), codes["signature"], wrong.fetch_balance)
    raises(claim("unknown symbol"), codes["symbol"], lambda: exchange.fetch_open_orders(unlisted(exchange)))
    exchange.options["timeDifference"] = 20000
    raises(claim("stale timestamp"), codes["stale"], exchange.fetch_balance)


def through_pybit(url, key, secret):
    def session(**options):
        http = HTTP(api_key=key, **{"api_secret": secret, "retry_codes": {0}, "max_retries": 1, **options})
        http.endpoint = url
        return http

    http = session()
    asked = {"category": "linear", "symbol": "BTCUSDT"}
    rules = http.get_instruments_info(**asked)["result"]["list"][0]["lotSizeFilter"]
    check("pybit: instrument rules", rules["qtyStep"] == "0.001", rules)
    check("pybit: server time", int(http.get_server_time()["result"]["timeSecond"]) > 0)
    ticker = http.get_tickers(**asked)["result"]["list"][0]
    check("pybit: ticker with funding", float(ticker["fundingRate"]) > 0, ticker)

    own = client_id("pybit")
    order = {**asked, "side": "Sell", "orderType": "Market", "qty": "0.01", "orderLinkId": own}
    acknowledged = http.place_order(**order)["result"]
    check("pybit: acknowledged with both ids", set(acknowledged) == {"orderId", "orderLinkId"}, acknowledged)
    found = http.get_open_orders(category="linear", symbol="BTCUSDT", orderLinkId=own)["result"]["list"]
    check("pybit: found by client id, filled", [o["orderStatus"] for o in found] == ["Filled"], found)
    raises("pybit: id taken after the fill too", 110072, lambda: http.place_order(**order))
    trades = http.get_executions(category="linear", orderLinkId=own)["result"]["list"]
    check("pybit: executions", sum(float(t["execQty"]) for t in trades) == 0.01, trades)
    position = http.get_positions(**asked)["result"]["list"][0]
    check("pybit: position", (position["side"], position["size"]) == ("Sell", "0.010"), position)
    http.place_order(**{**order, "side": "Buy", "orderLinkId": client_id("close"), "reduceOnly": True})
    position = http.get_positions(**asked)["result"]["list"][0]
    check("pybit: flat again", position["size"] == "0.000", position)

    crossing = client_id("maker")
    http.place_order(**{**order, "orderType": "Limit", "price": "64000", "timeInForce": "PostOnly", "orderLinkId": crossing})
    gone = http.get_order_history(category="linear", orderLinkId=crossing)["result"]["list"][0]
    check("pybit: crossing post-only is cancelled", (gone["orderStatus"], gone["rejectReason"]) == ("Cancelled", "EC_PostOnlyWillTakeLiquidity"), gone)
    wallet = http.get_wallet_balance(accountType="UNIFIED")["result"]["list"][0]
    check("pybit: wallet", float(wallet["totalEquity"]) > 0, wallet)

    raises("pybit: unknown symbol", 10001, lambda: http.place_order(**{**order, "symbol": "NOPEUSDT"}))
    raises("pybit: too small", 10001, lambda: http.place_order(**{**order, "qty": "0.0001"}))
    raises("pybit: bad signature", 10004, lambda: session(api_secret="wrong").get_wallet_balance(accountType="UNIFIED"))


def through_python_binance(url, key, secret):
    def session(secret):
        client = BinanceClient(key, secret, ping=False)
        client.FUTURES_URL = f"{url}/fapi"
        return client

    client = session(secret)
    check("python-binance: time", client.futures_time()["serverTime"] > 0)
    symbols = [s["symbol"] for s in client.futures_exchange_info()["symbols"]]
    check("python-binance: symbols", symbols == ["BTCUSDT", "ETHUSDT"], symbols)
    check("python-binance: mark and funding", float(client.futures_mark_price(symbol="BTCUSDT")["lastFundingRate"]) > 0)
    own = client_id("pb")
    order = {"symbol": "BTCUSDT", "side": "BUY", "type": "MARKET", "quantity": "0.01"}
    placed = client.futures_create_order(**order, newClientOrderId=own, newOrderRespType="RESULT")
    check("python-binance: RESULT without average price", placed["status"] == "FILLED" and "avgPrice" not in placed, placed)
    found = client.futures_get_order(symbol="BTCUSDT", origClientOrderId=own)
    check("python-binance: found by client id with average price", float(found["avgPrice"]) > 0, found)
    trades = client.futures_account_trades(symbol="BTCUSDT", orderId=placed["orderId"])
    check("python-binance: trades", sum(float(t["qty"]) for t in trades) == 0.01, trades)
    positions = client.futures_position_information()
    check("python-binance: position", [p["positionAmt"] for p in positions] == ["0.010"], positions)
    client.futures_create_order(**{**order, "side": "SELL", "reduceOnly": "true"})
    check("python-binance: flat", client.futures_position_information() == [])
    check("python-binance: balance", float(client.futures_account_balance()[0]["balance"]) > 0)
    check("python-binance: one-way mode", client.futures_get_position_mode() == {"dualSidePosition": False})
    resting = client.futures_create_order(symbol="BTCUSDT", side="SELL", type="LIMIT", timeInForce="GTX", quantity="0.01", price="78000")
    check("python-binance: open orders", [o["orderId"] for o in client.futures_get_open_orders()] == [resting["orderId"]])
    check("python-binance: cancelled", client.futures_cancel_order(symbol="BTCUSDT", orderId=resting["orderId"])["status"] == "CANCELED")

    raises("python-binance: post-only that would take", -5022, lambda: client.futures_create_order(symbol="BTCUSDT", side="SELL", type="LIMIT", timeInForce="GTX", quantity="0.01", price="64000"))
    raises("python-binance: unknown symbol", -1121, lambda: client.futures_create_order(**{**order, "symbol": "NOPEUSDT"}))
    raises("python-binance: too small", -4164, lambda: client.futures_create_order(**{**order, "quantity": "0.001"}))
    raises("python-binance: too precise", -1111, lambda: client.futures_create_order(**{**order, "quantity": "0.0001"}))
    raises("python-binance: reduce-only without position", -2022, lambda: client.futures_create_order(**order, reduceOnly="true"))
    raises("python-binance: bad signature", -1022, lambda: session("wrong").futures_account_balance())
    late = session(secret)
    late.timestamp_offset = -120000
    raises("python-binance: stale timestamp", -1021, late.futures_account_balance)
    try:
        urllib.request.urlopen(f"{url}/fapi/v1/nothing")
    except urllib.error.HTTPError as error:
        check("plain HTTP: unknown path", error.code == 404 and b"-5000" in error.read())


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("binance_url")
    parser.add_argument("bybit_url")
    parser.add_argument("--binance-key", default="demo-key-binance-usdm")
    parser.add_argument("--binance-secret", default="demo-secret-not-confidential-binance-usdm")
    parser.add_argument("--bybit-key", default="demo-key-bybit-linear")
    parser.add_argument("--bybit-secret", default="demo-secret-not-confidential-bybit-linear")
    args = parser.parse_args()

    binance = (args.binance_url, args.binance_key, args.binance_secret)
    bybit = (args.bybit_url, args.bybit_key, args.bybit_secret)
    through_python_binance(*binance)
    through_pybit(*bybit)
    through_ccxt("binance", ccxt_binance(*binance), ccxt_binance(*binance[:2], "wrong"), {"duplicate": -4116, "signature": -1022, "symbol": -1121, "stale": -1021})
    through_ccxt("bybit", ccxt_bybit(*bybit), ccxt_bybit(*bybit[:2], "wrong"), {"duplicate": 110072, "signature": 10004, "symbol": 10001, "stale": 10002})
    raise SystemExit(1 if check.failed else 0)


if __name__ == "__main__":
    main()
