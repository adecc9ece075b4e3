//! Opens the configured venues.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use equipoise::port::{Clock, Venue};
use equipoise::venues::{self, Budgets, HttpTransport, OpenError, Settings};
use equipoise::{EngineBuilder, Positions, ResendClass, SystemClock, VenueName, VenueSetup};

use crate::config::{Config, VenueConfig};
use crate::credentials;
use crate::failure::Failure;

/// The configured venues with the clock they share with the engine.
pub(crate) struct OpenVenues {
    pub(crate) clock: Arc<dyn Clock>,
    /// What a person should know of the configuration, by venue.
    warnings: BTreeMap<VenueName, Vec<String>>,
    venues: Vec<(VenueName, Arc<dyn Venue>, Positions)>,
}

impl OpenVenues {
    /// Opens every venue of the configuration; sends nothing.
    ///
    /// # Errors
    /// `credentials` when a key is missing or unusable, `unknown_adapter` or `config_invalid`.
    pub(crate) fn open(config: &Config) -> Result<Self, Failure> {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::start());
        let transport = HttpTransport::new()
            .map_err(|error| Failure::broken("transport", error.to_string()))?;
        let transport = Arc::new(transport);
        let budgets = Budgets::default();
        let open = |(name, venue): (&VenueName, &VenueConfig)| {
            let settings = settings(&config.file, name, venue, &budgets)?;
            let opened = venues::open(settings, transport.clone(), clock.clone());
            let opened = opened.map_err(|error| unopened(&config.file, name, error))?;
            Ok((name.clone(), opened, venue.positions))
        };
        let venues = config.venues.iter().map(open);
        let venues = venues.collect::<Result<_, Failure>>()?;
        let warnings = config.venues.iter().map(|(name, venue)| {
            let told = [short_margin(name, venue), long_horizon(name, venue)];
            (name.clone(), told.into_iter().flatten().collect())
        });
        Ok(Self { venues, warnings: warnings.collect(), clock })
    }

    /// What a person should know of how a venue is configured.
    pub(crate) fn warnings(&self, venue: &VenueName) -> impl Iterator<Item = &str> {
        self.warnings.get(venue).into_iter().flatten().map(String::as_str)
    }

    /// The same with all of that in the log, for commands whose own answer does not tell it.
    pub(crate) fn logged(self) -> Self {
        for text in self.warnings.values().flatten() {
            tracing::warn!("{text}");
        }
        self
    }

    /// Each of them by its name.
    pub(crate) fn each(&self) -> impl Iterator<Item = (&VenueName, &Arc<dyn Venue>)> {
        self.venues.iter().map(|(name, venue, _)| (name, venue))
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

/// A margin below the one its adapter declares: absence would be believed before it is proven (R4).
fn short_margin(name: &VenueName, venue: &VenueConfig) -> Option<String> {
    let declared_ms = venues::declared_traits(&venue.adapter)?.margin_ms;
    let margin_ms = venue.margin_ms.filter(|margin_ms| *margin_ms < declared_ms)?;
    Some(format!(
        "venue '{name}': margin_ms = {margin_ms} is below the {declared_ms} ms of {}: an order that arrives late could \
         be taken for absent and sent a second time",
        venue.adapter
    ))
}

/// An id horizon above the one its adapter declares, where orders are sent again under the same id: the venue may no
/// longer know it. Elsewhere it decides nothing.
fn long_horizon(name: &VenueName, venue: &VenueConfig) -> Option<String> {
    let declared = venues::declared_traits(&venue.adapter)?;
    let declared_ms = declared.id_horizon_ms;
    let horizon_ms = venue.id_horizon_ms.filter(|horizon_ms| *horizon_ms > declared_ms)?;
    (declared.class == ResendClass::A).then(|| {
        format!(
            "venue '{name}': id_horizon_ms = {horizon_ms} is above the {declared_ms} ms of {}: an order in doubt could be \
             sent again under an id that the venue has forgotten, and happen twice",
            venue.adapter
        )
    })
}

/// A venue that cannot be opened, with the file and the field that say so.
fn unopened(file: &Path, venue: &VenueName, error: OpenError) -> Failure {
    let field = match &error {
        OpenError::UnknownAdapter { .. } | OpenError::Gone { .. } => ", adapter",
        OpenError::Url { .. } => ", rest_url",
        OpenError::OutOfRange { what: "request window", .. } => ", request_window_ms",
        OpenError::OutOfRange { what: "margin", .. } => ", margin_ms",
        OpenError::OutOfRange { what: "id horizon", .. } => ", id_horizon_ms",
        _ => "",
    };
    let Failure { code, message, .. } = error.into();
    Failure::refused(code, format!("{}: [venues.{venue}]{field}: {message}", file.display()))
}

fn settings(
    file: &Path,
    name: &VenueName,
    venue: &VenueConfig,
    budgets: &Budgets,
) -> Result<Settings, Failure> {
    // An adapter that does not exist needs no key, so it is refused before any is looked for.
    let form = venues::key_form(name, &venue.adapter);
    let form = form.map_err(|error| unopened(file, name, error))?;
    let credentials = credentials::read(name, &venue.adapter, form, &venue.keys)?;
    let mut settings = Settings::builder(name.clone(), &venue.adapter, credentials)
        .endpoint(venue.endpoint.clone())
        .budgets(budgets)
        .request_window_ms(venue.request_window_ms);
    if let Some(margin_ms) = venue.margin_ms {
        settings = settings.margin_ms(margin_ms);
    }
    if let Some(horizon_ms) = venue.id_horizon_ms {
        settings = settings.id_horizon_ms(horizon_ms);
    }
    Ok(settings.build())
}
