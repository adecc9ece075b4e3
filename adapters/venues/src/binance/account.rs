//! The account: how it is set up, its positions and its balances.

use equipoise_core::{PositionMode, Symbol};
use equipoise_port::{Account, Balance, MarginMode, Position, QueryError};
use futures::try_join;

use super::holdings::{
    AccountConfig, AccountRights, AssetBalance, PositionRisk, PositionSideMode, SpotAccount,
    SymbolConfig, margin_mode, position,
};
use super::product::{Kind, Page};
use super::{Binance, coinm, refused, usdm};
use crate::answer::{BadAnswer, read};
use crate::outcome::Failure;
use crate::query::QueryString;

/// The code of a symbol that does not exist.
/// Source: Binance USDⓈ-M Error Codes, -1121, read 2026-11-22.
const UNKNOWN_SYMBOL: &str = "-1121";

impl Binance {
    /// One position mode for the whole account, and the same for both futures; one margin mode for each symbol.
    /// Spot has neither.
    ///
    /// Orders name no margin mode: they follow the symbol's, and either works.
    /// Source: Binance USDⓈ-M New Order; COIN-M New Order, parameters, read 2026-11-22.
    pub(super) async fn read_account(&self, symbols: &[Symbol]) -> Result<Account, QueryError> {
        let account = async {
            match self.product.kind {
                Kind::Usdm => self.usdm_account(symbols).await,
                Kind::Coinm => self.coinm_account(symbols).await,
                Kind::Spot => self.plain_account().await,
            }
        };
        let (account, key_trades) = try_join!(account, self.key_trades())?;
        Ok(Account { can_trade: account.can_trade && key_trades, ..account })
    }

    async fn plain_account(&self) -> Result<Account, QueryError> {
        let account = self.spot_account().await?;
        // Margin accounts borrow and repay by rules of their own.
        if let Some(other) = account.account_type.as_deref().filter(|kind| *kind != "SPOT") {
            let message = format!("only spot accounts are supported, this is {other}");
            return Err(refused("account", self.credentials.scrub(&message)));
        }
        let position_mode = PositionMode::OneWay;
        Ok(Account { position_mode, can_trade: account.can_trade, margin_mode: None })
    }

    async fn usdm_account(&self, symbols: &[Symbol]) -> Result<Account, QueryError> {
        let (config, margin_mode) = try_join!(self.usdm_config(), self.usdm_margin_mode(symbols))?;
        let in_parts = matches!(margin_mode, Some(MarginMode::Isolated | MarginMode::Mixed));
        if config.multi_assets_margin && in_parts {
            let message = "isolated margin was found on an account in multi-assets mode, which \
                           allows cross margin only"
                .to_owned();
            return Err(refused("margin-mode", message));
        }
        let position_mode = mode(config.dual_side_position);
        Ok(Account { position_mode, can_trade: config.can_trade, margin_mode })
    }

    async fn usdm_config(&self) -> Result<AccountConfig, QueryError> {
        match self.get(usdm::CONFIG, QueryString::new()).await {
            Ok(body) => Ok(read(&body)?),
            Err(failure) if failure.is_missing_page() => {
                let hedge = self.position_mode(usdm::MODE).await? == PositionMode::Hedge;
                Ok(AccountConfig {
                    can_trade: true,
                    dual_side_position: hedge,
                    multi_assets_margin: false,
                })
            }
            Err(failure) => Err(failure.into()),
        }
    }

    /// Not told where the host has no such page, and of a symbol that does not exist, which its rules tell.
    async fn usdm_margin_mode(&self, symbols: &[Symbol]) -> Result<Option<MarginMode>, QueryError> {
        let query = match symbols {
            [] => return Ok(None),
            [symbol] => QueryString::new().with("symbol", symbol),
            // All symbols weigh as much as one.
            _ => QueryString::new(),
        };
        match self.get(usdm::SYMBOL_CONFIG, query).await {
            Ok(body) => Ok(margin_mode(&read::<Vec<SymbolConfig>>(&body)?, symbols)?),
            Err(Failure::Coded(coded)) if coded.code == UNKNOWN_SYMBOL => Ok(None),
            Err(failure) if failure.is_missing_page() => Ok(None),
            Err(failure) => Err(failure.into()),
        }
    }

    async fn coinm_account(&self, symbols: &[Symbol]) -> Result<Account, QueryError> {
        let rights = async {
            match self.get(coinm::ACCOUNT, QueryString::new()).await {
                Ok(body) => Ok(Some(read::<AccountRights>(&body)?)),
                Err(failure) if failure.is_missing_page() => Ok(None),
                Err(failure) => Err(QueryError::from(failure)),
            }
        };
        let (position_mode, rights) = try_join!(self.position_mode(coinm::MODE), rights)?;
        let can_trade = rights.as_ref().is_none_or(|rights| rights.can_trade);
        let margin_mode = rights.and_then(|rights| rights.margin_mode(symbols));
        Ok(Account { position_mode, can_trade, margin_mode })
    }

    async fn position_mode(&self, page: Page) -> Result<PositionMode, QueryError> {
        let body = self.get(page, QueryString::new()).await?;
        let answer: PositionSideMode = read(&body)?;
        Ok(mode(answer.dual_side_position))
    }

    /// Both sides of the position in one instrument.
    ///
    /// A spot account has balances and no positions, and a balance is no position: it says nothing about what a batch
    /// bought. So the question is refused rather than answered with zero, which would look like a proof (K5).
    pub(super) async fn read_position(&self, symbol: &Symbol) -> Result<Position, QueryError> {
        let (page, query) = match self.product.kind {
            Kind::Usdm => (usdm::POSITIONS, QueryString::new().with("symbol", symbol)),
            // By pair: the page takes no symbol and lists every contract of the pair.
            Kind::Coinm => {
                let pair = symbol.as_str().split('_').next().unwrap_or_default();
                (coinm::POSITIONS, QueryString::new().with("pair", pair))
            }
            Kind::Spot => {
                let message = "a spot account has balances, not positions".to_owned();
                return Err(refused("position", message));
            }
        };
        let body = self.get(page, query).await?;
        let rows: Vec<PositionRisk> = read(&body)?;
        Ok(position(&rows, symbol)?)
    }

    pub(super) async fn read_balances(&self) -> Result<Vec<Balance>, QueryError> {
        if self.product.kind == Kind::Spot {
            return Ok(self.spot_account().await?.balances()?);
        }
        let body = self.get(self.product.pages.balances, QueryString::new()).await?;
        let rows: Vec<AssetBalance> = read(&body)?;
        let balances: Result<Vec<_>, BadAnswer> =
            rows.iter().filter_map(|row| row.balance().transpose()).collect();
        Ok(balances?)
    }

    pub(super) async fn spot_account(&self) -> Result<SpotAccount, QueryError> {
        let query = QueryString::new().with("omitZeroBalances", true);
        let body = self.get(self.product.pages.balances, query).await?;
        Ok(read(&body)?)
    }
}

fn mode(hedge: bool) -> PositionMode {
    if hedge { PositionMode::Hedge } else { PositionMode::OneWay }
}
