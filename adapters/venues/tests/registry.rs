//! Opening venues, and what the README says about them.

#![allow(clippy::unwrap_used, reason = "tests")]

mod common;

use std::sync::Arc;

use common::Script;
use equipoise_core::{UnixMillis, VenueName, VenueTraits};
use equipoise_port::Clock;
use equipoise_venues::{
    Credentials, Endpoint, OpenError, Settings, SettingsBuilder, adapters, declared_traits, open,
};

struct Still;

#[async_trait::async_trait]
impl Clock for Still {
    fn now(&self) -> UnixMillis {
        UnixMillis(0)
    }
    async fn sleep_until(&self, _: UnixMillis) {}
}

fn settings(adapter: &str) -> SettingsBuilder {
    let credentials = Credentials::new("visible-key", "visible-secret").unwrap();
    Settings::builder(VenueName::new("desk").unwrap(), adapter, credentials)
}

fn opened(settings: SettingsBuilder) -> Result<VenueTraits, OpenError> {
    let venue = open(settings.build(), Arc::new(Script::default()), Arc::new(Still))?;
    Ok(venue.traits().clone())
}

fn refusal(settings: SettingsBuilder) -> String {
    opened(settings).unwrap_err().to_string()
}

fn known() -> String {
    let known: Vec<_> = adapters().collect();
    assert!(known.contains(&"binance-usdm") && known.contains(&"bybit-linear"));
    known.join(", ")
}

#[test]
fn no_two_adapters_share_a_name() {
    let mut names: Vec<_> = adapters().collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), adapters().count());
}

#[test]
fn an_unknown_adapter_is_refused_with_the_known_ones() {
    assert_eq!(
        refusal(settings("binance")),
        format!("adapter 'binance' of venue desk is not known: known are {}", known())
    );
}

#[test]
fn a_closed_exchange_is_named_as_such() {
    for name in ["ftx", "FTX", "ftx-perpetual"] {
        assert_eq!(
            refusal(settings(name)),
            format!(
                "adapter '{name}' of venue desk does not exist: the exchange closed in November 2022; \
                 known are {}",
                known()
            )
        );
    }
}

#[test]
fn the_request_window_has_bounds_and_reaches_the_traits() {
    for window in [0, 499, 10_001, u32::MAX] {
        assert_eq!(
            refusal(settings("binance-usdm").request_window_ms(window)),
            format!("request window of venue desk is {window} ms: allowed are 500 to 10000")
        );
    }
    for window in [500, 2_000, 10_000] {
        let traits = opened(settings("bybit-linear").request_window_ms(window)).unwrap();
        assert_eq!(traits.window_ms, window);
        assert_eq!(traits.doubt_ms(), u64::from(window) + 11_000);
    }
}

#[test]
fn margins_can_be_configured() {
    let traits = opened(settings("bybit-linear").margin_ms(3_000).id_horizon_ms(0)).unwrap();
    assert_eq!((traits.margin_ms, traits.id_horizon_ms), (3_000, 0));
    assert!(opened(settings("bybit-linear").margin_ms(u32::MAX)).is_err());
}

#[test]
fn a_base_url_is_scheme_and_host_only() {
    for bad in [
        "",
        "venue",
        "ftp://venue",
        "http://user:pw@venue",
        "http://venue/?a=1",
        "http://venue/#x",
        "http://",
    ] {
        let endpoint = Endpoint::Url(bad.to_owned());
        let text = refusal(settings("binance-usdm").endpoint(endpoint));
        assert!(text.starts_with("base URL of venue desk is not usable: "), "{bad}: {text}");
        assert!(!text.contains("pw"));
    }
    for good in ["http://127.0.0.1:9101", "https://venue.test/", "http://[::1]:80/proxy"] {
        let endpoint = Endpoint::Url(good.to_owned());
        assert!(opened(settings("binance-usdm").endpoint(endpoint)).is_ok(), "{good}");
    }
    assert!(opened(settings("binance-usdm").endpoint(Endpoint::Test)).is_ok());
}

#[test]
fn settings_are_printed_without_secrets() {
    let shown = format!("{:?}", settings("binance-usdm").build());
    assert!(!shown.contains("visible"), "{shown}");
}

#[test]
fn the_readme_states_the_declared_traits() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/README.md");
    let readme = std::fs::read_to_string(path).unwrap();
    for adapter in adapters() {
        let traits = declared_traits(adapter).unwrap();
        let row = format!(
            "| `{adapter}` | {:?} | {:?} | {} | {} | {} | {} | {} | {:?}, {} | {} | {} |",
            traits.class,
            traits.deadline_check,
            traits.window_ms,
            traits.margin_ms,
            traits.id_horizon_ms,
            traits.lookup_window_ms,
            traits.doubt_ms(),
            traits.id_alphabet,
            traits.id_len_max,
            yes(traits.native_dead_man_switch),
            yes(traits.native_spreads),
        );
        assert!(readme.contains(&row), "the README lacks: {row}");
    }
    let rows = readme.lines().filter(|line| line.starts_with("| `"));
    assert_eq!(rows.count(), adapters().count());
}

fn yes(flag: bool) -> &'static str {
    if flag { "yes" } else { "no" }
}
