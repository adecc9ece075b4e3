//! Exchange adapters of Equipoise over their real wire formats.
