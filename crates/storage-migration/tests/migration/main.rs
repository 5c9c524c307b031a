//! Real migrations over real fjall stores.

#[cfg(test)]
mod documented;
#[cfg(test)]
mod fused;
#[cfg(test)]
mod pieces;
#[cfg(test)]
mod reading;
#[cfg(test)]
mod refusals;
#[cfg(test)]
mod stores;
#[cfg(test)]
mod toy;
#[cfg(test)]
mod work;
