"""Binance spot, USDⓈ-M and COIN-M through ccxt and python-binance."""

import urllib.error
import urllib.request

import ccxt
from binance.client import Client
from binance.exceptions import BinanceAPIException
from checks import Scenario, ccxt_scenario, check, client_id, raises

ADAPTERS = ("binance-usdm", "binance-spot", "binance-coinm")


def drive(exchanges):
    usdm, spot, coinm = (exchanges[adapter] for adapter in ADAPTERS)
    through_usdm(usdm)
    through_spot(spot)
    through_coinm(coinm)
    futures = {"duplicate": -4116, "signature": -1022, "symbol": -1121, "stale": -1021}
    ccxt_scenario(
        Scenario("binance-usdm", ccxt_client(ccxt.binanceusdm, usdm), ccxt_client(ccxt.binanceusdm, usdm, "wrong"),
                 "BTC/USDT:USDT", 0.01, {"price": 0.1, "amount": 0.001}, {**futures, "small": -4164}, small=0.001))
    ccxt_scenario(
        Scenario("binance-spot", ccxt_client(ccxt.binance, spot), ccxt_client(ccxt.binance, spot, "wrong"),
                 "BTC/USDT", 0.01, {"price": 0.01, "amount": 0.00001},
                 {**futures, "duplicate": -2010, "small": -1013}, small=0.00005))
    ccxt_scenario(
        Scenario("binance-coinm", ccxt_client(ccxt.binancecoinm, coinm), ccxt_client(ccxt.binancecoinm, coinm, "wrong"),
                 "BTC/USD:BTC", 10, {"price": 0.1, "amount": 1}, futures, settle="BTC"))


def ccxt_client(kind, exchange, secret=None):
    prefix, product = {
        "binance-usdm": ("fapi", "linear"), "binance-spot": ("api", "spot"), "binance-coinm": ("dapi", "inverse"),
    }[exchange.adapter]
    options = {"fetchCurrencies": False, "fetchMargins": False, "fetchMarkets": {"types": [product]}}
    client = kind({"apiKey": exchange.key, "secret": secret or exchange.secret, "options": options})
    for name, address in client.urls["api"].items():
        # Other products stay unanswered; nothing may reach the real venue.
        served = f"{prefix}/" + address.rsplit("/", 1)[1] if f"/{prefix}/" in address else "unserved"
        client.urls["api"][name] = f"{exchange.url}/{served}"
    return client


def refuses(claim, code, call):
    raises(claim, code, call, BinanceAPIException)


def session(exchange, secret=None):
    client = Client(exchange.key, secret or exchange.secret, ping=False)
    client.API_URL = f"{exchange.url}/api"
    client.FUTURES_URL = f"{exchange.url}/fapi"
    client.FUTURES_COIN_URL = f"{exchange.url}/dapi"
    return client


def late(exchange):
    client = session(exchange)
    client.timestamp_offset = -120000
    return client


