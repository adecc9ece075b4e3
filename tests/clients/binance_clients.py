"""Binance spot, USDⓈ-M and COIN-M through ccxt and python-binance."""

import urllib.error
import urllib.request
from dataclasses import dataclass, field

import ccxt
from binance.client import Client
from binance.exceptions import BinanceAPIException
from ccxt_run import CcxtRun
from checks import SPOT, Claims, Through, client_id, clock_put_back, is_now, passive_price

ADAPTERS = ("binance-usdm", "binance-spot", "binance-coinm")

# Codes of the spot book that stand for several refusals; their text decides.
TOO_CHEAP = (-1013, "Filter failure: NOTIONAL")
TAKEN = (-2010, "Duplicate order sent")


def drive(exchanges):
    usdm, spot, coinm = (exchanges[adapter] for adapter in ADAPTERS)
    for product, extra in ((USDM, usdm_only), (SPOT_BOOK, spot_only), (COINM, coinm_only)):
        through_python_binance(product, exchanges[product.adapter], extra)
    with Claims("plain HTTP", "binance-usdm") as via:
        try:
            via.check("unknown path", False, urllib.request.urlopen(f"{usdm.url}/fapi/v1/nothing"))
        except urllib.error.HTTPError as error:
            via.check("unknown path (404, -5000)", error.code == 404 and b"-5000" in error.read())
    codes = {"signature": -1022, "stale": -1021, "symbol": -1121}
    BinanceRun(usdm, "BTC/USDT:USDT", 0.01, {"price": 0.1, "amount": 0.001},
               {**codes, "small": -4164, "duplicate": -4116}, kind=ccxt.binanceusdm, small=0.001, dated="BTC/USDT:USDT-261225").drive()
    BinanceRun(spot, "BTC/USDT", 0.01, {"price": 0.01, "amount": 0.00001},
               {**codes, "small": TOO_CHEAP, "duplicate": TAKEN}, kind=ccxt.binance, small=0.00005).drive()
    BinanceRun(coinm, "BTC/USD:BTC", 10, {"price": 0.1, "amount": 1},
               {**codes, "small": -4003, "duplicate": -4116}, kind=ccxt.binancecoinm, settle="BTC", dated="BTC/USD:BTC-261225").drive()


class BinanceRun(CcxtRun):
    # A contract of the same product that is delivered.
    dated = None

    def client(self, secret=None):
        running = self.running
        prefix, product = {
            "binance-usdm": ("fapi", "linear"), "binance-spot": ("api", "spot"), "binance-coinm": ("dapi", "inverse"),
        }[running.adapter]
        options = {"fetchCurrencies": False, "fetchMargins": False, "fetchMarkets": {"types": [product]}}
        client = self.kind({"apiKey": running.key, "secret": secret or running.secret, "options": options})
        for name, address in client.urls["api"].items():
            # Other products stay unanswered; nothing may reach the real venue.
            served = f"{prefix}/" + address.rsplit("/", 1)[1] if f"/{prefix}/" in address else "unserved"
            client.urls["api"][name] = f"{running.url}/{served}"
        return client

    def extra(self, via):
        if not self.dated:
            return
        market = self.exchange.market(self.dated)
        via.check("load markets: a dated contract and its day", (market["future"], market["expiry"]) == (True, 1_798_185_600_000), market)
        bought = self.exchange.create_order(self.dated, "market", "buy", self.amount)
        found = self.exchange.fetch_order(bought["id"], self.dated)
        via.check("dated contract: fills whole", (found["status"], found["filled"]) == ("closed", self.amount), found)
        held = [p["contracts"] for p in self.exchange.fetch_positions([self.dated]) if p["contracts"]]
        via.check("dated contract: its position", held == [self.amount], held)
        self.exchange.create_order(self.dated, "market", "sell", self.amount, None, {"reduceOnly": True})

    def too_small(self):
        if self.market["inverse"]:
            # Less than one whole contract is stopped by the library's own rounding.
            order = {"symbol": self.market["id"], "side": "BUY", "type": "MARKET", "quantity": "0"}
            return self.exchange.dapiPrivatePostOrder(order)
        return self.placed("limit", "buy", self.small, passive_price(self.bid))


@dataclass
class Product:
    """One product through python-binance, which names the methods of each apart."""

    adapter: str
    symbol: str
    quantity: str
    # Every symbol that is listed.
    symbols: list
    # The prefix of most methods, and the methods that have a name of their own.
    prefix: str
    named: dict = field(default_factory=dict)
    post_only: dict = field(default_factory=lambda: {"type": "LIMIT", "timeInForce": "GTX"})
    small: str = "0"
    # Codes, with their text where the code has several meanings.
    small_code: object = -4003
    duplicate: object = -4116
    futures: bool = True

    def calls(self, client):
        return lambda method, **params: getattr(client, self.named.get(method, self.prefix + method))(**params)


