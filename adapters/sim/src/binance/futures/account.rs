//! Positions and balances.

use rust_decimal::Decimal;
use serde_json::{Map, Value, json};

use super::Inside;
use super::product::Product;
use super::render;
use crate::binance::failure::Failure;
use crate::exchange::account::PositionSide;
use crate::exchange::instrument::{Listing, fixed};
use crate::exchange::orders::Side;

/// The lowest bracket's share of a position's worth that must stay as margin.
fn maintenance_rate() -> Decimal {
    Decimal::new(4, 3)
}

impl Inside<'_> {
    /// Positions held and those of symbols with open orders.
    pub(super) fn position_risk(&self) -> Result<Value, Failure> {
        let rows = self.rows(self.wanted()?);
        let active = rows.into_iter().filter(|(listing, side)| self.is_active(listing, *side));
        Ok(active.map(|(listing, side)| self.position(listing, side)).collect())
    }

    /// The older page, and COIN-M's: every symbol, with leverage and margin type.
    pub(super) fn position_risk_all(&self) -> Result<Value, Failure> {
        let margin_asset = self.params.get("marginAsset");
        let mut listings = self.wanted()?;
        listings
            .retain(|listing| margin_asset.is_none_or(|asset| listing.instrument.settle == asset));
        let rows = self.rows(listings).into_iter().map(|(listing, side)| {
            let position = self.position(listing, side);
            let leverage = self.engine.account.leverage_of(listing.instrument.symbol).to_string();
            let mut row = match self.product {
                Product::Usdm => with(position, [("maxNotionalValue", Value::from("40000000"))]),
                Product::Coinm => {
                    kept(&position, &COINM_POSITION, [("maxQty", Value::from("1000"))])
                }
            };
            if let Some(fields) = row.as_object_mut() {
                fields.insert("leverage".to_owned(), Value::from(leverage));
                let isolated = self.engine.account.is_isolated(listing.instrument.symbol);
                let word = if isolated { "isolated" } else { "cross" };
                fields.insert("marginType".to_owned(), Value::from(word));
                fields.insert("isAutoAddMargin".to_owned(), Value::from("false"));
            }
            row
        });
        Ok(rows.collect())
    }

    pub(super) fn balances(&self) -> Value {
        let assets = self.product.margin_assets().iter();
        assets.map(|asset| self.balance(asset)).collect()
    }

    fn balance(&self, asset: &str) -> Value {
        let engine = &self.engine;
        let available = fixed(engine.available(asset), 8);
        let value = json!({
            "accountAlias": "SgsR",
            "asset": asset,
            "balance": fixed(engine.account.balance(asset), 8),
            "crossWalletBalance": fixed(engine.account.balance(asset), 8),
            "crossUnPnl": fixed(engine.unrealised(asset), 8),
            "availableBalance": available,
            "updateTime": self.now_ms,
        });
        match self.product {
            Product::Usdm => with(
                value,
                [
                    ("maxWithdrawAmount", Value::from(available)),
                    ("marginAvailable", Value::from(true)),
                ],
            ),
            Product::Coinm => with(value, [("withdrawAvailable", Value::from(available))]),
        }
    }

    pub(super) fn account(&self) -> Value {
        let assets: Vec<Value> = self
            .product
            .margin_assets()
            .iter()
            .map(|asset| Value::Object(self.asset_fields(asset)))
            .collect();
        let listings = self.engine.listings.values().collect();
        let value = json!({
            "feeTier": 0,
            "canTrade": true,
            "canDeposit": true,
            "canWithdraw": true,
            "updateTime": 0,
            "assets": assets,
        });
        match self.product {
            Product::Usdm => {
                let rows = self.rows(listings).into_iter();
                let rows = rows.filter(|(listing, side)| self.is_active(listing, *side));
                let shown: Vec<Value> =
                    rows.map(|(listing, side)| self.account_position(listing, side)).collect();
                with(self.with_totals(value), [("positions", Value::from(shown))])
            }
            Product::Coinm => {
                let rows = self.rows(listings).into_iter();
                let shown: Vec<Value> =
                    rows.map(|(listing, side)| self.account_position(listing, side)).collect();
                with(value, [("positions", Value::from(shown))])
            }
        }
    }

    /// The sums over all assets, which USDⓈ-M shows beside them; there is one asset.
    fn with_totals(&self, value: Value) -> Value {
        let asset = self.asset_fields("USDT");
        let of = |name: &str| asset.get(name).cloned().unwrap_or_default();
        with(
            value,
            [
                ("multiAssetsMargin", Value::from(false)),
                ("tradeGroupId", Value::from(-1)),
                ("totalInitialMargin", of("initialMargin")),
                ("totalMaintMargin", of("maintMargin")),
                ("totalWalletBalance", of("walletBalance")),
                ("totalUnrealizedProfit", of("unrealizedProfit")),
                ("totalMarginBalance", of("marginBalance")),
                ("totalPositionInitialMargin", of("positionInitialMargin")),
                ("totalOpenOrderInitialMargin", of("openOrderInitialMargin")),
                ("totalCrossWalletBalance", of("walletBalance")),
                ("totalCrossUnPnl", of("unrealizedProfit")),
                ("availableBalance", of("availableBalance")),
                ("maxWithdrawAmount", of("maxWithdrawAmount")),
            ],
        )
    }

    fn asset_fields(&self, asset: &str) -> Map<String, Value> {
        let engine = &self.engine;
        let (wallet, unrealised) = (engine.account.balance(asset), engine.unrealised(asset));
        let (positions, orders) = (engine.position_margin(asset), engine.order_margin(asset));
        let mut fields = Map::new();
        let mut add = |name: &str, value: Value| fields.insert(name.to_owned(), value);
        add("asset", Value::from(asset));
        add("walletBalance", Value::from(fixed(wallet, 8)));
        add("unrealizedProfit", Value::from(fixed(unrealised, 8)));
        add("marginBalance", Value::from(fixed(wallet + unrealised, 8)));
        add("maintMargin", Value::from(fixed(self.maintenance_margin(asset), 8)));
        add("initialMargin", Value::from(fixed(positions + orders, 8)));
        add("positionInitialMargin", Value::from(fixed(positions, 8)));
        add("openOrderInitialMargin", Value::from(fixed(orders, 8)));
        add("crossWalletBalance", Value::from(fixed(wallet, 8)));
        add("crossUnPnl", Value::from(fixed(unrealised, 8)));
        add("availableBalance", Value::from(fixed(engine.available(asset), 8)));
        add("maxWithdrawAmount", Value::from(fixed(engine.available(asset), 8)));
        add("updateTime", Value::from(self.now_ms));
        if self.product == Product::Usdm {
            add("marginAvailable", Value::from(true));
        }
        fields
    }

    fn rows<'a>(&self, listings: Vec<&'a Listing>) -> Vec<(&'a Listing, PositionSide)> {
        let sides = self.engine.account.sides();
        let of = |listing| sides.iter().map(move |side| (listing, *side));
        listings.into_iter().flat_map(of).collect()
    }

    fn is_active(&self, listing: &Listing, side: PositionSide) -> bool {
        let symbol = listing.instrument.symbol;
        let mut open = self.engine.orders.open();
        !self.engine.account.position(symbol, side).quantity.is_zero()
            || open.any(|order| order.symbol == symbol && order.position_side == side)
    }

    fn maintenance_margin(&self, asset: &str) -> Decimal {
        let positions = self.engine.account.positions();
        let values = positions.filter_map(|(symbol, _, position)| {
            let listing = self.engine.listings.get(symbol)?;
            let rules = &listing.instrument;
            (rules.settle == asset).then(|| rules.value(position.quantity.abs(), listing.mark))
        });
        values.sum::<Decimal>() * maintenance_rate()
    }

    /// Worth of resting orders in the settlement asset.
    fn order_value(&self, listing: &Listing, side: Side) -> Decimal {
        let rules = &listing.instrument;
        let open = self.engine.orders.open();
        let of = open.filter(|order| order.symbol == rules.symbol && order.side == side);
        of.filter_map(|order| Some(rules.value(order.left(), order.price?))).sum()
    }

    fn position(&self, listing: &Listing, side: PositionSide) -> Value {
        let rules = &listing.instrument;
        let position = self.engine.account.position(rules.symbol, side);
        let value = rules.value(position.quantity, listing.mark);
        let leverage = self.engine.account.leverage_of(rules.symbol);
        let (bids, asks) =
            (self.order_value(listing, Side::Buy), self.order_value(listing, Side::Sell));
        let entry = position.entry_price(rules).round_dp(8).normalize().to_string();
        let set_apart = self.engine.account.is_isolated(rules.symbol);
        let held = if set_apart { value.abs() / leverage } else { Decimal::ZERO };
        // Cross margin shows a plain zero.
        let isolated = if held.is_zero() { "0".to_owned() } else { fixed(held, 8) };
        json!({
            "symbol": rules.symbol,
            "positionSide": render::position_side(side),
            "positionAmt": fixed(position.quantity, rules.quantity_decimals),
            "entryPrice": entry,
            "breakEvenPrice": entry,
            "markPrice": fixed(listing.mark, 8),
            "unRealizedProfit": fixed(position.unrealised(rules, listing.mark), 8),
            "liquidationPrice": "0",
            "isolatedMargin": isolated,
            "isolatedWallet": isolated,
            "notional": fixed(value, 8),
            "marginAsset": rules.settle,
            "initialMargin": fixed((value.abs() + bids + asks) / leverage, 8),
            "maintMargin": fixed(value.abs() * maintenance_rate(), 8),
            "positionInitialMargin": fixed(value.abs() / leverage, 8),
            "openOrderInitialMargin": fixed((bids + asks) / leverage, 8),
            "adl": 1,
            "bidNotional": fixed(bids, 8),
            "askNotional": fixed(asks, 8),
            "updateTime": position.updated_ms,
        })
    }

    fn account_position(&self, listing: &Listing, side: PositionSide) -> Value {
        let position = self.position(listing, side);
        let leverage = self.engine.account.leverage_of(listing.instrument.symbol).to_string();
        let further = [
            ("unrealizedProfit", position["unRealizedProfit"].clone()),
            ("leverage", Value::from(leverage)),
            ("isolated", Value::from(self.engine.account.is_isolated(listing.instrument.symbol))),
        ];
        match self.product {
            Product::Usdm => {
                let mut row = with(position, further);
                if let Some(fields) = row.as_object_mut() {
                    fields.remove("unRealizedProfit");
                    fields.insert("maxNotional".to_owned(), Value::from("40000000"));
                }
                row
            }
            Product::Coinm => {
                let row = kept(&position, &COINM_ACCOUNT_POSITION, further);
                with(row, [("maxQty", Value::from("1000"))])
            }
        }
    }
}

