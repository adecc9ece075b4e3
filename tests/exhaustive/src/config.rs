//! Which small worlds are explored, and how much may go wrong in each.

use equipoise_core::{ResendClass, Residual};

use crate::product::Product;

/// How often each kind of trouble may happen on one path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Budget {
    /// Kills of the owner; a kill during recovery counts too.
    pub crashes: u8,
    /// A further owner starts while the one before still runs.
    pub takeovers: u8,
    /// Requests lost, delayed past their tick or repeated, replies lost, never handed over, late or half answers,
    /// slow syncs.
    pub faults: u8,
    /// Documented refusals and rejections after acknowledgement.
    pub refusals: u8,
    /// The user asks for no new risk.
    pub stops: u8,
    /// Ticks that pass while nobody owns the batch.
    pub away: u8,
}

/// How much a plan asks for; the engine rounds it to lots.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Size {
    /// Whole lots.
    Lots(u32),
    /// Base units, in parts of 10^12 of one.
    Base(i128),
    /// A value in quote.
    Quote(u32),
}

/// One leg.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct LegShape {
    /// What its venue offers.
    pub class: ResendClass,
    /// What it trades.
    pub product: Product,
    /// How much of it, unless it follows another leg.
    pub size: Size,
    /// Trades at the venue of that leg, in another instrument.
    pub beside: Option<u8>,
    /// Its venue shows neither book nor position once something is to be taken back.
    pub blind: bool,
    /// A limit order that may rest instead of a market order.
    pub rests: bool,
    /// Waits for this leg.
    pub after: Option<u8>,
    /// Follows what that leg fills instead of a fixed size.
    pub follows: bool,
    /// The venue lists an order only for so long, milliseconds.
    pub lookup_ms: u64,
}

impl LegShape {
    /// A market leg of two whole lots that waits for nothing.
    #[must_use]
    pub const fn market(class: ResendClass) -> Self {
        Self {
            class,
            product: Product::Whole,
            size: Size::Lots(2),
            beside: None,
            blind: false,
            rests: false,
            after: None,
            follows: false,
            lookup_ms: 86_400_000,
        }
    }

    pub(crate) const fn of(class: ResendClass, product: Product) -> Self {
        Self { product, ..Self::market(class) }
    }

    const fn resting(class: ResendClass) -> Self {
        Self { rests: true, ..Self::market(class) }
    }

    pub(crate) const fn after(class: ResendClass, leg: u8) -> Self {
        Self { after: Some(leg), ..Self::market(class) }
    }

    pub(crate) const fn following(class: ResendClass, leg: u8) -> Self {
        Self { follows: true, ..Self::after(class, leg) }
    }
}

/// One small world.
#[derive(Debug, Clone)]
pub struct Config {
    /// What it is called in tables.
    pub name: String,
    /// Legs, buys and sells in turn.
    pub legs: Vec<LegShape>,
    /// What becomes of a residual.
    pub residual: Residual,
    /// How long compensation may take, milliseconds.
    pub unwind_ms: u64,
    /// Unwind orders a leg may have.
    pub unwind_attempts: u16,
    /// What may go wrong.
    pub budget: Budget,
    /// Orders that take may also fill one lot of two, or none; else all of it.
    pub partial: bool,
    /// A kill may keep every prefix of the facts nothing waited for, not only none or all of them.
    pub prefixes: bool,
    /// Once nothing can go wrong any more, what is left happens in the fair order; its outcomes are still all tried.
    pub orderly: bool,
}

/// The letter of a class.
pub(crate) const fn letter(class: ResendClass) -> char {
    match class {
        ResendClass::A => 'A',
        ResendClass::B => 'B',
        ResendClass::C => 'C',
    }
}

/// Long enough for one order in doubt at venues of class B and C.
pub(crate) const UNWIND_MS: u64 = 7_000;
/// One for the excess, one for the rest.
pub(crate) const UNWIND_ATTEMPTS: u16 = 2;

fn config(name: String, legs: Vec<LegShape>, budget: Budget) -> Config {
    let one = legs.len() == 1;
    Config {
        name,
        legs,
        residual: Residual::Unwind,
        unwind_ms: UNWIND_MS,
        unwind_attempts: UNWIND_ATTEMPTS,
        budget,
        partial: true,
        prefixes: one,
        orderly: !one,
    }
}

use ResendClass::{A, B, C};

