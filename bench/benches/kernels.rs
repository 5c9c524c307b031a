//! The small kernels that a migration spends its time in: `cargo bench -p femtoclaw-upgrade-bench`.

#![allow(missing_docs, reason = "Criterion's macros make functions that nobody documents")]

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use integrity::KeyspaceHasher;
use upgrade_bench::records::each_record;
use upgrade_bench::transform::Transform;

const SEED: u64 = 1;
const SIZES: [u64; 3] = [1_000, 10_000, 100_000];

type Records = Vec<(Vec<u8>, Vec<u8>)>;

fn records(count: u64) -> Records {
    let mut all = Vec::new();
    // Nothing here can fail.
    let _ = each_record(SEED, count, |key, value| {
        all.push((key.to_vec(), value.to_vec()));
        Ok::<(), std::convert::Infallible>(())
    });
    all
}

fn bytes_of(records: &Records) -> u64 {
    records.iter().map(|(key, value)| (key.len() + value.len()) as u64).sum()
}

/// The digest of records, beside BLAKE3 of the same bytes in one piece: what is lost by going record by record.
fn digests(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("digest");
    for size in SIZES {
        let records = records(size);
        group.throughput(Throughput::Bytes(bytes_of(&records)));
        group.bench_with_input(BenchmarkId::new("keyspace", size), &records, |bencher, records| {
            bencher.iter(|| {
                let mut hasher = KeyspaceHasher::new("records");
                records.iter().for_each(|(key, value)| hasher.update(key, value));
                hasher.finish()
            });
        });
        let piece: Vec<u8> =
            records.iter().flat_map(|(key, value)| [&**key, &**value].concat()).collect();
        group.bench_with_input(BenchmarkId::new("blake3", size), &piece, |bencher, piece| {
            bencher.iter(|| blake3::hash(piece));
        });
    }
    group.finish();
}

/// Both transforms, on one thread.
fn transforms(criterion: &mut Criterion) {
    let records = records(1_000);
    let mut group = criterion.benchmark_group("transform");
    group.throughput(Throughput::Elements(1_000));
    for transform in Transform::ALL {
        group.bench_function(transform.name(), |bencher| {
            bencher.iter(|| {
                for (_, value) in &records {
                    let _ = black_box(transform.apply(black_box(value)));
                }
            });
        });
    }
    group.finish();
}

criterion_group!(kernels, digests, transforms);
criterion_main!(kernels);
