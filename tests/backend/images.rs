//! Images on Docker, without a registry: there is none that these could be pulled from.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use banquet::backend::Backend;
use banquet::backend::docker::images::{Presence, local_name};
use banquet::backend::docker::{Docker, Settings};
use banquet::model::fetch::{Fetch, Makings, Origin};
use banquet::model::workload::Image;
use banquet::model::{FaultKind, Progress};
use bollard::query_parameters::RemoveImageOptions;
use bytes::Bytes;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use crate::docker_rig::{DockerRig, image_files, settings, socket};
use crate::proxy::Proxy;
use crate::rig::Rig;

/// An image of one test's own; its rig removes it.
struct Own {
    offering: String,
    reference: String,
    engine: bollard::Docker,
}

impl Own {
    fn new(rig: &DockerRig) -> Self {
        let offering = format!("own-{}", rig.broker);
        // Port 9 (discard) refuses at once, everywhere.
        let reference = format!("127.0.0.1:9/{offering}:1");
        Self { offering, reference, engine: rig.engine.clone() }
    }

    fn image(&self) -> Image {
        let (reference, build) = (self.reference.clone(), Some(self.offering.clone()));
        Image { reference, build, resolved: None }
    }

    fn local(&self) -> String {
        local_name(&self.offering, &self.reference)
    }

    async fn remove(&self) {
        let options = None::<RemoveImageOptions>;
        self.engine.remove_image(&self.local(), options, None).await.unwrap();
    }
}

fn docker(host: String, rig: &DockerRig, pull: bool, build: bool) -> Docker {
    let makings = Arc::new(|offering: &str| {
        let mut files = image_files();
        // Unlike any other image, so that removing it removes it.
        files.insert("entrypoint".to_owned(), Bytes::from(format!("#!/bin/sh\n# {offering}\n")));
        Some(files.into())
    });
    let settings = settings(&rig.broker);
    Docker::connect(Settings { host: Some(host), pull, build, makings, ..settings }).unwrap()
}

#[tokio::test]
async fn an_image_that_can_not_be_pulled_is_built_once() {
    let rig = DockerRig::up().await;
    let own = Own::new(&rig);
    let proxy = Proxy::new(|_| None);
    let docker = docker(proxy.host(), &rig, true, true);
    let (mut image, progress) = (own.image(), Progress::default());
    let wanted = [(own.offering.clone(), own.reference.clone())];
    let listed = docker.images().list(&wanted).await.unwrap();
    assert_eq!((listed[0].presence, listed[0].size_bytes), (Presence::Missing, 0));

    let other = Progress::default();
    let (id, same) = tokio::join!(docker.image(&image, &progress), docker.image(&image, &other));
    let id = id.unwrap();
    assert_eq!(id, same.unwrap());
    assert!(id.starts_with("sha256:"));
    assert_eq!(count(&proxy), (1, 1), "one pull was tried and one build done");
    let mut notes = [&progress, &other].map(|one| one.follow().borrow().clone());
    notes.sort();
    assert!(notes[0].starts_with(&format!("building image {}", own.offering)), "{notes:?}");
    assert!(notes[1].starts_with("waiting for the image"), "{notes:?}");
    let listed = docker.images().list(&wanted).await.unwrap();
    assert_eq!((listed[0].presence, listed[0].id.as_ref()), (Presence::Built, Some(&id)));
    assert!(
        rig.engine.inspect_image(&own.reference).await.is_err(),
        "the official name is not ours"
    );

    image.resolved = Some(id.clone());
    assert_eq!(docker.image(&image, &progress).await.unwrap(), id);
    own.remove().await;
    assert!(docker.image(&image, &progress).await.is_ok(), "it vanished and is had again");
    assert_eq!(count(&proxy), (0, 1), "the registry is known to be out of reach");
}

