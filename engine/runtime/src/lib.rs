//! The tokio runtime of Equipoise: admission, driver, journals, recovery and strategies.
