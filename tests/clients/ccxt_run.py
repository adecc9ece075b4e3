"""What is the same for every product through ccxt: a day's work, then everything a client can do wrong."""

import ccxt
from checks import SPOT, Through, client_id, clock_put_back, is_now, passive_price


class CcxtRun:
    """One product through ccxt. A venue's script says what differs there by overriding it.

    `client` makes a client of an exchange, with a wrong secret if one is given. `codes` are the venue's: signature,
    stale, symbol, small and duplicate.
    """

    own_name = "clientOrderId"
    settle = "USDT"
    funding_is_due = True

    def __init__(self, exchange, symbol, amount, precision, codes, **differs):
        self.running, self.symbol, self.amount, self.precision, self.codes = exchange, symbol, amount, precision, codes
        vars(self).update(differs)
        self.exchange = self.client()

    def client(self, secret=None):
        raise NotImplementedError

    def own_id(self, name):
        return client_id(name)

    def placed(self, kind, side, amount, price=None, own=None, **params):
        named = {self.own_name: own} if own else {}
        return self.exchange.create_order(self.symbol, kind, side, amount, price, {**named, **params})

    def fetched(self, order_id):
        return self.exchange.fetch_order(order_id, self.symbol)

    def found(self, own):
        """Ids of the orders that the venue finds by this client id; not those a listing shows."""
        return [self.exchange.fetch_order(None, self.symbol, {self.own_name: own})["id"]]

    def too_small(self):
        """Sends an order that is too small, by the library's raw method where its unified one would not send it."""
        raise NotImplementedError

    def extra(self, via):
        """What is worth knowing about this venue only; runs before the refusals."""

    def drive(self, note=""):
        with Through("ccxt", self.running.adapter, note, errors=(ccxt.BaseError,)) as via:
            self.market = self.exchange.load_markets()[self.symbol]
            seen = {name: self.market["precision"][name] for name in self.precision}
            via.check("load markets: tick and step", seen == self.precision, seen)
            self.through_market_data(via)
            self.through_fills(via)
            self.through_resting_order(via)
            balance = self.exchange.fetch_balance()[self.settle]
            via.check(f"balances: {self.settle}", balance["total"] > 0, balance)
            self.extra(via)
            self.through_refusals(via)

    def through_market_data(self, via):
        via.check("server time", is_now(self.exchange.fetch_time()))
        ticker = self.exchange.fetch_ticker(self.symbol)
        via.check("ticker", 60000 < ticker["last"] < 70000, ticker)
        book = self.exchange.fetch_order_book(self.symbol, 5)
        self.bid, self.ask = book["bids"][0][0], book["asks"][0][0]
        via.check("book is not crossed", self.bid < self.ask, (self.bid, self.ask))
        if self.market["swap"]:
            funding = self.exchange.fetch_funding_rate(self.symbol)
            due = funding["fundingTimestamp"] or funding["nextFundingTimestamp"]
            ahead = due and due > self.exchange.milliseconds()
            via.check("funding rate and next time", funding["fundingRate"] > 0 and (ahead or not self.funding_is_due), funding)

    def bought(self, via):
        """Buys at the market and answers with the order's id and the amount to sell again."""
        placed = self.placed("market", "buy", self.amount, own=self.own_id("market"))
        order = self.fetched(placed["id"])
        whole = (order["status"], order["filled"]) == ("closed", self.amount)
        via.check("market order: fills whole", whole and order["average"] > 0, order)
        return placed["id"], self.amount

    def held(self):
        rows = self.exchange.fetch_positions([self.symbol])
        return [(row["side"], row["contracts"]) for row in rows if row["contracts"]]

    def through_fills(self, via):
        bought, amount = self.bought(via)
        trades = [t for t in self.exchange.fetch_my_trades(self.symbol) if t["order"] == bought]
        sums = (round(sum(t["amount"] for t in trades), 8), self.fetched(bought)["filled"])
        via.check("trades: sum to the order, with fees", trades and sums[0] == sums[1] and all(t["fee"]["cost"] > 0 for t in trades), (sums, trades))
        if self.market["swap"]:
            held = self.held()
            via.check(f"positions: long {amount}", held == [("long", amount)], held)
        else:
            via.absent("positions", SPOT)
        closing = {"reduceOnly": True} if self.market["swap"] else {}
        sold = self.placed("limit", "sell", amount, self.bid, timeInForce="IOC", **closing)
        order = self.fetched(sold["id"])
        via.check("limit IOC: fills whole", (order["status"], order["filled"]) == ("closed", amount), order)
        if self.market["swap"]:
            held = self.held()
            via.check("positions: flat again", held == [], held)

    def rested(self, own):
        return self.placed("limit", "buy", self.amount, passive_price(self.bid), own, postOnly=True)["id"]

    def listed(self):
        return [order["id"] for order in self.exchange.fetch_open_orders(self.symbol)]

    def through_resting_order(self, via):
        own = self.own_id("passive")
        resting = self.rested(own)
        order = self.fetched(resting)
        via.check("post-only rests: 20 % from the market", (order["status"], order["filled"], order["remaining"]) == ("open", 0, self.amount), order)
        listed = self.exchange.fetch_open_orders(self.symbol)
        via.check("open orders: it alone, with its client id", [(o["id"], self.own_of(o)) for o in listed] == [(resting, own)], listed)
        self.query(via, own, resting)
        self.duplicate(via, own, resting)
        for order_id in self.listed():
            self.exchange.cancel_order(order_id, self.symbol)
        via.check("cancel: nothing is open", self.listed() == [], self.listed())
        order = self.fetched(resting)
        via.check("cancel: the order says so", (order["status"], order["filled"]) == ("canceled", 0), order)

    def own_of(self, order):
        return order["clientOrderId"]

    def query(self, via, own, resting):
        via.check("query by client id: its order", self.found(own) == [resting], resting)
        try:
            others = self.found(self.own_id("nobody"))
        except ccxt.OrderNotFound:
            others = []
        via.check("query by client id: no order of another", others == [], others)

    def duplicate(self, via, own, resting):
        via.raises("duplicate id", self.codes["duplicate"], lambda: self.rested(own))
        via.check("duplicate id: no second order", self.listed() == [resting], self.listed())

    def through_refusals(self, via):
        via.raises("too small", self.codes["small"], self.too_small)
        price = passive_price(self.bid)
        symbol = self.unlisted()
        via.raises("unknown symbol", self.codes["symbol"], lambda: self.exchange.create_order(symbol, "limit", "buy", self.amount, price))
        via.raises("bad signature", self.codes["signature"], self.client(self.wrong_secret()).fetch_balance)
        # Its limiter would wait until the clock that is put back is where it was.
        self.exchange.enableRateLimit = False
        with clock_put_back():
            via.raises("stale timestamp", self.codes["stale"], self.exchange.fetch_balance)

    def wrong_secret(self):
        return "wrong"

    def unlisted(self):
        """A market the library believes in and the exchange does not."""
        market = {**self.market, "id": self.market["id"].replace("BTC", "NOPE"), "symbol": self.symbol.replace("BTC", "NOPE", 1)}
        self.exchange.markets[market["symbol"]] = market
        self.exchange.markets_by_id[market["id"]] = [market]
        return market["symbol"]
