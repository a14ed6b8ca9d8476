//! The pages: which address answers what.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Path, Query, Request, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::{Deserialize, Serialize};

use super::model::{BypassOrder, Deed, Health};
use super::service::{Listed, QuarantineAction, QueueAction, Refusal, Selector, Service};
use super::{DEADLINE, guard};

/// Longest body of a request: a reason is a sentence.
const BODY_LIMIT: usize = 64 << 10;
/// Entries of a list unless the request says otherwise.
const ENTRIES: usize = 10_000;
/// Entries of a list at most.
const ENTRIES_AT_MOST: usize = 100_000;
/// Tells how many entries a list has in all.
pub(super) const TOTAL: HeaderName = HeaderName::from_static("x-total-count");

/// Who may be let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Door {
    /// This machine: everything answers.
    Local,
    /// A network, where nothing but `healthz` answers: there is no login in this version.
    Open,
}

/// All pages.
pub(super) fn router<S: Service>(service: Arc<S>, door: Door) -> Router {
    let api = Router::new()
        .route("/system", get(system::<S>))
        .route("/queue", get(queue::<S>))
        .route("/queue/flush", post(flush::<S>))
        .route("/queue/{id}/{action}", post(act_on_queue::<S>))
        .route("/quarantine", get(quarantine::<S>))
        .route("/quarantine/{id}/{action}", post(act_on_quarantine::<S>))
        .route("/peers", get(peers::<S>))
        .route("/peers/{name}/echo", post(echo::<S>))
        .route("/peers/{name}/test", post(test::<S>))
        .route("/ledger", get(ledger::<S>))
        .route("/statistics", get(statistics::<S>))
        .route("/rules", get(rules::<S>))
        .route("/instances/{uid}/explain", get(explain::<S>))
        .route("/instances/{uid}/preview", get(preview::<S>))
        .route("/conformance", get(conformance::<S>))
        .route("/bypass", get(bypass::<S>).post(order_bypass::<S>))
        .route("/studies", get(studies::<S>))
        .route("/studies/{uid}", get(study::<S>))
        .route("/openapi.json", get(openapi));
    Router::new()
        .route("/", get(pointer))
        .route("/readyz", get(readyz::<S>))
        .route("/metrics", get(metrics::<S>))
        .nest("/api/v1", api)
        .fallback(nowhere)
        .method_not_allowed_fallback(wrong_method)
        .layer(middleware::from_fn(move |request, next| guarded(door, request, next)))
        .route("/healthz", get(healthz))
        .layer(DefaultBodyLimit::max(BODY_LIMIT))
        .layer(middleware::from_fn(finished))
        .with_state(service)
}

/// What a failed request is answered with.
#[derive(Debug, Serialize, Deserialize, PartialEq, Eq)]
pub(super) struct Failure {
    /// A word for programs, such as `NOT_FOUND`.
    pub error: String,
    /// A sentence for people.
    pub message: String,
}

fn failure(status: StatusCode, code: &str, message: &impl ToString) -> Response {
    let body = Failure { error: code.to_owned(), message: message.to_string() };
    (status, Json(body)).into_response()
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let (status, code) = match &self {
            Self::NotFound { .. } => (StatusCode::NOT_FOUND, "NOT_FOUND"),
            Self::Conflict { .. } => (StatusCode::CONFLICT, "CONFLICT"),
            Self::Unusable(_) => (StatusCode::BAD_REQUEST, "BAD_REQUEST"),
            Self::NotInThisVersion { .. } => (StatusCode::NOT_IMPLEMENTED, "NOT_IN_THIS_VERSION"),
            Self::Unavailable { .. } => (StatusCode::SERVICE_UNAVAILABLE, "UNAVAILABLE"),
        };
        failure(status, code, &self)
    }
}

/// Lets only those in who may come in.
async fn guarded(door: Door, request: Request, next: Next) -> Response {
    match door {
        Door::Open => {
            let message = "log-in comes later: until then only healthz answers to a network";
            return failure(StatusCode::FORBIDDEN, "FORBIDDEN", &message);
        }
        Door::Local => {}
    }
    match guard::check(request.headers()) {
        Ok(()) => next.run(request).await,
        Err(stranger) => failure(StatusCode::FORBIDDEN, "FORBIDDEN", &stranger),
    }
}