const CLASSES: [ResendClass; 3] = [A, B, C];

/// Every configuration of a full run.
#[must_use]
pub fn configurations() -> Vec<Config> {
    let mut all = Vec::new();
    for class in CLASSES {
        all.extend(one_leg(class));
    }
    for (one, other) in [(A, A), (A, B), (A, C), (B, B), (B, C), (C, C)] {
        let pair = format!("{}{}", letter(one), letter(other));
        let legs = vec![LegShape::market(one), LegShape::market(other)];
        all.extend(two_legs(&format!("two legs {pair}"), &legs));
    }
    for one in CLASSES {
        for other in CLASSES {
            let pair = format!("{}{}", letter(one), letter(other));
            let legs = vec![LegShape::market(one), LegShape::after(other, 0)];
            all.extend(two_legs(&format!("two legs {pair} in sequence"), &legs));
            let legs = vec![LegShape::market(one), LegShape::following(other, 0)];
            all.extend(two_legs(&format!("leg and follower {pair}"), &legs));
        }
    }
    all.extend(crossed_configurations());
    for (one, other) in [(B, B), (B, C)] {
        let pair = format!("{}{}", letter(one), letter(other));
        all.extend(two_legs(&format!("inverse and linear {pair}"), &inverse(one, other)));
        let mut beside = two_legs(&format!("two underlyings {pair}"), &two_underlyings(one, other));
        // Five million states with a fault: once is enough.
        beside.retain(|config| other == B || config.budget.faults == 0);
        all.extend(beside);
    }
    all
}

/// A kill beside something else: a further owner, a fault, or both.
fn crossed_configurations() -> Vec<Config> {
    let mut all = Vec::new();
    for class in CLASSES {
        let name = |what: &str| format!("one leg {} {what}", letter(class));
        let owners = Budget { takeovers: 1, crashes: 1, away: 1, ..Budget::default() };
        let faulty = Budget { faults: 1, ..owners };
        let refused = Budget { refusals: 1, ..owners };
        for (what, budget) in [
            ("with two owners and a kill", owners),
            ("with two owners, a kill and a refusal", refused),
            ("with two owners, a kill and a fault", faulty),
        ] {
            let config = config(name(what), vec![LegShape::market(class)], budget);
            all.push(Config { partial: false, prefixes: false, ..config });
        }
    }
    for one in CLASSES {
        for other in CLASSES {
            let pair = format!("{}{}", letter(one), letter(other));
            let first = LegShape::market(one);
            // Sides apart, two legs that wait for nothing are the same in either order.
            if letter(one) <= letter(other) {
                all.extend(killed_and_faulty(
                    &format!("two legs {pair}"),
                    [first, LegShape::market(other)],
                ));
            }
            let name = format!("two legs {pair} in sequence");
            all.extend(killed_and_faulty(&name, [first, LegShape::after(other, 0)]));
            let name = format!("leg and follower {pair}");
            all.extend(killed_and_faulty(&name, [first, LegShape::following(other, 0)]));
        }
    }
    all
}

/// Two legs with a kill and a fault on one path: with orders that fill whole, with a refusal beside them, and with orders
/// that may also fill by half, or not at all.
fn killed_and_faulty(name: &str, legs: [LegShape; 2]) -> [Config; 3] {
    let budget = Budget { crashes: 1, faults: 1, away: 1, ..Budget::default() };
    let refused = Budget { refusals: 1, ..budget };
    let of = |what: &str, budget| config(format!("{name} with {what}"), legs.to_vec(), budget);
    [
        Config { partial: false, ..of("a kill and a fault", budget) },
        Config { partial: false, ..of("a kill, a fault and a refusal", refused) },
        of("a kill, a fault and half fills", budget),
    ]
}

/// Bitcoin bought and ether sold: neither offsets the other, and each is taken back by itself.
fn two_underlyings(one: ResendClass, other: ResendClass) -> Vec<LegShape> {
    vec![LegShape::market(one), LegShape::of(other, Product::WholeEther)]
}

/// Contracts of 100 dollars against contracts of 0.003 bitcoin: lots that do not divide each other.
fn inverse(one: ResendClass, other: ResendClass) -> Vec<LegShape> {
    vec![LegShape::of(one, Product::CoinM), LegShape::of(other, Product::Thirds)]
}

