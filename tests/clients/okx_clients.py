"""OKX swaps and spot through python-okx and ccxt."""

import time

import ccxt
import okx.Account as Account
import okx.MarketData as MarketData
import okx.PublicData as PublicData
import okx.Trade as Trade
from checks import check, raises

ADAPTERS = ("okx-swap", "okx-spot")


def drive(exchanges):
    swap, spot = (exchanges[adapter] for adapter in ADAPTERS)
    through_python_okx(swap, "BTC-USDT-SWAP", "1", "52000")
    through_python_okx(spot, "BTC-USDT", "0.01", "52000")
    through_ccxt(swap, "BTC/USDT:USDT", 1.0)
    through_ccxt(swap, "BTC/USD:BTC", 10.0)
    through_ccxt(spot, "BTC/USDT", 0.01)


def client_id(name):
    """Letters and digits only, as the venue wants them."""
    return f"{name}{time.time_ns() % 10**12}"


def through_python_okx(exchange, instrument, size, resting_price):
    adapter, key, secret = exchange.adapter, exchange.key, exchange.secret
    passphrase = exchange.demo["passphrase"]
    arguments = {"flag": "0", "domain": exchange.url}
    kind = "SPOT" if adapter == "okx-spot" else "SWAP"
    mode = "cash" if kind == "SPOT" else "cross"

    def claim(text):
        return f"python-okx {adapter}: {text}"

    public = PublicData.PublicAPI(**arguments)
    market = MarketData.MarketAPI(**arguments)
    account = Account.AccountAPI(key, secret, passphrase, **arguments)
    trade = Trade.TradeAPI(key, secret, passphrase, **arguments)

    now = int(public.get_system_time()["data"][0]["ts"])
    check(claim("server time"), abs(now - time.time() * 1000) < 5000, now)
    rules = public.get_instruments(instType=kind, instId=instrument)["data"][0]
    check(claim("instrument rules"), rules["state"] == "live" and float(rules["minSz"]) > 0, rules)
    ticker = market.get_ticker(instId=instrument)["data"][0]
    check(claim("ticker"), float(ticker["bidPx"]) < float(ticker["askPx"]), ticker)
    config = account.get_account_config()["data"][0]
    check(claim("position mode and account level"), (config["posMode"], config["acctLv"]) == ("net_mode", "2"), config)

    own = client_id("market")
    order = {"instId": instrument, "tdMode": mode, "side": "buy", "ordType": "market", "sz": size}
    if kind == "SPOT":
        order["tgtCcy"] = "base_ccy"
    placed = trade.place_order(**order, clOrdId=own)
    check(claim("market order acknowledged"), placed["data"][0]["sCode"] == "0", placed)
    found = trade.get_order(instId=instrument, clOrdId=own)["data"][0]
    check(claim("found by client id, filled"), (found["state"], found["accFillSz"]) == ("filled", size), found)
    fills = trade.get_fills(instType=kind, ordId=found["ordId"])["data"]
    check(claim("fills with fee"), sum(float(fill["fillSz"]) for fill in fills) == float(size) and float(fills[0]["fee"]) < 0, fills)
    if kind == "SWAP":
        held = account.get_positions(instType=kind, instId=instrument)["data"]
        check(claim("position"), [row["pos"] for row in held] == [size], held)
    back = float(size) * 0.99 if kind == "SPOT" else float(size)
    bid = market.get_ticker(instId=instrument)["data"][0]["bidPx"]
    closing = {**order, "side": "sell", "ordType": "ioc", "px": bid, "sz": str(back)}
    closing.pop("tgtCcy", None)
    if kind == "SWAP":
        closing["reduceOnly"] = "true"
    closed = trade.place_order(**closing)
    check(claim("IOC sells it again"), closed["data"][0]["sCode"] == "0", closed)

    rest = client_id("rest")
    maker = {**order, "ordType": "post_only", "px": resting_price, "clOrdId": rest}
    maker.pop("tgtCcy", None)
    check(claim("post-only 20 % away placed"), trade.place_order(**maker)["data"][0]["sCode"] == "0")
    pending = trade.get_order_list(instType=kind)["data"]
    check(claim("it rests"), [row["clOrdId"] for row in pending] == [rest], pending)
    again = trade.place_order(**maker)
    check(claim("duplicate id (51016)"), again["data"][0]["sCode"] == "51016", again)
    cancelled = trade.cancel_order(instId=instrument, clOrdId=rest)
    check(claim("cancelled"), cancelled["data"][0]["sCode"] == "0" and trade.get_order_list(instType=kind)["data"] == [], cancelled)
    again = trade.cancel_order(instId=instrument, clOrdId=rest)
    check(claim("cancelled once (51400)"), again["data"][0]["sCode"] == "51400", again)
    balance = account.get_account_balance(ccy="USDT")["data"][0]["details"][0]
    check(claim("balance"), float(balance["cashBal"]) > 0, balance)

    small = trade.place_order(**{**order, "sz": "0.000001"})
    check(claim("too small (51020)"), small["data"][0]["sCode"] == "51020", small)
    unknown = trade.place_order(**{**order, "instId": "NOPE-USDT-SWAP"})
    check(claim("unknown instrument (51001)"), unknown["data"][0]["sCode"] == "51001", unknown)
    wrong = Account.AccountAPI(key, "wrong", passphrase, **arguments).get_account_config()
    check(claim("bad signature (50113)"), wrong["code"] == "50113", wrong)
    wrong = Account.AccountAPI(key, secret, "wrong", **arguments).get_account_config()
    check(claim("bad passphrase (50105)"), wrong["code"] == "50105", wrong)


