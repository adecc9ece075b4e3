//! What the key itself may do, beside what its account may.
//!
//! Of all hosts only that of spot tells it, for every product the key is for. Of the futures' own pages some have
//! `canTrade` and `canWithdraw`: they stand beside `canDeposit` and the fee tier of the account and say nothing of the
//! key that asks. So the futures ask the host of spot, in production: the address is fixed there, and keys are the same
//! at both. On the test networks, and at an address from configuration, there is no such other host, and nothing is told.
//! Source: Binance Wallet, Get API Key Permission; USDⓈ-M Account Information V2, Futures Account Configuration; COIN-M
//! Account Information, read 2026-11-22.

use std::sync::atomic::Ordering;

use equipoise_port::QueryError;
use serde::Deserialize;

use super::product::{Kind, Page, Product, page};
use super::{Binance, spot};
use crate::answer::read;
use crate::query::QueryString;
use crate::registry::Opening;
use crate::settings::Endpoint;

/// The page is one of the wallet interface, on the same host as spot and signed alike. It has a limit of its own, of
/// 12,000 a minute, and the header that counts against it is another one: what it weighs is taken out of the trading
/// interface's tighter limit here, so that one count bounds everything that is sent to the host.
/// Source: Binance Wallet, Get API Key Permission; Binance Developers, Rate limits, /api/* and /sapi/*, read 2026-11-22.
const KEY_RIGHTS: Page = page("/sapi/v1/account/apiRestrictions", 1);

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct KeyRights {
    enable_withdrawals: bool,
    enable_spot_and_margin_trading: bool,
    #[serde(default)]
    enable_futures: Option<bool>,
}

impl KeyRights {
    const fn trade(&self, kind: Kind) -> bool {
        match kind {
            Kind::Spot => self.enable_spot_and_margin_trading,
            Kind::Usdm | Kind::Coinm => !matches!(self.enable_futures, Some(false)),
        }
    }
}

/// The same account on the host that tells its key's rights, where that is another host.
pub(super) fn teller(product: &Product, opening: &Opening) -> Option<Box<Binance>> {
    if product.kind == Kind::Spot || opening.settings.endpoint != Endpoint::Production {
        return None;
    }
    let base = spot::PRODUCTION.to_owned();
    Some(Box::new(Binance::open(&spot::PRODUCT, Opening { base, ..opening.clone() })))
}

impl Binance {
    /// Whether the key may withdraw.
    pub(super) async fn read_withdrawal_right(&self) -> Result<Option<bool>, QueryError> {
        Ok(self.key_rights().await?.map(|rights| rights.enable_withdrawals))
    }

    /// Whether the key may trade. Its word is taken once, and a page that is not served keeps no plan back. Another host
    /// that does not answer is asked once: it may be out of reach for good, and every question to it takes its time.
    pub(super) async fn key_trades(&self) -> Result<bool, QueryError> {
        if self.rights_known.load(Ordering::Relaxed) {
            return Ok(true);
        }
        match self.key_rights().await {
            Ok(Some(rights)) => {
                let trades = rights.trade(self.product.kind);
                self.rights_known.store(trades, Ordering::Relaxed);
                Ok(trades)
            }
            // What the other host thinks of the key is not what orders will meet.
            Err(error @ QueryError::Credentials { .. }) if self.teller.is_none() => Err(error),
            Ok(None) | Err(_) => {
                self.rights_known.store(self.teller.is_some(), Ordering::Relaxed);
                Ok(true)
            }
        }
    }

    async fn key_rights(&self) -> Result<Option<KeyRights>, QueryError> {
        let host = self.teller.as_deref().unwrap_or(self);
        if host.product.kind != Kind::Spot {
            return Ok(None);
        }
        match host.get(KEY_RIGHTS, QueryString::new()).await {
            Ok(body) => Ok(Some(read(&body)?)),
            // The test network has no page of the wallet interface.
            // Source: Binance Spot Testnet, F.A.Q., /sapi endpoints, read 2026-11-22.
            Err(failure) if failure.is_missing_page() => Ok(None),
            Err(failure) => Err(failure.into()),
        }
    }
}
