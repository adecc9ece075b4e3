"""OKX swaps and spot through python-okx and ccxt."""

import time
from unittest import mock

import ccxt
import okx.Account as Account
import okx.MarketData as MarketData
import okx.PublicData as PublicData
import okx.Trade as Trade
from ccxt_run import CcxtRun
from checks import SPOT, Through, is_now, passive_price

ADAPTERS = ("okx-swap", "okx-spot")


def drive(exchanges):
    swap, spot = (exchanges[adapter] for adapter in ADAPTERS)
    through_python_okx(swap, "BTC-USDT-SWAP", "1")
    through_python_okx(spot, "BTC-USDT", "0.01")
    codes = {"signature": 50113, "stale": 50102, "symbol": 51001, "small": 51020, "duplicate": 51016}
    OkxRun(swap, "BTC/USDT:USDT", 1, {"price": 0.1, "amount": 0.01}, codes).drive("linear")
    OkxRun(swap, "BTC/USD:BTC", 10, {"price": 0.1, "amount": 1}, codes, settle="BTC").drive("inverse")
    OkxRun(spot, "BTC/USDT", 0.01, {"price": 0.1, "amount": 1e-8}, codes).drive()


def client_id(name):
    """Letters and digits only, as the venue wants them."""
    return f"{name}{time.time_ns() % 10**12}"


class OkxRun(CcxtRun):
    def client(self, secret=None):
        running = self.running
        passphrase = running.demo["passphrase"]
        client = ccxt.okx({"apiKey": running.key, "secret": secret or running.secret, "password": passphrase})
        client.urls["api"]["rest"] = running.url
        return client

    def own_id(self, name):
        return client_id(name)

    def too_small(self):
        # The library's own rounding stops a size below one step; its raw method sends it.
        order = {"instId": self.market["id"], "tdMode": "cash" if self.market["spot"] else "cross", "side": "buy",
                 "ordType": "limit", "px": str(passive_price(self.bid)), "sz": "0.000001"}
        return self.exchange.privatePostTradeOrder(order)


class PythonOkx:
    """One instrument through python-okx, which answers with codes and never raises."""

    def __init__(self, exchange, instrument, size):
        self.exchange, self.instrument, self.size = exchange, instrument, size
        self.spot = exchange.adapter == "okx-spot"
        self.kind, mode = ("SPOT", "cash") if self.spot else ("SWAP", "cross")
        self.order = {"instId": instrument, "tdMode": mode, "sz": size}
        self.public = PublicData.PublicAPI(flag="0", domain=exchange.url)
        self.market = MarketData.MarketAPI(flag="0", domain=exchange.url)
        self.account = self.session(Account.AccountAPI)
        self.trade = self.session(Trade.TradeAPI)

    def session(self, kind, secret=None, passphrase=None):
        demo = self.exchange.demo
        return kind(demo["key"], secret or demo["secret"], passphrase or demo["passphrase"], flag="0", domain=self.exchange.url)

    def fetched(self, own):
        return self.trade.get_order(instId=self.instrument, clOrdId=own)

    def pending(self):
        return [row["clOrdId"] for row in self.trade.get_order_list(instType=self.kind)["data"]]

    def held(self):
        rows = self.account.get_positions(instType=self.kind, instId=self.instrument)["data"]
        return [row["pos"] for row in rows if float(row["pos"])]


def answers(via, claim, code, answer):
    """The answer carries the code: that of the order where it is about one, else its own."""
    rows = answer["data"]
    seen = rows[0]["sCode"] if rows and "sCode" in rows[0] else answer["code"]
    via.check(f"{claim}: {code}" if code != 0 else claim, seen == str(code), answer)


def through_python_okx(exchange, instrument, size):
    okx = PythonOkx(exchange, instrument, size)
    with Through("python-okx", exchange.adapter) as via:
        via.check("server time", is_now(okx.public.get_system_time()["data"][0]["ts"]))
        rules = okx.public.get_instruments(instType=okx.kind, instId=instrument)["data"][0]
        via.check("load markets: live, with a smallest size", rules["state"] == "live" and float(rules["minSz"]) > 0, rules)
        ticker = okx.market.get_ticker(instId=instrument)["data"][0]
        via.check("ticker", 60000 < float(ticker["bidPx"]) < float(ticker["askPx"]) < 70000, ticker)
        config = okx.account.get_account_config()["data"][0]
        via.check("position mode and account level", (config["posMode"], config["acctLv"]) == ("net_mode", "2"), config)
        balance = okx.account.get_account_balance(ccy="USDT")["data"][0]["details"][0]
        via.check("balances", float(balance["cashBal"]) > 0, balance)
        fills(via, okx, ticker["bidPx"])
        resting_order(via, okx, str(passive_price(ticker["bidPx"])))
        refusals(via, okx, str(passive_price(ticker["bidPx"])))


