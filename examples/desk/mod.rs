//! A trading desk for the examples: simulated exchanges on loopback, an engine that trades there, and the account of a
//! batch. Each venue goes by the name of its adapter.

use std::collections::BTreeMap;
use std::error::Error;
use std::net::SocketAddr;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use equipoise::journal::{self, JournalKind, JournalOptions};
use equipoise::port::Venue;
use equipoise::venues::{Credentials, Endpoint, HttpTransport, Settings, open};
use equipoise::{
    Amount, Asset, BatchReport, BatchStatus, Engine, Leg, LegName, LegReport, Occasion, OnResidual,
    Plan, PlanCheck, Policy, Positions, Qty, Quantity, Side, StrategyName, Symbol, SystemClock,
    VenueName, VenueSetup,
};
use equipoise_sim::{Exchange, Running, ServeOptions, serve};

/// How long after its deadline an order may still take effect. Nothing is late on loopback, so the batch need not wait
/// for that as long as on the wide net.
const MARGIN_MS: u32 = 200;

/// An engine, its venues and the exchanges behind them.
pub struct Desk {
    engine: Engine,
    venues: BTreeMap<String, Arc<dyn Venue>>,
    /// They serve for as long as they are held.
    _exchanges: Vec<Running>,
}

impl Desk {
    /// Starts one simulated exchange per adapter and an engine with all of them.
    pub async fn open(adapters: &[&str]) -> Result<Self, Box<dyn Error>> {
        let clock = Arc::new(SystemClock::start());
        let journal =
            journal::open(JournalKind::Memory, Path::new(""), &JournalOptions::default())?;
        let mut builder = Engine::builder(journal).clock(clock.clone());
        let (mut venues, mut exchanges) = (BTreeMap::new(), Vec::new());
        for adapter in adapters {
            let exchange = start(adapter).await?;
            let venue = connect(adapter, exchange.base_url(), clock.clone())?;
            let setup = VenueSetup { venue: venue.clone(), positions: Positions::Exclusive };
            builder = builder.venue(VenueName::new(adapter)?, setup);
            venues.insert((*adapter).to_owned(), venue);
            exchanges.push(exchange);
        }
        Ok(Self { engine: builder.start().await?, venues, _exchanges: exchanges })
    }

    /// A venue by the name of its adapter.
    pub fn venue(&self, adapter: &str) -> Result<&Arc<dyn Venue>, Box<dyn Error>> {
        Ok(self.venues.get(adapter).ok_or("no such venue at this desk")?)
    }

    /// Prices the plan, runs it to its end, and prints the batch and its legs.
    pub async fn run(&self, plan: &Plan) -> Result<Account, Box<dyn Error>> {
        let check = self.engine.check(plan).await?;
        let report = self.engine.submit(plan).await?.wait().await?;
        let lots = self.lots(&check).await?;
        self.engine.close().await?;
        println!("batch {} is {}", report.key, report.status.as_str());
        for leg in &report.legs {
            println!("  {}", line(leg));
        }
        Ok(Account { report, check, lots })
    }

    /// The coarsest lot of each underlying, base units.
    async fn lots(&self, check: &PlanCheck) -> Result<BTreeMap<Asset, Qty>, Box<dyn Error>> {
        let mut lots = BTreeMap::new();
        for leg in &check.legs {
            let venue = self.venue(leg.venue.as_str())?;
            let instrument = venue.instrument(&leg.instrument).await?;
            let lot = instrument.lot_base(leg.reference);
            let coarsest = lots.entry(instrument.base).or_insert(lot);
            *coarsest = lot.max(*coarsest);
        }
        Ok(lots)
    }
}

/// What a batch came to, beside what it was priced at.
pub struct Account {
    pub report: BatchReport,
    pub check: PlanCheck,
    pub lots: BTreeMap<Asset, Qty>,
}

impl Account {
    pub fn is_done(&self) -> bool {
        self.report.status == BatchStatus::Done
    }

