//! A login to a broker as its administrator.

mod raw;

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use rdkafka::config::{ClientConfig, RDKafkaLogLevel};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::producer::{BaseProducer, Producer};
use rdkafka::{ClientContext, producer::ProducerContext};

pub(super) use self::raw::{Failure, Rule};
use super::{KEY_STORE, PORT, TLS_PORT};
use crate::engine::Target;
use crate::model::Fault;
use crate::secret::Secret;

/// What Kafka answers where there is no such user.
const NO_SUCH_USER: i32 = 91;
/// The one broker of an instance.
const NODE: &str = "1";
/// What its configuration says already.
const LOCATION: (&str, &str) = ("listener.name.secure.ssl.keystore.location", KEY_STORE);
/// Rounds of hashing. A generated password has 190 bits, which no number of them betters: as few as
/// Kafka takes, because every login waits for them.
const ROUNDS: i32 = 4_096;
/// Between two looks at what the library heard.
const LOOK: Duration = Duration::from_millis(100);

/// A client that sends no messages: the smallest that the library has.
pub(super) struct Admin {
    client: BaseProducer<Heard>,
    end: Instant,
}

/// What the library tells beside its answers.
#[derive(Default)]
struct Heard {
    refused: AtomicBool,
}

impl ClientContext for Heard {
    /// It would log each try to reach a broker that is only starting.
    fn log(&self, _: RDKafkaLogLevel, _: &str, _: &str) {}

    fn error(&self, error: KafkaError, _: &str) {
        if error.rdkafka_error_code() == Some(RDKafkaErrorCode::Authentication) {
            self.refused.store(true, Ordering::Relaxed);
        }
    }
}

impl ProducerContext for Heard {
    type DeliveryOpaque = ();

    fn delivery(&self, _: &rdkafka::producer::DeliveryResult<'_>, (): ()) {}
}

impl Admin {
    /// Prepares one; nothing is sent before the first call, and nothing later than `limit`.
    pub(super) fn new(target: &Target, limit: Duration) -> Result<Self, Fault> {
        let mut config = ClientConfig::new();
        let (port, protocol) = if target.needs_tls() {
            config.set("ssl.endpoint.identification.algorithm", "https");
            (TLS_PORT, "SASL_SSL")
        } else {
            (PORT, "SASL_PLAINTEXT")
        };
        if let Some(tls) = &target.tls {
            config.set("ssl.ca.pem", &tls.authority);
        }
        let client = config
            .set("bootstrap.servers", format!("{}:{}", target.host, target.port(port)?))
            .set("client.id", "banquet")
            .set("security.protocol", protocol)
            .set("sasl.mechanism", "SCRAM-SHA-512")
            .set("sasl.username", &target.admin.user)
            .set("sasl.password", target.admin.password.expose())
            .set("reconnect.backoff.ms", "20")
            .set("reconnect.backoff.max.ms", "100")
            .set("socket.nagle.disable", "true")
            .create_with_context(Heard::default())
            // The library's words may quote a setting.
            .map_err(|_| Fault::fatal("the address of the instance is none for Kafka"))?;
        Ok(Self { client, end: Instant::now() + limit })
    }

    /// Logs in and asks for the brokers: those of an instance are one.
    pub(super) fn greet(&self) -> Result<(), Fault> {
        loop {
            let left = self.left();
            let answer = self.client.client().fetch_metadata(None, left.min(LOOK * 5));
            let fault = match answer {
                Ok(metadata) if metadata.brokers().len() == 1 => return Ok(()),
                Ok(_) => Fault::retry("Kafka has not joined its own cluster yet"),
                Err(error) => Fault::retry("Kafka does not answer yet").because(error),
            };
            // The reason of a refusal comes this way alone.
            self.client.poll(Duration::ZERO);
            if self.client.context().refused.load(Ordering::Relaxed) {
                return Err(Fault::retry("Kafka refused the broker's password"));
            }
            if self.left() <= LOOK {
                return Err(fault);
            }
            std::thread::sleep(LOOK / 4);
        }
    }

    /// Waits until a user of the same broker can log in.
    pub(super) fn until_let_in(&self, user: &Target) -> Result<(), Fault> {
        loop {
            match Self::new(user, self.left())?.greet() {
                Err(fault) if self.left() <= LOOK => return Err(fault),
                Err(_) => std::thread::sleep(LOOK / 4),
                Ok(()) => return Ok(()),
            }
        }
    }

    pub(super) fn set_password(&self, user: &str, password: &Secret) -> Result<(), Fault> {
        let password = Some(password.expose());
        raw::set_password(self.client.client(), user, password, ROUNDS, self.left())
            .map_err(|failure| fault("set a user's password", &failure))
    }

    pub(super) fn remove_user(&self, user: &str) -> Result<(), Fault> {
        match raw::set_password(self.client.client(), user, None, ROUNDS, self.left()) {
            Ok(()) | Err(Failure::Refused(NO_SUCH_USER, _)) => Ok(()),
            Err(failure) => Err(fault("remove a user", &failure)),
        }
    }

    pub(super) fn add_rules(&self, user: &str, rules: &[Rule]) -> Result<(), Fault> {
        raw::add_rules(self.client.client(), user, rules, self.left())
            .map_err(|failure| fault("set a user's rights", &failure))
    }

    pub(super) fn remove_rules(&self, user: &str) -> Result<(), Fault> {
        raw::remove_rules(self.client.client(), user, self.left())
            .map_err(|failure| fault("take a user's rights away", &failure))
    }

    /// Has the broker read a key store again that lies where it did. It answers before it has, and
    /// also where it finds no use for it: then it goes on with the one before.
    pub(super) fn read_key_store(&self) -> Result<(), Fault> {
        raw::set_broker(self.client.client(), NODE, LOCATION, self.left())
            .map_err(|failure| fault("read its certificate", &failure))
    }

    /// Waits until the broker has taken notice that a user is no more.
    pub(super) fn until_gone(&self, user: &str) -> Result<(), Fault> {
        let client = self.client.client();
        loop {
            let known = match raw::has_password(client, user, self.left()) {
                Err(Failure::Refused(NO_SUCH_USER, _)) => Ok(false),
                answer => answer,
            };
            let known = known
                .and_then(|known| Ok(known || raw::count_rules(client, user, self.left())? > 0));
            if !known.map_err(|failure| fault("look for a user", &failure))? {
                return Ok(());
            }
            if self.left() <= LOOK {
                return Err(Fault::retry("Kafka still knows the user"));
            }
            std::thread::sleep(LOOK / 10);
        }
    }

    fn left(&self) -> Duration {
        self.end.saturating_duration_since(Instant::now())
    }
}

fn fault(doing: &str, failure: &Failure) -> Fault {
    let message = format!("Kafka could not {doing}: {failure}");
    match failure {
        Failure::Invalid(_) => Fault::fatal(message),
        Failure::TimedOut | Failure::Refused(..) => Fault::retry(message),
    }
}
