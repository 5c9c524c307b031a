//! Tests of authority as a whole: fixtures of 1.0.x, and properties against brute force.

mod fixtures;
mod properties;
mod universe;