USDM = Product("binance-usdm", "BTCUSDT", "0.01", ["BTCUSDT", "BTCUSDT_261225", "ETHUSDT"], "futures_", small="0.001", small_code=-4164)
SPOT_BOOK = Product(
    "binance-spot", "BTCUSDT", "0.01", ["BTCUSDT", "ETHBTC", "ETHUSDT"], "",
    {"time": "get_server_time", "exchange_info": "get_exchange_info", "orderbook_ticker": "get_orderbook_ticker",
     "account_trades": "get_my_trades", "account_balance": "get_account"},
    {"type": "LIMIT_MAKER"}, "0.00005", TOO_CHEAP, TAKEN, False)
COINM = Product("binance-coinm", "BTCUSD_PERP", "10", ["BTCUSD_261225", "BTCUSD_PERP", "ETHUSD_PERP"], "futures_coin_")


def session(exchange, secret=None):
    client = Client(exchange.key, secret or exchange.secret, ping=False)
    client.API_URL = f"{exchange.url}/api"
    client.FUTURES_URL = f"{exchange.url}/fapi"
    client.FUTURES_COIN_URL = f"{exchange.url}/dapi"
    return client


def through_python_binance(product, exchange, extra):
    client = session(exchange)
    call = product.calls(client)
    with Through("python-binance", exchange.adapter, errors=(BinanceAPIException,)) as via:
        via.check("server time", is_now(call("time")["serverTime"]))
        listed = [s["symbol"] for s in call("exchange_info")["symbols"]]
        via.check("load markets: every symbol", listed == product.symbols, listed)
        ticker = call("orderbook_ticker", symbol=product.symbol)
        ticker = ticker[0] if isinstance(ticker, list) else ticker
        bid = ticker["bidPrice"]
        via.check("ticker", 60000 < float(bid) < float(ticker["askPrice"]) < 70000, ticker)
        fills(via, product, call, bid)
        resting_order(via, product, call, bid)
        extra(via, client)
        refusals(via, product, call, exchange)


def fills(via, product, call, bid):
    whole = float(product.quantity)
    order = {"symbol": product.symbol, "quantity": product.quantity, "newOrderRespType": "RESULT"}
    bought = call("create_order", **order, side="BUY", type="MARKET")
    via.check("market order: fills whole", (bought["status"], float(bought["executedQty"])) == ("FILLED", whole), bought)
    trades = call("account_trades", symbol=product.symbol, orderId=bought["orderId"])
    via.check("trades: sum to the order, with fees", sum(float(t["qty"]) for t in trades) == whole and all(float(t["commission"]) > 0 for t in trades), trades)

    def held():
        rows = call("position_information")
        return [float(p["positionAmt"]) for p in rows if p["symbol"] == product.symbol and float(p["positionAmt"])]

    if product.futures:
        via.check(f"positions: long {product.quantity}", held() == [whole], held())
    else:
        via.absent("positions", SPOT)
    closing = {"reduceOnly": "true"} if product.futures else {}
    sold = call("create_order", **order, **closing, side="SELL", type="LIMIT", timeInForce="IOC", price=bid)
    via.check("limit IOC: fills whole", (sold["status"], float(sold["executedQty"])) == ("FILLED", whole), sold)
    if product.futures:
        via.check("positions: flat again", held() == [], held())


def resting_order(via, product, call, bid):
    own = client_id("rests")
    limit = {"symbol": product.symbol, "side": "BUY", "quantity": product.quantity, "price": str(passive_price(bid)), **product.post_only}
    resting = call("create_order", **limit, newClientOrderId=own)
    found = call("get_order", symbol=product.symbol, origClientOrderId=own)
    via.check("query by client id: its order", (found["orderId"], found["clientOrderId"]) == (resting["orderId"], own), found)
    via.raises("query by client id: no order of another", -2013, lambda: call("get_order", symbol=product.symbol, origClientOrderId=client_id("nobody")))
    via.check("post-only rests: 20 % from the market", (found["status"], float(found["executedQty"])) == ("NEW", 0), found)
    opened = [o["orderId"] for o in call("get_open_orders", symbol=product.symbol)]
    via.check("open orders: it alone", opened == [resting["orderId"]], opened)
    via.raises("duplicate id", product.duplicate, lambda: call("create_order", **limit, newClientOrderId=own))
    cancelled = call("cancel_order", symbol=product.symbol, orderId=resting["orderId"])
    via.check("cancel: the order says so", cancelled["status"] == "CANCELED", cancelled)
    opened = call("get_open_orders", symbol=product.symbol)
    via.check("cancel: nothing is open", opened == [], opened)
    again = call("create_order", **limit, newClientOrderId=own)
    via.check("duplicate id: free again once its order is closed", again["orderId"] != resting["orderId"], again)
    call("cancel_order", symbol=product.symbol, orderId=again["orderId"])


