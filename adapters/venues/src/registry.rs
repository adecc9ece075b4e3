//! Which adapters there are, and how one is opened.

use std::ops::RangeInclusive;
use std::sync::Arc;

use equipoise_core::{VenueName, VenueTraits};
use equipoise_port::{Clock, Transport, Venue};
use http::Uri;

use crate::budget::Place;
use crate::settings::{Endpoint, Settings};
use crate::{binance, bybit, coinbase, deribit, okx};

/// Request windows that are accepted, in milliseconds: shorter ones die on the way, longer ones keep a leg in doubt
/// for long without making a request more likely to arrive.
const WINDOW_MS: RangeInclusive<u32> = 500..=10_000;
/// Largest margin and id horizon that configuration may set: a week.
const OVERRIDE_MS_MAX: u64 = 7 * 86_400_000;

/// Every venue with its adapters and its form of API key, in the order they are listed to people.
const VENUES: &[(&[Adapter], KeyForm)] = &[
    // A venue adds itself with one line here and one `mod` in the crate root.
    (binance::ADAPTERS, KeyForm::Secret),
    (bybit::ADAPTERS, KeyForm::Secret),
    (okx::ADAPTERS, KeyForm::Passphrase),
    (deribit::ADAPTERS, KeyForm::Secret),
    (coinbase::ADAPTERS, KeyForm::PrivateKey),
];

/// Exchanges that people still ask for, and what became of them.
const GONE: &[(&str, &str)] = &[("ftx", "closed in November 2022")];

/// What an exchange hands out as an API key, so that configuration can ask for exactly that.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyForm {
    /// A key and its secret.
    Secret,
    /// A key, its secret, and the passphrase that was chosen with them.
    Passphrase,
    /// A key's name and its private key: PEM, or base64 of an Ed25519 seed.
    PrivateKey,
}

/// One adapter: what it is called, what it promises, where it is and how it starts.
pub(crate) struct Adapter {
    /// What configuration calls it.
    pub(crate) name: &'static str,
    /// Base URL of the production host, without a slash at the end.
    pub(crate) production: &'static str,
    /// Base URL of the test network.
    pub(crate) test: &'static str,
    /// What it promises before configuration changes anything.
    pub(crate) traits: fn() -> VenueTraits,
    /// Starts it; what can fail was checked before.
    pub(crate) open: fn(Opening) -> Result<Arc<dyn Venue>, Unusable>,
}

/// What an adapter cannot use of its settings, such as a missing passphrase. Holds no secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Unusable(pub(crate) &'static str);

/// Everything an adapter starts with, already checked.
#[derive(Clone)]
pub(crate) struct Opening {
    pub(crate) settings: Settings,
    pub(crate) traits: VenueTraits,
    pub(crate) base: String,
    /// Where its requests are counted.
    pub(crate) place: Place,
    pub(crate) transport: Arc<dyn Transport>,
    pub(crate) clock: Arc<dyn Clock>,
}

/// Why a venue cannot be opened. Nothing was sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// No adapter has that name.
    #[error("adapter '{adapter}' of venue {venue} is not known: known are {known}")]
    UnknownAdapter {
        /// The venue's configured name.
        venue: String,
        /// What was asked for, shortened.
        adapter: String,
        /// The names there are.
        known: String,
    },
    /// The exchange no longer exists.
    #[error(
        "adapter '{adapter}' of venue {venue} does not exist: the exchange {why}; known are {known}"
    )]
    Gone {
        /// The venue's configured name.
        venue: String,
        /// What was asked for.
        adapter: String,
        /// What became of it.
        why: &'static str,
        /// The names there are.
        known: String,
    },
    /// The base URL cannot be used.
    #[error("base URL of venue {venue} is not usable: {why}")]
    Url {
        /// The venue's configured name.
        venue: String,
        /// What is wrong.
        why: &'static str,
    },
    /// The adapter cannot work with what is configured.
    #[error("settings of venue {venue} are not usable: {why}")]
    Settings {
        /// The venue's configured name.
        venue: String,
        /// What is missing or wrong, without the value.
        why: &'static str,
    },
    /// A time is outside its range.
    #[error("{what} of venue {venue} is {value} ms: allowed are {allowed}")]
    OutOfRange {
        /// The venue's configured name.
        venue: String,
        /// Which setting.
        what: &'static str,
        /// The configured value.
        value: u64,
        /// What is allowed.
        allowed: String,
    },
}

/// Names of all adapters.
pub fn adapters() -> impl Iterator<Item = &'static str> {
    all().map(|adapter| adapter.name)
}

/// What an adapter declares before configuration changes anything; `None` if there is no such adapter.
#[must_use]
pub fn declared_traits(adapter: &str) -> Option<VenueTraits> {
    let found = all().find(|known| known.name == adapter)?;
    Some((found.traits)())
}

