//! libFuzzer's way in: the bytes are the manifest of an extension. The body and its oracle are in `fuzz::extension_manifest`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    fuzz::extension_manifest::run(data);
});