def refusals(via, product, call, exchange):
    order = {"symbol": product.symbol, "side": "BUY", "type": "MARKET", "quantity": product.quantity}
    via.raises("unknown symbol", -1121, lambda: call("create_order", **{**order, "symbol": "NOPE" + product.symbol[3:]}))
    via.raises("too small", product.small_code, lambda: call("create_order", **{**order, "quantity": product.small}))
    via.raises("bad signature", -1022, lambda: product.calls(session(exchange, "wrong"))("account_balance"))
    with clock_put_back():
        via.raises("stale timestamp", -1021, lambda: call("account_balance"))


def usdm_only(via, client):
    order = {"symbol": "BTCUSDT", "side": "BUY", "type": "MARKET", "quantity": "0.01"}
    via.check("balances", float(client.futures_account_balance()[0]["balance"]) > 0)
    via.check("mark and funding", float(client.futures_mark_price(symbol="BTCUSDT")["lastFundingRate"]) > 0)
    via.check("one-way mode", client.futures_get_position_mode() == {"dualSidePosition": False})
    own = client_id("pb")
    placed = client.futures_create_order(**order, newClientOrderId=own, newOrderRespType="RESULT")
    via.check("market order: RESULT without average price", "avgPrice" not in placed, placed)
    found = client.futures_get_order(symbol="BTCUSDT", origClientOrderId=own)
    via.check("query by client id: with average price", float(found["avgPrice"]) > 0, found)
    held = client.futures_position_information()
    via.check("positions: to the step's last digit", [p["positionAmt"] for p in held] == ["0.010"], held)
    client.futures_create_order(**{**order, "side": "SELL"}, reduceOnly="true")
    held = client.futures_position_information()
    via.check("positions: a closed one is not listed", held == [], held)
    limit = {**order, "side": "SELL", "type": "LIMIT", "timeInForce": "GTX", "price": "64000"}
    via.raises("post-only that would take", -5022, lambda: client.futures_create_order(**limit))
    via.raises("too precise", -1111, lambda: client.futures_create_order(**{**order, "quantity": "0.0001"}))
    via.raises("reduce-only without position", -2022, lambda: client.futures_create_order(**order, reduceOnly="true"))


def spot_only(via, client):
    def free(asset):
        return float(client.get_asset_balance(asset=asset)["free"])

    before = free("BTC")
    bought = client.order_market_buy(symbol="BTCUSDT", quoteOrderQty="1000")
    spent = float(bought["cummulativeQuoteQty"])
    via.check("market order: a buy for quote", bought["status"] == "FILLED" and 999 < spent <= 1000, bought)
    fee = sum(float(f["commission"]) for f in bought["fills"] if f["commissionAsset"] == "BTC")
    received = free("BTC") - before
    via.check("balances: received less the fee", fee > 0 and abs(received - float(bought["executedQty"]) + fee) < 1e-9, (received, fee))
    sold = client.order_market_sell(symbol="BTCUSDT", quantity=bought["executedQty"])
    via.check("trades: a sale pays its fee in quote", [f["commissionAsset"] for f in sold["fills"]] == ["USDT"], sold)
    maker = {"symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT_MAKER", "quantity": "0.01"}
    resting = client.create_order(**maker, price="52000")
    locked = client.get_asset_balance(asset="USDT")["locked"]
    via.check("balances: locked by an open order", float(locked) == 520, locked)
    client.cancel_order(symbol="BTCUSDT", orderId=resting["orderId"])
    via.raises("post-only that would take", -2010, lambda: client.create_order(**maker, price="66000"))
    market = {"symbol": "BTCUSDT", "side": "BUY", "type": "MARKET", "quantity": "50"}
    via.raises("insufficient balance", (-2010, "insufficient balance"), lambda: client.create_order(**market))


def coinm_only(via, client):
    sizes = {s["symbol"]: s["contractSize"] for s in client.futures_coin_exchange_info()["symbols"]}
    via.check("load markets: contract sizes", sizes == {"BTCUSD_261225": 100, "BTCUSD_PERP": 100, "ETHUSD_PERP": 10}, sizes)
    via.check("mark and funding", float(client.futures_coin_mark_price(symbol="BTCUSD_PERP")[0]["lastFundingRate"]) > 0)
    balances = {b["asset"]: float(b["balance"]) for b in client.futures_coin_account_balance()}
    via.check("balances: in coins", balances["BTC"] > 0 and balances["ETH"] > 0, balances)
    own = client_id("pb")
    order = {"symbol": "BTCUSD_PERP", "side": "BUY", "type": "MARKET", "quantity": "10"}
    placed = client.futures_coin_create_order(**order, newClientOrderId=own)
    found = client.futures_coin_get_order(symbol="BTCUSD_PERP", origClientOrderId=own)
    via.check("query by client id: value in base", 0.015 < float(found["cumBase"]) < 0.016, found)
    trades = client.futures_coin_account_trades(symbol="BTCUSD_PERP", orderId=placed["orderId"])
    via.check("trades: fee in base", [t["commissionAsset"] for t in trades] == ["BTC"], trades)
    client.futures_coin_create_order(**{**order, "side": "SELL"}, reduceOnly="true")
    via.raises("not a whole contract", -1111, lambda: client.futures_coin_create_order(**{**order, "quantity": "0.5"}))
