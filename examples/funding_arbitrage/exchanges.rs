//! Two simulated exchanges on loopback, and the adapters that trade there.

use std::error::Error;
use std::net::SocketAddr;
use std::path::Path;
use std::str::FromStr;
use std::sync::Arc;

use equipoise::venues::{Credentials, Endpoint, HttpTransport, Settings, open};
use equipoise::{Positions, SystemClock, VenueName, VenueSetup};
use equipoise_sim::{
    BINANCE_USDM, BYBIT_LINEAR, Exchange, Fault, LedgerFile, Running, ServeOptions, serve,
};

/// Where the two exchanges listen.
#[derive(Clone)]
pub struct Addresses {
    /// Base URL of the Binance simulator.
    pub binance: String,
    /// Base URL of the Bybit simulator.
    pub bybit: String,
}

impl FromStr for Addresses {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let (binance, bybit) = text.split_once(',').ok_or("two base URLs with a comma between")?;
        Ok(Self { binance: binance.to_owned(), bybit: bybit.to_owned() })
    }
}

/// The running simulators.
pub struct Exchanges {
    pub binance: Running,
    pub bybit: Running,
}

impl Exchanges {
    /// Starts both; with a folder their accounts carry on from the run before.
    pub async fn start(folder: Option<&Path>) -> Result<Self, Box<dyn Error>> {
        let ledger = match folder {
            Some(folder) => {
                std::fs::create_dir_all(folder)?;
                Some(LedgerFile::open(&folder.join("exchanges.json"))?)
            }
            None => None,
        };
        Ok(Self {
            binance: start(BINANCE_USDM, ledger.clone()).await?,
            bybit: start(BYBIT_LINEAR, ledger).await?,
        })
    }

    pub fn addresses(&self) -> Addresses {
        Addresses { binance: self.binance.base_url(), bybit: self.bybit.base_url() }
    }

    /// Plays a named fault at whichever exchange it belongs to.
    pub fn play(&self, name: &str) -> Result<(), Box<dyn Error>> {
        let fault = Fault::named(name)?;
        self.binance.with(|exchange| exchange.inject(fault.clone()));
        self.bybit.with(|exchange| exchange.inject(fault));
        Ok(())
    }
}

async fn start(adapter: &str, ledger: Option<LedgerFile>) -> Result<Running, Box<dyn Error>> {
    let credentials = equipoise_sim::Credentials::demo(adapter);
    let exchange = Exchange::start(adapter, credentials, equipoise_sim::Settings::default())?;
    let any_port = SocketAddr::from(([127, 0, 0, 1], 0));
    Ok(serve(exchange, any_port, ServeOptions { ledger, ..ServeOptions::default() }).await?)
}

/// The adapters, under the names the strategy uses.
pub fn venues(
    addresses: &Addresses,
    clock: Arc<SystemClock>,
) -> Result<Vec<(VenueName, VenueSetup)>, Box<dyn Error>> {
    let pairs =
        [("binance", BINANCE_USDM, &addresses.binance), ("bybit", BYBIT_LINEAR, &addresses.bybit)];
    let mut venues = Vec::new();
    for (name, adapter, url) in pairs {
        let demo = equipoise_sim::Credentials::demo(adapter);
        let name = VenueName::new(name)?;
        let settings =
            Settings::builder(name.clone(), adapter, Credentials::new(&demo.key, &demo.secret)?)
                .endpoint(Endpoint::Url(url.clone()))
                .build();
        let venue = open(settings, Arc::new(HttpTransport::new()?), clock.clone())?;
        venues.push((name, VenueSetup { venue, positions: Positions::Exclusive }));
    }
    Ok(venues)
}
