#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| aport_gate_oap_fuzz::passport(data));
