"""Bybit linear, inverse and spot through ccxt and pybit."""

import time

import ccxt
from checks import Scenario, ccxt_scenario, check, client_id, raises
from pybit.exceptions import InvalidRequestError
from pybit.unified_trading import HTTP

ADAPTERS = ("bybit-linear", "bybit-inverse", "bybit-spot")


def drive(exchanges):
    linear, inverse, spot = (exchanges[adapter] for adapter in ADAPTERS)
    through_linear(linear)
    through_inverse(inverse)
    through_spot(spot)
    codes = {"duplicate": 110072, "signature": 10004, "symbol": 10001, "stale": 10002}
    ccxt_scenario(
        Scenario("bybit-linear", ccxt_client(linear), ccxt_client(linear, "wrong"),
                 "BTC/USDT:USDT", 0.01, {"price": 0.1, "amount": 0.001}, codes))
    ccxt_scenario(
        Scenario("bybit-inverse", ccxt_client(inverse), ccxt_client(inverse, "wrong"),
                 "BTC/USD:BTC", 1000, {"price": 0.1, "amount": 1}, codes, settle="BTC"))
    spot_codes = {**codes, "duplicate": 170141, "symbol": 170121, "small": 170140}
    ccxt_scenario(
        Scenario("bybit-spot", ccxt_client(spot), ccxt_client(spot, "wrong"),
                 "BTC/USDT", 0.01, {"price": 0.1, "amount": 0.000001}, spot_codes, small=0.00001))


def ccxt_client(exchange, secret=None):
    # Spot market buys count quote at this venue; ccxt is told to count base.
    options = {"defaultType": "spot" if exchange.adapter == "bybit-spot" else "swap",
               "createMarketBuyOrderRequiresPrice": True}
    client = ccxt.bybit({"apiKey": exchange.key, "secret": secret or exchange.secret, "options": options})
    for name in client.urls["api"]:
        client.urls["api"][name] = exchange.url
    return client


def refuses(claim, code, call):
    raises(claim, code, call, InvalidRequestError)


def session(exchange, **options):
    http = HTTP(api_key=exchange.key, **{"api_secret": exchange.secret, "retry_codes": {0}, "max_retries": 1, **options})
    http.endpoint = exchange.url
    return http


def common_refusals(name, exchange, order, codes):
    """What every category refuses; `order` is good but for what each case changes."""
    http = session(exchange)
    refuses(f"{name}: unknown symbol", codes["symbol"], lambda: http.place_order(**{**order, "symbol": "NOPEUSD"}))
    refuses(f"{name}: too small", codes["small"], lambda: http.place_order(**{**order, "qty": codes["small_qty"]}))
    wallet = {"accountType": "UNIFIED"}
    refuses(f"{name}: bad signature", 10004, lambda: session(exchange, api_secret="wrong").get_wallet_balance(**wallet))


def through_linear(exchange):
    name, http = "pybit linear", session(exchange)
    asked = {"category": "linear", "symbol": "BTCUSDT"}
    rules = http.get_instruments_info(**asked)["result"]["list"][0]["lotSizeFilter"]
    check(f"{name}: instrument rules", rules["qtyStep"] == "0.001", rules)
    check(f"{name}: server time", abs(int(http.get_server_time()["result"]["timeSecond"]) - time.time()) < 5)
    ticker = http.get_tickers(**asked)["result"]["list"][0]
    check(f"{name}: ticker with funding", float(ticker["fundingRate"]) > 0, ticker)

    own = client_id("pybit")
    order = {**asked, "side": "Sell", "orderType": "Market", "qty": "0.01", "orderLinkId": own}
    acknowledged = http.place_order(**order)["result"]
    check(f"{name}: acknowledged with both ids", set(acknowledged) == {"orderId", "orderLinkId"}, acknowledged)
    found = http.get_open_orders(**asked, orderLinkId=own)["result"]["list"]
    check(f"{name}: found by client id, filled", [o["orderStatus"] for o in found] == ["Filled"], found)
    refuses(f"{name}: id taken after the fill too", 110072, lambda: http.place_order(**order))
    trades = http.get_executions(category="linear", orderLinkId=own)["result"]["list"]
    check(f"{name}: executions", sum(float(t["execQty"]) for t in trades) == 0.01, trades)
    position = http.get_positions(**asked)["result"]["list"][0]
    check(f"{name}: position", (position["side"], position["size"]) == ("Sell", "0.010"), position)
    http.place_order(**{**order, "side": "Buy", "orderLinkId": client_id("close"), "reduceOnly": True})
    position = http.get_positions(**asked)["result"]["list"][0]
    check(f"{name}: flat again", position["size"] == "0.000", position)

    crossing = client_id("maker")
    http.place_order(**{**order, "orderType": "Limit", "price": "64000", "timeInForce": "PostOnly", "orderLinkId": crossing})
    gone = http.get_order_history(category="linear", orderLinkId=crossing)["result"]["list"][0]
    check(f"{name}: crossing post-only is cancelled", (gone["orderStatus"], gone["rejectReason"]) == ("Cancelled", "EC_PostOnlyWillTakeLiquidity"), gone)
    wallet = http.get_wallet_balance(accountType="UNIFIED")["result"]["list"][0]
    check(f"{name}: wallet", float(wallet["totalEquity"]) > 0, wallet)
    common_refusals(name, exchange, {**order, "orderLinkId": client_id("bad")}, {"symbol": 10001, "small": 10001, "small_qty": "0.0001"})