/// What an adapter's exchange hands out as an API key.
///
/// # Errors
/// When there is no such adapter: see [`OpenError::UnknownAdapter`] and [`OpenError::Gone`].
pub fn key_form(venue: &VenueName, adapter: &str) -> Result<KeyForm, OpenError> {
    find(venue, adapter)?;
    let listed = |adapters: &[Adapter]| adapters.iter().any(|known| known.name == adapter);
    let family = VENUES.iter().find(|(adapters, _)| listed(adapters));
    Ok(family.map_or(KeyForm::Secret, |(_, form)| *form))
}

fn all() -> impl Iterator<Item = &'static Adapter> {
    VENUES.iter().flat_map(|(adapters, _)| adapters.iter())
}

/// Opens one venue. Sends nothing.
///
/// # Errors
/// See [`OpenError`].
pub fn open(
    settings: Settings,
    transport: Arc<dyn Transport>,
    clock: Arc<dyn Clock>,
) -> Result<Arc<dyn Venue>, OpenError> {
    let adapter = find(&settings.name, &settings.adapter)?;
    let traits = configured(&settings, (adapter.traits)())?;
    let base = match &settings.endpoint {
        Endpoint::Production => adapter.production.to_owned(),
        Endpoint::Test => adapter.test.to_owned(),
        Endpoint::Url(url) => {
            base(url).map_err(|why| OpenError::Url { venue: settings.name.to_string(), why })?
        }
    };
    let venue = settings.name.to_string();
    let place = Place {
        budgets: settings.budgets.clone(),
        site: site(adapter, &settings.endpoint),
        account: settings.credentials.key().to_owned(),
    };
    (adapter.open)(Opening { settings, traits, base, place, transport, clock })
        .map_err(|Unusable(why)| OpenError::Settings { venue, why })
}

fn find(venue: &VenueName, wanted: &str) -> Result<&'static Adapter, OpenError> {
    if let Some(adapter) = all().find(|adapter| adapter.name == wanted) {
        return Ok(adapter);
    }
    let venue = venue.to_string();
    let shown: String = wanted.chars().take(64).flat_map(char::escape_default).collect();
    let known = adapters().collect::<Vec<_>>().join(", ");
    let family = wanted.split('-').next().unwrap_or_default();
    let gone = GONE.iter().find(|(name, _)| family.eq_ignore_ascii_case(name));
    Err(match gone {
        Some((_, why)) => OpenError::Gone { venue, adapter: shown, why, known },
        None => OpenError::UnknownAdapter { venue, adapter: shown, known },
    })
}

fn configured(settings: &Settings, declared: VenueTraits) -> Result<VenueTraits, OpenError> {
    let check = |what, value: u64, allowed: RangeInclusive<u64>| {
        if allowed.contains(&value) {
            return Ok(());
        }
        Err(OpenError::OutOfRange {
            venue: settings.name.to_string(),
            what,
            value,
            allowed: format!("{} to {}", allowed.start(), allowed.end()),
        })
    };
    let window_ms = settings.request_window_ms;
    let windows = u64::from(*WINDOW_MS.start())..=u64::from(*WINDOW_MS.end());
    check("request window", window_ms.into(), windows)?;
    let margin_ms = settings.margin_ms.unwrap_or(declared.margin_ms);
    check("margin", margin_ms.into(), 0..=OVERRIDE_MS_MAX)?;
    let id_horizon_ms = settings.id_horizon_ms.unwrap_or(declared.id_horizon_ms);
    check("id horizon", id_horizon_ms, 0..=OVERRIDE_MS_MAX)?;
    Ok(VenueTraits { window_ms, margin_ms, id_horizon_ms, ..declared })
}

/// What counts requests: an exchange's network, whose products have hosts of their own, or whatever is at a host.
fn site(adapter: &Adapter, endpoint: &Endpoint) -> String {
    let exchange = adapter.name.split('-').next().unwrap_or_default();
    match endpoint {
        Endpoint::Production => exchange.to_owned(),
        Endpoint::Test => format!("{exchange} test"),
        Endpoint::Url(url) => {
            let uri: Option<Uri> = url.parse().ok();
            let host = uri.as_ref().and_then(Uri::authority).map_or("", |host| host.as_str());
            format!("{exchange} {}", host.to_ascii_lowercase())
        }
    }
}

/// A base URL without its last slash.
fn base(url: &str) -> Result<String, &'static str> {
    let uri: Uri = url.parse().map_err(|_| "it is not a URL")?;
    if !matches!(uri.scheme_str(), Some("http" | "https")) {
        return Err("it must begin with https:// or http://");
    }
    let authority = uri.authority().ok_or("it has no host")?;
    if authority.as_str().contains('@') {
        return Err("it must not hold a user name or password");
    }
    if uri.query().is_some() || url.contains('#') {
        return Err("it must end before '?' and '#'");
    }
    Ok(url.trim_end_matches('/').to_owned())
}
