"""Coinbase through coinbase-advanced-py and ccxt.

The official library speaks HTTPS to its host name only, so its session is told where that host is.
"""

import base64
import logging
import os
import time
import uuid
from urllib.parse import urlsplit, urlunsplit

import ccxt
import requests
from ccxt_run import CcxtRun
from checks import SPOT, Through, clock_put_back, is_now, passive_price
from coinbase.rest import RESTClient
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from requests.adapters import HTTPAdapter

ADAPTERS = ("coinbase",)

# The documented Ed25519 key of the simulated exchange: the seed of bytes 0 to 31.
ED_KEY = "demo-ed-key-coinbase"
ED_SECRET = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
LISTING_ONLY = "the venue finds by its own id only; its listing carries the client's"


def drive(exchanges):
    running = exchanges["coinbase"]
    # The official client logs every refusal that is asked for here.
    logging.getLogger("coinbase.RESTClient").setLevel(logging.CRITICAL)
    through_the_official_client("ES256", Access(running.url, running.key, running.secret, other_ec_key()))
    through_the_official_client("Ed25519", Access(running.url, ED_KEY, ED_SECRET, base64.b64encode(os.urandom(32)).decode()))
    codes = {"signature": 401, "stale": 401, "symbol": "INVALID_PRODUCT_ID", "small": "PREVIEW_INVALID_QUOTE_SIZE_TOO_SMALL"}
    CoinbaseRun(running, "BTC/USD", 0.01, {"price": 0.01, "amount": 1e-8}, codes, settle="USD").drive()


def other_ec_key():
    """A key as good as the right one, which the exchange does not know."""
    key = ec.generate_private_key(ec.SECP256R1())
    return key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption()).decode()


class CoinbaseRun(CcxtRun):
    # The library's own name for it is dropped on the way.
    own_name = "client_order_id"

    def client(self, secret=None):
        client = ccxt.coinbase({"apiKey": self.running.key, "secret": secret or self.running.secret})
        client.urls["api"]["rest"] = self.running.url
        return client

    def wrong_secret(self):
        return other_ec_key()

    def own_id(self, name):
        return str(uuid.uuid4())

    def bought(self, via):
        """The library buys for quote, which pays the fee too."""
        placed = self.placed("market", "buy", self.amount, self.ask, own=self.own_id("market"))
        order = self.fetched(placed["id"])
        via.check("market order: a buy for quote fills", order["status"] == "closed" and 0.98 * self.amount < order["filled"] < self.amount, order)
        return placed["id"], order["filled"]

    def query(self, via, own, resting):
        via.absent("query by client id", LISTING_ONLY)

    def duplicate(self, via, own, resting):
        via.check("duplicate id: echoes the first order", self.rested(own) == resting, resting)
        via.check("duplicate id: no second order", self.listed() == [resting], self.listed())

    def too_small(self):
        return self.placed("limit", "buy", 1e-8, passive_price(self.bid))

    def extra(self, via):
        free = self.exchange.fetch_balance({"v3": True})["USD"]
        via.check("balances: free USD", free["free"] > 0, free)
        via.raises("insufficient funds", "PREVIEW_INSUFFICIENT_FUND", lambda: self.placed("limit", "sell", 1000, self.bid))
        other = self.client()
        other.apiKey = "other"
        via.raises("unknown key name", 401, other.fetch_balance)


class Elsewhere(HTTPAdapter):
    """Sends what is meant for the venue's host to another address, as a hosts file and a TLS proxy would."""

    def __init__(self, url):
        super().__init__()
        self.place = urlsplit(url)

    def send(self, request, **kwargs):
        # The venue takes ten public requests a second.
        time.sleep(0.1)
        asked = urlsplit(request.url)
        request.url = urlunsplit((self.place.scheme, self.place.netloc, asked.path, asked.query, ""))
        return super().send(request, **kwargs)


class Access:
    """The exchange through the official client, with the right key and secret or others."""

    def __init__(self, url, key, secret, wrong):
        self.url, self.key, self.secret, self.wrong = url, key, secret, wrong

    def client(self, **other):
        client = RESTClient(**{"api_key": self.key, "api_secret": self.secret, **other})
        client.session.mount("https://", Elsewhere(self.url))
        return client


def own_id():
    return str(uuid.uuid4())


def placed_id(answer):
    return answer["success_response"]["order_id"]