/// Ends a request that takes too long, and adds what every answer bears.
async fn finished(request: Request, next: Next) -> Response {
    let mut response = match tokio::time::timeout(DEADLINE, next.run(request)).await {
        Ok(response) => response,
        Err(_elapsed) => {
            let message = format!("no answer within {} s", DEADLINE.as_secs());
            failure(StatusCode::GATEWAY_TIMEOUT, "TIMEOUT", &message)
        }
    };
    // What the framework refuses by itself (too long a body, a path that is no text) it says in plain text.
    let status = response.status();
    let is_json =
        response.headers().get(CONTENT_TYPE).is_some_and(|kind| kind == "application/json");
    if (status.is_client_error() || status.is_server_error()) && !is_json {
        let reason = status.canonical_reason().unwrap_or("Error");
        response = failure(status, &reason.to_ascii_uppercase().replace(' ', "_"), &reason);
    }
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    for (name, value) in [
        ("x-content-type-options", "nosniff"),
        ("content-security-policy", "default-src 'none'; frame-ancestors 'none'"),
        ("referrer-policy", "no-referrer"),
    ] {
        headers.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
    }
    response
}

async fn nowhere(request: Request) -> Response {
    let refusal = Refusal::NotFound { what: "page", name: request.uri().path().to_owned() };
    refusal.into_response()
}

async fn wrong_method() -> Response {
    let message = "this page does not take that method";
    failure(StatusCode::METHOD_NOT_ALLOWED, "METHOD_NOT_ALLOWED", &message)
}

async fn pointer() -> Response {
    let page = concat!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>markgate</title>",
        "<h1>markgate</h1><p>The console's pages come later. 控制台页面将在后续版本提供。</p><ul>",
        "<li><a href=\"/api/v1/system\">/api/v1/system</a>: the gate 运行状态</li>",
        "<li><a href=\"/api/v1/queue\">/api/v1/queue</a>: deliveries 投递队列</li>",
        "<li><a href=\"/api/v1/quarantine\">/api/v1/quarantine</a>: held objects 扣留对象</li>",
        "<li><a href=\"/api/v1/ledger\">/api/v1/ledger</a>: where the objects are 对账</li>",
        "<li><a href=\"/metrics\">/metrics</a>, <a href=\"/readyz\">/readyz</a>, ",
        "<a href=\"/healthz\">/healthz</a></li></ul>",
        "<p>On the command line: <code>markgate status</code>, <code>markgate --help</code>.</p></html>\n",
    );
    ([(CONTENT_TYPE, "text/html; charset=utf-8")], page).into_response()
}

async fn healthz() -> Json<Health> {
    Json(Health { ok: true, problems: Vec::new() })
}

async fn readyz<S: Service>(State(service): State<Arc<S>>) -> Response {
    let health = service.ready().await;
    let status = if health.ok { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(health)).into_response()
}

async fn metrics<S: Service>(State(service): State<Arc<S>>) -> Response {
    let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    ([(CONTENT_TYPE, kind)], service.metrics().await).into_response()
}

/// The answer, or why there is none.
fn answer<T: Serialize>(outcome: Result<T, Refusal>) -> Response {
    match outcome {
        Ok(value) => Json(value).into_response(),
        Err(refusal) => refusal.into_response(),
    }
}