def through_inverse(exchange):
    name, http = "pybit inverse", session(exchange)
    asked = {"category": "inverse", "symbol": "BTCUSD"}
    rules = http.get_instruments_info(**asked)["result"]["list"][0]
    check(f"{name}: settled in the base coin", (rules["contractType"], rules["settleCoin"]) == ("InversePerpetual", "BTC"), rules)
    own = client_id("pybit")
    order = {**asked, "side": "Buy", "orderType": "Market", "qty": "1000", "orderLinkId": own}
    http.place_order(**order)
    found = http.get_open_orders(**asked, orderLinkId=own)["result"]["list"][0]
    check(f"{name}: quantity in dollars, value in coins", found["cumExecQty"] == "1000" and 0.015 < float(found["cumExecValue"]) < 0.016, found)
    position = http.get_positions(**asked)["result"]["list"][0]
    check(f"{name}: position", (position["side"], position["size"]) == ("Buy", "1000"), position)
    refuses(f"{name}: id taken after the fill too", 110072, lambda: http.place_order(**order))
    http.place_order(**{**order, "side": "Sell", "orderLinkId": client_id("close"), "reduceOnly": True})
    check(f"{name}: flat again", http.get_positions(**asked)["result"]["list"][0]["size"] == "0")
    coins = [c["coin"] for c in http.get_wallet_balance(accountType="UNIFIED")["result"]["list"][0]["coin"]]
    check(f"{name}: wallet in coins", coins == ["BTC", "ETH"], coins)
    common_refusals(name, exchange, {**order, "orderLinkId": client_id("bad")}, {"symbol": 10001, "small": 10001, "small_qty": "0.5"})


def through_spot(exchange):
    name, http = "pybit spot", session(exchange)
    asked = {"category": "spot", "symbol": "BTCUSDT"}
    rules = http.get_instruments_info(**asked)["result"]["list"][0]["lotSizeFilter"]
    check(f"{name}: instrument rules", (rules["basePrecision"], rules["minOrderAmt"]) == ("0.000001", "5"), rules)
    ticker = http.get_tickers(**asked)["result"]["list"][0]
    check(f"{name}: ticker without funding", float(ticker["ask1Price"]) > 60000 and "fundingRate" not in ticker, ticker)
    own = client_id("pybit")
    order = {**asked, "side": "Buy", "orderType": "Market", "qty": "1000", "orderLinkId": own}
    http.place_order(**order)
    found = http.get_open_orders(**asked, orderLinkId=own)["result"]["list"][0]
    check(f"{name}: market buy counts quote", found["marketUnit"] == "quoteCoin" and 999 < float(found["cumExecValue"]) <= 1000, found)
    trades = http.get_executions(category="spot", orderLinkId=own)["result"]["list"]
    check(f"{name}: fee in the coin received", {t["feeCurrency"] for t in trades} == {"BTC"}, trades)
    refuses(f"{name}: id taken after the fill too", 170141, lambda: http.place_order(**order))
    http.place_order(**{**order, "side": "Sell", "qty": found["cumExecQty"], "orderLinkId": client_id("sell")})
    resting = {**order, "orderType": "Limit", "qty": "0.01", "price": "52000", "timeInForce": "PostOnly", "orderLinkId": client_id("rest")}
    placed = http.place_order(**resting)["result"]["orderId"]
    listed = [o["orderId"] for o in http.get_open_orders(**asked)["result"]["list"]]
    check(f"{name}: post-only 20 % away rests", listed == [placed], listed)
    wallet = http.get_wallet_balance(accountType="UNIFIED", coin="USDT")["result"]["list"][0]["coin"][0]
    check(f"{name}: locked", wallet["locked"] == "520", wallet)
    http.cancel_order(**asked, orderId=placed)
    check(f"{name}: cancelled", http.get_open_orders(**asked)["result"]["list"] == [])
    refuses(f"{name}: cancelled again", 170142, lambda: http.cancel_order(**asked, orderId=placed))
    common_refusals(name, exchange, {**order, "orderLinkId": client_id("bad")}, {"symbol": 170121, "small": 170140, "small_qty": "4"})
