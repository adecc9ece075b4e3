//! One reference price for each pair of assets, and what quotes come down to (K7, R10).
#![allow(clippy::unwrap_used, reason = "tests")]

use crate::common::*;
use equipoise_core::*;
use rust_decimal::Decimal;

fn references(pairs: &[(&str, &str, &str)]) -> References {
    pairs.iter().map(|(base, quote, at)| (asset(base), asset(quote), price(at))).collect()
}

fn quoted(base: &str, quote: &str, lot: &str) -> Instrument {
    Instrument {
        symbol: Symbol::new(&format!("{base}{quote}")).unwrap(),
        quote: asset(quote),
        tick: price("0.0001"),
        notional_min: qty(if quote == "BTC" { "0.0001" } else { "5" }),
        ..spot(base, lot)
    }
}

#[test]
fn every_pair_has_its_own_price_and_the_first_one_stays() {
    let references = references(&[
        ("ETH", "BTC", "0.05"),
        ("ETH", "USDT", "3200"),
        ("ETH", "BTC", "0.06"),
        ("BTC", "USDT", "65000"),
    ]);
    assert_eq!(references.of(&quoted("ETH", "BTC", "0.1")), Some(price("0.05")));
    assert_eq!(references.of(&quoted("ETH", "USDT", "0.1")), Some(price("3200")));
    assert_eq!(references.of(&quoted("ETH", "USD", "0.1")), None);
    assert_eq!(references.of(&quoted("SOL", "USDT", "0.1")), None);
    let listed: Vec<_> =
        references.iter().map(|(base, quote, price)| format!("{base}{quote} {price}")).collect();
    assert_eq!(listed, ["BTCUSDT 65000", "ETHBTC 0.05", "ETHUSDT 3200"]);
}

#[test]
fn a_quote_comes_down_to_what_it_is_itself_quoted_in() {
    let references = references(&[("ETH", "BTC", "0.05"), ("BTC", "USDT", "65000")]);
    let money = |quote: &str| {
        let quote = asset(quote);
        let (money, rate) = references.money(&quote).unwrap();
        (money.as_str().to_owned(), rate)
    };
    assert_eq!(money("USDT"), ("USDT".to_owned(), Decimal::ONE));
    assert_eq!(money("BTC"), ("USDT".to_owned(), Decimal::from(65_000)));
    assert_eq!(money("ETH"), ("USDT".to_owned(), Decimal::from(3_250)));
    assert_eq!(money("SOL"), ("SOL".to_owned(), Decimal::ONE));
}

#[test]
fn pairs_in_a_circle_come_down_to_nothing_but_themselves() {
    let references =
        references(&[("ETH", "BTC", "0.05"), ("BTC", "ETH", "20"), ("SOL", "ETH", "0.1")]);
    for name in ["ETH", "BTC", "SOL"] {
        let quote = asset(name);
        assert_eq!(references.money(&quote), Some((&quote, Decimal::ONE)));
    }
}

#[test]
fn a_worth_beyond_exact_numbers_is_no_worth() {
    let most = "1000000000000";
    let references = references(&[("A", "B", most), ("B", "C", most), ("C", "D", most)]);
    assert_eq!(references.money(&asset("A")), None);
}

/// Sizes a plan of buys, one of each instrument, whose loss is limited.
fn limited(instruments: &[Instrument], known: &References) -> Result<Vec<SizedLeg>, SizingError> {
    let leg = |instrument: &Instrument| {
        let name = instrument.symbol.as_str();
        Leg::market(
            LegName::new(name).unwrap(),
            VenueName::new("one").unwrap(),
            instrument.symbol.clone(),
            Side::Buy,
            Quantity::Base(qty("1")),
        )
    };
    let mut policy = Policy::new(OnResidual::Unwind, 1);
    policy.unwind_loss_max = Some(qty("250"));
    let plan = Plan {
        strategy: StrategyName::new("s").unwrap(),
        occasion: Occasion::new("o").unwrap(),
        legs: instruments.iter().map(leg).collect(),
        policy,
    };
    let plan = plan.check().unwrap();
    let found = |leg: &CheckedLeg| {
        instruments.iter().find(|instrument| instrument.symbol == leg.symbol).unwrap().clone()
    };
    size_plan(&plan, &plan.legs.iter().map(found).collect::<Vec<_>>(), known)
}

#[test]
fn a_limit_of_loss_is_refused_over_quotes_that_do_not_add_up() {
    let known = references(&[
        ("BTC", "USDT", "65000"),
        ("ETH", "BTC", "0.05"),
        ("SOL", "USDC", "150"),
        ("LTC", "ETH", "0.02"),
    ]);
    let [bitcoin, ether, sol] =
        [("BTC", "USDT"), ("ETH", "BTC"), ("SOL", "USDC")].map(|(b, q)| quoted(b, q, "0.001"));
    assert!(limited(&[bitcoin.clone(), ether.clone(), sol.clone()], &known).is_ok());

    let unpriced = references(&[("ETH", "BTC", "0.05"), ("SOL", "USDC", "150")]);
    let refused = limited(&[ether, sol], &unpriced).unwrap_err();
    assert_eq!(
        refused.to_string(),
        "policy: unwind_loss_max has no meaning over quotes in BTC and USD: leave it out, or plan legs that come down to one"
    );
}

#[test]
fn a_pair_without_a_price_is_refused_by_name() {
    let refused = limited(&[quoted("ETH", "BTC", "0.001")], &References::default()).unwrap_err();
    assert_eq!(refused.to_string(), "no reference price for ETH in BTC");
}

#[test]
fn what_is_lost_in_bitcoin_counts_in_dollars() {
    let mut ether = leg("ether", Side::Buy, "1");
    ether.instrument = quoted("ETH", "BTC", "0.001");
    let mut bitcoin = leg("bitcoin", Side::Buy, "0.1");
    bitcoin.instrument = quoted("BTC", "USDT", "0.001");
    let mut spec = batch(vec![bitcoin, ether]);
    spec.references = references(&[("BTC", "USDT", "65000"), ("ETH", "BTC", "0.05")]);
    // A band of 1 % under 0.05 bitcoin is a loss of 0.0005 of them: 32.5 dollars.
    for (limit, lossy) in [("32.5", false), ("32.49", true)] {
        let mut spec = spec.clone();
        spec.policy.unwind_loss_max = Some(qty(limit));
        let mut run = Harness::new(spec);
        run.send(&["bitcoin.e0", "ether.e0"]);
        let mut filled = run.traded("ether.e0", ended(), "1");
        filled.fills[0].price = price("0.05");
        filled.fills[0].fee = amount("0");
        run.placed("ether.e0", filled);
        run.fill_partly("bitcoin.e0", "0");
        let mut ready = run.ready("ether.u0");
        ready.book = Some(book("0.0495", "0.05"));
        run.run(Event::Prepared(vec![ready]));
        let why = run.ending().map(|(_, why)| why);
        let said = format!("unwinding could lose 32.5 USDT, allowed are {limit} USDT");
        assert_eq!(why, lossy.then_some(said));
    }
}
