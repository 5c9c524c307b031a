//! Homes, processes, and what they said.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::{PoisonError, RwLock};
use std::thread::sleep;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use femtoclaw_catalogue::FemtoClaw;
use femtoclaw_catalogue::sample::{SampleOptions, write_sample_home};
use serde_json::{Value, json};
use upgrade::{
    AdoptRequest, Authorization, EngineOptions, Environment, Home, HomeView, NoTelemetry, Request,
};
use versioning::{Clock, GenerationNumber, Timestamp};

/// The runtime under test.
pub(crate) const PROGRAM: &str = env!("CARGO_BIN_EXE_femtoclaw-runtime");

/// The clock of the runtimes, too: what they put on record is never in the future.
pub(crate) struct WallClock;

impl Clock for WallClock {
    #[expect(clippy::disallowed_methods, reason = "a keyring goes by the time that it is")]
    fn now(&self) -> Timestamp {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        Timestamp::from_unix_nanoseconds(i128::try_from(since.as_nanos()).unwrap()).unwrap()
    }
}

/// A process that is started has, until it executes its program, every lock that this one has. So none is started while a home
/// is open here: it would keep the home locked for a moment longer than anybody expects.
static STARTS: RwLock<()> = RwLock::new(());

/// Starts a process while no home is open here.
pub(crate) fn spawn(command: &mut Command) -> Child {
    let _no_home_is_open = STARTS.write().unwrap_or_else(PoisonError::into_inner);
    command.spawn().unwrap()
}

/// Runs a process to its end.
pub(crate) fn output(command: &mut Command) -> Output {
    spawn(command.stdout(Stdio::piped())).wait_with_output().unwrap()
}

/// A home in a directory of its own.
pub(crate) struct Scene {
    directory: tempfile::TempDir,
    engine: EngineOptions,
}

impl Scene {
    fn empty() -> Self {
        Self { directory: tempfile::tempdir().unwrap(), engine: EngineOptions::default() }
    }

    /// A sample installation of 1.0.3 that was adopted and upgraded to 2.0.0, which is confirmed.
    pub(crate) fn at_2_0_0() -> Self {
        let scene = Self::empty();
        let source = scene.path().join("installation");
        write_sample_home(&source, &SampleOptions { records: 10, ..SampleOptions::default() })
            .unwrap();
        let request = AdoptRequest {
            source,
            home: scene.home(),
            assumed: None,
            runtime: None,
            lock_timeout: Duration::ZERO,
        };
        let no_process_starts = STARTS.read().unwrap_or_else(PoisonError::into_inner);
        upgrade::adopt(&request, scene.environment(), &mut NoTelemetry, &mut |_| {}).unwrap();
        drop(no_process_starts);
        scene.apply("2.0.0");
        scene.with(|home| {
            let current = home.state().current.unwrap();
            home.confirm(current)
        });
        scene
    }

    /// The same, with 2.1.0 on trial.
    pub(crate) fn on_trial() -> Self {
        let scene = Self::at_2_0_0();
        scene.apply("2.1.0");
        scene
    }

    /// The same home in another place.
    pub(crate) fn copy(&self) -> Self {
        let scene = Self::empty();
        copy(&self.home(), &scene.home());
        scene
    }

    pub(crate) fn path(&self) -> &Path {
        self.directory.path()
    }

    pub(crate) fn home(&self) -> PathBuf {
        self.path().join("home")
    }