def ccxt_client(running, secret=None):
    passphrase = running.demo["passphrase"]
    exchange = ccxt.okx({"apiKey": running.key, "secret": secret or running.secret, "password": passphrase})
    exchange.urls["api"]["rest"] = running.url
    return exchange


def unlisted(exchange, symbol):
    """A market the library believes in and the exchange does not."""
    market = {**exchange.markets[symbol], "id": "NOPE-USDT", "symbol": "NOPE/USDT"}
    exchange.markets[market["symbol"]] = market
    exchange.markets_by_id[market["id"]] = [market]
    return market["symbol"]


def through_ccxt(running, symbol, amount):
    exchange, adapter = ccxt_client(running), running.adapter
    spot = adapter == "okx-spot"

    def claim(text):
        return f"ccxt {adapter} {symbol}: {text}"

    market = exchange.load_markets()[symbol]
    check(claim("markets load"), market["precision"]["price"] == 0.1 and market["contract"] is not spot, market["precision"])
    check(claim("time is now"), abs(exchange.fetch_time() - time.time() * 1000) < 5000)
    ticker = exchange.fetch_ticker(symbol)
    check(claim("ticker has a price"), 60000 < ticker["last"] < 70000, ticker)
    book = exchange.fetch_order_book(symbol, 5)
    bid, ask = book["bids"][0][0], book["asks"][0][0]
    check(claim("book is not crossed"), bid < ask, (bid, ask))
    if not spot:
        funding = exchange.fetch_funding_rate(symbol)
        check(claim("funding rate and time"), funding["fundingRate"] > 0 and funding["fundingTimestamp"] > time.time() * 1000, funding)

    bought = exchange.create_order(symbol, "market", "buy", amount, None, {"clientOrderId": client_id("market")})
    order = exchange.fetch_order(bought["id"], symbol)
    check(claim("market order fills"), order["status"] == "closed" and order["filled"] == amount and order["average"] > 0, order)
    trades = exchange.fetch_my_trades(symbol)
    check(claim("trade with fee"), any(t["order"] == bought["id"] and t["amount"] == amount and t["fee"]["cost"] > 0 for t in trades), trades)
    if spot:
        exchange.create_order(symbol, "limit", "sell", amount, bid, {"timeInForce": "IOC"})
    else:
        positions = exchange.fetch_positions([symbol])
        check(claim("position is long"), [(p["side"], p["contracts"]) for p in positions] == [("long", amount)], positions)
        sold = exchange.create_order(symbol, "limit", "sell", amount, bid, {"timeInForce": "IOC", "reduceOnly": True})
        order = exchange.fetch_order(sold["id"], symbol)
        check(claim("IOC reduce-only closes"), order["filled"] == amount, order)
        check(claim("position is flat"), exchange.fetch_positions([symbol]) == [])

    passive = round(bid * 0.8, 1)
    own = client_id("passive")
    resting = exchange.create_order(symbol, "limit", "buy", amount, passive, {"postOnly": True, "clientOrderId": own})
    listed = exchange.fetch_open_orders(symbol)
    check(claim("post-only 20 % away rests"), [o["id"] for o in listed] == [resting["id"]], listed)
    found = exchange.fetch_order(None, symbol, {"clientOrderId": own})
    check(claim("found by client id"), found["id"] == resting["id"] and found["status"] == "open", found)
    raises(claim("duplicate id"), 51016, lambda: exchange.create_order(symbol, "limit", "buy", amount, passive, {"clientOrderId": own}))
    exchange.cancel_order(resting["id"], symbol)
    check(claim("cancelled"), exchange.fetch_open_orders(symbol) == [])
    check(claim("balance in USDT"), exchange.fetch_balance()["USDT"]["total"] > 0)
    raises(claim("too small"), 51020, lambda: exchange.privatePostTradeOrder({"instId": market["id"], "tdMode": "cash" if spot else "cross", "side": "buy", "ordType": "limit", "px": str(passive), "sz": "0.000001"}))
    raises(claim("unknown symbol"), 51001, lambda: exchange.create_order(unlisted(exchange, symbol), "limit", "buy", amount, passive))
    raises(claim("bad signature"), 50113, ccxt_client(running, "wrong").fetch_balance)
    exchange.options["timeDifference"] = 40000
    raises(claim("stale timestamp"), 50102, exchange.fetch_balance)
