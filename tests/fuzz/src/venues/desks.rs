//! One desk per adapter: what is traded there, with which key, and the documented answers of every address.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::OnceLock;

use equipoise_core::{Side, TimeInForce};
use equipoise_venues::Credentials;
use http::Method;

/// Whose answers they are, where exchanges differ in form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Family {
    BinanceFutures,
    BinanceSpot,
    Bybit,
    Okx,
    Deribit,
    Coinbase,
}

/// Method, path (a star at its end stands for anything), begin of the names of its answers, and the answer that leads
/// on to the next request.
pub(super) type Route = (&'static str, &'static str, &'static str, &'static str);

/// One adapter with the order that most of its documented answers are about.
pub(super) struct Desk {
    pub(super) adapter: &'static str,
    pub(super) family: Family,
    folder: &'static str,
    pub(super) symbol: &'static str,
    pub(super) client_id: &'static str,
    pub(super) venue_order: &'static str,
    pub(super) side: Side,
    pub(super) quantity: &'static str,
    pub(super) time_in_force: TimeInForce,
    routes: &'static [Route],
    /// Answers that any request may get.
    failures: &'static [&'static str],
}

const KEY: &str = "canary-key-77c0";
const SECRET: &str = "canary-secret-5b1e";
const PASSPHRASE: &str = "canary-phrase-9d3a";
/// Coinbase signs with a key pair: the name and the seed of an Ed25519 key that guards nothing.
const KEY_NAME: &str = "organizations/canary/apiKeys/77c0";
const SEED: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

impl Desk {
    /// All of them.
    pub(super) const ALL: &[Self] = DESKS;

    pub(super) fn credentials(&self) -> Credentials {
        let [key, secret] =
            if self.family == Family::Coinbase { [KEY_NAME, SEED] } else { [KEY, SECRET] };
        let credentials = Credentials::new(key, secret).expect("printable");
        credentials.with_passphrase(PASSPHRASE).expect("printable")
    }

    /// What no error may show.
    pub(super) fn canaries(&self) -> [&'static str; 3] {
        match self.family {
            Family::Coinbase => [KEY_NAME, SEED, PASSPHRASE],
            _ => [KEY, SECRET, PASSPHRASE],
        }
    }

    /// What only a request that exchanges it for a token may hold.
    pub(super) fn secret(&self) -> &'static str {
        self.canaries()[1]
    }

    pub(super) fn is_placement(&self, method: &Method, path: &str) -> bool {
        let placements: &[&str] = match self.family {
            Family::BinanceFutures => &["/fapi/v1/order", "/dapi/v1/order"],
            Family::BinanceSpot => &["/api/v3/order"],
            Family::Bybit => &["/v5/order/create"],
            Family::Okx => &["/api/v5/trade/order"],
            Family::Deribit => &["/api/v2/private/buy", "/api/v2/private/sell"],
            Family::Coinbase => &["/api/v3/brokerage/orders"],
        };
        method == Method::POST && placements.contains(&path)
    }

    /// Requests whose answers may be of no use while an older one serves: clocks and tokens.
    pub(super) fn may_be_stale(path: &str) -> bool {
        ["/time", "/get_time", "/public/auth"].iter().any(|end| path.ends_with(end))
    }

    /// The answer that leads on, and all documented ones.
    pub(super) fn answers(&self, method: &Method, path: &str) -> (Option<&str>, Vec<&str>) {
        let bodies = bodies(self.folder);
        let fits = |(of, route, _, _): &&Route| {
            let stem = route.strip_suffix('*');
            *of == method && stem.map_or(*route == path, |stem| path.starts_with(stem))
        };
        // Whole paths stand before those with a star.
        let Some((_, _, prefix, usual)) = self.routes.iter().find(fits) else {
            return (None, Vec::new());
        };
        let named = bodies.iter().filter(|(name, _)| name.starts_with(prefix));
        let usual = bodies.get(*usual).map(String::as_str);
        (usual, named.map(|(_, body)| body.as_str()).collect())
    }

    pub(super) fn failures(&self) -> Vec<&str> {
        let bodies = bodies(self.folder);
        self.failures.iter().map(|name| bodies[*name].as_str()).collect()
    }
}

type Bodies = BTreeMap<String, String>;