def fills(via, okx, bid):
    own, sold = client_id("market"), client_id("ioc")
    unit = {"tgtCcy": "base_ccy"} if okx.spot else {}
    answers(via, "market order: acknowledged", 0, okx.trade.place_order(**okx.order, **unit, side="buy", ordType="market", clOrdId=own))
    found = okx.fetched(own)["data"][0]
    via.check("market order: fills whole", (found["state"], found["accFillSz"]) == ("filled", okx.size), found)
    trades = okx.trade.get_fills(instType=okx.kind, ordId=found["ordId"])["data"]
    whole = sum(float(trade["fillSz"]) for trade in trades) == float(okx.size)
    via.check("trades: sum to the order, with fees", whole and all(float(trade["fee"]) < 0 for trade in trades), trades)
    if okx.spot:
        via.absent("positions", SPOT)
    else:
        via.check(f"positions: long {okx.size}", okx.held() == [okx.size], okx.held())
    closing = {} if okx.spot else {"reduceOnly": "true"}
    answers(via, "limit IOC: acknowledged", 0, okx.trade.place_order(**okx.order, **closing, side="sell", ordType="ioc", px=bid, clOrdId=sold))
    found = okx.fetched(sold)["data"][0]
    via.check("limit IOC: fills whole", (found["state"], found["accFillSz"]) == ("filled", okx.size), found)
    if not okx.spot:
        via.check("positions: flat again", okx.held() == [], okx.held())


def resting_order(via, okx, price):
    own = client_id("rests")
    maker = {**okx.order, "side": "buy", "ordType": "post_only", "px": price, "clOrdId": own}
    placed = okx.trade.place_order(**maker)["data"][0]
    found = okx.fetched(own)["data"][0]
    via.check("query by client id: its order", (found["clOrdId"], found["ordId"]) == (own, placed["ordId"]), found)
    answers(via, "query by client id: no order of another", 51603, okx.fetched(client_id("nobody")))
    via.check("post-only rests: 20 % from the market", (found["state"], float(found["accFillSz"])) == ("live", 0), found)
    via.check("open orders: it alone", okx.pending() == [own], okx.pending())
    answers(via, "duplicate id", 51016, okx.trade.place_order(**maker))
    answers(via, "cancel: acknowledged", 0, okx.trade.cancel_order(instId=okx.instrument, clOrdId=own))
    via.check("cancel: nothing is open", okx.pending() == [], okx.pending())
    found = okx.fetched(own)["data"][0]
    via.check("cancel: the order says so", found["state"] == "canceled", found)
    answers(via, "cancelled once", 51400, okx.trade.cancel_order(instId=okx.instrument, clOrdId=own))
    answers(via, "duplicate id: free again once its order is closed", 0, okx.trade.place_order(**maker))
    okx.trade.cancel_order(instId=okx.instrument, clOrdId=own)


def refusals(via, okx, price):
    order = {**okx.order, "side": "buy", "ordType": "limit", "px": price}
    answers(via, "too small", 51020, okx.trade.place_order(**{**order, "sz": "0.000001"}))
    answers(via, "unknown symbol", 51001, okx.trade.place_order(**{**order, "instId": f"NOPE{okx.instrument[3:]}"}))
    answers(via, "bad signature", 50113, okx.session(Account.AccountAPI, secret="wrong").get_account_config())
    answers(via, "bad passphrase", 50105, okx.session(Account.AccountAPI, passphrase="wrong").get_account_config())
    # The library reads its clock here, as a date: one minute more than the venue lets pass.
    with mock.patch("okx.utils.get_timestamp", lambda: time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime(time.time() - 90))):
        answers(via, "stale timestamp", 50102, okx.account.get_account_config())
