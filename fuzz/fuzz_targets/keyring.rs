//! libFuzzer's way in: the bytes are an epoch of a keyring. The body and its oracle are in `fuzz::keyring`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    fuzz::keyring::run(data);
});
