//! The account always adds up, whatever is ordered.
#![allow(clippy::unwrap_used, reason = "tests")]

mod common;

use common::Bybit;
use equipoise_sim::{Depth, RateLimits, Settings};
use proptest::prelude::*;
use rust_decimal::Decimal;
use serde_json::json;

/// Side, kind of order, quantity in lots, price in ticks around the mark, reduce-only, change of the mark in ticks.
type Act = (bool, u8, u32, i64, bool, i64);

fn act() -> impl Strategy<Value = Act> {
    (any::<bool>(), 0..5_u8, 1..3000_u32, -400..400_i64, any::<bool>(), -300..300_i64)
}

fn carry_out(bybit: &mut Bybit, index: usize, (buy, kind, lots, ticks, reduce_only, moved): Act) {
    let mark = Decimal::new(650_065 + moved, 1);
    bybit.exchange.set_mark(bybit.now_ms, "BTCUSDT", mark).unwrap();
    let price = Decimal::new(650_065 + ticks, 1).to_string();
    let tif = ["GTC", "IOC", "FOK", "PostOnly", "GTC"][usize::from(kind)];
    let order_type = if kind == 4 { "Market" } else { "Limit" };
    let smp =
        ["None", "CancelTaker", "CancelMaker", "CancelBoth"][usize::try_from(lots % 4).unwrap()];
    let changes = json!({
        "side": if buy { "Buy" } else { "Sell" }, "orderType": order_type, "price": price, "timeInForce": tif,
        "qty": Decimal::new(i64::from(lots), 3).to_string(), "reduceOnly": reduce_only, "smpType": smp,
    });
    let _ = bybit.code(&format!("leg-{index}"), changes);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn executions_positions_fees_and_wallet_agree(acts in proptest::collection::vec(act(), 1..60), thin in any::<bool>()) {
        let depth = if thin { Depth::Thin { levels: 2, quantity: Decimal::new(3, 1) } } else { Depth::Deep };
        let settings = Settings { depth, rate_limits: RateLimits::Counted, ..Settings::default() };
        let start = Decimal::from(250_000);
        let mut bybit = Bybit::start(settings);
        for (index, act) in acts.into_iter().enumerate() {
            carry_out(&mut bybit, index, act);
        }
        let ledger = bybit.exchange.ledger();
        let (mut position, mut cash, mut fees) = (Decimal::ZERO, Decimal::ZERO, Decimal::ZERO);
        for order in &ledger.orders {
            let executed: Decimal = order.trades.iter().map(|trade| trade.quantity).sum();
            prop_assert_eq!(executed, order.executed);
            prop_assert!(order.executed <= order.quantity);
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
        prop_assert_eq!(ledger.balances["USDT"], start + cash + cost - fees);
        if held.is_zero() {
            prop_assert_eq!(cost, Decimal::ZERO);
        }
    }
}
