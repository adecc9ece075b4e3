//! Opens the configured venues. Keys and secrets come from the environment and go nowhere but into the adapters.

use std::sync::Arc;

use equipoise::port::{Clock, Venue};
use equipoise::venues::{self, Credentials, HttpTransport, Settings};
use equipoise::{EngineBuilder, Positions, SystemClock, VenueName, VenueSetup};

use crate::config::{Config, VenueConfig};
use crate::failure::Failure;

/// The configured venues with the clock they share with the engine.
pub(crate) struct OpenVenues {
    clock: Arc<dyn Clock>,
    venues: Vec<(VenueName, Arc<dyn Venue>, Positions)>,
}

impl OpenVenues {
    /// Opens every venue of the configuration; sends nothing.
    ///
    /// # Errors
    /// `credentials` when a variable is missing or unusable, `unknown_adapter` or `config_invalid`.
    pub(crate) fn open(config: &Config) -> Result<Self, Failure> {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::start());
        let transport = HttpTransport::new()
            .map_err(|error| Failure::broken("transport", error.to_string()))?;
        let transport = Arc::new(transport);
        let open = |(name, venue): (&VenueName, &VenueConfig)| {
            let settings = settings(name, venue)?;
            let opened = venues::open(settings, transport.clone(), clock.clone())?;
            Ok((name.clone(), opened, venue.positions))
        };
        let venues = config.venues.iter().map(open);
        Ok(Self { venues: venues.collect::<Result<_, Failure>>()?, clock })
    }

    /// Gives an engine these venues and their clock.
    pub(crate) fn add_to(&self, engine: EngineBuilder) -> EngineBuilder {
        let engine = engine.clock(self.clock.clone());
        self.venues.iter().fold(engine, |engine, (name, venue, positions)| {
            let setup = VenueSetup { venue: venue.clone(), positions: *positions };
            engine.venue(name.clone(), setup)
        })
    }
}

fn settings(name: &VenueName, venue: &VenueConfig) -> Result<Settings, Failure> {
    let key = variable(name, "api_key_env", &venue.api_key_env)?;
    let secret = variable(name, "api_secret_env", &venue.api_secret_env)?;
    let credentials = Credentials::new(&key, &secret)
        .map_err(|error| Failure::refused("credentials", format!("venue '{name}': {error}")))?;
    let mut settings = Settings::builder(name.clone(), &venue.adapter, credentials)
        .endpoint(venue.endpoint.clone())
        .request_window_ms(venue.request_window_ms);
    if let Some(margin_ms) = venue.margin_ms {
        settings = settings.margin_ms(margin_ms);
    }
    if let Some(horizon_ms) = venue.id_horizon_ms {
        settings = settings.id_horizon_ms(horizon_ms);
    }
    Ok(settings.build())
}

fn variable(venue: &VenueName, field: &str, variable: &str) -> Result<String, Failure> {
    // A value that is not Unicode must not be shown either, so both cases are told apart by hand.
    let value = std::env::var_os(variable).ok_or("is not set");
    let value = value.and_then(|value| value.into_string().map_err(|_| "is not Unicode"));
    value.map_err(|why| {
        let message = format!("venue '{venue}': environment variable {variable} ({field}) {why}");
        Failure::refused("credentials", message)
    })
}
