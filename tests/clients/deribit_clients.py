"""Deribit through ccxt, and its tokens through plain HTTP. The venue has no library of its own to drive."""

import json
import urllib.error
import urllib.request

import ccxt
from ccxt_run import CcxtRun
from checks import Claims

ADAPTERS = ("deribit",)


def drive(exchanges):
    running = exchanges["deribit"]
    tokens(running)
    codes = {"signature": 13009, "stale": 13009, "symbol": 13020, "small": 10002}
    DeribitRun(running, "BTC/USD:BTC", 100.0, {"price": 0.5, "amount": 10}, codes, settle="BTC").drive("inverse")
    DeribitRun(running, "BTC/USDC:USDC", 0.01, {"price": 0.5, "amount": 0.001}, codes, settle="USDC").drive("linear")
    one_option(running)


def ccxt_client(running, secret=None):
    client = ccxt.deribit({"apiKey": running.key, "secret": secret or running.secret})
    client.urls["api"]["rest"] = running.url
    return client


class DeribitRun(CcxtRun):
    own_name = "label"
    # It is paid all the time.
    funding_is_due = False

    def client(self, secret=None):
        return ccxt_client(self.running, secret)

    def own_of(self, order):
        return order["info"]["label"]

    def found(self, own):
        asked = {"currency": self.settle, "label": own}
        return [row["order_id"] for row in self.exchange.privateGetGetOrderStateByLabel(asked)["result"]]

    def duplicate(self, via, own, resting):
        """A label is no key: the venue takes it again and finds both orders by it."""
        second = self.rested(own)
        via.check("duplicate id: makes a second order, both found", sorted(self.found(own)) == sorted({resting, second}), second)

    def too_small(self):
        # The library's own rounding stops an amount below one step; its raw method sends it.
        return self.exchange.privateGetBuy({"instrument_name": self.market["id"], "type": "market", "amount": "0.0000001"})

    def extra(self, via):
        bought = self.placed("market", "buy", self.amount)
        whole = (bought["status"], bought["filled"]) == ("closed", self.amount)
        via.check("market order: is answered with its fill", whole and bought["average"] > 0, bought)
        self.placed("market", "sell", self.amount, reduceOnly=True)
        resting = self.rested("once")
        self.exchange.cancel_order(resting, self.symbol)
        via.raises("cancelled once", 11044, lambda: self.exchange.cancel_order(resting, self.symbol))
        via.raises("post-only that would take", 11054, lambda: self.placed("limit", "buy", self.amount, self.ask, postOnly=True))
        via.raises("past its valid_until", 13888, lambda: self.placed("market", "buy", self.amount, valid_until=1))


def one_option(running):
    exchange = ccxt_client(running)
    with Claims("ccxt", "deribit", "option", (ccxt.BaseError,)) as via:
        markets = [m for m in exchange.load_markets().values() if m["option"]]
        via.check("one is listed", [m["strike"] for m in markets] == [65000.0], markets)
        bought = exchange.create_order(markets[0]["symbol"], "market", "buy", 0.1)
        via.check("it fills", bought["filled"] == 0.1 and bought["average"] < 1, bought)
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
    with Claims("plain HTTP", "deribit") as via:
        first = call(url, "public/auth", credentials)["result"]
        summary = call(url, "private/get_account_summary", {"currency": "BTC"}, first["access_token"])
        via.check("a token opens private methods", float(summary["result"]["balance"]) > 0, summary)
        renewed = call(url, "public/auth", {"grant_type": "refresh_token", "refresh_token": first["refresh_token"]})["result"]
        gone = call(url, "private/get_account_summary", {"currency": "BTC"}, first["access_token"])
        replaced = renewed["access_token"] != first["access_token"] and gone["error"]["code"] == 13009
        via.check("a refreshed token replaces the old one (13009)", replaced, gone)
        wrong = call(url, "public/auth", {**credentials, "client_secret": "wrong"})
        via.check("wrong credentials (13004)", wrong["error"]["code"] == 13004, wrong)
        none = call(url, "private/get_account_summary", {"currency": "BTC"})
        via.check("no token (10000)", none["error"]["code"] == 10000, none)