def through_usdm(exchange):
    client = session(exchange)
    check("python-binance usdm: time", client.futures_time()["serverTime"] > 0)
    symbols = [s["symbol"] for s in client.futures_exchange_info()["symbols"]]
    check("python-binance usdm: symbols", symbols == ["BTCUSDT", "ETHUSDT"], symbols)
    check("python-binance usdm: mark and funding", float(client.futures_mark_price(symbol="BTCUSDT")["lastFundingRate"]) > 0)
    own = client_id("pb")
    order = {"symbol": "BTCUSDT", "side": "BUY", "type": "MARKET", "quantity": "0.01"}
    placed = client.futures_create_order(**order, newClientOrderId=own, newOrderRespType="RESULT")
    check("python-binance usdm: RESULT without average price", placed["status"] == "FILLED" and "avgPrice" not in placed, placed)
    found = client.futures_get_order(symbol="BTCUSDT", origClientOrderId=own)
    check("python-binance usdm: found by client id with average price", float(found["avgPrice"]) > 0, found)
    trades = client.futures_account_trades(symbol="BTCUSDT", orderId=placed["orderId"])
    check("python-binance usdm: trades", sum(float(t["qty"]) for t in trades) == 0.01, trades)
    positions = client.futures_position_information()
    check("python-binance usdm: position", [p["positionAmt"] for p in positions] == ["0.010"], positions)
    client.futures_create_order(**{**order, "side": "SELL", "reduceOnly": "true"})
    check("python-binance usdm: flat", client.futures_position_information() == [])
    check("python-binance usdm: balance", float(client.futures_account_balance()[0]["balance"]) > 0)
    check("python-binance usdm: one-way mode", client.futures_get_position_mode() == {"dualSidePosition": False})
    limit = {"symbol": "BTCUSDT", "side": "SELL", "type": "LIMIT", "timeInForce": "GTX", "quantity": "0.01"}
    resting = client.futures_create_order(**limit, price="78000")
    check("python-binance usdm: open orders", [o["orderId"] for o in client.futures_get_open_orders()] == [resting["orderId"]])
    check("python-binance usdm: cancelled", client.futures_cancel_order(symbol="BTCUSDT", orderId=resting["orderId"])["status"] == "CANCELED")

    refuses("python-binance usdm: post-only that would take", -5022, lambda: client.futures_create_order(**limit, price="64000"))
    refuses("python-binance usdm: unknown symbol", -1121, lambda: client.futures_create_order(**{**order, "symbol": "NOPEUSDT"}))
    refuses("python-binance usdm: too small", -4164, lambda: client.futures_create_order(**{**order, "quantity": "0.001"}))
    refuses("python-binance usdm: too precise", -1111, lambda: client.futures_create_order(**{**order, "quantity": "0.0001"}))
    refuses("python-binance usdm: reduce-only without position", -2022, lambda: client.futures_create_order(**order, reduceOnly="true"))
    refuses("python-binance usdm: bad signature", -1022, lambda: session(exchange, "wrong").futures_account_balance())
    refuses("python-binance usdm: stale timestamp", -1021, late(exchange).futures_account_balance)
    try:
        urllib.request.urlopen(f"{exchange.url}/fapi/v1/nothing")
    except urllib.error.HTTPError as error:
        check("plain HTTP: unknown path", error.code == 404 and b"-5000" in error.read())


def through_spot(exchange):
    client = session(exchange)
    check("python-binance spot: time", client.get_server_time()["serverTime"] > 0)
    symbols = [s["symbol"] for s in client.get_exchange_info()["symbols"]]
    check("python-binance spot: symbols", symbols == ["BTCUSDT", "ETHBTC", "ETHUSDT"], symbols)
    check("python-binance spot: ticker", float(client.get_orderbook_ticker(symbol="BTCUSDT")["askPrice"]) > 60000)
    own = client_id("pb")
    before = float(client.get_asset_balance(asset="BTC")["free"])
    bought = client.order_market_buy(symbol="BTCUSDT", quoteOrderQty="1000", newClientOrderId=own)
    spent = float(bought["cummulativeQuoteQty"])
    check("python-binance spot: market buy for quote", bought["status"] == "FILLED" and 999 < spent <= 1000, bought)
    fee = sum(float(f["commission"]) for f in bought["fills"] if f["commissionAsset"] == "BTC")
    after = float(client.get_asset_balance(asset="BTC")["free"])
    check("python-binance spot: received less the fee", abs(after - before - float(bought["executedQty"]) + fee) < 1e-9, (before, after, fee))
    found = client.get_order(symbol="BTCUSDT", origClientOrderId=own)
    check("python-binance spot: found by client id", found["orderId"] == bought["orderId"], found)
    trades = client.get_my_trades(symbol="BTCUSDT", orderId=bought["orderId"])
    check("python-binance spot: trades", [t["commissionAsset"] for t in trades] == ["BTC"], trades)
    sold = client.order_market_sell(symbol="BTCUSDT", quantity=bought["executedQty"])
    check("python-binance spot: sold again", sold["status"] == "FILLED" and sold["fills"][0]["commissionAsset"] == "USDT", sold)
    resting = client.create_order(symbol="BTCUSDT", side="BUY", type="LIMIT_MAKER", quantity="0.01", price="52000")
    check("python-binance spot: locked", float(client.get_asset_balance(asset="USDT")["locked"]) == 520)
    check("python-binance spot: open orders", [o["orderId"] for o in client.get_open_orders()] == [resting["orderId"]])
    check("python-binance spot: cancelled", client.cancel_order(symbol="BTCUSDT", orderId=resting["orderId"])["status"] == "CANCELED")

    market = {"symbol": "BTCUSDT", "side": "BUY", "type": "MARKET"}
    refuses("python-binance spot: post-only that would take", -2010, lambda: client.create_order(symbol="BTCUSDT", side="BUY", type="LIMIT_MAKER", quantity="0.01", price="66000"))
    refuses("python-binance spot: unknown symbol", -1121, lambda: client.create_order(**{**market, "symbol": "NOPEUSDT"}, quantity="1"))
    refuses("python-binance spot: too small", "Filter failure: NOTIONAL", lambda: client.create_order(**market, quantity="0.00005"))
    refuses("python-binance spot: insufficient balance", "insufficient balance", lambda: client.create_order(**market, quantity="50"))
    refuses("python-binance spot: bad signature", -1022, session(exchange, "wrong").get_account)
    refuses("python-binance spot: stale timestamp", -1021, late(exchange).get_account)


