//! A platform: asks over the Open Service Broker API, and polls as platforms do.

use std::time::{Duration, Instant};

use reqwest::{Client, Method, Url};
use serde_json::{Value, json};

use crate::broker::{ADMIN_TOKEN, PLATFORM_PASSWORD};

/// The longest that any operation may take, on a busy machine.
const PATIENCE: Duration = Duration::from_mins(2);
const POLL: Duration = Duration::from_millis(20);

/// An instance as a platform names it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Instance<'a> {
    pub(crate) id: &'a str,
    pub(crate) offering: &'static str,
}

pub(crate) fn redis(id: &str) -> Instance<'_> {
    Instance { id, offering: "redis" }
}

pub(crate) fn postgresql(id: &str) -> Instance<'_> {
    Instance { id, offering: "postgresql" }
}

/// An answer.
#[derive(Clone, Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) body: Value,
}

/// How an operation ended.
#[derive(Clone, Debug)]
pub(crate) struct Ended {
    pub(crate) state: String,
    pub(crate) description: String,
}

#[derive(Clone)]
pub(crate) struct Platform {
    client: Client,
    url: Url,
    catalog: Value,
}

impl Platform {
    pub(crate) fn at(address: &str) -> Self {
        let client = Client::builder()
            // The broker behind the address is killed and started again.
            .pool_max_idle_per_host(0)
            .timeout(Duration::from_mins(1))
            .no_proxy()
            .build()
            .unwrap();
        let url = format!("http://{address}").parse().unwrap();
        Self { client, url, catalog: Value::Null }
    }

    /// Which ids the offerings and plans have.
    pub(crate) async fn learn_catalog(&mut self) {
        self.catalog = self.ask(Method::GET, self.path(&["catalog"]), None).await.body;
    }

    fn path(&self, segments: &[&str]) -> Url {
        let mut url = self.url.clone();
        url.path_segments_mut().unwrap().clear().push("v2").extend(segments);
        url
    }

    fn instance(&self, instance: Instance<'_>) -> Url {
        self.path(&["service_instances", instance.id])
    }

    fn binding(&self, instance: Instance<'_>, binding: &str) -> Url {
        self.path(&["service_instances", instance.id, "service_bindings", binding])
    }

