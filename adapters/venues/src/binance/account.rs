//! The account: how it is set up, its positions and its balances.

use equipoise_core::{PositionMode, Symbol};
use equipoise_port::{Account, Balance, Position, QueryError};
use futures::try_join;

use super::holdings::{
    AccountConfig, AccountRights, AssetBalance, KeyRights, PositionRisk, PositionSideMode,
    SpotAccount, position,
};
use super::product::{Kind, Page};
use super::{Binance, coinm, refused, spot, usdm};
use crate::answer::{BadAnswer, read};
use crate::query::QueryString;

impl Binance {
    /// One mode for the whole account, and the same for both futures. Spot has none.
    pub(super) async fn read_account(&self) -> Result<Account, QueryError> {
        match self.product.kind {
            Kind::Usdm => self.usdm_account().await,
            Kind::Coinm => self.coinm_account().await,
            Kind::Spot => {
                let account = self.spot_account().await?;
                // Margin accounts borrow and repay by rules of their own.
                if let Some(other) = account.account_type.as_deref().filter(|kind| *kind != "SPOT")
                {
                    let message = format!("only spot accounts are supported, this is {other}");
                    return Err(refused("account", self.credentials.scrub(&message)));
                }
                let position_mode = PositionMode::OneWay;
                Ok(Account { position_mode, can_trade: account.can_trade })
            }
        }
    }

    async fn usdm_account(&self) -> Result<Account, QueryError> {
        match self.get(usdm::CONFIG, QueryString::new()).await {
            Ok(body) => {
                let config: AccountConfig = read(&body)?;
                let position_mode = mode(config.dual_side_position);
                Ok(Account { position_mode, can_trade: config.can_trade })
            }
            Err(failure) if failure.is_missing_page() => {
                let position_mode = self.position_mode(usdm::MODE).await?;
                Ok(Account { position_mode, can_trade: true })
            }
            Err(failure) => Err(failure.into()),
        }
    }

    async fn coinm_account(&self) -> Result<Account, QueryError> {
        let rights = async {
            match self.get(coinm::ACCOUNT, QueryString::new()).await {
                Ok(body) => Ok(read::<AccountRights>(&body)?.can_trade),
                Err(failure) if failure.is_missing_page() => Ok(true),
                Err(failure) => Err(QueryError::from(failure)),
            }
        };
        let (position_mode, can_trade) = try_join!(self.position_mode(coinm::MODE), rights)?;
        Ok(Account { position_mode, can_trade })
    }

    async fn position_mode(&self, page: Page) -> Result<PositionMode, QueryError> {
        let body = self.get(page, QueryString::new()).await?;
        let answer: PositionSideMode = read(&body)?;
        Ok(mode(answer.dual_side_position))
    }

    /// Whether the key may withdraw, which only the host of spot tells.
    ///
    /// Of the futures' pages some have `canWithdraw`, documented as whether assets can be transferred out. That stands
    /// beside `canDeposit` and the fee tier of the account and says nothing of the key that asks.
    /// Source: Binance USDⓈ-M Account Information V2, Futures Account Configuration; COIN-M Account Information, read
    /// 2026-11-22.
    pub(super) async fn read_withdrawal_right(&self) -> Result<Option<bool>, QueryError> {
        if self.product.kind != Kind::Spot {
            return Ok(None);
        }
        match self.get(spot::KEY_RIGHTS, QueryString::new()).await {
            Ok(body) => Ok(Some(read::<KeyRights>(&body)?.enable_withdrawals)),
            // The test network has no page of the wallet interface.
            // Source: Binance Spot Testnet, F.A.Q., /sapi endpoints, read 2026-11-22.
            Err(failure) if failure.is_missing_page() => Ok(None),
            Err(failure) => Err(failure.into()),
        }
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
