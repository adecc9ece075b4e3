//! Where a seed may trade: every adapter with the promises of the failure model and the instruments that are drawn.
//!
//! Written from the documents, not from the adapters: what an adapter declares is compared with it.

use equipoise_core::ResendClass;
use rust_decimal::Decimal;

/// One adapter.
#[derive(Debug)]
pub(crate) struct Place {
    /// Its name, which plans use for the venue too.
    pub(crate) adapter: &'static str,
    /// Class and margin by the failure model's table of products.
    pub(crate) class: ResendClass,
    pub(crate) margin_ms: u32,
    /// Whether the matching engine itself refuses what comes after its deadline.
    pub(crate) engine_refuses_late: bool,
    pub(crate) markets: &'static [Market],
    /// HTTP status, code and text of documented refusals: one for good, one about time where there is such a code, and
    /// one that passes.
    pub(crate) refusals: [(u16, i64, &'static str); 3],
    pub(crate) met: Met,
}

/// Situations to be met at one adapter.
#[derive(Debug)]
pub(crate) struct Met {
    pub(crate) played: &'static str,
    pub(crate) unwound: &'static str,
    pub(crate) doubted: &'static str,
}

/// One instrument.
#[derive(Debug)]
pub(crate) struct Market {
    pub(crate) symbol: &'static str,
    /// Its underlying.
    pub(crate) base: Base,
    /// About what it costs, quote units.
    pub(crate) near: i64,
    pub(crate) counts: Counts,
}

/// An underlying.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Base {
    Btc,
    Eth,
}

/// What an instrument is counted in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Counts {
    /// Base units, on spot.
    Spot,
    /// Base units.
    Base,
    /// Contracts, so many to one base unit.
    Contracts(i64),
    /// Contracts of so many US dollars, traded in multiples of so many.
    Dollars(i64, i64),
}

impl Market {
    /// A quantity in the venue's unit that is worth about so many base units, in whole lots of every listing there as
    /// long as `base` is a multiple of a hundredth.
    pub(crate) fn units(&self, base: Decimal) -> Decimal {
        match self.counts {
            Counts::Spot | Counts::Base => base,
            Counts::Contracts(to_one) => base * Decimal::from(to_one),
            Counts::Dollars(size, step) => {
                let lots = base * Decimal::from(self.near) / Decimal::from(size * step);
                lots.floor().max(Decimal::ONE) * Decimal::from(step)
            }
        }
    }
}

/// The place of this name.
pub(crate) fn find(adapter: &str) -> Option<&'static Place> {
    PLACES.iter().find(|place| place.adapter == adapter)
}

const fn btc(symbol: &'static str, counts: Counts) -> Market {
    Market { symbol, base: Base::Btc, near: 65_000, counts }
}

const fn eth(symbol: &'static str, counts: Counts) -> Market {
    Market { symbol, base: Base::Eth, near: 3_200, counts }
}

macro_rules! met {
    ($adapter:literal) => {
        Met {
            played: concat!("played at ", $adapter),
            unwound: concat!("unwound at ", $adapter),
            doubted: concat!("in doubt at ", $adapter),
        }
    };
}

const BINANCE_LATE: (u16, i64, &str) =
    (400, -1021, "Timestamp for this request is outside of the recvWindow.");
const BINANCE_FUTURES: [(u16, i64, &str); 3] = [
    (400, -2019, "Margin is insufficient."),
    BINANCE_LATE,
    (503, -1008, "Request throttled by system-level protection."),
];
const BYBIT_LATE: (u16, i64, &str) =
    (200, 10_002, "invalid request, please check your server timestamp");
const BYBIT_BUSY: (u16, i64, &str) = (200, 10_006, "Too many visits. Exceeded the API Rate Limit.");
const BYBIT_CONTRACTS: [(u16, i64, &str); 3] =
    [(200, 110_007, "ab not enough for new order"), BYBIT_LATE, BYBIT_BUSY];
const OKX: [(u16, i64, &str); 3] = [
    (200, 51_008, "Order failed. Insufficient balance in account"),
    (401, 50_102, "Timestamp request expired"),
    (429, 50_061, "Order rate limit reached. Please try again later."),
];

