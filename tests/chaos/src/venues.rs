//! Where runs trade: one bitcoin instrument of each adapter, and what the exchanges know of its units.

use std::collections::BTreeMap;

use equipoise_sim::{Credentials, InstrumentKind, Ledger, Order, Trade};
use rust_decimal::Decimal;

/// One adapter with the instrument traded there.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Venue {
    /// Name of the adapter, and of the venue in configurations and plans.
    pub(crate) adapter: &'static str,
    pub(crate) symbol: &'static str,
    pub(crate) kind: InstrumentKind,
    /// Hundred-thousandths of a bitcoin that one unit is, or whole dollars of an inverse contract.
    unit: i64,
    /// Hundred-thousandths of a bitcoin, rounded up, below which nothing can be traded.
    dust: i64,
}

const ONE: i64 = 100_000;
/// Price at which dollars are counted as bitcoin here; exchanges are within a thousandth of it.
const PRICE: i64 = 65_000;

const fn venue(
    adapter: &'static str,
    symbol: &'static str,
    kind: InstrumentKind,
    unit: i64,
    dust: i64,
) -> Venue {
    Venue { adapter, symbol, kind, unit, dust }
}

use InstrumentKind::{Inverse, Linear, Spot};

/// All of them.
pub(crate) const VENUES: [Venue; 10] = [
    venue("binance-usdm", "BTCUSDT", Linear, ONE, 200),
    venue("bybit-linear", "BTCUSDT", Linear, ONE, 100),
    venue("okx-swap", "BTC-USDT-SWAP", Linear, 1_000, 10),
    venue("deribit", "BTC-PERPETUAL", Inverse, 1, 16),
    venue("coinbase", "BTC-USD", Spot, ONE, 2),
    venue("binance-coinm", "BTCUSD_PERP", Inverse, 100, 154),
    venue("binance-spot", "BTCUSDT", Spot, ONE, 8),
    venue("bybit-inverse", "BTCUSD", Inverse, 1, 2),
    venue("bybit-spot", "BTCUSDT", Spot, ONE, 8),
    venue("okx-spot", "BTC-USDT", Spot, ONE, 1),
];

impl Venue {
    /// What a ledger's orders left the account with, in the venue's unit: fees taken out of spot bitcoin are gone.
    pub(crate) fn held(&self, ledger: Option<&Ledger>) -> Decimal {
        let orders = ledger.map_or(&[][..], |ledger| &ledger.orders);
        let one = |order: &Order, trade: &Trade| {
            let taken = self.kind == Spot && trade.fee_asset == "BTC";
            order.side.signed(trade.quantity) - if taken { trade.fee } else { Decimal::ZERO }
        };
        let trades =
            orders.iter().flat_map(|order| order.trades.iter().map(move |trade| one(order, trade)));
        trades.sum()
    }

    /// Bitcoin that so many units stand for, near enough to tell a lot.
    pub(crate) fn base(&self, units: Decimal) -> Decimal {
        match self.kind {
            Inverse => units * Decimal::from(self.unit) / Decimal::from(PRICE),
            Linear | Spot => units * Decimal::new(self.unit, 5),
        }
    }

    /// Whether its units can be counted in bitcoin exactly, and are what was ordered.
    pub(crate) fn is_exact(&self) -> bool {
        self.kind == Linear
    }

    /// Bitcoin below which nothing can be traded.
    pub(crate) fn dust(&self) -> Decimal {
        Decimal::new(self.dust, 5)
    }

    /// Names of the variables its configuration mentions, with what a demo account has in them.
    pub(crate) fn variables(&self) -> BTreeMap<String, String> {
        let demo = Credentials::demo(self.adapter);
        let mut variables = BTreeMap::from([
            (self.variable("API_KEY"), demo.key),
            (self.variable("API_SECRET"), demo.secret),
        ]);
        if let Some(passphrase) = demo.passphrase {
            variables.insert(self.variable("API_PASSPHRASE"), passphrase);
        }
        variables
    }

    /// Its part of a configuration.
    pub(crate) fn section(&self, url: &str) -> String {
        let Self { adapter, .. } = self;
        let [key, secret, passphrase] =
            ["API_KEY", "API_SECRET", "API_PASSPHRASE"].map(|what| self.variable(what));
        let mut text = format!(
            "\n[venues.{adapter}]\nadapter = \"{adapter}\"\nrest_url = \"{url}\"\n\
             api_key_env = \"{key}\"\napi_secret_env = \"{secret}\"\n"
        );
        if Credentials::demo(adapter).passphrase.is_some() {
            text.push_str(&format!("api_passphrase_env = \"{passphrase}\"\n"));
        }
        text
    }

    fn variable(&self, what: &str) -> String {
        format!("{}_{what}", self.adapter.to_uppercase().replace('-', "_"))
    }
}

#[cfg(test)]
mod tests {
    use super::VENUES;

    #[test]
    fn every_exchange_that_can_be_simulated_is_a_venue() {
        let mut venues: Vec<&str> = VENUES.iter().map(|venue| venue.adapter).collect();
        let mut simulated = equipoise_sim::adapters().to_vec();
        venues.sort_unstable();
        simulated.sort_unstable();
        assert_eq!(venues, simulated);
    }
}