def through_the_official_client(algorithm, access):
    client = access.client()
    with Through("coinbase-advanced-py", "coinbase", algorithm, (requests.exceptions.HTTPError,)) as via:
        via.check("server time", is_now(client.get_unix_time()["epoch_millis"]))
        products = [product["product_id"] for product in client.get_products()["products"]]
        via.check("load markets: every product", products == ["BTC-USD", "BTC-USDC", "ETH-USD", "ETH-USDC"], products)
        rules = client.get_product("BTC-USD")
        via.check("load markets: tick and step", (rules["base_increment"], rules["price_increment"]) == ("0.00000001", "0.01"), rules)
        best = client.get_best_bid_ask(["BTC-USD"])["pricebooks"][0]
        bid, ask = best["bids"][0]["price"], best["asks"][0]["price"]
        via.check("ticker", 60000 < float(bid) < float(ask) < 70000, best)
        usd = [a for a in client.get_accounts()["accounts"] if a["currency"] == "USD"][0]
        via.check("balances: USD", float(usd["available_balance"]["value"]) > 0, usd)
        via.absent("positions", SPOT)
        fills(via, client, bid)
        resting_order(via, client, bid)
        refusals(via, client, bid, ask)
        strangers(via, access)


def fills(via, client, bid):
    own = own_id()
    bought = client.market_order_buy(own, "BTC-USD", base_size="0.01")
    order = client.get_order(placed_id(bought))["order"]
    via.check("market order: fills whole", (order["status"], order["filled_size"], order["client_order_id"]) == ("FILLED", "0.01", own), order)
    trades = client.get_fills(order_ids=[placed_id(bought)])["fills"]
    whole = sum(float(t["size"]) for t in trades) == 0.01
    via.check("trades: sum to the order, with fees", whole and all(float(t["commission"]) > 0 for t in trades), trades)
    again = client.market_order_sell(own, "BTC-USD", base_size="0.5")
    via.check("duplicate id: echoes the first order, filled too", (again["success"], placed_id(again)) == (True, placed_id(bought)), again)
    sold = client.limit_order_ioc_sell(own_id(), "BTC-USD", "0.01", bid)
    order = client.get_order(placed_id(sold))["order"]
    via.check("limit IOC: fills whole", (order["status"], order["filled_size"]) == ("FILLED", "0.01"), order)
    spent = client.market_order_buy(own_id(), "BTC-USD", quote_size="100")
    order = client.get_order(placed_id(spent))["order"]
    via.check("market order: a buy for quote spends no more", 99 < float(order["total_value_after_fees"]) <= 100, order)


def resting_order(via, client, bid):
    own = own_id()

    def listed():
        rows = client.list_orders(product_ids=["BTC-USD"], order_status=["OPEN"])["orders"]
        return [(row["order_id"], row["client_order_id"]) for row in rows]

    def rested():
        return placed_id(client.limit_order_gtc_buy(own, "BTC-USD", "0.01", str(passive_price(bid)), post_only=True))

    resting = rested()
    order = client.get_order(resting)["order"]
    via.check("post-only rests: 20 % from the market", (order["status"], float(order["filled_size"])) == ("OPEN", 0), order)
    via.check("open orders: it alone, with its client id", listed() == [(resting, own)], listed())
    via.absent("query by client id", LISTING_ONLY)
    via.check("duplicate id: echoes the first order, and there is no second", (rested(), listed()) == (resting, [(resting, own)]), listed())
    results = client.cancel_orders([resting, "unknown"])["results"]
    via.check("cancel: it is, and the unknown is not", [r["success"] for r in results] == [True, False], results)
    order = client.get_order(resting)["order"]
    via.check("cancel: the order says so", (order["status"], listed()) == ("CANCELLED", []), order)


def refusals(via, client, bid, ask):
    def refused(claim, code, answer, field="error"):
        via.check(f"{claim}: {code}", not answer["success"] and answer["error_response"][field] == code, answer)

    refused("post-only that would take", "INVALID_LIMIT_PRICE_POST_ONLY",
            client.limit_order_gtc_buy(own_id(), "BTC-USD", "0.01", ask, post_only=True))
    refused("too small", "PREVIEW_INVALID_QUOTE_SIZE_TOO_SMALL",
            client.market_order_buy(own_id(), "BTC-USD", base_size="0.00000001"), "preview_failure_reason")
    refused("insufficient funds", "INSUFFICIENT_FUND", client.market_order_sell(own_id(), "BTC-USD", base_size="1000"))
    refused("unknown symbol", "INVALID_PRODUCT_ID", client.market_order_buy(own_id(), "NOPE-USD", base_size="1"))
    via.raises("unknown order", 404, lambda: client.get_order("nowhere"))


def strangers(via, access):
    """Requests that the venue must not know anybody by."""
    via.raises("bad signature", 401, access.client(api_secret=access.wrong).get_accounts)
    via.raises("unknown key name", 401, access.client(api_key="other").get_accounts)
    with clock_put_back():
        via.raises("stale timestamp", 401, access.client().get_accounts)