/// Who is new gets what the files say now; who ran before keeps what it has.
#[tokio::test]
async fn an_image_of_other_files_is_built_anew() {
    let rig = DockerRig::up().await;
    let own = Own::new(&rig);
    let version = Arc::new(AtomicUsize::new(1));
    let shown = version.clone();
    let makings = Arc::new(move |_: &str| {
        let mut files = image_files();
        let text = format!("#!/bin/sh\n# {}\n", shown.load(Ordering::Relaxed));
        files.insert("entrypoint".to_owned(), Bytes::from(text));
        Some(files.into())
    });
    let with = |build| {
        let settings = settings(&rig.broker);
        let (host, makings) = (Some(format!("unix://{}", socket())), makings.clone());
        Docker::connect(Settings { host, pull: false, build, makings, ..settings })
    };
    let (builds, only_looks) = (with(true).unwrap(), with(false).unwrap());
    let (progress, mut image) = (Progress::default(), own.image());
    let wanted = [(own.offering.clone(), own.reference.clone())];
    let first = builds.image(&image, &progress).await.unwrap();
    assert_eq!(builds.image(&image, &progress).await.unwrap(), first);

    version.store(2, Ordering::Relaxed);
    let listed = builds.images().list(&wanted).await.unwrap();
    assert_eq!(listed[0].presence, Presence::Outdated);
    assert_eq!(only_looks.image(&image, &progress).await.unwrap(), first, "better than none");
    let second = builds.image(&image, &progress).await.unwrap();
    assert_ne!(second, first);
    assert_eq!(builds.images().list(&wanted).await.unwrap()[0].presence, Presence::Built);
    image.resolved = Some(first.clone());
    assert_eq!(builds.image(&image, &progress).await.unwrap(), first);
    rig.engine.remove_image(&first, None::<RemoveImageOptions>, None).await.unwrap();
    own.remove().await;
}

/// Pulls and builds that were asked of the engine.
fn count(proxy: &Proxy) -> (usize, usize) {
    let seen = proxy.seen();
    let count = |start: &str| seen.iter().filter(|call| call.starts_with(start)).count();
    (count("POST /images/create"), count("POST /build"))
}

#[tokio::test]
async fn an_image_that_can_not_be_had_says_what_to_do() {
    let rig = DockerRig::up().await;
    let own = Own::new(&rig);
    let image = own.image();
    for pull in [true, false] {
        let backend = docker(format!("unix://{}", socket()), &rig, pull, false);
        let fault = backend.image(&image, &Progress::default()).await.unwrap_err();
        assert_eq!(fault.kind, FaultKind::Fatal, "{}", fault.chain());
        let reason = if pull { "connection refused" } else { "not allowed by the settings" };
        for words in [reason, &own.reference, &format!("banquet images build {}", own.offering)] {
            assert!(fault.message.contains(words), "{}", fault.message);
        }
    }
    let fault = rig.docker.images().pull(&own.reference, &Progress::default()).await.unwrap_err();
    assert!(fault.message.contains("connection refused"), "{}", fault.message);
}

#[tokio::test]
async fn a_build_that_fails_tells_the_step() {
    let rig = DockerRig::up().await;
    let own = Own::new(&rig);
    let dockerfile = "FROM banquet-local/debian:trixie\nRUN echo out of luck >&2; exit 7\n";
    let files = Makings::from(BTreeMap::from([("Dockerfile".to_owned(), Bytes::from(dockerfile))]));
    let images = rig.docker.images();
    let build = images.build(&own.offering, &own.reference, &files, &Progress::default()).await;
    let fault = build.unwrap_err();
    assert_eq!(fault.kind, FaultKind::Fatal);
    for words in [own.local().as_str(), "step 2/", "RUN echo", "out of luck", "7"] {
        assert!(fault.message.contains(words), "no {words:?} in {}", fault.message);
    }
    let empty = Makings::default();
    let build = images.build(&own.offering, &own.reference, &empty, &Progress::default()).await;
    assert!(build.unwrap_err().message.contains("no Dockerfile"));
}