/// Fields of a position that COIN-M shows on its position page.
const COINM_POSITION: [&str; 11] = [
    "symbol",
    "positionAmt",
    "entryPrice",
    "breakEvenPrice",
    "markPrice",
    "unRealizedProfit",
    "liquidationPrice",
    "isolatedMargin",
    "positionSide",
    "isolatedWallet",
    "updateTime",
];

/// Fields of a position that COIN-M shows on its account page.
const COINM_ACCOUNT_POSITION: [&str; 10] = [
    "symbol",
    "positionAmt",
    "initialMargin",
    "maintMargin",
    "positionInitialMargin",
    "openOrderInitialMargin",
    "positionSide",
    "entryPrice",
    "breakEvenPrice",
    "updateTime",
];

fn with<const N: usize>(mut value: Value, further: [(&str, Value); N]) -> Value {
    if let Some(fields) = value.as_object_mut() {
        fields.extend(further.map(|(name, value)| (name.to_owned(), value)));
    }
    value
}

/// The named fields of `value`, the notional as COIN-M calls it, and some more.
fn kept<const N: usize>(value: &Value, names: &[&str], further: [(&str, Value); N]) -> Value {
    let named = names.iter().map(|name| ((*name).to_owned(), value[*name].clone()));
    let notional = [("notionalValue".to_owned(), value["notional"].clone())];
    let more = further.map(|(name, value)| (name.to_owned(), value));
    Value::Object(named.chain(notional).chain(more).collect())
}
