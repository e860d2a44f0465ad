//! `aws ecs execute-command` with the unmodified AWS CLI, Gantry as its plug-in, and no agent in the image.

use std::process::{Command, Output, Stdio};

use anyhow::{Context, Result, ensure};
use serde_json::json;
use test_support::wait;

use crate::world::{DEADLINE, World, text};

/// Runs a command on a terminal: lines of the script are `type`, `expect`, `size`, `kill` with a text each.
const TERMINAL: &str = r#"
import fcntl, json, os, pty, select, signal, struct, sys, termios, time
steps, command = json.loads(sys.argv[1]), sys.argv[2:]
pid, master = pty.fork()
if pid == 0:
    os.execvp(command[0], command)
seen, everything = b"", b""
def size(rows, columns):
    fcntl.ioctl(master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
size(30, 100)
def read(seconds):
    global seen, everything
    if not select.select([master], [], [], seconds)[0]:
        return True
    try:
        data = os.read(master, 65536)
    except OSError:
        return False
    seen += data
    everything += data
    return bool(data)
for kind, value in steps:
    if kind == "type":
        os.write(master, value.encode())
    elif kind == "size":
        size(*value)
        os.kill(pid, signal.SIGWINCH)
        time.sleep(0.3)
    elif kind == "kill":
        os.kill(pid, signal.SIGKILL)
    elif kind == "expect":
        deadline = time.time() + 60
        while value.encode() not in seen:
            if time.time() > deadline or not read(1):
                sys.exit("no %r in %r" % (value, everything))
        seen = seen[seen.index(value.encode()) + len(value):]
while read(60):
    pass
_, status = os.waitpid(pid, 0)
attributes = termios.tcgetattr(master)
is_raw = not attributes[3] & termios.ICANON
print(json.dumps({"code": os.waitstatus_to_exitcode(status), "raw": is_raw, "output": everything.decode()}))
"#;

struct Exec {
    world: World,
    definition: String,
}

impl Exec {
    fn new() -> Result<Self> {
        let world = World::new()?;
        let container = json!({ "command": ["/bin/sh", "-c", "trap 'exit 0' TERM; sleep 10000 & wait"] });
        let definition = world.register("exec", json!({ "taskRoleArn": "web" }), container)?;
        let trust = json!({ "Version": "2012-10-17", "Statement": [{
            "Effect": "Allow", "Principal": { "Service": "ecs-tasks.amazonaws.com" }, "Action": "sts:AssumeRole",
        }] });
        let trust = trust.to_string();
        let role = [
            "iam",
            "create-role",
            "--role-name",
            "web",
            "--assume-role-policy-document",
        ];
        world.aws.json(&[&role[..], &[&trust]].concat())?;
        Ok(Self { world, definition })
    }

    /// A task that runs, with the feature.
    fn task(&self) -> Result<String> {
        let task = self.world.run(&self.definition, &["--enable-execute-command"])?;
        self.world.wait_for(&task, "RUNNING")?;
        Ok(task)
    }

    /// A program of the AWS clients that finds the plug-in.
    fn program(&self, name: &str) -> Command {
        let mut program = self.world.aws.program(name);
        let path = std::env::var("PATH").unwrap_or_default();
        let programs = self.world.gantry.data_dir().join("bin");
        program.env("PATH", format!("{}:{path}", programs.display()));
        program
    }

    fn arguments<'a>(task: &'a str, command: &'a str) -> [&'a str; 7] {
        [
            "ecs",
            "execute-command",
            "--interactive",
            "--task",
            task,
            "--command",
            command,
        ]
    }

    /// Runs a command without a terminal on the caller's side.
    fn run(&self, task: &str, command: &str) -> Result<Output> {
        let mut aws = self.program("aws");
        aws.args(Self::arguments(task, command)).stdin(Stdio::null());
        aws.output().context("cannot run aws")
    }

    /// Runs a command on a terminal: exit status, whether the terminal is left raw, and all that was on it.
    fn talk(&self, task: &str, command: &str, steps: &serde_json::Value) -> Result<(i64, bool, String)> {
        let aws = self.world.aws.program("aws");
        let mut python = self.program("python3");
        python.args(["-c", TERMINAL, &steps.to_string()]);
        python.arg(aws.get_program()).args(Self::arguments(task, command));
        let output = python.output().context("cannot run python3")?;
        let error = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "{error}");
        let told: serde_json::Value = serde_json::from_slice(&output.stdout)?;
        let code = told["code"].as_i64().context("no exit status")?;
        Ok((code, told["raw"] == true, text(&told["output"])))
    }
}

/// Processes of this machine that were started with these words.
fn running(words: &str) -> usize {
    let processes = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    let commands = processes.map(|it| std::fs::read(it.path().join("cmdline")).unwrap_or_default());
    let commands = commands.map(|it| String::from_utf8_lossy(&it).replace('\0', " "));
    commands.filter(|it| it.trim() == words).count()
}

