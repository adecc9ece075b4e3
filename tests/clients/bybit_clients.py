"""Bybit linear, inverse and spot through ccxt and pybit."""

from dataclasses import dataclass

import ccxt
from ccxt_run import CcxtRun
from checks import SPOT, Through, client_id, clock_put_back, is_now, passive_price
from pybit.exceptions import InvalidRequestError
from pybit.unified_trading import HTTP

ADAPTERS = ("bybit-linear", "bybit-inverse", "bybit-spot")

# The venue's code for a quantity and for a symbol it does not take is the same; its text decides.
DERIVATIVES = {"symbol": (10001, "symbol invalid"), "small": (10001, "exceeds minimum limit"), "duplicate": 110072, "cancelled": 110001}
SPOT_CODES = {"symbol": 170121, "small": 170140, "duplicate": 170141, "cancelled": 170142}


def drive(exchanges):
    linear, inverse, spot = (exchanges[adapter] for adapter in ADAPTERS)
    through_pybit(Product("linear", "BTCUSDT", "0.01", "0.0001", DERIVATIVES), linear, linear_only)
    through_pybit(Product("inverse", "BTCUSD", "1000", "0.5", DERIVATIVES), inverse, inverse_only)
    through_pybit(Product("spot", "BTCUSDT", "0.01", "0.00001", SPOT_CODES), spot, spot_only)
    shared = {"signature": 10004, "stale": 10002}
    BybitRun(linear, "BTC/USDT:USDT", 0.01, {"price": 0.1, "amount": 0.001}, {**shared, **DERIVATIVES}, small="0.0001").drive()
    BybitRun(inverse, "BTC/USD:BTC", 1000, {"price": 0.1, "amount": 1}, {**shared, **DERIVATIVES}, small="0.5", settle="BTC").drive()
    BybitRun(spot, "BTC/USDT", 0.01, {"price": 0.1, "amount": 0.000001}, {**shared, **SPOT_CODES}, small="0.00001").drive()


class BybitRun(CcxtRun):
    def client(self, secret=None):
        running = self.running
        options = {"defaultType": "spot" if running.adapter == "bybit-spot" else "swap",
                   "createMarketBuyOrderRequiresPrice": True}
        client = ccxt.bybit({"apiKey": running.key, "secret": secret or running.secret, "options": options})
        for name in client.urls["api"]:
            client.urls["api"][name] = running.url
        return client

    def fetched(self, order_id):
        return self.exchange.fetch_order(order_id, self.symbol, {"acknowledged": True})

    def found(self, own):
        # Asks for one client id, not for the listing: an order of another must not come back.
        return [order["id"] for order in self.exchange.fetch_open_orders(self.symbol, params={"orderLinkId": own})]

    def too_small(self):
        # The library's own rounding stops a quantity below one step; its raw method sends it.
        category = self.running.adapter.removeprefix("bybit-")
        order = {"category": category, "symbol": self.market["id"], "side": "Buy", "orderType": "Limit",
                 "price": str(passive_price(self.bid)), "qty": self.small}
        return self.exchange.privatePostV5OrderCreate(order)


@dataclass
class Product:
    """One category through pybit, with a quantity that fills and one that is too small."""

    category: str
    symbol: str
    quantity: str
    small: str
    codes: dict

    @property
    def asked(self):
        return {"category": self.category, "symbol": self.symbol}


def session(exchange, **options):
    # The library would repeat a request with a stale timestamp and a wider window.
    http = HTTP(api_key=exchange.key, **{"api_secret": exchange.secret, "retry_codes": {0}, "max_retries": 1, **options})
    http.endpoint = exchange.url
    return http


def rows(answer):
    return answer["result"]["list"]


