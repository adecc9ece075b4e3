//! What configuration says about one venue.

use equipoise_core::VenueName;

use crate::budget::Budgets;
use crate::credentials::Credentials;

/// How long a request stays valid when configuration does not say.
pub const REQUEST_WINDOW_MS_DEFAULT: u32 = 2_000;

/// Where an exchange is reached.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Endpoint {
    /// The exchange's production host.
    #[default]
    Production,
    /// The exchange's test network.
    Test,
    /// Another base URL, such as a simulator's: scheme, host and perhaps a port and a path, nothing else.
    Url(String),
}

/// One account at one exchange, as configured. Made by [`Settings::builder`].
#[derive(Debug, Clone)]
pub struct Settings {
    /// The name plans use.
    pub name: VenueName,
    /// Which adapter speaks to it.
    pub adapter: String,
    /// Where it is.
    pub endpoint: Endpoint,
    /// Its API key.
    pub credentials: Credentials,
    /// How long a request is valid after its stamp, in milliseconds: 500 to 10000.
    pub request_window_ms: u32,
    /// In place of the adapter's declared margin after a deadline, in milliseconds.
    pub margin_ms: Option<u32>,
    /// In place of the adapter's declared memory of client ids, in milliseconds.
    pub id_horizon_ms: Option<u64>,
    /// Where its requests are counted; venues of one process share one.
    pub budgets: Budgets,
}

impl Settings {
    /// Settings with every default: production, a window of two seconds, the adapter's own margins, and
    /// budgets of its own.
    #[must_use]
    pub fn builder(name: VenueName, adapter: &str, credentials: Credentials) -> SettingsBuilder {
        SettingsBuilder(Self {
            name,
            adapter: adapter.to_owned(),
            endpoint: Endpoint::default(),
            credentials,
            request_window_ms: REQUEST_WINDOW_MS_DEFAULT,
            margin_ms: None,
            id_horizon_ms: None,
            budgets: Budgets::default(),
        })
    }
}

/// Changes single settings; [`crate::open`] checks them.
#[derive(Debug, Clone)]
pub struct SettingsBuilder(Settings);

impl SettingsBuilder {
    /// Where the exchange is.
    #[must_use]
    pub fn endpoint(mut self, endpoint: Endpoint) -> Self {
        self.0.endpoint = endpoint;
        self
    }

    /// How long a request is valid after its stamp, in milliseconds.
    #[must_use]
    pub fn request_window_ms(mut self, window_ms: u32) -> Self {
        self.0.request_window_ms = window_ms;
        self
    }

    /// How long after its deadline a request may still show an effect, in milliseconds.
    #[must_use]
    pub fn margin_ms(mut self, margin_ms: u32) -> Self {
        self.0.margin_ms = Some(margin_ms);
        self
    }

    /// How long the exchange surely remembers a client id, in milliseconds.
    #[must_use]
    pub fn id_horizon_ms(mut self, horizon_ms: u64) -> Self {
        self.0.id_horizon_ms = Some(horizon_ms);
        self
    }

    /// Counts the venue's requests together with those of the other venues that were given these budgets.
    #[must_use]
    pub fn budgets(mut self, budgets: &Budgets) -> Self {
        self.0.budgets = budgets.clone();
        self
    }

    /// The settings.
    #[must_use]
    pub fn build(self) -> Settings {
        self.0
    }
}