#[test]
fn a_command_runs_without_a_terminal_and_its_exit_code_comes_back() -> Result<()> {
    let exec = Exec::new()?;
    let [one, other] = [exec.task()?, exec.task()?];
    let output = exec.run(&one, "/bin/sh -c 'echo out of $(hostname); id -u; echo $TERM'")?;
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{output:?}");
    assert!(said.contains("\r\n0\r\nxterm-256color\r\n"), "{said}");
    let host = |said: &str| {
        said.split("out of ")
            .nth(1)
            .map(|it| it.lines().next().map(str::to_owned))
    };
    let elsewhere = exec.run(&other, "/bin/sh -c 'echo out of $(hostname)'")?;
    let elsewhere = String::from_utf8_lossy(&elsewhere.stdout).into_owned();
    assert_ne!(host(&said), host(&elsewhere), "each in its own task");

    let failed = exec.run(&one, "/bin/sh -c 'exit 3'")?;
    let error = String::from_utf8_lossy(&failed.stderr);
    assert!(
        !failed.status.success() && error.contains("non-zero exit status 3"),
        "{error}"
    );
    let missing = exec.run(&one, "curl localhost")?;
    let error = String::from_utf8_lossy(&missing.stderr);
    assert!(error.contains("executable file not found in $PATH"), "{error}");

    let mut piped = exec.program("aws");
    piped.args(Exec::arguments(&one, "/bin/sh -c 'busybox wc -l'"));
    let mut piped = piped.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
    let mut input = piped.stdin.take().context("no input")?;
    std::io::Write::write_all(&mut input, b"one\ntwo\nthree\n")?;
    drop(input);
    let said = String::from_utf8_lossy(&piped.wait_with_output()?.stdout).into_owned();
    assert!(said.contains("\n3\r\n"), "{said}");
    Ok(())
}

#[test]
fn a_terminal_has_its_size_keys_and_end_and_leaves_nothing() -> Result<()> {
    let exec = Exec::new()?;
    let task = exec.task()?;
    let steps = json!([
        ["expect", "# "],
        ["type", "busybox stty size\r"],
        ["expect", "30 100\r\n"],
        ["size", [40, 120]],
        ["type", "busybox stty size\r"],
        ["expect", "40 120\r\n"],
        ["type", "sh -c 'echo go\"\"ing; exec sleep 7657'\r"],
        ["expect", "going\r\n"],
        ["type", "\u{3}"],
        ["type", "echo after $?\r"],
        ["expect", "after 130\r\n"],
        ["type", "exit 0\r"],
        ["expect", "Exiting session with sessionId: ecs-execute-command-"],
    ]);
    let (code, is_raw, output) = exec.talk(&task, "/bin/sh", &steps)?;
    assert_eq!((code, is_raw), (0, false), "{output}");
    assert_eq!(running("sleep 7657"), 0);

    // The AWS CLI is killed, and its terminal closed: the command ends too.
    let steps = json!([["expect", "begun"], ["kill", ""]]);
    exec.talk(&task, "/bin/sh -c 'echo be\"\"gun; sleep 7658'", &steps)?;
    let gone = || Ok((running("sleep 7658") == 0).then_some(()));
    wait::until("the command is gone", DEADLINE, gone)?;
    wait::until("both sessions are in the audit log", DEADLINE, || {
        let output = exec.world.gantry.output();
        let count = |text: &str| output.matches(text).count();
        let is_whole = count("audit: execute command: session begins") == 2
            && count("audit: execute command: session ends") == 2
            && output.contains("ending=\"exited\" exit_code=0");
        Ok(is_whole.then_some(()))
    })
}

#[test]
fn a_task_without_the_feature_is_refused_and_sessions_are_logged() -> Result<()> {
    let exec = Exec::new()?;
    let without = exec.world.run(&exec.definition, &[])?;
    exec.world.wait_for(&without, "RUNNING")?;
    let refused = exec.run(&without, "/bin/sh")?;
    let error = String::from_utf8_lossy(&refused.stderr);
    assert!(error.contains("(InvalidParameterException)"), "{error}");
    assert!(
        error.contains("execute command was not enabled when the task was run"),
        "{error}"
    );

    let aws = &exec.world.aws;
    aws.json(&["logs", "create-log-group", "--log-group-name", "sessions"])?;
    let configuration = json!({ "executeCommandConfiguration": {
        "logging": "OVERRIDE", "logConfiguration": { "cloudWatchLogGroupName": "sessions" },
    } });
    let configuration = configuration.to_string();
    aws.json(&[
        "ecs",
        "update-cluster",
        "--cluster",
        "default",
        "--configuration",
        &configuration,
    ])?;
    let task = exec.task()?;
    let told = exec.world.task(&task)?;
    let agent = &told["containers"][0]["managedAgents"][0];
    assert_eq!(agent["name"], "ExecuteCommandAgent");
    assert_eq!(agent["lastStatus"], "RUNNING");
    exec.run(&task, "echo for the record")?;
    let filter = ["logs", "filter-log-events", "--log-group-name", "sessions"];
    wait::until("the session is logged", DEADLINE, || {
        let events = aws.json(&filter)?["events"]
            .as_array()
            .cloned()
            .unwrap_or_default();
        let messages: Vec<String> = events.iter().map(|it| text(&it["message"])).collect();
        let is_whole = messages.iter().any(|it| it == "for the record")
            && messages.iter().any(|it| it.ends_with("exited, exit code 0"));
        Ok(is_whole.then_some(()))
    })
}
