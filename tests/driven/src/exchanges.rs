//! The simulated exchanges of a seed as they start out.

use std::collections::BTreeMap;

use equipoise_sim::{Exchange, Fault, RateLimits};
use rust_decimal::Decimal;

use crate::scenario::{Desk, Scenario};

/// One for each desk, with everything that is to go wrong there.
pub(crate) fn start(scenario: &Scenario) -> Vec<Exchange> {
    scenario.desks.iter().map(|desk| exchange(desk, &scenario.faults)).collect()
}

/// More of every asset than any seed spends.
fn funds(desk: &Desk) -> BTreeMap<String, Decimal> {
    let plenty = [
        ("USDT", 5_000_000),
        ("USDC", 5_000_000),
        ("USD", 5_000_000),
        ("BTC", 100),
        ("ETH", 2_000),
    ];
    let mut funds: BTreeMap<_, _> =
        plenty.into_iter().map(|(asset, amount)| (asset.to_owned(), amount.into())).collect();
    if let Some(amount) = desk.fee_token {
        funds.insert("BNB".to_owned(), amount);
    }
    funds
}

fn exchange(desk: &Desk, faults: &[Fault]) -> Exchange {
    let settings = equipoise_sim::Settings {
        funds: funds(desk),
        fees_in_token: desk.fee_token.is_some(),
        hedge_mode: desk.hedge_mode,
        depth: desk.depth,
        rate_limits: RateLimits::Enforced,
        ..equipoise_sim::Settings::default()
    };
    let mut exchange = Exchange::start(desk.place.adapter, desk.key.known(), settings)
        .expect("every place can be simulated");
    for fault in faults {
        exchange.inject(fault.clone());
    }
    for outage in &desk.outages {
        let at = |ms: u64| ms.saturating_add_signed(desk.offset_ms);
        exchange.faults_mut().add_outage(at(outage.from_ms), at(outage.until_ms), outage.loss);
    }
    exchange
}