fn one_leg(class: ResendClass) -> Vec<Config> {
    let name = |what: &str| format!("one leg {} {what}", letter(class));
    let market = || vec![LegShape::market(class)];
    let none = Budget::default();
    let outdated = LegShape { lookup_ms: 5_000, ..LegShape::market(class) };
    let several = config(name("with two faults"), market(), Budget { faults: 2, ..none });
    let owners =
        config(name("with two owners"), market(), Budget { takeovers: 1, refusals: 1, ..none });
    let both = Budget { takeovers: 1, faults: 1, ..none };
    let both = config(name("with two owners and a fault"), market(), both);
    let resting = Budget { crashes: 1, stops: 1, away: 1, ..none };
    let resting = config(name("resting"), vec![LegShape::resting(class)], resting);
    vec![
        config(
            name("with a fault and a stop"),
            market(),
            Budget { faults: 1, refusals: 1, stops: 1, ..none },
        ),
        Config { partial: false, ..several },
        config(name("with two kills"), market(), Budget { crashes: 2, away: 4, ..none }),
        config(
            name("with a kill and a fault"),
            market(),
            Budget { crashes: 1, faults: 1, away: 1, ..none },
        ),
        Config { partial: false, prefixes: false, ..owners },
        Config { partial: false, prefixes: false, ..both },
        Config { partial: false, prefixes: false, ..resting },
        config(name("with a short memory"), vec![outdated], Budget { crashes: 1, away: 3, ..none }),
    ]
}

fn two_legs(name: &str, legs: &[LegShape]) -> Vec<Config> {
    let name = |what: &str| format!("{name} {what}");
    let budget = Budget { crashes: 0, takeovers: 0, faults: 1, refusals: 1, stops: 0, away: 0 };
    let calm = config(name("in every order"), legs.to_vec(), Budget { faults: 0, ..budget });
    vec![
        Config { orderly: false, ..calm },
        config(name("with a fault"), legs.to_vec(), budget),
        config(
            name("with a kill"),
            legs.to_vec(),
            Budget { crashes: 1, faults: 0, away: 1, ..budget },
        ),
        config(name("with a stop"), legs.to_vec(), Budget { stops: 1, faults: 0, ..budget }),
    ]
}

/// Those that take seconds, for every change: two owners of one leg, also with a kill beside them, and two legs with a
/// kill and a fault on one path.
#[must_use]
pub fn quick_configurations() -> Vec<Config> {
    let mut all = configurations();
    all.retain(|config| {
        let Budget { crashes, takeovers, faults, refusals, .. } = config.budget;
        let crossed = crashes > 0 && faults > 0;
        let slow = config.partial || refusals > 0;
        match config.legs.len() {
            1 => takeovers > 0 && (crashes == 0 || (faults == 0 && refusals == 0)),
            _ => crossed && (!slow || is_pair_of_b(config)),
        }
    });
    all
}

/// Two legs at venues of class B that wait for nothing and fill whole.
fn is_pair_of_b(config: &Config) -> bool {
    !config.partial && config.legs.iter().all(|leg| leg.class == B && leg.after.is_none())
}

/// Configurations small enough for the plain test command without optimisation.
#[must_use]
pub fn small_configurations() -> Vec<Config> {
    let mut all = Vec::new();
    for class in CLASSES {
        let budget = Budget { crashes: 1, takeovers: 0, faults: 1, refusals: 0, stops: 0, away: 1 };
        let legs = vec![LegShape::market(class)];
        all.push(Config {
            partial: false,
            ..config(format!("one leg {} small", letter(class)), legs, budget)
        });
        let budget = Budget { takeovers: 1, ..Budget::default() };
        let legs = vec![LegShape::market(class)];
        all.push(Config {
            partial: false,
            ..config(format!("one leg {} two owners small", letter(class)), legs, budget)
        });
    }
    for (one, other) in [(A, B), (B, C)] {
        let budget = Budget { refusals: 1, ..Budget::default() };
        let legs = vec![LegShape::market(one), LegShape::market(other)];
        let pair = format!("{}{}", letter(one), letter(other));
        all.push(Config {
            partial: false,
            ..config(format!("two legs {pair} small"), legs, budget)
        });
    }
    let refused = Budget { refusals: 1, ..Budget::default() };
    for (name, legs) in
        [("two underlyings BC", two_underlyings(B, C)), ("inverse and linear BC", inverse(B, C))]
    {
        let small = config(format!("{name} small"), legs, refused);
        all.push(Config { partial: false, ..small });
    }
    all
}