fn listed<T: Serialize>(outcome: Result<Listed<T>, Refusal>) -> Response {
    match outcome {
        Ok(Listed { entries, total }) => {
            ([(TOTAL, total.to_string())], Json(entries)).into_response()
        }
        Err(refusal) => refusal.into_response(),
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Listing {
    limit: Option<usize>,
    #[serde(default)]
    all: bool,
}

impl Listing {
    fn limit(&self) -> usize {
        self.limit.unwrap_or(ENTRIES).min(ENTRIES_AT_MOST)
    }
}

type Asked = Result<Query<Listing>, axum::extract::rejection::QueryRejection>;

const LISTING: Refusal = Refusal::Unusable("a list takes limit=NUMBER and all=true|false");

async fn system<S: Service>(State(service): State<Arc<S>>) -> Response {
    answer(service.system().await)
}

async fn queue<S: Service>(State(service): State<Arc<S>>, asked: Asked) -> Response {
    match asked {
        Ok(Query(listing)) => listed(service.queue(listing.limit()).await),
        Err(_) => LISTING.into_response(),
    }
}

async fn quarantine<S: Service>(State(service): State<Arc<S>>, asked: Asked) -> Response {
    match asked {
        Ok(Query(listing)) => listed(service.quarantine(listing.all, listing.limit()).await),
        Err(_) => LISTING.into_response(),
    }
}

/// Reads the body of a POST, which may be empty.
fn deed(body: &Bytes) -> Result<Deed, Refusal> {
    if body.is_empty() {
        return Ok(Deed::default());
    }
    serde_json::from_slice(body).map_err(|_| {
        Refusal::Unusable("the body is JSON with by, reason and destination, all of them optional")
    })
}

fn selector(id: &str) -> Result<Selector, Refusal> {
    Selector::parse(id).ok_or(Refusal::Unusable("an id, a UID or ALL is needed"))
}

async fn flush<S: Service>(State(service): State<Arc<S>>, body: Bytes) -> Response {
    match deed(&body) {
        Ok(deed) => answer(service.flush(deed).await),
        Err(refusal) => refusal.into_response(),
    }
}

async fn act_on_queue<S: Service>(
    State(service): State<Arc<S>>,
    Path((id, action)): Path<(String, String)>,
    body: Bytes,
) -> Response {
    let action = match action.as_str() {
        "retry" => QueueAction::Retry,
        "hold" => QueueAction::Hold,
        "release" => QueueAction::Release,
        _ => return no_action(action),
    };
    match (selector(&id), deed(&body)) {
        (Ok(which), Ok(deed)) => answer(service.act_on_queue(which, action, deed).await),
        (Err(refusal), _) | (_, Err(refusal)) => refusal.into_response(),
    }
}

async fn act_on_quarantine<S: Service>(
    State(service): State<Arc<S>>,
    Path((id, action)): Path<(String, String)>,
    body: Bytes,
) -> Response {
    let action = match action.as_str() {
        "release" => QuarantineAction::Release,
        "reject" => QuarantineAction::Reject,
        "recheck" => QuarantineAction::Recheck,
        "fix" => {
            let instead = "mend the object at its source and send it again, or release it as it is";
            return Refusal::NotInThisVersion { instead }.into_response();
        }
        "purge" => {
            let instead = "reject the object: it is removed when its retention ends";
            return Refusal::NotInThisVersion { instead }.into_response();
        }
        _ => return no_action(action),
    };
    match (selector(&id), deed(&body)) {
        (Ok(which), Ok(deed)) => answer(service.act_on_quarantine(which, action, deed).await),
        (Err(refusal), _) | (_, Err(refusal)) => refusal.into_response(),
    }
}

fn no_action(name: String) -> Response {
    Refusal::NotFound { what: "action", name }.into_response()
}

async fn peers<S: Service>(State(service): State<Arc<S>>) -> Response {
    answer(service.peers().await)
}

async fn echo<S: Service>(State(service): State<Arc<S>>, Path(name): Path<String>) -> Response {
    answer(service.echo(name).await)
}

async fn test<S: Service>(State(service): State<Arc<S>>, Path(name): Path<String>) -> Response {
    answer(service.test(name).await)
}

async fn ledger<S: Service>(State(service): State<Arc<S>>) -> Response {
    answer(service.ledger().await)
}

async fn statistics<S: Service>(State(service): State<Arc<S>>) -> Response {
    answer(service.statistics().await)
}

async fn rules<S: Service>(State(service): State<Arc<S>>) -> Response {
    answer(service.rules().await)
}

async fn explain<S: Service>(State(service): State<Arc<S>>, Path(uid): Path<String>) -> Response {
    answer(service.explain(uid).await)
}

/// Which picture of an object.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Preview {
    /// As it came, or as it goes out.
    #[serde(default)]
    state: PreviewState,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
enum PreviewState {
    Before,
    #[default]
    After,
}

async fn preview<S: Service>(
    State(service): State<Arc<S>>,
    Path(uid): Path<String>,
    Query(Preview { state }): Query<Preview>,
) -> Response {
    match service.preview(uid, state == PreviewState::After).await {
        Ok(picture) => ([(CONTENT_TYPE, "image/png")], picture).into_response(),
        Err(refusal) => refusal.into_response(),
    }
}

async fn conformance<S: Service>(State(service): State<Arc<S>>) -> Response {
    match service.conformance().await {
        Ok(text) => ([(CONTENT_TYPE, "text/markdown; charset=utf-8")], text).into_response(),
        Err(refusal) => refusal.into_response(),
    }
}

async fn bypass<S: Service>(State(service): State<Arc<S>>) -> Response {
    answer(service.bypass().await)
}

async fn order_bypass<S: Service>(State(service): State<Arc<S>>, body: Bytes) -> Response {
    match serde_json::from_slice::<BypassOrder>(&body) {
        Ok(order) => answer(service.order_bypass(order).await),
        Err(_) => {
            let wanted = "the body is JSON with on (true or false), for, by and reason";
            Refusal::Unusable(wanted).into_response()
        }
    }
}

async fn studies<S: Service>(State(service): State<Arc<S>>, asked: Asked) -> Response {
    match asked {
        Ok(Query(listing)) => answer(service.studies(listing.limit()).await),
        Err(_) => LISTING.into_response(),
    }
}

async fn study<S: Service>(State(service): State<Arc<S>>, Path(uid): Path<String>) -> Response {
    answer(service.study(uid).await)
}

async fn openapi() -> Refusal {
    Refusal::NotInThisVersion { instead: "the pages are listed in README.md" }
}