/// The adapters' own fixtures.
fn bodies(folder: &str) -> &'static Bodies {
    static BODIES: OnceLock<BTreeMap<String, Bodies>> = OnceLock::new();
    let all = BODIES.get_or_init(|| {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../adapters/venues/fixtures");
        let folders = std::fs::read_dir(root).expect("the adapters' fixtures");
        let read = |entry: std::io::Result<std::fs::DirEntry>| {
            let path = entry.ok()?.path();
            Some((path.file_name()?.to_str()?.to_owned(), read_folder(&path)))
        };
        folders.filter_map(read).collect()
    });
    &all[folder]
}

fn read_folder(folder: &Path) -> Bodies {
    let read = |entry: std::io::Result<std::fs::DirEntry>| {
        let path = entry.ok()?.path();
        let name = path.file_stem()?.to_str()?.to_owned();
        Some((name, std::fs::read_to_string(&path).ok()?))
    };
    std::fs::read_dir(folder).expect("a folder of fixtures").filter_map(read).collect()
}

/// A desk that buys a tenth under the id of most fixtures; the others say what they change.
const fn desk(
    adapter: &'static str,
    family: Family,
    folder: &'static str,
    symbol: &'static str,
    routes: &'static [Route],
) -> Desk {
    Desk {
        adapter,
        family,
        folder,
        symbol,
        client_id: "leg0a1",
        venue_order: "8886774001",
        side: Side::Buy,
        quantity: "0.1",
        time_in_force: TimeInForce::Gtc,
        routes,
        failures: &[],
    }
}

use super::routes::{
    BINANCE_COINM, BINANCE_SPOT, BINANCE_USDM, BYBIT, COINBASE, DERIBIT, OKX_SPOT, OKX_SWAP,
};
use Family as F;

const DESKS: &[Desk] = &[
    desk("binance-usdm", F::BinanceFutures, "binance", "BTCUSDT", BINANCE_USDM),
    Desk {
        venue_order: "28774001",
        ..desk("binance-spot", F::BinanceSpot, "binance_spot", "BTCUSDT", BINANCE_SPOT)
    },
    Desk {
        client_id: "leg1a1",
        venue_order: "7788001",
        side: Side::Sell,
        quantity: "65",
        ..desk("binance-coinm", F::BinanceFutures, "binance_coinm", "BTCUSD_PERP", BINANCE_COINM)
    },
    Desk {
        client_id: "leg1a1",
        venue_order: "fd4300ae-7847-404e-b947-b46980a4d140",
        ..desk("bybit-linear", F::Bybit, "bybit", "BTCUSDT", BYBIT)
    },
    Desk {
        venue_order: "fd4300ae-7847-404e-b947-b46980a4d140",
        quantity: "65",
        ..desk("bybit-inverse", F::Bybit, "bybit_inverse", "BTCUSD", BYBIT)
    },
    Desk {
        venue_order: "1853200012345678901",
        ..desk("bybit-spot", F::Bybit, "bybit_spot", "BTCUSDT", BYBIT)
    },
    Desk {
        client_id: "leg2a1",
        venue_order: "1969847235168714752",
        side: Side::Sell,
        quantity: "10",
        time_in_force: TimeInForce::Ioc,
        ..desk("okx-swap", F::Okx, "okx", "BTC-USDT-SWAP", OKX_SWAP)
    },
    Desk {
        client_id: "leg2a1",
        venue_order: "1969847235168714752",
        time_in_force: TimeInForce::Ioc,
        ..desk("okx-spot", F::Okx, "okx", "BTC-USDT", OKX_SPOT)
    },
    Desk {
        venue_order: "BTC-60131",
        quantity: "100",
        failures: &[
            "forbidden",
            "internal_server_error",
            "temporarily_unavailable",
            "too_many_requests",
            "unauthorized",
        ],
        ..desk("deribit", F::Deribit, "deribit", "BTC-PERPETUAL", DERIBIT)
    },
    Desk {
        client_id: "7d1c6f8e-0b1a-4c55-9a3e-2f6a8d4b9c10",
        venue_order: "0f5a7c1e-3d94-4b61-8f0e-6f6d1c2b7a01",
        time_in_force: TimeInForce::Ioc,
        failures: &[
            "internal",
            "invalid_argument",
            "not_found",
            "permission_denied",
            "rate_limit_exceeded",
            "unauthenticated",
        ],
        ..desk("coinbase", F::Coinbase, "coinbase", "BTC-USD", COINBASE)
    },
];