    fn environment(&self) -> Environment<'_> {
        let (catalogue, clock) = (&FemtoClaw, &WallClock);
        Environment { catalogue, clock, operator: "test", engine: &self.engine }
    }

    /// What the journal says.
    pub(crate) fn view(&self) -> HomeView<'_> {
        HomeView::read(&self.home(), self.environment()).unwrap()
    }

    /// Does something with the home, while no runtime has it.
    pub(crate) fn with<T>(&self, act: impl FnOnce(&mut Home<'_>) -> upgrade::Result<T>) -> T {
        let _no_process_starts = STARTS.read().unwrap_or_else(PoisonError::into_inner);
        let environment = self.environment();
        let mut telemetry = NoTelemetry;
        let mut home =
            Home::open(&self.home(), environment, &mut telemetry, Duration::ZERO).unwrap();
        act(&mut home).unwrap()
    }

    pub(crate) fn apply(&self, version: &str) {
        let request = Request { target: Some(version.parse().unwrap()), ..Request::default() };
        let authorization = Some(Authorization::development());
        self.with(|home| home.apply(&request, None, authorization, &mut |_| {})).unwrap();
    }

    pub(crate) fn rollback(&self) {
        let authorization = Some(Authorization::development());
        self.with(|home| home.rollback(None, authorization, "a test", &mut |_| {}));
    }

    /// Nothing in it is other than it should be.
    pub(crate) fn verify(&self) {
        let report = self.with(|home| home.verify(&mut |_| {}));
        assert_eq!(report.problems, Vec::<String>::new());
    }

    /// The current generation and its version, as the journal says.
    pub(crate) fn current(&self) -> (u64, String) {
        let view = self.view();
        let (number, generation) = view.state().current_generation().unwrap();
        (number.number(), generation.versions.runtime.to_string())
    }

    /// The names of everything in the journal.
    pub(crate) fn journal(&self) -> Vec<&'static str> {
        let view = self.view();
        view.records().iter().map(|record| record.event.name()).collect()
    }

    /// What was acknowledged to whoever loaded with this prefix.
    pub(crate) fn acknowledged(&self, prefix: &str) -> Vec<String> {
        let text = fs::read_to_string(self.path().join(prefix)).unwrap_or_default();
        // A line without an end is one that is just being written.
        let whole = text.rsplit_once('\n').map_or("", |(whole, _)| whole);
        whole.lines().map(str::to_owned).collect()
    }

    /// What a generation holds, by keyspace: the ids of its records.
    pub(crate) fn export(&self, generation: u64) -> Records {
        let number = GenerationNumber::new(generation);
        let mut lines = Vec::new();
        self.with(|home| {
            let generation = home.generation(Some(number))?;
            home.export(&generation, &mut lines)
        });
        let mut records = Records::new();
        for line in lines.lines() {
            let line: Value = serde_json::from_str(&line.unwrap()).unwrap();
            let Some(id) = line["record"]["id"].as_str() else { continue };
            let keyspace = line["keyspace"].as_str().unwrap().to_owned();
            records.entry(keyspace).or_default().insert(id.to_owned());
        }
        records
    }
}

/// The ids of records, by keyspace.
pub(crate) type Records = BTreeMap<String, BTreeSet<String>>;

/// Holds what a store has of a load to what was acknowledged: all of it is there, and of each thread at most the one record
/// more that was on its way. An execution and its audit entry are both there, or neither is.
pub(crate) fn account_for(acknowledged: &[String], records: &Records, prefix: &str) {
    let (audit, executions) = (&records["audit"], &records["executions"]);
    let number = |id: &str| {
        let rest = id.strip_prefix(prefix)?.strip_prefix('-')?;
        let (thread, number) = rest.split_once('-')?;
        Some((thread.parse::<u16>().ok()?, number.parse::<u64>().ok()?))
    };
    let mut last = BTreeMap::new();
    for id in acknowledged {
        assert!(audit.contains(id), "{id} was acknowledged, and is gone");
        let (thread, number) = number(id).unwrap();
        assert_eq!(number, *last.get(&thread).unwrap_or(&0), "{id} was not acknowledged in turn");
        last.insert(thread, number + 1);
    }
    for id in audit {
        let Some((thread, number)) = number(id) else { continue };
        let next = *last.get(&thread).unwrap_or(&0);
        assert!(number <= next, "{id} is there, and was not on its way when {next} was");
        let is_an_execution = number % 2 == 1;
        assert_eq!(executions.contains(id), is_an_execution, "{id} is there in part");
    }
    let without_entry = executions.iter().find(|id| number(id).is_some() && !audit.contains(*id));
    assert_eq!(without_entry, None, "it is there in part");
}

/// Takes away the tests' own environment, but the switch of a planted bug and the place to which what was reached is written.
fn alone(command: &mut Command) -> &mut Command {
    let kept = ["FEMTOCLAW_SABOTAGE", "LLVM_PROFILE_FILE"];
    command.env_clear().stdin(Stdio::null());
    command.envs(std::env::vars_os().filter(|(name, _)| kept.iter().any(|kept| name == kept)))
}

/// A runtime that serves. It is killed when this is dropped.
pub(crate) struct Runtime {
    child: Child,
    socket: PathBuf,
    /// What it said when it was ready.
    pub(crate) ready: Value,
}

