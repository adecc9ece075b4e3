"""Coinbase through coinbase-advanced-py and ccxt.

The official library speaks HTTPS to its host name only, so its session is told where that host is.
"""

import logging
import time
import uuid
from urllib.parse import urlsplit, urlunsplit

import ccxt
import requests
from checks import check, raises
from coinbase import jwt_generator
from coinbase.rest import RESTClient
from requests.adapters import HTTPAdapter

ADAPTERS = ("coinbase",)

# The documented Ed25519 key of the simulated exchange: the seed of bytes 0 to 31.
ED_KEY = "demo-ed-key-coinbase"
ED_SECRET = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="


def drive(exchanges):
    running = exchanges["coinbase"]
    # The official client logs every refusal that is asked for here.
    logging.getLogger("coinbase.RESTClient").setLevel(logging.CRITICAL)
    through_the_official_client(running.url, running.key, running.secret)
    through_the_official_client(running.url, ED_KEY, ED_SECRET)
    stale(running)
    through_ccxt(running)


def status_of(call):
    """The HTTP status of a request that fails, with the text of its answer."""
    try:
        return 200, call()
    except requests.exceptions.HTTPError as error:
        return error.response.status_code, error.response.text


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


def official(url, key, secret):
    client = RESTClient(api_key=key, api_secret=secret)
    client.session.mount("https://", Elsewhere(url))
    return client


def through_the_official_client(url, key, secret):
    client = official(url, key, secret)

    def claim(text):
        return f"coinbase-advanced-py {key}: {text}"

    now = int(client.get_unix_time()["epoch_millis"])
    check(claim("server time"), abs(now - time.time() * 1000) < 5000, now)
    products = [product["product_id"] for product in client.get_products()["products"]]
    check(claim("products"), products == ["BTC-USD", "BTC-USDC", "ETH-USD", "ETH-USDC"], products)
    rules = client.get_product("BTC-USD")
    check(claim("product rules"), (rules["base_increment"], rules["price_increment"]) == ("0.00000001", "0.01"), rules)
    best = client.get_best_bid_ask(["BTC-USD"])["pricebooks"][0]
    bid, ask = best["bids"][0]["price"], best["asks"][0]["price"]
    check(claim("book is not crossed"), float(bid) < float(ask), best)
    usd = [a for a in client.get_accounts()["accounts"] if a["currency"] == "USD"][0]
    check(claim("balances"), float(usd["available_balance"]["value"]) > 0, usd)

    own = str(uuid.uuid4())
    bought = client.market_order_buy(own, "BTC-USD", base_size="0.01")
    check(claim("market order acknowledged"), bought["success"] is True, bought)
    order_id = bought["success_response"]["order_id"]
    order = client.get_order(order_id)["order"]
    check(claim("found by id, filled"), (order["status"], order["filled_size"], order["client_order_id"]) == ("FILLED", "0.01", own), order)
    fills = client.get_fills(order_ids=[order_id])["fills"]
    check(claim("fills with commission"), sum(float(f["size"]) for f in fills) == 0.01 and float(fills[0]["commission"]) > 0, fills)
    again = client.market_order_sell(own, "BTC-USD", base_size="0.5")
    check(claim("duplicate id echoes the first order"), again["success"] is True and again["success_response"]["order_id"] == order_id, again)
    sold = client.limit_order_ioc_sell(str(uuid.uuid4()), "BTC-USD", "0.01", bid)
    check(claim("IOC sells it again"), client.get_order(sold["success_response"]["order_id"])["order"]["status"] == "FILLED", sold)
    spent = client.market_order_buy(str(uuid.uuid4()), "BTC-USD", quote_size="100")
    order = client.get_order(spent["success_response"]["order_id"])["order"]
    check(claim("a buy by quote spends no more"), float(order["total_value_after_fees"]) <= 100, order)

    passive = str(round(float(bid) * 0.8, 2))
    rest = client.limit_order_gtc_buy(str(uuid.uuid4()), "BTC-USD", "0.01", passive, post_only=True)
    rest_id = rest["success_response"]["order_id"]
    listed = [o["order_id"] for o in client.list_orders(product_ids=["BTC-USD"], order_status=["OPEN"])["orders"]]
    check(claim("post-only 20 % away rests"), listed == [rest_id], listed)
    results = client.cancel_orders([rest_id, "unknown"])["results"]
    check(claim("cancelled, and the unknown is not"), [r["success"] for r in results] == [True, False], results)
    check(claim("nothing is open"), client.list_orders(order_status=["OPEN"])["orders"] == [])

    taking = client.limit_order_gtc_buy(str(uuid.uuid4()), "BTC-USD", "0.01", ask, post_only=True)
    check(claim("post-only that would take"), taking["error_response"]["error"] == "INVALID_LIMIT_PRICE_POST_ONLY", taking)
    small = client.market_order_buy(str(uuid.uuid4()), "BTC-USD", base_size="0.00000001")
    check(claim("too small"), small["error_response"]["preview_failure_reason"] == "PREVIEW_INVALID_QUOTE_SIZE_TOO_SMALL", small)
    poor = client.market_order_sell(str(uuid.uuid4()), "BTC-USD", base_size="1000")
    check(claim("insufficient funds"), poor["error_response"]["error"] == "INSUFFICIENT_FUND", poor)
    unknown = client.market_order_buy(str(uuid.uuid4()), "NOPE-USD", base_size="1")
    check(claim("unknown product"), unknown["error_response"]["error"] == "INVALID_PRODUCT_ID", unknown)
    check(claim("unknown order (404)"), status_of(lambda: client.get_order("nowhere"))[0] == 404)
    check(claim("wrong key (401)"), status_of(official(url, "other", secret).get_accounts)[0] == 401)