def through_coinm(exchange):
    client = session(exchange)
    check("python-binance coinm: time", client.futures_coin_time()["serverTime"] > 0)
    sizes = {s["symbol"]: s["contractSize"] for s in client.futures_coin_exchange_info()["symbols"]}
    check("python-binance coinm: contract sizes", sizes == {"BTCUSD_PERP": 100, "ETHUSD_PERP": 10}, sizes)
    check("python-binance coinm: mark and funding", float(client.futures_coin_mark_price(symbol="BTCUSD_PERP")[0]["lastFundingRate"]) > 0)
    own = client_id("pb")
    order = {"symbol": "BTCUSD_PERP", "side": "BUY", "type": "MARKET", "quantity": "10"}
    placed = client.futures_coin_create_order(**order, newClientOrderId=own, newOrderRespType="RESULT")
    check("python-binance coinm: filled", placed["status"] == "FILLED" and placed["executedQty"] == "10", placed)
    found = client.futures_coin_get_order(symbol="BTCUSD_PERP", origClientOrderId=own)
    check("python-binance coinm: found by client id, value in base", 0.015 < float(found["cumBase"]) < 0.016, found)
    trades = client.futures_coin_account_trades(symbol="BTCUSD_PERP", orderId=placed["orderId"])
    check("python-binance coinm: fee in base", [t["commissionAsset"] for t in trades] == ["BTC"], trades)
    held = [p["positionAmt"] for p in client.futures_coin_position_information(pair="BTCUSD")]
    check("python-binance coinm: position in contracts", held == ["10"], held)
    client.futures_coin_create_order(**{**order, "side": "SELL", "reduceOnly": "true"})
    held = [p["positionAmt"] for p in client.futures_coin_position_information(pair="BTCUSD")]
    check("python-binance coinm: flat", held == ["0"], held)
    balances = {b["asset"]: float(b["balance"]) for b in client.futures_coin_account_balance()}
    check("python-binance coinm: balances", balances["BTC"] > 0 and balances["ETH"] > 0, balances)

    refuses("python-binance coinm: unknown symbol", -1121, lambda: client.futures_coin_create_order(**{**order, "symbol": "NOPE_PERP"}))
    refuses("python-binance coinm: not a whole contract", -1111, lambda: client.futures_coin_create_order(**{**order, "quantity": "0.5"}))
    refuses("python-binance coinm: too small", -4003, lambda: client.futures_coin_create_order(**{**order, "quantity": "0"}))
    refuses("python-binance coinm: bad signature", -1022, session(exchange, "wrong").futures_coin_account_balance)
    refuses("python-binance coinm: stale timestamp", -1021, late(exchange).futures_coin_account_balance)
