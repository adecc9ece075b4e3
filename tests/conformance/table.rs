//! Where the suite runs, and in what the venues differ. Quantities are venue units, prices quote units.

use equipoise::port::MarginMode;
use equipoise::{Amount, Asset, Instrument, InstrumentKind, Qty, RefusalKind, Symbol};

/// One instrument of one adapter.
pub(crate) struct Place {
    pub(crate) adapter: &'static str,
    pub(crate) symbol: &'static str,
    pub(crate) kind: InstrumentKind,
    /// Quote asset, and the one that profit, loss and margin are in.
    pub(crate) quote: &'static str,
    pub(crate) settle: &'static str,
    pub(crate) tick: &'static str,
    pub(crate) lot: &'static str,
    pub(crate) quantity_min: &'static str,
    /// Largest limit order and largest market order; zero where the venue states none.
    pub(crate) quantity_max: [&'static str; 2],
    pub(crate) notional_min: &'static str,
    pub(crate) contract_size: &'static str,
    pub(crate) taker_fee: &'static str,
    /// Best bid and offer, the mark price, and how much there is at the touch.
    pub(crate) bid: &'static str,
    pub(crate) ask: &'static str,
    pub(crate) mark: &'static str,
    pub(crate) touch: &'static str,
    pub(crate) funding: Option<&'static str>,
    /// About a tenth of a bitcoin.
    pub(crate) quantity: &'static str,
    pub(crate) too_small: &'static str,
    /// What a buy and a sale are charged in.
    pub(crate) fee_assets: [&'static str; 2],
    pub(crate) funds: &'static [(&'static str, &'static str)],
    /// Whether the account can hold long and short positions side by side.
    pub(crate) hedge_mode: bool,
    /// Whether the interface tells that a key may withdraw.
    pub(crate) tells_withdrawal: bool,
    /// What follows a client id sent again while its order is open, and after it ended.
    pub(crate) reuse: [Reuse; 2],
    /// Whether trades that were taken back or corrected are shown as that; elsewhere nothing is documented.
    pub(crate) shows_adjusted_trades: bool,
    /// What follows the refusal of the fault `reject`, and that of a reduce-only order without a position.
    pub(crate) refusals: [RefusalKind; 2],
}

/// What becomes of a client id that was used before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reuse {
    /// A documented code that proves the first order and nothing else.
    Refused,
    /// Acknowledged with the first order.
    Echoed,
    /// Another order.
    Accepted,
}

impl Place {
    pub(crate) fn is_spot(&self) -> bool {
        self.kind == InstrumentKind::Spot
    }

    /// What the adapter makes of an account in that mode: the mode it tells, or that it refuses the account.
    pub(crate) fn margin_mode(&self, set: equipoise_sim::MarginMode) -> Option<Option<MarginMode>> {
        use equipoise_sim::MarginMode as Set;
        let cross = Some(MarginMode::Cross);
        Some(match (self.adapter, set) {
            // Portfolio margin has no reduce-only orders for contracts there.
            ("okx-swap", Set::Portfolio) => return None,
            // Isolated margin is a word in each order there, and ours say cross.
            ("okx-swap", _) => cross,
            ("okx-spot" | "deribit" | "bybit-linear" | "bybit-inverse", Set::Portfolio) => {
                Some(MarginMode::Portfolio)
            }
            (_, _) if self.is_spot() => None,
            ("deribit", _) | (_, Set::Cross) => cross,
            (_, Set::Isolated) => Some(MarginMode::Isolated),
            // Told on an interface of its own.
            (_, Set::Portfolio) => cross,
        })
    }

