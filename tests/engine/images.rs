//! The stand-in images keep the official ones' contracts.

use std::time::Duration;

use banquet::engine::postgres::Postgres;

use crate::contract::Product;
use crate::live::{self, Container};
use crate::postgres::Server;

#[test]
fn what_an_orchestrator_sees_is_the_same() {
    let inspect = |image, format| live::docker(&["image", "inspect", "--format", format, image]);
    let shape = "{{.Config.Entrypoint}} {{.Config.Cmd}} {{.Config.Volumes}} \
                 {{.Config.ExposedPorts}} {{.Config.StopSignal}}";
    assert_eq!(
        inspect(live::REDIS, shape),
        "[docker-entrypoint.sh] [redis-server] map[/data:{}] map[6379/tcp:{}]"
    );
    assert_eq!(
        inspect(live::VALKEY, shape),
        "[docker-entrypoint.sh] [valkey-server] map[/data:{}] map[6379/tcp:{}]"
    );
    assert_eq!(
        inspect(live::POSTGRES, shape),
        "[docker-entrypoint.sh] [postgres] map[/var/lib/postgresql/data:{}] map[5432/tcp:{}] SIGINT"
    );
    assert_eq!(
        inspect(live::RABBITMQ, shape),
        "[docker-entrypoint.sh] [rabbitmq-server] map[/var/lib/rabbitmq:{}] \
         map[15671/tcp:{} 15672/tcp:{} 15691/tcp:{} 15692/tcp:{} 25672/tcp:{} 4369/tcp:{} \
         5671/tcp:{} 5672/tcp:{}]"
    );
    assert_eq!(inspect(live::REDIS, "{{.Config.WorkingDir}}"), "/data");
    let environment = inspect(live::POSTGRES, "{{.Config.Env}}");
    assert!(environment.contains("PGDATA=/var/lib/postgresql/data"), "{environment}");
}

#[test]
fn a_server_that_starts_as_root_gives_its_rights_up() {
    for (image, options, command) in [
        (live::REDIS, [].as_slice(), ["--save", ""].as_slice()),
        (live::VALKEY, &[], &["--save", ""]),
        (live::RABBITMQ, &[], &[]),
        (live::POSTGRES, &["--env", "POSTGRES_PASSWORD=x"], &["-c", "max_connections=7"]),
    ] {
        let container = Container::run(image, options, command);
        // The entry point is process 1 until it is the server, whose user it has by then.
        let status = (0..100).find_map(|_| {
            std::thread::sleep(Duration::from_millis(50));
            let status = container.exec(&["cat", "/proc/1/status"]);
            (!status.contains("docker-entry")).then_some(status)
        });
        let status = status.unwrap_or_else(|| panic!("no server: {}", container.logs()));
        assert!(status.contains("Uid:\t999\t999\t999\t999"), "{status}");
        assert!(status.contains("Gid:\t999\t999\t999\t999"), "{status}");
        let command_line = container.exec(&["cat", "/proc/1/cmdline"]);
        assert!(command_line.contains("-server") || command_line.contains("postgres\0-c"));
        assert!(!container.exec(&["cat", "/proc/1/environ"]).contains("POSTGRES_PASSWORD"));
    }
}

#[test]
fn postgresql_is_never_made_without_a_password() {
    let refused = |options: &[&str]| {
        let container = Container::run(live::POSTGRES, options, &[]);
        live::docker(&["wait", container.name()]);
        container.logs()
    };
    let none = refused(&[]);
    assert!(none.contains("no superuser password: set POSTGRES_PASSWORD_FILE"), "{none}");
    let twice = ["--env=POSTGRES_PASSWORD=x", "--env=POSTGRES_PASSWORD_FILE=/etc/hostname"];
    let twice = refused(&twice);
    assert!(twice.contains("are both set"), "{twice}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_first_start_of_postgresql_that_was_interrupted_begins_anew() {
    for delay_ms in [150, 500, 900] {
        let live = Server::create();
        live.container.start();
        tokio::time::sleep(Duration::from_millis(delay_ms)).await;
        live.container.kill();
        live.container.start();
        live.until_ready(&Postgres).await;
    }
}
