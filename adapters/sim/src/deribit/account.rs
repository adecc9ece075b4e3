//! Positions and the wallet of each coin.

use rust_decimal::Decimal;

use super::Inside;
use super::failure::Failure;
use super::instruments;
use super::render;
use super::wire::{Object, array};
use crate::exchange::account::{MarginMode, PositionSide};
use crate::exchange::instrument::Listing;

/// Share of a position's value that must stay in the account.
const MAINTENANCE: Decimal = Decimal::from_parts(5, 0, 0, false, 3);

impl Inside<'_> {
    /// Held positions.
    pub(super) fn positions(&self) -> Result<String, Failure> {
        let currency = self.currency(true)?;
        let listings = self.engine.listings.values().filter(|listing| {
            let held = self.engine.account.position(listing.instrument.symbol, PositionSide::Net);
            self.belongs(listing, currency) && !held.quantity.is_zero()
        });
        Ok(array(listings.map(|listing| self.position(listing))))
    }

    pub(super) fn position(&self, listing: &Listing) -> String {
        let (engine, rules) = (&self.engine, &listing.instrument);
        let position = engine.account.position(rules.symbol, PositionSide::Net);
        let leverage = engine.account.leverage_of(rules.symbol);
        let value = rules.value(position.quantity.abs(), listing.mark);
        let profit = position.unrealised(rules, listing.mark);
        let direction = match position.quantity {
            size if size.is_zero() => "zero",
            size if size.is_sign_negative() => "sell",
            _ => "buy",
        };
        let coins = rules.base_units(position.quantity, listing.mark).round_dp(9);
        let entry = render::average(rules, position.entry_price(rules));
        Object::default()
            .text("instrument_name", rules.symbol)
            .text("kind", instruments::kind(rules.symbol))
            .text("direction", direction)
            .number("size", position.quantity)
            .number("size_currency", coins)
            .number("average_price", entry)
            .number("mark_price", listing.mark)
            .number("index_price", listing.mark)
            .number("settlement_price", listing.mark)
            .number("floating_profit_loss", profit.round_dp(8))
            .number("realized_profit_loss", position.realised.round_dp(8))
            .number("total_profit_loss", (profit + position.realised).round_dp(8))
            .number("initial_margin", (value / leverage).round_dp(8))
            .number("maintenance_margin", (value * MAINTENANCE).round_dp(8))
            .number("leverage", leverage)
            .number("delta", coins)
            .zeros(&["realized_funding", "open_orders_margin", "interest_value"])
            .raw("estimated_liquidation_price", "null")
            .build()
    }

    pub(super) fn account_summary(&self) -> Result<String, Failure> {
        let currency = self.currency(false)?;
        let extended = self.params.get("extended") == Some("true");
        Ok(self.summary_of(currency, extended).build())
    }

    pub(super) fn account_summaries(&self) -> String {
        let extended = self.params.get("extended") == Some("true");
        let coins = self.engine.account.balances().keys();
        let summaries = array(coins.map(|coin| self.summary_of(coin, false).build()));
        identity(Object::default().raw("summaries", &summaries), extended).build()
    }

    fn summary_of(&self, coin: &str, extended: bool) -> Object {
        let engine = &self.engine;
        let (balance, profit) = (engine.account.balance(coin), engine.unrealised(coin));
        let (positions, orders) = (engine.position_margin(coin), engine.order_margin(coin));
        let equity = balance + profit;
        let round = |value: Decimal| value.round_dp(8);
        let by_risk = engine.account.margin_mode == MarginMode::Portfolio;
        let object = Object::default()
            .text("currency", coin)
            .number("balance", round(balance))
            .number("equity", round(equity))
            .number("margin_balance", round(equity))
            .number("available_funds", round(engine.available(coin)))
            .number("available_withdrawal_funds", round(engine.available(coin)))
            .number("initial_margin", round(positions + orders))
            .number("projected_initial_margin", round(positions + orders))
            .number("maintenance_margin", round(positions * MAINTENANCE))
            .number("projected_maintenance_margin", round(positions * MAINTENANCE))
            .number("session_upl", round(profit))
            .number("total_pl", round(profit))
            .number("futures_pl", round(profit))
            // Positions of one coin always share its margin.
            .text("margin_model", if by_risk { "segregated_pm" } else { "segregated_sm" })
            .flag("cross_collateral_enabled", false)
            .flag("portfolio_margining_enabled", by_risk)
            .raw("limits", LIMITS)
            .zeros(&[
                "session_rpl",
                "session_funding",
                "futures_session_upl",
                "futures_session_rpl",
                "options_pl",
                "options_session_upl",
                "options_session_rpl",
                "options_value",
                "options_delta",
                "options_gamma",
                "options_vega",
                "options_theta",
                "delta_total",
                "fee_balance",
                "spot_reserve",
                "additional_reserve",
            ]);
        identity(object, extended)
    }
}

/// The allowances as an extended summary tells them.
const LIMITS: &str = r#"{"limits_per_currency":false,"non_matching_engine":{"burst":100,"rate":20},"matching_engine":{"trading":{"total":{"burst":20,"rate":5}},"cancel_all":{"burst":20,"rate":5},"maximum_quotes":{"burst":20,"rate":5}}}"#;

fn identity(object: Object, extended: bool) -> Object {
    if !extended {
        return object;
    }
    object
        .count("id", 10)
        .text("type", "main")
        .text("username", "simulated")
        .text("system_name", "simulated")
        .flag("interuser_transfers_enabled", false)
        .flag("mmp_enabled", false)
        .count("creation_timestamp", 1_534_167_754_000)
}
