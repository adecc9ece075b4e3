//! The account always adds up, whatever is ordered: on linear and inverse contracts and on spot.
#![allow(clippy::unwrap_used, reason = "tests")]

mod common;

use common::{BYBIT_SPOT_PAIR, Bybit, Category, INVERSE, LINEAR};
use equipoise_sim::{Depth, Ledger, RateLimits, Settings};
use proptest::prelude::*;
use rust_decimal::Decimal;
use serde_json::json;

/// Side, kind of order, size in thousandths of a bitcoin, price in ticks around the mark, reduce-only, change of the
/// mark in ticks.
type Act = (bool, u8, u32, i64, bool, i64);

fn act() -> impl Strategy<Value = Act> {
    (any::<bool>(), 0..5_u8, 1..3000_u32, -400..400_i64, any::<bool>(), -300..300_i64)
}

fn carry_out(bybit: &mut Bybit, index: usize, (buy, kind, size, ticks, reduce_only, moved): Act) {
    let symbol = bybit.category.symbol;
    let mark = Decimal::new(650_065 + moved, 1);
    bybit.exchange.set_mark(bybit.now_ms, symbol, mark).unwrap();
    let price = Decimal::new(650_065 + ticks, 1).to_string();
    let tif = ["GTC", "IOC", "FOK", "PostOnly", "GTC"][usize::from(kind)];
    let order_type = if kind == 4 { "Market" } else { "Limit" };
    let smp =
        ["None", "CancelTaker", "CancelMaker", "CancelBoth"][usize::try_from(size % 4).unwrap()];
    let quantity = match bybit.category.name {
        "inverse" => Decimal::from(size * 65),
        _ => Decimal::new(i64::from(size), 3),
    };
    let mut changes = json!({
        "side": if buy { "Buy" } else { "Sell" }, "orderType": order_type, "price": price, "timeInForce": tif,
        "qty": quantity.to_string(), "smpType": smp,
    });
    if bybit.category.name == "spot" {
        changes["marketUnit"] = "baseCoin".into();
    } else {
        changes["reduceOnly"] = reduce_only.into();
    }
    let _ = bybit.code(&format!("leg-{index}"), changes);
}

fn played(category: Category, acts: Vec<Act>, thin: Option<Decimal>) -> Ledger {
    let depth = thin.map_or(Depth::Deep, |quantity| Depth::Thin { levels: 2, quantity });
    let settings = Settings { depth, rate_limits: RateLimits::Counted, ..Settings::default() };
    let mut bybit = Bybit::at(category, settings);
    for (index, act) in acts.into_iter().enumerate() {
        carry_out(&mut bybit, index, act);
    }
    bybit.exchange.ledger()
}

/// No order executes more than it asked for.
fn check_orders(ledger: &Ledger) -> Result<(), TestCaseError> {
    for order in &ledger.orders {
        let executed: Decimal = order.trades.iter().map(|trade| trade.quantity).sum();
        prop_assert_eq!(executed, order.executed);
        prop_assert!(order.executed <= order.quantity);
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn executions_positions_fees_and_balance_of_linear_contracts_agree(acts in proptest::collection::vec(act(), 1..60), thin in any::<bool>()) {
        let ledger = played(LINEAR, acts, thin.then(|| Decimal::new(3, 1)));
        check_orders(&ledger)?;
        let (mut position, mut cash, mut fees) = (Decimal::ZERO, Decimal::ZERO, Decimal::ZERO);
        for order in &ledger.orders {
            for trade in &order.trades {
                position += order.side.signed(trade.quantity);
                cash -= order.side.signed(trade.quantity * trade.price);
                let rate = if trade.maker { Decimal::new(2, 4) } else { Decimal::new(55, 5) };
                prop_assert_eq!(trade.fee, (trade.price * trade.quantity * rate).round_dp(8));
                fees += trade.fee;
            }
        }
        let held: Decimal = ledger.positions.iter().map(|position| position.quantity).sum();
        let cost: Decimal = ledger.positions.iter().map(|position| position.cost).sum();
        prop_assert_eq!(held, position);
        // What was paid is either still in the position or has become profit.
        prop_assert_eq!(ledger.balances["USDT"], Decimal::from(250_000) + cash + cost - fees);
        if held.is_zero() {
            prop_assert_eq!(cost, Decimal::ZERO);
        }
    }

    #[test]
    fn executions_positions_fees_and_balance_of_inverse_contracts_agree(acts in proptest::collection::vec(act(), 1..60), thin in any::<bool>()) {
        let ledger = played(INVERSE, acts, thin.then(|| Decimal::from(19_500)));
        check_orders(&ledger)?;
        let (mut position, mut coins, mut fees) = (Decimal::ZERO, Decimal::ZERO, Decimal::ZERO);
        for order in &ledger.orders {
            for trade in &order.trades {
                position += order.side.signed(trade.quantity);
                // A dollar bought is a debt of its worth in coins.
                coins += order.side.signed((trade.quantity / trade.price).round_dp(18));
                let rate = if trade.maker { Decimal::new(2, 4) } else { Decimal::new(55, 5) };
                prop_assert_eq!(trade.fee, (trade.quantity / trade.price * rate).round_dp(8));
                fees += trade.fee;
            }
        }
        let held: Decimal = ledger.positions.iter().map(|position| position.quantity).sum();
        let cost: Decimal = ledger.positions.iter().map(|position| position.cost).sum();
        prop_assert_eq!(held, position);
        prop_assert!(held.fract().is_zero());
        // An execution through zero is rounded in its two parts, each at the eighteenth decimal.
        let off = ledger.balances["BTC"] - (Decimal::from(5) + coins + cost - fees);
        prop_assert!(off.abs() < Decimal::new(1, 15), "{}", off);
        if held.is_zero() {
            prop_assert_eq!(cost, Decimal::ZERO);
        }
    }

    #[test]
    fn executions_fees_and_balances_of_spot_agree_and_nothing_is_overdrawn(acts in proptest::collection::vec(act(), 1..60), thin in any::<bool>()) {
        let ledger = played(BYBIT_SPOT_PAIR, acts, thin.then(|| Decimal::new(3, 1)));
        check_orders(&ledger)?;
        let (mut coins, mut cash) = (Decimal::TWO, Decimal::from(250_000));
        for order in &ledger.orders {
            for trade in &order.trades {
                coins += order.side.signed(trade.quantity);
                cash -= order.side.signed(trade.quantity * trade.price);
                match trade.fee_asset.as_str() {
                    "BTC" => coins -= trade.fee,
                    _ => cash -= trade.fee,
                }
            }
        }
        prop_assert_eq!((ledger.balances["BTC"], ledger.balances["USDT"]), (coins, cash));
        prop_assert!(coins >= Decimal::ZERO && cash >= Decimal::ZERO);
        prop_assert_eq!(ledger.positions, vec![]);
    }
}
