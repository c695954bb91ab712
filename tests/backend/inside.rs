//! What a command of ours meets inside a real container.

use std::time::{Duration, Instant};

use banquet::backend::Place;
use banquet::model::{FaultKind, Workload};
use banquet::secret::Secret;

use crate::docker_rig::DockerRig;
use crate::rig::{self, Rig, ensure};

const PATIENCE: Duration = Duration::from_secs(20);

async fn running(rig: &DockerRig) -> (Place, Workload) {
    let (mut place, workload) = (rig::place(), rig::workload(&rig.image()));
    ensure(rig.backend(), &place, &workload).await;
    rig.starts(&place).await;
    place.was_ready = true;
    (place, workload)
}

fn shell(script: &str) -> Vec<String> {
    ["sh", "-c", script].map(str::to_owned).to_vec()
}

#[tokio::test]
async fn a_command_is_the_containers_user_and_reads_what_it_is_given() {
    let rig = DockerRig::up().await;
    let (place, workload) = running(&rig).await;
    let inside = rig.backend().inside(&place, &workload);
    let run = |script: &'static str, stdin: Secret| {
        let inside = inside.clone();
        async move { inside.run("server", &shell(script), &stdin, PATIENCE).await.unwrap() }
    };
    let secret = Secret::generate();
    let output = run("id -u; cat; echo oops >&2; exit 3", secret.clone()).await;
    assert_eq!(output.status, 3);
    assert_eq!(output.stdout, format!("999\n{}", secret.expose()));
    assert_eq!(output.stderr, "oops\n");

    let much = run("head -c 300000 /dev/zero | tr '\\0' x", "".into()).await;
    assert_eq!(much.stdout.len(), 64 << 10, "the rest is passed over");
    let deaf = run("exit 0", "x".repeat(1 << 20).as_str().into()).await;
    assert_eq!(deaf.status, 0, "it need not read");
}

#[tokio::test]
async fn a_command_that_takes_too_long_is_killed_where_it_runs() {
    let rig = DockerRig::up().await;
    let (place, workload) = running(&rig).await;
    let inside = rig.backend().inside(&place, &workload);
    let begin = Instant::now();
    let sleep = shell("exec sleep 3600");
    let fault = inside.run("server", &sleep, &"".into(), Duration::from_secs(1)).await.unwrap_err();
    assert_eq!(fault.kind, FaultKind::Retry);
    assert_eq!(fault.message, "sh did not end within 1 s");
    assert!(begin.elapsed() < PATIENCE);
    let look = shell("grep -l 36[0]0 /proc/[0-9]*/cmdline || echo none");
    let left = inside.run("server", &look, &"".into(), PATIENCE).await.unwrap();
    assert_eq!(left.stdout, "none\n");
}

#[tokio::test]
async fn a_restart_is_another_start_of_the_same_container() {
    let rig = DockerRig::up().await;
    let (place, workload) = running(&rig).await;
    let inside = rig.backend().inside(&place, &workload);
    let (id, starts) = (rig.id(&place).await, rig.starts(&place).await);
    inside.restart("server").await.unwrap();
    let begin = Instant::now();
    while rig.starts(&place).await == starts {
        assert!(begin.elapsed() < PATIENCE, "it does not start");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(rig.id(&place).await, id);
    let fault = inside.signal("nobody", "SIGHUP").await.unwrap_err();
    assert_eq!(fault.kind, FaultKind::Fatal, "there is no such role");
    inside.signal("server", "SIGCONT").await.unwrap();
}
