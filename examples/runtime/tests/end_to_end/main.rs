//! Real processes: a runtime that serves, others that load it, kills at bad moments. Every record that was acknowledged is
//! accounted for.

#[cfg(test)]
mod durability;
#[cfg(test)]
mod journey;
#[cfg(test)]
mod kills;
#[cfg(test)]
mod serving;
#[cfg(test)]
mod support;
#[cfg(test)]
mod trust;