def through_pybit(product, exchange, extra):
    http = session(exchange)
    with Through("pybit", exchange.adapter, errors=(InvalidRequestError,)) as via:
        via.check("server time", is_now(int(http.get_server_time()["result"]["timeNano"]) // 10**6))
        ticker = rows(http.get_tickers(**product.asked))[0]
        via.check("ticker", 60000 < float(ticker["bid1Price"]) < float(ticker["ask1Price"]) < 70000, ticker)
        fills(via, product, http, ticker["bid1Price"])
        resting_order(via, product, http, ticker["bid1Price"])
        extra(via, http, product, ticker)
        refusals(via, product, http, exchange)


def fills(via, product, http, bid):
    derivative, own, sold = product.category != "spot", client_id("market"), client_id("ioc")
    order = {**product.asked, "qty": product.quantity}
    unit = {} if derivative else {"marketUnit": "baseCoin"}
    market = {**order, **unit, "side": "Buy", "orderType": "Market", "orderLinkId": own}
    acknowledged = http.place_order(**market)["result"]
    found = rows(http.get_open_orders(**product.asked, orderLinkId=own))
    whole = [("Filled", float(product.quantity))]
    via.check("market order: fills whole", [(o["orderStatus"], float(o["cumExecQty"])) for o in found] == whole, found)
    via.check("market order: acknowledged with both ids", acknowledged == {"orderId": found[0]["orderId"], "orderLinkId": own}, acknowledged)
    via.raises("duplicate id: after the fill too", product.codes["duplicate"], lambda: http.place_order(**market))
    trades = rows(http.get_executions(category=product.category, orderLinkId=own))
    via.check("trades: sum to the order, with fees", sum(float(t["execQty"]) for t in trades) == whole[0][1] and all(float(t["execFee"]) > 0 for t in trades), trades)

    def held():
        return [(p["side"], float(p["size"])) for p in rows(http.get_positions(**product.asked)) if float(p["size"])]

    if derivative:
        via.check(f"positions: long {product.quantity}", held() == [("Buy", whole[0][1])], held())
    else:
        via.absent("positions", SPOT)
    closing = {"reduceOnly": True} if derivative else {}
    http.place_order(**order, **closing, side="Sell", orderType="Limit", timeInForce="IOC", price=bid, orderLinkId=sold)
    found = rows(http.get_open_orders(**product.asked, orderLinkId=sold))
    via.check("limit IOC: fills whole", [(o["orderStatus"], float(o["cumExecQty"])) for o in found] == whole, found)
    if derivative:
        via.check("positions: flat again", held() == [], held())


def resting_order(via, product, http, bid):
    own = client_id("rests")
    limit = {**product.asked, "side": "Buy", "orderType": "Limit", "qty": product.quantity,
             "price": str(passive_price(bid)), "timeInForce": "PostOnly", "orderLinkId": own}
    placed = http.place_order(**limit)["result"]["orderId"]
    found = rows(http.get_open_orders(**product.asked, orderLinkId=own))
    via.check("query by client id: its order", [o["orderId"] for o in found] == [placed], found)
    others = rows(http.get_open_orders(**product.asked, orderLinkId=client_id("nobody")))
    via.check("query by client id: no order of another", others == [], others)
    via.check("post-only rests: 20 % from the market", [(o["orderStatus"], float(o["cumExecQty"])) for o in found] == [("New", 0)], found)
    listed = [o["orderId"] for o in rows(http.get_open_orders(**product.asked))]
    via.check("open orders: it alone", listed == [placed], listed)
    via.raises("duplicate id", product.codes["duplicate"], lambda: http.place_order(**limit))
    http.cancel_order(**product.asked, orderId=placed)
    listed = rows(http.get_open_orders(**product.asked))
    via.check("cancel: nothing is open", listed == [], listed)
    gone = rows(http.get_order_history(category=product.category, orderLinkId=own))
    via.check("cancel: the order says so", [o["orderStatus"] for o in gone] == ["Cancelled"], gone)
    via.raises("duplicate id: after the cancel too", product.codes["duplicate"], lambda: http.place_order(**limit))
    via.raises("cancelled once", product.codes["cancelled"], lambda: http.cancel_order(**product.asked, orderId=placed))


def refusals(via, product, http, exchange):
    order = {**product.asked, "side": "Buy", "orderType": "Limit", "qty": product.quantity, "price": "52000"}
    codes, wallet = product.codes, {"accountType": "UNIFIED"}
    via.raises("unknown symbol", codes["symbol"], lambda: http.place_order(**{**order, "symbol": "NOPEUSD"}))
    via.raises("too small", codes["small"], lambda: http.place_order(**{**order, "qty": product.small}))
    via.raises("bad signature", 10004, lambda: session(exchange, api_secret="wrong").get_wallet_balance(**wallet))
    with clock_put_back():
        via.raises("stale timestamp", 10002, lambda: http.get_wallet_balance(**wallet))


def linear_only(via, http, product, ticker):
    rules = rows(http.get_instruments_info(**product.asked))[0]["lotSizeFilter"]
    via.check("load markets: step", rules["qtyStep"] == "0.001", rules)
    via.check("ticker: with funding", float(ticker["fundingRate"]) > 0, ticker)
    wallet = rows(http.get_wallet_balance(accountType="UNIFIED"))[0]
    via.check("balances", float(wallet["totalEquity"]) > 0, wallet)
    crossing = client_id("maker")
    http.place_order(**product.asked, side="Sell", orderType="Limit", qty="0.01", price="64000", timeInForce="PostOnly", orderLinkId=crossing)
    gone = rows(http.get_order_history(category="linear", orderLinkId=crossing))[0]
    via.check("crossing post-only is cancelled", (gone["orderStatus"], gone["rejectReason"]) == ("Cancelled", "EC_PostOnlyWillTakeLiquidity"), gone)


def inverse_only(via, http, product, ticker):
    rules = rows(http.get_instruments_info(**product.asked))[0]
    via.check("load markets: settled in the base coin", (rules["contractType"], rules["settleCoin"]) == ("InversePerpetual", "BTC"), rules)
    via.check("ticker: with funding", float(ticker["fundingRate"]) > 0, ticker)
    coins = [c["coin"] for c in rows(http.get_wallet_balance(accountType="UNIFIED"))[0]["coin"]]
    via.check("balances: in coins", coins == ["BTC", "ETH"], coins)
    own = client_id("pybit")
    order = {**product.asked, "orderType": "Market", "qty": "1000"}
    http.place_order(**order, side="Buy", orderLinkId=own)
    found = rows(http.get_open_orders(**product.asked, orderLinkId=own))[0]
    via.check("quantity in dollars, value in coins", found["cumExecQty"] == "1000" and 0.015 < float(found["cumExecValue"]) < 0.016, found)
    http.place_order(**order, side="Sell", reduceOnly=True)


def spot_only(via, http, product, ticker):
    rules = rows(http.get_instruments_info(**product.asked))[0]["lotSizeFilter"]
    via.check("load markets: step and smallest value", (rules["basePrecision"], rules["minOrderAmt"]) == ("0.000001", "5"), rules)
    via.check("ticker: without funding", "fundingRate" not in ticker, ticker)
    own = client_id("pybit")
    order = {**product.asked, "orderType": "Market"}
    http.place_order(**order, side="Buy", qty="1000", orderLinkId=own)
    found = rows(http.get_open_orders(**product.asked, orderLinkId=own))[0]
    via.check("market order: a buy counts quote", found["marketUnit"] == "quoteCoin" and 999 < float(found["cumExecValue"]) <= 1000, found)
    trades = rows(http.get_executions(category="spot", orderLinkId=own))
    via.check("trades: fee in the coin received", {t["feeCurrency"] for t in trades} == {"BTC"}, trades)
    http.place_order(**order, side="Sell", qty=found["cumExecQty"])
    limit = {**product.asked, "side": "Buy", "orderType": "Limit", "qty": "0.01", "price": "52000"}
    placed = http.place_order(**limit)["result"]["orderId"]
    wallet = rows(http.get_wallet_balance(accountType="UNIFIED", coin="USDT"))[0]["coin"][0]
    via.check("balances: locked by an open order", wallet["locked"] == "520", wallet)
    http.cancel_order(**product.asked, orderId=placed)
