//! Signed requests: everything in the query string, an empty body.
//!
//! The signature covers the query exactly as it is sent and comes last.
//! The recipe is the same for every product.
//! Source: Binance USDⓈ-M and COIN-M General Info, SIGNED Endpoint Security; Spot REST API, SIGNED request security,
//! read 2026-11-22.

use bytes::Bytes;
use equipoise_core::VenueMillis;
use http::{HeaderName, Method};

use crate::answer::BadAnswer;
use crate::credentials::Credentials;
use crate::query::QueryString;
use crate::wire::{Call, sensitive};

const KEY_HEADER: HeaderName = HeaderName::from_static("x-mbx-apikey");

/// The query with window, timestamp and signature.
pub(crate) fn signed_query(
    query: QueryString,
    window_ms: u32,
    stamp: VenueMillis,
    credentials: &Credentials,
) -> String {
    let query = query.with("recvWindow", window_ms).with("timestamp", stamp.0);
    let signature = credentials.sign(&[query.as_str()]);
    query.with("signature", signature).as_str().to_owned()
}

/// A request with the account's key.
pub(crate) fn keyed<'a>(
    method: Method,
    path: &'static str,
    query: &'a str,
    credentials: &Credentials,
) -> Result<Call<'a>, BadAnswer> {
    Ok(Call {
        method,
        path,
        query,
        headers: vec![(KEY_HEADER, sensitive(credentials.key())?)],
        body: Bytes::new(),
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    // Source: Binance USDⓈ-M General Info, Example of POST /fapi/v1/order, read 2026-11-22.
    #[test]
    fn the_published_example_has_the_published_signature() {
        let credentials = Credentials::new(
            "dbefbc809e3e83c283a984c3a1459732ea7db1360ca80c5c2c8867408d28cc83",
            "2b5eb11e18796d12d88f13dc27dbbd02c2cc51ff7059765ed9821957d82bb4d9",
        )
        .unwrap();
        let query = QueryString::new()
            .with("symbol", "BTCUSDT")
            .with("side", "BUY")
            .with("type", "LIMIT")
            .with("quantity", "1")
            .with("price", "9000")
            .with("timeInForce", "GTC");
        assert_eq!(
            signed_query(query, 5_000, VenueMillis(1_591_702_613_943), &credentials),
            "symbol=BTCUSDT&side=BUY&type=LIMIT&quantity=1&price=9000&timeInForce=GTC&recvWindow=5000\
             &timestamp=1591702613943\
             &signature=3c661234138461fcc7a7d8746c6558c9842d4e10870d2ecbedf7777cad694af9"
        );
    }

    // Source: Binance Spot REST API, SIGNED Endpoint Examples, read 2026-11-22. The recipe is the same for both products.
    #[test]
    fn the_published_spot_examples_are_reproduced_too() {
        let credentials = Credentials::new(
            "vmPUZE6mv9SD5VNHk4HlWFsOr6aKE2zvsw0MuIgwCIPy6utIco14y7Ju91duEh8A",
            "NhqPtmdSJYdKjVHjA7PZj4Mge3R5YNiP1e3UZjInClVN65XAbvqqM6A7H5fATj0j",
        )
        .unwrap();
        let sign = |symbol: &str| {
            let query = QueryString::new()
                .with("symbol", symbol)
                .with("side", "BUY")
                .with("type", "LIMIT")
                .with("timeInForce", "GTC")
                .with("quantity", "1")
                .with("price", "0.1");
            let signed = signed_query(query, 5_000, VenueMillis(1_499_827_319_559), &credentials);
            signed.rsplit('=').next().unwrap().to_owned()
        };
        assert_eq!(
            sign("LTCBTC"),
            "c8db56825ae71d6d79447849e617115f4a920fa2acdcab2b053c4b2838bd6b71"
        );
        assert_eq!(
            sign("１２３４５６"),
            "e1353ec6b14d888f1164ae9af8228a3dbd508bc82eb867db8ab6046442f33ef3"
        );
    }

    // The example on the page of COIN-M has a signature that does not belong to the text printed beside it, so these two
    // were computed apart from this code.
    // Source: Binance COIN-M General Info, Example of POST /dapi/v1/order, read 2026-11-22.
    #[test]
    fn orders_of_the_other_products_are_signed_as_they_are_sent() {
        let sign = |secret: &str, query: &[(&str, &str)], window_ms, stamp| {
            let credentials = Credentials::new("the-key", secret).unwrap();
            let parts = query.iter();
            let query =
                parts.fold(QueryString::new(), |query, (key, value)| query.with(key, value));
            let signed = signed_query(query, window_ms, VenueMillis(stamp), &credentials);
            signed.rsplit('=').next().unwrap().to_owned()
        };
        let coinm = [
            ("symbol", "BTCUSD_200925"),
            ("side", "BUY"),
            ("type", "LIMIT"),
            ("quantity", "1"),
            ("price", "9000"),
            ("timeInForce", "GTC"),
        ];
        let secret = "2b5eb11e18796d12d88f13dc27dbbd02c2cc51ff7059765ed9821957d82bb4d9";
        assert_eq!(
            sign(secret, &coinm, 5_000, 1_591_702_613_943),
            "04c8b9fbd55285a38fd6a3fc40ba3a7d114f22564dab61611bf24f2d2efb890f"
        );
        let spot = [
            ("symbol", "BTCUSDT"),
            ("side", "BUY"),
            ("type", "LIMIT_MAKER"),
            ("quantity", "0.1"),
            ("price", "65000.5"),
            ("newClientOrderId", "a1b2"),
            ("newOrderRespType", "RESULT"),
            ("selfTradePreventionMode", "EXPIRE_TAKER"),
        ];
        let secret = "NhqPtmdSJYdKjVHjA7PZj4Mge3R5YNiP1e3UZjInClVN65XAbvqqM6A7H5fATj0j";
        assert_eq!(
            sign(secret, &spot, 2_000, 1_795_334_400_000),
            "d93b37fe1c5d7608946900211f08a2d0339d7b792244b4abe6260a18e969fa3a"
        );
    }

    #[test]
    fn the_key_travels_in_a_header_that_is_not_printed() {
        let credentials = Credentials::new("the-key", "the-secret").unwrap();
        let call = keyed(Method::GET, "/fapi/v1/order", "a=1", &credentials).unwrap();
        assert!(!format!("{call:?}").contains("the-key"));
    }
}