/// All of them.
///
/// Source of codes: Binance USDⓈ-M, COIN-M and Spot Error Codes; Bybit v5 Error Codes; OKX v5 docs, Error Code; Deribit
/// docs, RPC Error Codes; Coinbase Advanced Trade API, Create Order, read 2026-11-22.
pub(crate) const PLACES: &[Place] = &[
    Place {
        adapter: "binance-usdm",
        class: ResendClass::B,
        margin_ms: 2_000,
        engine_refuses_late: true,
        markets: &[btc("BTCUSDT", Counts::Base), eth("ETHUSDT", Counts::Base)],
        refusals: BINANCE_FUTURES,
        met: met!("binance-usdm"),
    },
    Place {
        adapter: "binance-coinm",
        class: ResendClass::B,
        margin_ms: 12_000,
        engine_refuses_late: false,
        markets: &[
            btc("BTCUSD_PERP", Counts::Dollars(100, 1)),
            eth("ETHUSD_PERP", Counts::Dollars(10, 1)),
        ],
        refusals: BINANCE_FUTURES,
        met: met!("binance-coinm"),
    },
    Place {
        adapter: "binance-spot",
        class: ResendClass::B,
        margin_ms: 12_000,
        engine_refuses_late: false,
        markets: &[btc("BTCUSDT", Counts::Spot), eth("ETHUSDT", Counts::Spot)],
        refusals: [
            (400, -2010, "Account has insufficient balance for requested action."),
            BINANCE_LATE,
            (429, -1015, "Too many new orders; current limit is 50 orders per TEN SECONDS."),
        ],
        met: met!("binance-spot"),
    },
    Place {
        adapter: "bybit-linear",
        class: ResendClass::A,
        margin_ms: 10_000,
        engine_refuses_late: false,
        markets: &[btc("BTCUSDT", Counts::Base), eth("ETHUSDT", Counts::Base)],
        refusals: BYBIT_CONTRACTS,
        met: met!("bybit-linear"),
    },
    Place {
        adapter: "bybit-inverse",
        class: ResendClass::A,
        margin_ms: 10_000,
        engine_refuses_late: false,
        markets: &[btc("BTCUSD", Counts::Dollars(1, 1)), eth("ETHUSD", Counts::Dollars(1, 1))],
        refusals: BYBIT_CONTRACTS,
        met: met!("bybit-inverse"),
    },
    Place {
        adapter: "bybit-spot",
        class: ResendClass::A,
        margin_ms: 10_000,
        engine_refuses_late: false,
        markets: &[btc("BTCUSDT", Counts::Spot), eth("ETHUSDT", Counts::Spot)],
        refusals: [(200, 170_131, "Insufficient balance."), BYBIT_LATE, BYBIT_BUSY],
        met: met!("bybit-spot"),
    },
    Place {
        adapter: "okx-swap",
        class: ResendClass::B,
        margin_ms: 10_000,
        engine_refuses_late: false,
        markets: &[
            btc("BTC-USDT-SWAP", Counts::Contracts(100)),
            eth("ETH-USDT-SWAP", Counts::Contracts(10)),
            btc("BTC-USD-SWAP", Counts::Dollars(100, 1)),
            eth("ETH-USD-SWAP", Counts::Dollars(10, 1)),
        ],
        refusals: OKX,
        met: met!("okx-swap"),
    },
    Place {
        adapter: "okx-spot",
        class: ResendClass::B,
        margin_ms: 10_000,
        engine_refuses_late: false,
        markets: &[btc("BTC-USDT", Counts::Spot), eth("ETH-USDT", Counts::Spot)],
        refusals: OKX,
        met: met!("okx-spot"),
    },
    Place {
        adapter: "deribit",
        class: ResendClass::B,
        margin_ms: 2_000,
        engine_refuses_late: true,
        markets: &[
            btc("BTC-PERPETUAL", Counts::Dollars(1, 10)),
            eth("ETH-PERPETUAL", Counts::Dollars(1, 1)),
            btc("BTC_USDC-PERPETUAL", Counts::Base),
            eth("ETH_USDC-PERPETUAL", Counts::Base),
            Market { near: 65_350, ..btc("BTC-25DEC26", Counts::Dollars(1, 10)) },
        ],
        refusals: [
            (400, 10_009, "not_enough_funds"),
            (400, 13_888, "timed_out"),
            (400, 10_047, "matching_engine_queue_full"),
        ],
        met: met!("deribit"),
    },
    Place {
        adapter: "coinbase",
        class: ResendClass::A,
        margin_ms: 30_000,
        engine_refuses_late: false,
        markets: &[
            btc("BTC-USD", Counts::Spot),
            eth("ETH-USD", Counts::Spot),
            btc("BTC-USDC", Counts::Spot),
            eth("ETH-USDC", Counts::Spot),
        ],
        // Reasons have names instead of codes here, and none is about time.
        refusals: [
            (200, 0, "INSUFFICIENT_FUND"),
            (200, 0, "PRODUCT_TRADING_HALTED"),
            (200, 0, "ORDER_ENTRY_DISABLED"),
        ],
        met: met!("coinbase"),
    },
];

#[cfg(test)]
mod tests {
    use super::PLACES;

    #[test]
    fn every_exchange_that_can_be_simulated_is_a_place() {
        let mut places: Vec<&str> = PLACES.iter().map(|place| place.adapter).collect();
        let mut simulated = equipoise_sim::adapters().to_vec();
        let mut adapters: Vec<&str> = equipoise_venues::adapters().collect();
        places.sort_unstable();
        simulated.sort_unstable();
        adapters.sort_unstable();
        assert_eq!(places, simulated);
        assert_eq!(places, adapters);
    }
}
