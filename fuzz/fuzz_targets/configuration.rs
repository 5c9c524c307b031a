//! libFuzzer's way in: the bytes are a configuration of FemtoClaw 1.0.3. The body and its oracle are in `fuzz::configuration`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    fuzz::configuration::run(data);
});