#[tokio::test]
async fn a_build_can_be_called_off() {
    let rig = DockerRig::up().await;
    let own = Own::new(&rig);
    let dockerfile = "FROM banquet-local/debian:trixie\nRUN sleep 300\n";
    let files = Makings::from(BTreeMap::from([("Dockerfile".to_owned(), Bytes::from(dockerfile))]));
    let progress = Progress::default();
    let mut notes = progress.follow();
    let images = rig.docker.images();
    let (build, ()) =
        tokio::join!(images.build(&own.offering, &own.reference, &files, &progress), async {
            notes.wait_for(|note| note.contains("step 2/")).await.unwrap();
            progress.cancel.cancel();
        });
    assert_eq!(build.unwrap_err().kind, FaultKind::Cancelled);
}

#[tokio::test]
async fn a_build_whose_output_breaks_off_is_begun_anew() {
    static BUILDS: AtomicUsize = AtomicUsize::new(0);
    let rig = DockerRig::up().await;
    let own = Own::new(&rig);
    let proxy = Proxy::new(|call| {
        let breaks = call.starts_with("POST /build") && BUILDS.fetch_add(1, Ordering::SeqCst) < 2;
        breaks.then_some(0)
    });
    let docker = docker(proxy.host(), &rig, false, true);
    docker.image(&own.image(), &Progress::default()).await.unwrap();
    assert_eq!(count(&proxy), (0, 3));
    own.remove().await;
    BUILDS.store(0, Ordering::SeqCst);
    let proxy = Proxy::new(|call| call.starts_with("POST /build").then_some(0));
    let docker = self::docker(proxy.host(), &rig, false, true);
    let fault = docker.image(&own.image(), &Progress::default()).await.unwrap_err();
    assert_eq!(fault.kind, FaultKind::Unreachable);
    assert_eq!(count(&proxy), (0, 3));
}

/// Answers every call for `/a/b/1/b-1.jar` with `jar`, and others with 404, until the test ends.
async fn repository() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((mut client, _)) = listener.accept().await {
            let mut head = [0; 4096];
            let length = client.read(&mut head).await.unwrap();
            let found = head[..length].starts_with(b"GET /a/b/1/b-1.jar ");
            let (status, body) = if found { ("200 OK", "jar") } else { ("404 Not Found", "") };
            let length = body.len();
            let answer = format!(
                "HTTP/1.1 {status}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
            );
            let _ = client.write_all(answer.as_bytes()).await;
        }
    });
    base
}

#[tokio::test]
async fn what_a_build_needs_of_the_network_is_fetched_and_held_against_its_checksum() {
    const JAR: &str = "0163f1eea7894350060624d315234d40c508ab251ba121714e234503045faadd";
    let rig = DockerRig::up().await;
    let own = Own::new(&rig);
    let settings = Settings { maven: repository().await, ..settings(&rig.broker) };
    let docker = Docker::connect(settings).unwrap();
    let dockerfile = "FROM banquet-local/debian:trixie\nCOPY libs /libs\nRUN grep -x jar /libs/*\n";
    let makings = |coordinates, sha256: &str| Makings {
        files: BTreeMap::from([("Dockerfile".to_owned(), Bytes::from(dockerfile))]),
        fetches: vec![Fetch {
            origin: Origin::jar(coordinates).unwrap(),
            sha256: sha256.to_owned(),
            into: "libs/b-1.jar".to_owned(),
        }],
    };
    let build = async |makings: Makings| {
        let progress = Progress::default();
        docker.images().build(&own.offering, &own.reference, &makings, &progress).await
    };
    build(makings("a:b:1", JAR)).await.unwrap();
    own.remove().await;
    for (coordinates, sha256, words) in [
        ("a:b:1", &"0".repeat(64), "b-1.jar is not the file that the catalog means"),
        ("a:b:2", &JAR.to_owned(), "b-2.jar can't be fetched: the answer is 404"),
    ] {
        let fault = build(makings(coordinates, sha256)).await.unwrap_err();
        assert_eq!(fault.kind, FaultKind::Fatal);
        assert!(fault.message.contains(words), "{}", fault.message);
    }
}
