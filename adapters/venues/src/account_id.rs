//! The name of an account: where requests go, and which key they are signed with.
//!
//! No exchange here tells the account's own number in every interface, so the key stands for it, as a hash: whoever
//! rotates a key says that the account is still the same.

use equipoise_core::AccountId;
use sha2::{Digest, Sha256};

/// Hex digits of a hash that are kept.
const HEX_LEN: usize = 16;

/// `<base url>#<hash of the key>`; a base URL that no name may hold is hashed too.
pub(crate) fn of(base: &str, key: &str) -> AccountId {
    let key = hashed(key);
    AccountId::new(&format!("{base}#{key}")).unwrap_or_else(|_| {
        let both = format!("{}#{key}", hashed(base));
        AccountId::new(&both).expect("hex digits and '#' may stand in a name")
    })
}

fn hashed(text: &str) -> String {
    let mut hash = hex::encode(Sha256::digest(text));
    hash.truncate(HEX_LEN);
    hash
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_is_named_by_its_host_and_its_key_and_the_key_is_not_shown() {
        let one = of("https://fapi.binance.com", "the-key");
        // SHA-256 of "the-key", its first eight bytes.
        let hash = &hex::encode(Sha256::digest("the-key"))[..16];
        assert_eq!(one.as_str(), format!("https://fapi.binance.com#{hash}"));
        assert_eq!(of("https://fapi.binance.com", "the-key"), one);
        assert_ne!(of("https://fapi.binance.com", "another-key"), one);
        assert_ne!(of("http://127.0.0.1:9101", "the-key"), one);
    }

    #[test]
    fn a_base_url_too_long_for_a_name_is_hashed_and_still_tells_hosts_apart() {
        let long = |host: &str| format!("https://{host}/{}", "p".repeat(200));
        let one = of(&long("one"), "key");
        assert_eq!(one.as_str().len(), 2 * HEX_LEN + 1);
        assert_ne!(of(&long("other"), "key"), one);
    }
}