def stale(running):
    """A token that expired a second ago."""
    client = official(running.url, running.key, running.secret)
    right = time.time
    jwt_generator.time.time = lambda: right() - 121
    try:
        check("coinbase-advanced-py: expired token (401)", status_of(client.get_accounts)[0] == 401)
    finally:
        jwt_generator.time.time = right


def ccxt_client(running, key):
    exchange = ccxt.coinbase({"apiKey": key, "secret": running.secret})
    exchange.urls["api"]["rest"] = running.url
    return exchange


def through_ccxt(running):
    exchange = ccxt_client(running, running.key)
    symbol = "BTC/USD"

    def claim(text):
        return f"ccxt coinbase: {text}"

    market = exchange.load_markets()[symbol]
    check(claim("markets load with tick and step"), market["precision"]["price"] == 0.01 and market["precision"]["amount"] == 1e-8, market["precision"])
    check(claim("time is now"), abs(exchange.fetch_time() - time.time() * 1000) < 5000)
    ticker = exchange.fetch_ticker(symbol)
    check(claim("ticker has a price"), 60000 < ticker["last"] < 70000, ticker)
    book = exchange.fetch_order_book(symbol, 5)
    bid, ask = book["bids"][0][0], book["asks"][0][0]
    check(claim("book is not crossed"), bid < ask, (bid, ask))
    own = str(uuid.uuid4())
    bought = exchange.create_order(symbol, "market", "buy", 0.01, ask, {"clientOrderId": own})
    order = exchange.fetch_order(bought["id"], symbol)
    check(claim("market buy by quote fills"), order["status"] in ("closed", "canceled") and order["filled"] > 0.009, order)
    trades = exchange.fetch_my_trades(symbol)
    check(claim("trade with fee"), any(t["order"] == bought["id"] and t["fee"]["cost"] > 0 for t in trades), trades)
    sold = exchange.create_order(symbol, "limit", "sell", 0.009, bid, {"timeInForce": "IOC"})
    order = exchange.fetch_order(sold["id"], symbol)
    check(claim("IOC fills"), order["status"] == "closed" and order["filled"] == 0.009, order)
    resting = exchange.create_order(symbol, "limit", "buy", 0.01, round(bid * 0.8, 2), {"postOnly": True})
    listed = exchange.fetch_open_orders(symbol)
    check(claim("post-only 20 % away rests"), [o["id"] for o in listed] == [resting["id"]], listed)
    exchange.cancel_order(resting["id"], symbol)
    check(claim("cancelled"), exchange.fetch_open_orders(symbol) == [])
    check(claim("balance in USD"), exchange.fetch_balance()["USD"]["total"] > 0)
    check(claim("free balance in USD"), exchange.fetch_balance({"v3": True})["USD"]["free"] > 0)
    raises(claim("insufficient funds"), "PREVIEW_INSUFFICIENT_FUND", lambda: exchange.create_order(symbol, "limit", "sell", 1000, bid))
    raises(claim("wrong key"), 401, ccxt_client(running, "other").fetch_balance)
