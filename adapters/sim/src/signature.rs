//! HMAC-SHA256 over request text, in hex or base64.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// Lower-case hex of HMAC-SHA256 over `parts` in order, without separators.
pub(crate) fn hmac_sha256_hex(secret: &str, parts: &[&[u8]]) -> String {
    hex::encode(hmac_sha256(secret, parts))
}

/// Base64 of HMAC-SHA256 over `parts` in order, without separators.
pub(crate) fn hmac_sha256_base64(secret: &str, parts: &[&[u8]]) -> String {
    STANDARD.encode(hmac_sha256(secret, parts))
}

fn hmac_sha256(secret: &str, parts: &[&[u8]]) -> Vec<u8> {
    let mut mac =
        Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("HMAC takes keys of any length");
    for part in parts {
        mac.update(part);
    }
    mac.finalize().into_bytes().to_vec()
}

#[cfg(test)]
mod tests {
    use super::{hmac_sha256_base64, hmac_sha256_hex};

    // Source: Binance derivatives docs, General Info, HMAC example, read 2026-11-22.
    #[test]
    fn the_published_futures_example_gives_the_published_signature() {
        let payload = "symbol=BTCUSDT&side=BUY&type=LIMIT&quantity=1&price=9000&timeInForce=GTC&recvWindow=5000&timestamp=1591702613943";
        let secret = "2b5eb11e18796d12d88f13dc27dbbd02c2cc51ff7059765ed9821957d82bb4d9";
        assert_eq!(
            hmac_sha256_hex(secret, &[payload.as_bytes()]),
            "3c661234138461fcc7a7d8746c6558c9842d4e10870d2ecbedf7777cad694af9"
        );
    }

    // Source: Binance spot REST docs, SIGNED endpoint examples, read 2026-11-22.
    #[test]
    fn the_published_spot_examples_give_the_published_signatures() {
        let secret = "NhqPtmdSJYdKjVHjA7PZj4Mge3R5YNiP1e3UZjInClVN65XAbvqqM6A7H5fATj0j";
        let plain = "symbol=LTCBTC&side=BUY&type=LIMIT&timeInForce=GTC&quantity=1&price=0.1&recvWindow=5000&timestamp=1499827319559";
        assert_eq!(
            hmac_sha256_hex(secret, &[plain.as_bytes()]),
            "c8db56825ae71d6d79447849e617115f4a920fa2acdcab2b053c4b2838bd6b71"
        );
        let encoded = "symbol=%EF%BC%91%EF%BC%92%EF%BC%93%EF%BC%94%EF%BC%95%EF%BC%96&side=BUY&type=LIMIT&timeInForce=GTC&quantity=1&price=0.1&recvWindow=5000&timestamp=1499827319559";
        assert_eq!(
            hmac_sha256_hex(secret, &[encoded.as_bytes()]),
            "e1353ec6b14d888f1164ae9af8228a3dbd508bc82eb867db8ab6046442f33ef3"
        );
    }

    // The venue publishes no secret with its examples, so these follow its recipe:
    // timestamp + key + window + query string or body. Source: Bybit v5 guide, Authentication, read 2026-11-22.
    #[test]
    fn the_parts_of_a_bybit_signature_are_joined_without_separators() {
        let get = "category=linear&symbol=BTCUSDT&orderLinkId=leg-1";
        assert_eq!(
            hmac_sha256_hex(
                "TEST_SECRET",
                &[b"1658384314791", b"TESTKEY", b"5000", get.as_bytes()]
            ),
            "fd11e72bbb2f8506d9956ece6198d8709a080d63ecebb5fb398cdb5f1def9c3e"
        );
        let post = r#"{"category":"linear","symbol":"BTCUSDT","side":"Sell","orderType":"Limit","qty":"0.01","price":"28000","timeInForce":"IOC","orderLinkId":"leg-1"}"#;
        assert_eq!(
            hmac_sha256_hex(
                "TEST_SECRET",
                &[b"1658385579423", b"TESTKEY", b"5000", post.as_bytes()]
            ),
            "8886964fee9ab2c8232cc65cfa00ece6f22c4c4ccfb6165920540df3aa02902a"
        );
    }
    // The venue publishes no secret with its examples, so these follow its recipe:
    // timestamp + method + path with query + body. Source: OKX v5 docs, Overview, REST Authentication, read 2026-11-22.
    #[test]
    fn an_okx_signature_is_base64_over_the_joined_parts() {
        let at = b"2020-12-08T09:08:57.715Z";
        let secret = "22582BD0CFF14C41EDBF1AB98506286D";
        assert_eq!(
            hmac_sha256_base64(secret, &[at, b"GET", b"/api/v5/account/balance?ccy=BTC"]),
            "HiZhvSfMtWJA3uUIVXV3a/bSXNPCWvYFXoGCVS8V4zY="
        );
        let other = "chNOOS4KvNXR_Xq4k4c9qsfoKWvnDecLATCRlcBwyKDYnWgO";
        assert_eq!(
            hmac_sha256_base64(other, &[at, b"GET", b"/api/v5/account/balance"]),
            "PJ61e1nb2F2Qd7D8SPiaIcx2gjdELc+o0ygzre9z33k="
        );
        let body = r#"{"instId":"BTC-USDT-SWAP","tdMode":"cross","clOrdId":"b15","side":"buy","ordType":"limit","px":"50000","sz":"0.01"}"#;
        assert_eq!(
            hmac_sha256_base64(secret, &[at, b"POST", b"/api/v5/trade/order", body.as_bytes()]),
            "ffC+f8IEzD4AjZcp9PqE4wpjGMnMGUIa8q/s3A64I80="
        );
    }

    // Source: Deribit docs, Authentication, client signature, whose sample inputs these are, read 2026-11-22.
    #[test]
    fn a_deribit_client_signature_ends_in_a_newline_when_there_is_no_data() {
        assert_eq!(
            hmac_sha256_hex("AMANDASECRECT", &[b"1576074319000", b"\n", b"1iqt2wls", b"\n", b""]),
            "56590594f97921b09b18f166befe0d1319b198bbcdad7ca73382de2f88fe9aa1"
        );
    }
}
