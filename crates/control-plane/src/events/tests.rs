//! From commits to events, and what ends in between loses none and doubles none.

mod derivation;
mod durability;
mod listing;