    /// What names an offering and a plan in bodies and queries.
    fn ids(&self, offering: &str, plan: &str) -> [(&'static str, String); 2] {
        let named = |list: &Value, name: &str| {
            let list = list.as_array().unwrap();
            list.iter()
                .find(|one| one["name"] == name)
                .unwrap_or_else(|| panic!("no {name}"))
                .clone()
        };
        let service = named(&self.catalog["services"], offering);
        let plan = named(&service["plans"], plan);
        let id = |value: &Value| value["id"].as_str().unwrap().to_owned();
        [("service_id", id(&service)), ("plan_id", id(&plan))]
    }

    fn body(&self, offering: &str, plan: &str) -> Value {
        let ids = self.ids(offering, plan).into_iter();
        ids.map(|(name, id)| (name.to_owned(), Value::String(id)))
            .collect::<serde_json::Map<_, _>>()
            .into()
    }

    /// An answer, or why there was none: the broker may be killed at any time.
    pub(crate) async fn try_ask(
        &self,
        method: Method,
        url: Url,
        body: Option<&Value>,
    ) -> Result<Reply, reqwest::Error> {
        let mut request = self
            .client
            .request(method, url)
            .basic_auth("banquet", Some(PLATFORM_PASSWORD))
            .header("X-Broker-API-Version", "2.17");
        if let Some(body) = body {
            request = request.json(body);
        }
        let response = request.send().await?;
        let status = response.status().as_u16();
        Ok(Reply { status, body: response.json().await? })
    }

    async fn ask(&self, method: Method, url: Url, body: Option<&Value>) -> Reply {
        let what = format!("{method} {url}");
        self.try_ask(method, url, body).await.unwrap_or_else(|error| panic!("{what}: {error:?}"))
    }

    /// A page that asks for no password; none where nobody answers.
    pub(crate) async fn get(&self, path: &str) -> Option<Reply> {
        self.try_ask(Method::GET, self.url.join(path).unwrap(), None).await.ok()
    }

    /// A page of the admin API.
    pub(crate) async fn administer(&self, path: &str) -> Value {
        let url = self.url.join(path).unwrap();
        let answer = self.client.get(url).bearer_auth(ADMIN_TOKEN).send().await.unwrap();
        answer.error_for_status().unwrap().json().await.unwrap()
    }

    /// The present catalog's body.
    pub(crate) async fn catalog(&self) -> Value {
        self.ask(Method::GET, self.path(&["catalog"]), None).await.body
    }

    pub(crate) async fn provision(&self, instance: Instance<'_>, plan: &str) -> Reply {
        self.provision_with(instance, plan, json!({})).await
    }

    pub(crate) async fn provision_with(
        &self,
        instance: Instance<'_>,
        plan: &str,
        parameters: Value,
    ) -> Reply {
        let mut body = self.wanted(instance, plan);
        body["parameters"] = parameters;
        self.ask(Method::PUT, incomplete(self.instance(instance)), Some(&body)).await
    }

    pub(crate) async fn try_provision(
        &self,
        instance: Instance<'_>,
        plan: &str,
    ) -> Result<Reply, reqwest::Error> {
        let body = self.wanted(instance, plan);
        self.try_ask(Method::PUT, incomplete(self.instance(instance)), Some(&body)).await
    }

    /// The body of a provision.
    fn wanted(&self, instance: Instance<'_>, plan: &str) -> Value {
        let mut body = self.body(instance.offering, plan);
        body["organization_guid"] = "org-1".into();
        body["space_guid"] = "space-1".into();
        body["context"] = json!({
            "platform": "cloudfoundry", "organization_guid": "org-1", "space_guid": "space-1",
            "organization_name": "Ada's \"org\"", "space_name": "dev", "instance_name": "my data",
        });
        body
    }

    pub(crate) async fn update(&self, instance: Instance<'_>, plan: &str) -> Reply {
        let body = self.body(instance.offering, plan);
        self.ask(Method::PATCH, incomplete(self.instance(instance)), Some(&body)).await
    }

    pub(crate) async fn deprovision(&self, instance: Instance<'_>) -> Reply {
        let mut url = incomplete(self.instance(instance));
        url.query_pairs_mut().extend_pairs(self.ids(instance.offering, "small"));
        self.ask(Method::DELETE, url, None).await
    }

    pub(crate) async fn fetch(&self, instance: Instance<'_>) -> Reply {
        self.ask(Method::GET, self.instance(instance), None).await
    }

    pub(crate) async fn bind(&self, instance: Instance<'_>, binding: &str) -> Reply {
        self.bind_with(instance, binding, json!({})).await
    }

    pub(crate) async fn bind_with(
        &self,
        instance: Instance<'_>,
        binding: &str,
        more: Value,
    ) -> Reply {
        let mut body = self.body(instance.offering, "small");
        body["bind_resource"] = json!({"app_guid": "app-1"});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        self.ask(Method::PUT, incomplete(self.binding(instance, binding)), Some(&body)).await
    }

    pub(crate) async fn unbind(&self, instance: Instance<'_>, binding: &str) -> Reply {
        let mut url = incomplete(self.binding(instance, binding));
        url.query_pairs_mut().extend_pairs(self.ids(instance.offering, "small"));
        self.ask(Method::DELETE, url, None).await
    }

    pub(crate) async fn fetch_binding(&self, instance: Instance<'_>, binding: &str) -> Reply {
        self.ask(Method::GET, self.binding(instance, binding), None).await
    }

    pub(crate) async fn last_operation(&self, instance: Instance<'_>) -> Reply {
        let url = self.path(&["service_instances", instance.id, "last_operation"]);
        self.ask(Method::GET, url, None).await
    }

    pub(crate) async fn last_binding_operation(
        &self,
        instance: Instance<'_>,
        binding: &str,
    ) -> Reply {
        let mut url = self.binding(instance, binding);
        url.path_segments_mut().unwrap().push("last_operation");
        self.ask(Method::GET, url, None).await
    }

    /// Polls until the newest operation on the instance has ended.
    pub(crate) async fn ended(&self, instance: Instance<'_>) -> Ended {
        until_ended(|| self.last_operation(instance)).await
    }

    /// The same for a binding.
    pub(crate) async fn binding_ended(&self, instance: Instance<'_>, binding: &str) -> Ended {
        until_ended(|| self.last_binding_operation(instance, binding)).await
    }

    /// Provisions, to the end.
    pub(crate) async fn create(&self, instance: Instance<'_>, plan: &str) {
        self.provision(instance, plan).await.answers(&[200, 201, 202]);
        self.ended(instance).await.succeeded();
    }

    /// Binds, to the end; the credentials.
    pub(crate) async fn credentials(&self, instance: Instance<'_>, binding: &str) -> Value {
        self.credentials_with(instance, binding, json!({})).await
    }

    /// Binds with more in its body, to the end; the credentials.
    pub(crate) async fn credentials_with(
        &self,
        instance: Instance<'_>,
        binding: &str,
        more: Value,
    ) -> Value {
        self.bind_with(instance, binding, more).await.answers(&[200, 201, 202]);
        self.binding_ended(instance, binding).await.succeeded();
        self.fetch_binding(instance, binding).await.answers(&[200]).body["credentials"].clone()
    }

    /// Deprovisions, to the end.
    pub(crate) async fn remove(&self, instance: Instance<'_>) {
        self.deprovision(instance).await.answers(&[200, 202, 410]);
        self.ended(instance).await.succeeded();
        self.fetch(instance).await.answers(&[404]);
    }
}

impl Reply {
    #[track_caller]
    pub(crate) fn answers(self, statuses: &[u16]) -> Self {
        assert!(statuses.contains(&self.status), "not {statuses:?}: {self:?}");
        self
    }
}

impl Ended {
    #[track_caller]
    pub(crate) fn succeeded(self) {
        assert_eq!(self.state, "succeeded", "{}", self.description);
    }

    /// Why it failed.
    #[track_caller]
    pub(crate) fn failed(self) -> String {
        assert_eq!(self.state, "failed", "{}", self.description);
        self.description
    }
}

fn incomplete(mut url: Url) -> Url {
    url.query_pairs_mut().append_pair("accepts_incomplete", "true");
    url
}

async fn until_ended<F: Future<Output = Reply>>(look: impl Fn() -> F) -> Ended {
    let begin = Instant::now();
    loop {
        let body = look().await.answers(&[200]).body;
        let text = |name: &str| body[name].as_str().unwrap_or_default().to_owned();
        let ended = Ended { state: text("state"), description: text("description") };
        if ended.state != "in progress" {
            return ended;
        }
        assert!(begin.elapsed() < PATIENCE, "still in progress: {}", ended.description);
        tokio::time::sleep(POLL).await;
    }
}