impl Runtime {
    pub(crate) fn command(scene: &Scene, version: &str) -> Command {
        let mut command = Command::new(PROGRAM);
        command.args(["serve", "--as-version", version, "--home"]).arg(scene.home());
        alone(&mut command);
        command
    }

    /// Starts one and waits until it serves.
    pub(crate) fn start(scene: &Scene, version: &str) -> Self {
        Self::of(Self::command(scene, version))
    }

    pub(crate) fn of(mut command: Command) -> Self {
        let mut child = spawn(command.stdout(Stdio::piped()));
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        if line.is_empty() {
            panic!("it ended with {} instead of serving", child.wait().unwrap());
        }
        let ready: Value = serde_json::from_str(&line).unwrap();
        let socket = PathBuf::from(ready["socket"].as_str().unwrap());
        Self { child, socket, ready }
    }

    /// The exit code of one that is refused.
    pub(crate) fn refused(scene: &Scene, version: &str) -> Option<i32> {
        let output = output(&mut Self::command(scene, version));
        assert!(output.stdout.is_empty(), "it served");
        output.status.code()
    }

    pub(crate) fn ask(&self, request: &Value) -> Value {
        let mut stream = UnixStream::connect(&self.socket).unwrap();
        stream.write_all(format!("{request}\n").as_bytes()).unwrap();
        let mut line = String::new();
        BufReader::new(stream).read_line(&mut line).unwrap();
        serde_json::from_str(&line).unwrap_or(Value::Null)
    }

    /// Asks for something that is done.
    pub(crate) fn ok(&self, request: &Value) -> Value {
        let answer = self.ask(request);
        assert_eq!(answer["ok"], true, "{request}: {answer}");
        answer
    }

    pub(crate) fn upgrade(&self, version: &str) -> Value {
        self.ask(&json!({"do": "upgrade", "version": version, "development": true}))
    }

    /// SIGKILL: nothing of the process goes on.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// SIGTERM, and waits. Returns the exit code.
    pub(crate) fn terminate(mut self) -> Option<i32> {
        // Its number is its own until somebody has seen that it has ended.
        if self.has_ended().is_none() {
            let number = self.child.id().to_string();
            assert!(output(Command::new("kill").args(["-TERM", &number])).status.success());
        }
        self.end()
    }

    /// Waits until it has ended. Returns the exit code.
    pub(crate) fn end(mut self) -> Option<i32> {
        self.child.wait().unwrap().code()
    }

    /// Whether it has ended by itself.
    pub(crate) fn has_ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().unwrap()
    }
}

impl Drop for Runtime {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Another process that asks a runtime to write.
pub(crate) struct Load {
    child: Child,
}

impl Load {
    /// Its ids start with `prefix`, and are kept in a file of that name.
    pub(crate) fn start(scene: &Scene, runtime: &Runtime, prefix: &str) -> Self {
        let mut command = Command::new(PROGRAM);
        command.args(["load", "--threads", "3", "--prefix", prefix, "--connect"]);
        command.arg(&runtime.socket).arg("--acknowledged").arg(scene.path().join(prefix));
        alone(&mut command).stderr(Stdio::null());
        Self { child: spawn(&mut command) }
    }

    /// Waits until so many records were acknowledged.
    pub(crate) fn wait_for(&mut self, scene: &Scene, prefix: &str, records: usize) {
        while scene.acknowledged(prefix).len() < records {
            let ended = self.child.try_wait().unwrap();
            assert_eq!(ended, None, "the load ended before {records} were acknowledged");
            pause(1);
        }
    }

    /// Waits until the runtime takes no more, or is gone.
    pub(crate) fn end(self) {
        assert_eq!(self.exit_code(), Some(0));
    }

    /// Waits until it has ended.
    pub(crate) fn exit_code(mut self) -> Option<i32> {
        self.child.wait().unwrap().code()
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Numbers that look random, and are the same in every run.
pub(crate) struct Seeded(pub(crate) u64);

impl Seeded {
    /// Below a limit. (SplitMix64.)
    pub(crate) fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (mixed ^ (mixed >> 31)) % limit
    }
}

pub(crate) fn pause(milliseconds: u64) {
    sleep(Duration::from_millis(milliseconds));
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir(to).unwrap();
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        let (kind, target) = (entry.file_type().unwrap(), to.join(entry.file_name()));
        if kind.is_dir() {
            copy(&entry.path(), &target);
        } else if kind.is_file() {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}
