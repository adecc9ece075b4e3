//! The command line of Equipoise.