    pub(crate) fn instrument(&self) -> Instrument {
        let asset = |name: &str| Asset::new(name).unwrap();
        let quantity = |text: &str| text.parse::<Qty>().unwrap();
        Instrument {
            symbol: Symbol::new(self.symbol).unwrap(),
            kind: self.kind,
            base: asset("BTC"),
            quote: asset(self.quote),
            settle: asset(self.settle),
            tick: self.tick.parse().unwrap(),
            lot: quantity(self.lot),
            quantity_min: quantity(self.quantity_min),
            quantity_max: quantity(self.quantity_max[0]),
            market_quantity_max: quantity(self.quantity_max[1]),
            notional_min: quantity(self.notional_min),
            contract_size: quantity(self.contract_size),
            taker_fee: self.taker_fee.parse::<Amount>().unwrap(),
        }
    }
}

/// All of them.
pub(crate) const PLACES: [&Place; 14] = [
    &BINANCE_USDM,
    &BINANCE_USDM_DATED,
    &BINANCE_COINM,
    &BINANCE_COINM_DATED,
    &BINANCE_SPOT,
    &BYBIT_LINEAR,
    &BYBIT_INVERSE,
    &BYBIT_SPOT,
    &OKX_SWAP,
    &OKX_SWAP_INVERSE,
    &OKX_SPOT,
    &DERIBIT,
    &DERIBIT_LINEAR,
    &COINBASE,
];

const AMONG_OPEN: [Reuse; 2] = [Reuse::Refused, Reuse::Accepted];
const FOR_EVER: [Reuse; 2] = [Reuse::Refused, Reuse::Refused];

/// Ids are unique among open orders. Source: Binance USDⓈ-M New Order, newClientOrderId, read 2026-11-22.
pub(crate) const BINANCE_USDM: Place = Place {
    adapter: "binance-usdm",
    symbol: "BTCUSDT",
    kind: InstrumentKind::Linear,
    quote: "USDT",
    settle: "USDT",
    tick: "0.1",
    lot: "0.001",
    quantity_min: "0.001",
    quantity_max: ["1000", "120"],
    notional_min: "100",
    contract_size: "1",
    taker_fee: "0.0005",
    bid: "64999.9",
    ask: "65000",
    mark: "65000",
    touch: "2",
    funding: Some("0.0001"),
    quantity: "0.1",
    too_small: "0.001",
    fee_assets: ["USDT", "USDT"],
    funds: &[("USDT", "250000")],
    hedge_mode: true,
    tells_withdrawal: false,
    reuse: AMONG_OPEN,
    shows_adjusted_trades: false,
    refusals: [RefusalKind::Final, RefusalKind::ReduceOnly],
};

/// Source: Binance COIN-M New Order, newClientOrderId, read 2026-11-22.
pub(crate) const BINANCE_COINM: Place = Place {
    adapter: "binance-coinm",
    symbol: "BTCUSD_PERP",
    kind: InstrumentKind::Inverse,
    quote: "USD",
    settle: "BTC",
    lot: "1",
    quantity_min: "1",
    quantity_max: ["1000000", "60000"],
    notional_min: "0",
    contract_size: "100",
    bid: "65003.9",
    ask: "65004",
    mark: "65004",
    touch: "1300",
    funding: Some("0.00012"),
    quantity: "65",
    too_small: "0.5",
    fee_assets: ["BTC", "BTC"],
    funds: &[("BTC", "5"), ("ETH", "100")],
    ..BINANCE_USDM
};

/// Delivered at a date, and without funding until then.
pub(crate) const BINANCE_USDM_DATED: Place = Place {
    symbol: "BTCUSDT_261225",
    quantity_max: ["500", "50"],
    bid: "65309.9",
    ask: "65310",
    mark: "65310",
    touch: "1",
    funding: None,
    ..BINANCE_USDM
};

/// Delivered at a date, and without funding until then.
pub(crate) const BINANCE_COINM_DATED: Place = Place {
    symbol: "BTCUSD_261225",
    bid: "65319.9",
    ask: "65320",
    mark: "65320",
    touch: "650",
    funding: None,
    ..BINANCE_COINM
};

/// A buy pays its fee out of what it receives, a sale out of what it brings in.
/// Source: Binance spot New Order, newClientOrderId; Commission FAQ, read 2026-11-22.
pub(crate) const BINANCE_SPOT: Place = Place {
    adapter: "binance-spot",
    kind: InstrumentKind::Spot,
    tick: "0.01",
    lot: "0.00001",
    quantity_min: "0.00001",
    quantity_max: ["9000", "100"],
    notional_min: "5",
    taker_fee: "0.001",
    bid: "64989.99",
    ask: "64990",
    mark: "64989.995",
    touch: "1",
    hedge_mode: false,
    tells_withdrawal: true,
    funding: None,
    too_small: "0.00001",
    fee_assets: ["BTC", "USDT"],
    funds: &[("BNB", "10"), ("BTC", "2"), ("ETH", "50"), ("USDT", "250000")],
    ..BINANCE_USDM
};

/// Source: Bybit v5 Place Order, orderLinkId, read 2026-11-22.
pub(crate) const BYBIT_LINEAR: Place = Place {
    adapter: "bybit-linear",
    quantity_max: ["1190", "500"],
    notional_min: "5",
    taker_fee: "0.00055",
    bid: "65006.4",
    ask: "65006.5",
    mark: "65006.5",
    touch: "3",
    funding: Some("0.00045"),
    too_small: "0.0001",
    reuse: FOR_EVER,
    tells_withdrawal: true,
    ..BINANCE_USDM
};

pub(crate) const BYBIT_INVERSE: Place = Place {
    adapter: "bybit-inverse",
    symbol: "BTCUSD",
    kind: InstrumentKind::Inverse,
    quote: "USD",
    settle: "BTC",
    lot: "1",
    quantity_min: "1",
    quantity_max: ["25000000", "5000000"],
    notional_min: "0",
    bid: "65002.4",
    ask: "65002.5",
    mark: "65002.5",
    touch: "195000",
    hedge_mode: false,
    funding: Some("0.00038"),
    quantity: "6500",
    too_small: "0.5",
    fee_assets: ["BTC", "BTC"],
    funds: &[("BTC", "5"), ("ETH", "100")],
    ..BYBIT_LINEAR
};

pub(crate) const BYBIT_SPOT: Place = Place {
    adapter: "bybit-spot",
    kind: InstrumentKind::Spot,
    lot: "0.000001",
    quantity_min: "0.000001",
    quantity_max: ["83", "41.5"],
    taker_fee: "0.001",
    bid: "64994.9",
    ask: "64995",
    mark: "64994.95",
    touch: "1",
    hedge_mode: false,
    funding: None,
    too_small: "0.00001",
    fee_assets: ["BTC", "USDT"],
    funds: &[("BTC", "2"), ("ETH", "50"), ("USDT", "250000")],
    ..BYBIT_LINEAR
};

/// Source: OKX v5 docs, Place order, clOrdId; error code 51016, read 2026-11-22.
pub(crate) const OKX_SWAP: Place = Place {
    adapter: "okx-swap",
    symbol: "BTC-USDT-SWAP",
    lot: "0.01",
    quantity_min: "0.01",
    quantity_max: ["100000000", "12000"],
    notional_min: "0",
    contract_size: "0.01",
    bid: "65004.9",
    ask: "65005",
    mark: "65005",
    touch: "300",
    funding: Some("0.00043"),
    quantity: "10",
    too_small: "0.001",
    funds: &[("BTC", "2"), ("ETH", "40"), ("USDT", "250000")],
    tells_withdrawal: true,
    ..BINANCE_USDM
};

pub(crate) const OKX_SWAP_INVERSE: Place = Place {
    symbol: "BTC-USD-SWAP",
    kind: InstrumentKind::Inverse,
    quote: "USD",
    settle: "BTC",
    lot: "1",
    quantity_min: "1",
    contract_size: "100",
    bid: "65001.9",
    ask: "65002",
    mark: "65002",
    touch: "2000",
    funding: Some("0.0004"),
    quantity: "65",
    too_small: "0.5",
    fee_assets: ["BTC", "BTC"],
    ..OKX_SWAP
};

pub(crate) const OKX_SPOT: Place = Place {
    adapter: "okx-spot",
    symbol: "BTC-USDT",
    kind: InstrumentKind::Spot,
    lot: "0.00000001",
    quantity_min: "0.00001",
    // The largest market order is stated in dollars.
    quantity_max: ["9999000000", "0"],
    contract_size: "1",
    taker_fee: "0.001",
    bid: "64989.9",
    ask: "64990",
    mark: "64989.95",
    touch: "3",
    hedge_mode: false,
    funding: None,
    quantity: "0.1",
    too_small: "0.000001",
    fee_assets: ["BTC", "USDT"],
    ..OKX_SWAP
};

/// Labels are no keys: nothing keeps two orders apart that share one.
/// No code of its own is documented for an order that would not reduce; the reason is in the text of a general one.
/// Source: Deribit docs, private/buy, label; Error codes, 11030, read 2026-11-22.
pub(crate) const DERIBIT: Place = Place {
    adapter: "deribit",
    symbol: "BTC-PERPETUAL",
    kind: InstrumentKind::Inverse,
    quote: "USD",
    settle: "BTC",
    tick: "0.5",
    lot: "10",
    quantity_min: "10",
    quantity_max: ["0", "0"],
    notional_min: "0",
    contract_size: "1",
    bid: "65002.5",
    ask: "65003",
    mark: "65003",
    touch: "200000",
    hedge_mode: false,
    tells_withdrawal: true,
    funding: Some("0.00041"),
    quantity: "6500",
    too_small: "5",
    fee_assets: ["BTC", "BTC"],
    funds: &[("BTC", "5"), ("ETH", "100"), ("USDC", "250000")],
    reuse: [Reuse::Accepted, Reuse::Accepted],
    refusals: [RefusalKind::Final, RefusalKind::Final],
    ..BINANCE_USDM
};

pub(crate) const DERIBIT_LINEAR: Place = Place {
    symbol: "BTC_USDC-PERPETUAL",
    kind: InstrumentKind::Linear,
    quote: "USDC",
    settle: "USDC",
    lot: "0.001",
    quantity_min: "0.001",
    bid: "65005.5",
    ask: "65006",
    mark: "65006",
    touch: "3",
    funding: Some("0.00044"),
    quantity: "0.1",
    too_small: "0.0001",
    fee_assets: ["USDC", "USDC"],
    ..DERIBIT
};

/// A used id is answered with its first order; fees are taken in quote on both sides, so none sizes an order.
/// Source: Coinbase Advanced Trade API, Create Order, client_order_id; List Fills, commission and trade_type, read 2026-11-22.
pub(crate) const COINBASE: Place = Place {
    adapter: "coinbase",
    symbol: "BTC-USD",
    kind: InstrumentKind::Spot,
    quote: "USD",
    settle: "USD",
    tick: "0.01",
    lot: "0.00000001",
    quantity_min: "0.00000001",
    quantity_max: ["3400", "3400"],
    notional_min: "1",
    contract_size: "1",
    taker_fee: "0",
    bid: "64979.99",
    ask: "64980",
    mark: "64979.995",
    touch: "3",
    hedge_mode: false,
    tells_withdrawal: true,
    funding: None,
    quantity: "0.1",
    too_small: "0.00001",
    fee_assets: ["USD", "USD"],
    funds: &[("BTC", "2"), ("ETH", "40"), ("USD", "250000"), ("USDC", "250000")],
    reuse: [Reuse::Echoed, Reuse::Echoed],
    shows_adjusted_trades: true,
    // ORDER_ENTRY_DISABLED passes; on spot no reduce-only order is sent.
    refusals: [RefusalKind::Transient, RefusalKind::ReduceOnly],
};