    /// Prints net delta and dust per underlying; whether the batch is done and every net delta is within a lot.
    pub fn is_neutral(&self) -> bool {
        let mut neutral = self.is_done();
        for (asset, delta) in &self.report.net_delta {
            println!("net delta {delta} {asset}");
            neutral &= self.is_dust(asset, *delta);
        }
        for leg in self.check.legs.iter().filter(|leg| !leg.dust_base.is_zero()) {
            println!(
                "dust of leg {}: {} base units rounded off what was asked for",
                leg.name, leg.dust_base
            );
        }
        neutral
    }

    /// Prints what is left of an asset beside the coarsest lot it is traded in; whether it is less.
    pub fn is_dust(&self, asset: &Asset, left: Amount) -> bool {
        let lot = self.lots.get(asset).copied().unwrap_or(Qty::ZERO);
        println!("dust {} {asset}, a lot is {lot}", left.magnitude());
        left.magnitude() < lot || left.is_zero()
    }
}

/// Prints whether an example ended neutral, and makes it the exit code.
pub fn verdict(neutral: bool) -> ExitCode {
    println!("{}", if neutral { "neutral within a lot" } else { "not neutral" });
    if neutral { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn line(leg: &LegReport) -> String {
    let price = leg.average_price.map_or_else(|| "no price".to_owned(), |price| price.to_string());
    let fees: Vec<_> = leg.fees.iter().map(|(asset, fee)| format!("{fee} {asset}")).collect();
    format!(
        "{:<13} {:<4} {:<13} {:<13} planned {}, filled {} {} at {price}, fees {}",
        leg.name,
        leg.side.as_str(),
        leg.venue,
        leg.instrument,
        leg.planned,
        leg.filled,
        leg.unit,
        if fees.is_empty() { "none".to_owned() } else { fees.join(" and ") },
    )
}

/// A market leg.
pub fn leg(
    name: &str,
    (venue, symbol): (&str, &str),
    side: Side,
    quantity: Quantity,
) -> Result<Leg, Box<dyn Error>> {
    let (name, venue) = (LegName::new(name)?, VenueName::new(venue)?);
    Ok(Leg::market(name, venue, Symbol::new(symbol)?, side, quantity))
}

/// That many base units.
pub fn base(units: &str) -> Result<Quantity, Box<dyn Error>> {
    Ok(Quantity::Base(units.parse()?))
}

/// What another leg receives, times a ratio; such a leg comes after that one.
pub fn of(leg: &str, ratio: Qty) -> Result<Quantity, Box<dyn Error>> {
    Ok(Quantity::Of { leg: LegName::new(leg)?, ratio })
}

/// The legs as a plan that takes everything back unless all of it fills.
pub fn plan(strategy: &str, legs: Vec<Leg>) -> Result<Plan, Box<dyn Error>> {
    Ok(Plan {
        strategy: StrategyName::new(strategy)?,
        occasion: Occasion::new("once")?,
        legs,
        policy: Policy::new(OnResidual::Unwind, 10_000),
    })
}

async fn start(adapter: &str) -> Result<Running, Box<dyn Error>> {
    let credentials = equipoise_sim::Credentials::demo(adapter);
    let exchange = Exchange::start(adapter, credentials, equipoise_sim::Settings::default())?;
    let any_port = SocketAddr::from(([127, 0, 0, 1], 0));
    Ok(serve(exchange, any_port, ServeOptions::default()).await?)
}

fn connect(
    adapter: &str,
    url: String,
    clock: Arc<SystemClock>,
) -> Result<Arc<dyn Venue>, Box<dyn Error>> {
    let demo = equipoise_sim::Credentials::demo(adapter);
    let mut credentials = Credentials::new(&demo.key, &demo.secret)?;
    if let Some(passphrase) = demo.passphrase {
        credentials = credentials.with_passphrase(&passphrase)?;
    }
    let settings = Settings::builder(VenueName::new(adapter)?, adapter, credentials)
        .endpoint(Endpoint::Url(url))
        .margin_ms(MARGIN_MS)
        .build();
    Ok(open(settings, Arc::new(HttpTransport::new()?), clock)?)
}
