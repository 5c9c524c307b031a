//! The installation that scenarios adopt.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use femtoclaw_catalogue::sample::{SampleOptions, write_sample_home};

use super::{BINARY, SOURCE};

/// An extension's manifest.
const SEARCH: &str = "---\nname: search\nversion: 1.0.0\nauthor: FemtoClaw Community\nruntime:\n  kind: rust\n\
                      permissions: [network]\n---\n";

/// Writes the installation that scenarios adopt.
pub(super) fn write_installation(sample: &SampleOptions) {
    write_sample_home(Path::new(SOURCE), sample).expect("the sample is written");
    let act = || -> std::io::Result<()> {
        fs::write(BINARY, b"#!/bin/sh\nexec sleep 60\n")?;
        // A generation's can be executed, whatever that which was given can be.
        fs::set_permissions(BINARY, Permissions::from_mode(0o644))?;
        // A file of an extension that ends in more zeros than a copy takes at once, and that everybody may write to.
        let talons = fs::read_dir(Path::new(SOURCE).join("talons"))?;
        let mut talons = talons.filter_map(Result::ok).map(|talon| talon.path());
        if let Some(talon) = talons.find(|talon| talon.is_dir()) {
            let asset = talon.join("asset.bin");
            fs::write(&asset, [b"asset".as_slice(), &[0; 100_000]].concat())?;
            fs::set_permissions(&asset, Permissions::from_mode(0o666))?;
        }
        // A value that no runtime looks at.
        let configuration = Path::new(SOURCE).join("config/config.json");
        let text = fs::read_to_string(&configuration)?;
        fs::write(&configuration, text.replacen('{', "{\"colour\": \"green\",", 1))?;
        // One that a release replaces, with what it wrote, and a capability that a release renames.
        let search = Path::new(SOURCE).join("talons/search");
        fs::create_dir_all(search.join("scripts"))?;
        fs::write(search.join("TALON.md"), SEARCH)?;
        fs::write(search.join("scripts/run.sh"), b"#!/bin/sh\n")?;
        fs::write(search.join("found.txt"), b"what it found last\n")?;
        Ok(())
    };
    act().expect("what lies beside it is written");
}
