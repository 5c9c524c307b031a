//! The endings of all helps, in the order of the commands.

use super::Ending;

/// Every exit code, for the help of the command itself and for its manual page.
pub(crate) const EXIT_CODES: &[(&str, &str)] = &[
    ("0", "done, or nothing to do"),
    ("1", "failed, the home is unchanged"),
    ("2", "changes pending (plan --check)"),
    ("3", "incompatible"),
    ("4", "restart needed"),
    ("5", "not authorized"),
    ("6", "integrity violated"),
    ("7", "failed and rolled back; also a trial without starts left"),
    ("8", "recovery needed; also a failed trial with no way back"),
    ("9", "locked by another process"),
    ("64", "usage"),
    ("130, 143", "cancelled by SIGINT, SIGTERM (adopt and apply: home unchanged)"),
];

/// One for each command and for each group of commands.
pub(crate) const TABLE: &[Ending] = &[
    Ending {
        path: &[],
        examples: &[
            (
                "Make an installation of 1.0.x a home",
                "adopt --from /var/lib/femtoclaw --home /srv/femtoclaw",
            ),
            ("Look before leaping", "plan --home /srv/femtoclaw"),
            ("Upgrade", "apply --home /srv/femtoclaw --development"),
            ("Start its runtime, and watch it", "launch --home /srv/femtoclaw -- serve"),
            ("And back", "rollback --home /srv/femtoclaw --development"),
        ],
        codes: EXIT_CODES,
    },
    Ending {
        path: &["adopt"],
        examples: &[
            (
                "See what would be adopted",
                "adopt --from /var/lib/femtoclaw --home /srv/femtoclaw \\\n--dry-run",
            ),
            ("Adopt it", "adopt --from /var/lib/femtoclaw --home /srv/femtoclaw"),
            (
                "Say what wrote it, where its files do not tell",
                "adopt --from /var/lib/femtoclaw --home /srv/femtoclaw \\\n--source-version 1.0.0",
            ),
        ],
        codes: &[
            ("1", "also: there is a home already"),
            ("3", "its files are of no version that is known"),
        ],
    },
    Ending {
        path: &["plan"],
        examples: &[
            ("To the newest release", "plan --home /srv/femtoclaw"),
            ("To another one, with its signed package", "plan --release femtoclaw-2.0.0.tar"),
            ("In a script: is there something to do?", "plan --check --json"),
            ("With a call that is to become allowed", "plan --grant '*:fs.watch:execute'"),
        ],
        codes: &[("2", "there is something to do (--check)"), ("3", "refused, with every reason")],
    },
    Ending {
        path: &["apply"],
        examples: &[
            (
                "Upgrade to the newest release, without signatures",
                "apply --home /srv/femtoclaw --development",
            ),
            (
                "Exactly what a plan has shown, and nothing else",
                "apply --plan \"$DIGEST\" --development",
            ),
            (
                "A signed package, as operators have signed it",
                "apply --release femtoclaw-2.1.0.tar \\\n--authorization upgrade.json",
            ),
            (
                "In a script, with telemetry",
                "apply --development --yes --json --telemetry events.jsonl",
            ),
        ],
        codes: &[
            ("1", "also: the plan is another one by now (--plan)"),
            ("7", "it failed, and was undone"),
        ],
    },
    Ending {
        path: &["status"],
        examples: &[
            ("Which generation is current", "status --home /srv/femtoclaw"),
            ("For a program: is the trial over?", "status --json"),
        ],
        codes: &[],
    },
    Ending {
        path: &["history"],
        examples: &[
            ("Everything that was ever done", "history --home /srv/femtoclaw"),
            ("As JSON Lines, a record each", "history --json"),
        ],
        codes: &[],
    },
    Ending {
        path: &["verify"],
        examples: &[
            ("Read everything", "verify --home /srv/femtoclaw"),
            ("Names and sizes, in no time", "verify --quick"),
            ("Every byte, beside a runtime that is running", "verify --files"),
        ],
        codes: &[("6", "something is not what was sealed"), ("8", "the journal is damaged")],
    },
    Ending {
        path: &["audit"],
        examples: &[
            ("Who did what, when, on whose authority", "audit show --home /srv/femtoclaw"),
            ("Whether the journal is whole", "audit verify"),
        ],
        codes: &[],
    },
    Ending {
        path: &["audit", "show"],
        examples: &[
            ("Every attempt", "audit show --home /srv/femtoclaw"),
            ("One of them", "audit show --attempt 2"),
            ("What happened since", "audit show --since 2026-11-23T00:00:00Z"),
        ],
        codes: &[("8", "the journal is damaged; what can be read is shown")],
    },
    Ending {
        path: &["audit", "verify"],
        examples: &[
            ("Is the journal whole in itself?", "audit verify --home /srv/femtoclaw"),
            ("Is it the one that a head was kept of?", "audit verify --head \"$HEAD\""),
        ],
        codes: &[("6", "it was cut or rewritten (--head)"), ("8", "it is damaged")],
    },
    Ending {
        path: &["audit", "head"],
        examples: &[("A line to keep elsewhere", "audit head --home /srv/femtoclaw")],
        codes: &[],
    },
    Ending {
        path: &["audit", "export"],
        examples: &[
            ("To be checked with b3sum alone", "audit export --output journal.jsonl"),
            ("To standard output", "audit export --home /srv/femtoclaw"),
        ],
        codes: &[("8", "the journal is damaged; what is there is written")],
    },
    Ending {
        path: &["confirm"],
        examples: &[
            ("Once the new generation has proven itself", "confirm --home /srv/femtoclaw"),
            ("In a script", "confirm --yes --json"),
        ],
        codes: &[],
    },
    Ending {
        path: &["launch"],
        examples: &[
            (
                "Confirmed once it answers, left if it does not",
                "launch --health-command 'curl -fs localhost:8080/healthz' \\\n-- serve",
            ),
            (
                "Below systemd, with Type=notify",
                "launch --notify --stop-timeout 60 \\\n-- serve --config {configuration}",
            ),
            ("A runtime that counts its starts itself", "launch --exec -- serve"),
        ],
        codes: &[
            ("1", "also: the runtime has failed; its start is spent"),
            ("4", "the runtime asks to be started again (--no-restart)"),
            ("7", "it went back, and what is to be started is not in the home"),
            ("8", "what it went back to has failed as well: a person decides"),
        ],
    },
    Ending {
        path: &["rollback"],
        examples: &[
            ("See what it would lead to", "rollback --dry-run"),
            ("Go back", "rollback --development --reason 'too slow'"),
            ("With what was written since", "rollback --data preserve --development"),
            ("Go back, as operators have signed it", "rollback --authorization back.json"),
        ],
        codes: &[
            ("1", "also: there is nothing to go back to"),
            ("3", "what was written since cannot be carried back (--data preserve)"),
            ("6", "what it would go back to is damaged"),
        ],
    },
    Ending {
        path: &["gc"],
        examples: &[
            ("See what would be removed", "gc --dry-run"),
            ("Keep two more than are needed", "gc --keep 2 --development"),
        ],
        codes: &[],
    },
    Ending {
        path: &["recover"],
        examples: &[
            ("Put right what a power failure left", "recover --home /srv/femtoclaw"),
            (
                "Begin a new journal where the old one is lost",
                "recover --generation 2 --development",
            ),
        ],
        codes: &[
            ("6", "the generation is not what was sealed"),
            ("8", "the journal is lost: name a generation"),
        ],
    },
    Ending {
        path: &["capability"],
        examples: &[
            ("May somebody do something?", "capability check --principal alice --resource fs.read"),
            ("What will change?", "capability diff"),
        ],
        codes: &[],
    },
    Ending {
        path: &["capability", "check"],
        examples: &[
            ("May alice call fs.read?", "capability check --principal alice --resource fs.read"),
            (
                "With these arguments?",
                "capability check --principal alice --resource fs.read \\\n--args '{\"path\": \"/etc/passwd\"}'",
            ),
        ],
        codes: &[("5", "it is not allowed")],
    },
    Ending {
        path: &["capability", "diff"],
        examples: &[
            ("What an upgrade would newly allow and deny", "capability diff --home /srv/femtoclaw"),
            ("One to another release", "capability diff --target-version 2.0.0"),
        ],
        codes: &[("3", "it would widen authority, and nobody has granted that")],
    },
    Ending {
        path: &["release"],
        examples: &[
            ("Look into a package", "release inspect femtoclaw-2.1.0.tar"),
            ("Hold it to those who may publish", "release verify femtoclaw-2.1.0.tar"),
        ],
        codes: &[],
    },
    Ending {
        path: &["release", "new"],
        examples: &[(
            "Pack a directory",
            "release new --from build --target-version 2.1.0 \\\n--output femtoclaw-2.1.0.tar",
        )],
        codes: &[],
    },
    Ending {
        path: &["release", "sign"],
        examples: &[
            ("With a key in a file", "release sign femtoclaw-2.1.0.tar --sign-with acme"),
            ("With a key that an agent holds", "release sign femtoclaw-2.1.0.tar --agent acme.pub"),
        ],
        codes: &[],
    },
    Ending {
        path: &["release", "inspect"],
        examples: &[
            ("What it states", "release inspect femtoclaw-2.1.0.tar"),
            ("What is signed, byte for byte", "release inspect femtoclaw-2.1.0.tar --manifest"),
        ],
        codes: &[],
    },
    Ending {
        path: &["release", "verify"],
        examples: &[
            ("By the keyring of a home", "release verify femtoclaw-2.1.0.tar"),
            ("By a keyring in a file", "release verify femtoclaw-2.1.0.tar --keyring keys.json"),
        ],
        codes: &[("5", "too few publishers have signed it"), ("6", "it is damaged")],
    },
    Ending {
        path: &["keyring"],
        examples: &[
            ("Who may authorise what", "keyring show --home /srv/femtoclaw"),
            (
                "The first keyring",
                "keyring init --signer alice=alice.pub:operator,keyring \\\n--sign-with alice",
            ),
        ],
        codes: &[],
    },
    Ending {
        path: &["keyring", "init"],
        examples: &[
            (
                "Two operators, both of whom must sign; one may change keys",
                "keyring init --node edge-1 --threshold operator=2 \\\n--signer alice=alice.pub:operator,keyring \\\n\
              --signer bob=bob.pub:operator --signer acme=acme.pub:publisher \\\n--sign-with alice",
            ),
            (
                "For others to sign first",
                "keyring init --signer alice=alice.pub:operator,keyring \\\n--draft keyring-1.json",
            ),
        ],
        codes: &[],
    },
    Ending {
        path: &["keyring", "add"],
        examples: &[
            ("Somebody", "keyring add --signer carol=carol.pub:operator \\\n--sign-with alice"),
            ("From now on two must sign", "keyring add --threshold operator=2 --sign-with alice"),
        ],
        codes: &[("5", "too few have signed")],
    },
    Ending {
        path: &["keyring", "rotate"],
        examples: &[
            ("At once", "keyring rotate --key \"$KEY\" --new bob-2.pub \\\n--sign-with alice"),
            (
                "With some time for both",
                "keyring rotate --key \"$KEY\" --new bob-2.pub \\\n--sign-with alice \\\n--old-until 2027-01-01T00:00:00Z",
            ),
        ],
        codes: &[("5", "too few have signed")],
    },
    Ending {
        path: &["keyring", "revoke"],
        examples: &[("A key that is lost", "keyring revoke --key \"$KEY\" --sign-with alice")],
        codes: &[("5", "too few have signed, or a release would have no publisher left")],
    },
    Ending {
        path: &["keyring", "install"],
        examples: &[("A draft that all have signed", "keyring install keyring-2.json")],
        codes: &[("5", "too few have signed")],
    },
    Ending {
        path: &["keyring", "show"],
        examples: &[
            ("For people", "keyring show --home /srv/femtoclaw"),
            ("For ssh-keygen -Y verify -f", "keyring show --allowed-signers"),
        ],
        codes: &[],
    },
    Ending {
        path: &["authorize"],
        examples: &[
            (
                "An upgrade, for others to sign",
                "authorize upgrade --release femtoclaw-2.1.0.tar \\\n--output upgrade.json",
            ),
            (
                "The way back, signed at once",
                "authorize rollback --output back.json --sign-with alice",
            ),
        ],
        codes: &[],
    },
    Ending {
        path: &["authorize", "upgrade"],
        examples: &[
            (
                "For others to sign",
                "authorize upgrade --release femtoclaw-2.1.0.tar \\\n--output upgrade.json",
            ),
            (
                "For two homes, this week",
                "authorize upgrade --release femtoclaw-2.1.0.tar \\\n--output upgrade.json --node edge-1 --node edge-2 \
              \\\n--valid-hours 168 --sign-with alice",
            ),
        ],
        codes: &[("3", "the upgrade would be refused")],
    },
    Ending {
        path: &["authorize", "rollback"],
        examples: &[(
            "Before it is needed",
            "authorize rollback --output back.json --sign-with alice",
        )],
        codes: &[],
    },
    Ending {
        path: &["authorize", "gc"],
        examples: &[(
            "What gc --dry-run names",
            "authorize gc --keep 1 --output gc.json --sign-with alice",
        )],
        codes: &[],
    },
    Ending {
        path: &["authorize", "recover"],
        examples: &[(
            "A journal that is lost",
            "authorize recover --generation 2 --output recover.json \\\n--sign-with alice",
        )],
        codes: &[],
    },
    Ending {
        path: &["export"],
        examples: &[
            (
                "Every record of the current generation",
                "export --home /srv/femtoclaw --output records.jsonl",
            ),
            (
                "What an upgrade wrote before it was rolled back",
                "export --generation 2 --since-activation \\\n--output since.jsonl",
            ),
        ],
        codes: &[],
    },
    Ending {
        path: &["completions"],
        examples: &[
            (
                "For every bash of this user",
                "completions bash \\\n> ~/.local/share/bash-completion/completions/femtoclaw-upgrade",
            ),
            ("For zsh, in a directory of $fpath", "completions zsh > ~/.zfunc/_femtoclaw-upgrade"),
            (
                "For fish",
                "completions fish \\\n> ~/.config/fish/completions/femtoclaw-upgrade.fish",
            ),
        ],
        codes: &[],
    },
    Ending {
        path: &["man"],
        examples: &[
            ("Read the manual", "man | man -l -"),
            ("Install a page for every command", "man --directory /usr/local/share/man/man1"),
        ],
        codes: &[],
    },
];
