//! Serves both exchanges on loopback with their demo keys until the process is ended.
//!
//! ```text
//! cargo run -p equipoise-sim --example serve -- 9101 9102
//! ```
#![allow(
    clippy::print_stdout,
    reason = "the addresses are what the user waits for"
)]

use std::error::Error;
use std::net::SocketAddr;

use equipoise_sim::{Credentials, Exchange, ServeOptions, Settings, adapters, serve};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let ports = std::env::args()
        .skip(1)
        .map(|port| port.parse::<u16>())
        .collect::<Result<Vec<_>, _>>()?;
    let mut running = Vec::new();
    for (index, adapter) in adapters().iter().enumerate() {
        let credentials = Credentials::demo(adapter);
        let exchange = Exchange::start(adapter, credentials.clone(), Settings::default())?;
        let address = SocketAddr::from((
            [127, 0, 0, 1],
            ports.get(index).copied().unwrap_or_default(),
        ));
        let served = serve(exchange, address, ServeOptions::default()).await?;
        println!(
            "{adapter} {} key {} secret {}",
            served.base_url(),
            credentials.key,
            credentials.secret
        );
        running.push(served);
    }
    std::future::pending::<()>().await;
    Ok(())
}
