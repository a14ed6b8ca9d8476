//! Turns away what a web page of somebody else could send through a browser on this machine.
//!
//! There is no login in this version: whoever reaches the port from this machine may act. A browser reaches it too, on behalf
//! of any page it shows. Two checks keep such pages out. The name in Host must be one of loopback's, so that a foreign
//! name that resolves to 127.0.0.1 (DNS rebinding) does not count as this site; and a request that says that it comes from
//! another origin is refused.

use std::net::IpAddr;

use axum::http::HeaderMap;
use axum::http::header::{HOST, ORIGIN};

/// Why a request was turned away.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum Stranger {
    /// Host is missing, or names something other than this machine.
    #[error("the Host header must name localhost, 127.0.0.1 or [::1]")]
    Host,
    /// A page of another site sent it.
    #[error("requests from pages of other sites are refused")]
    Origin,
}

/// Whether the request comes from this machine, and from no other site's page.
pub(super) fn check(headers: &HeaderMap) -> Result<(), Stranger> {
    let host = headers.get(HOST).and_then(|value| value.to_str().ok()).ok_or(Stranger::Host)?;
    if headers.get_all(HOST).iter().count() > 1 || !is_loopback(host) {
        return Err(Stranger::Host);
    }
    for origin in headers.get_all(ORIGIN) {
        let origin = origin.to_str().map_err(|_| Stranger::Origin)?;
        // Another port of this machine is another site.
        if origin.strip_prefix("http://") != Some(host) {
            return Err(Stranger::Origin);
        }
    }
    for site in headers.get_all("sec-fetch-site") {
        if site != "same-origin" && site != "none" {
            return Err(Stranger::Origin);
        }
    }
    Ok(())
}

/// Whether `host`, with or without a port, is a name of loopback.
fn is_loopback(host: &str) -> bool {
    let name = match host.strip_prefix('[') {
        Some(rest) => match rest.split_once(']') {
            Some((address, port)) if is_port(port) => address,
            Some(_) | None => return false,
        },
        None => match host.split_once(':') {
            Some((name, port)) if is_port(&format!(":{port}")) => name,
            Some(_) => return false,
            None => host,
        },
    };
    name.eq_ignore_ascii_case("localhost")
        || name.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// Nothing, or a colon and digits.
fn is_port(text: &str) -> bool {
    text.is_empty() || text.strip_prefix(':').is_some_and(|port| port.parse::<u16>().is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_headers(rows: &[(&'static str, &str)], want: Result<(), Stranger>) {
        let mut headers = HeaderMap::new();
        for (name, value) in rows {
            headers.append(*name, value.parse().expect("a header"));
        }
        assert_eq!(check(&headers), want, "{rows:?}");
    }

    #[test]
    fn names_of_loopback_are_this_machine() {
        for host in ["localhost", "LOCALHOST:8080", "127.0.0.1:8080", "127.1.2.3", "[::1]:8080"] {
            check_headers(&[("host", host)], Ok(()));
        }
    }

    #[test]
    fn a_foreign_name_for_this_machine_is_turned_away() {
        for host in [
            "evil.example",
            "localhost.evil.example:8080",
            "10.0.0.1",
            "[::2]",
            "127.0.0.1:x",
            "[::1",
            "",
        ] {
            check_headers(&[("host", host)], Err(Stranger::Host));
        }
        check_headers(&[], Err(Stranger::Host));
        check_headers(&[("host", "localhost"), ("host", "localhost")], Err(Stranger::Host));
    }

    #[test]
    fn pages_of_other_sites_are_turned_away() {
        let host = ("host", "127.0.0.1:8080");
        check_headers(&[host, ("origin", "http://127.0.0.1:8080")], Ok(()));
        for origin in
            ["http://evil.example", "null", "https://127.0.0.1:8080", "http://127.0.0.1:9"]
        {
            check_headers(&[host, ("origin", origin)], Err(Stranger::Origin));
        }
        check_headers(&[host, ("sec-fetch-site", "same-origin")], Ok(()));
        check_headers(&[host, ("sec-fetch-site", "none")], Ok(()));
        check_headers(&[host, ("sec-fetch-site", "cross-site")], Err(Stranger::Origin));
        check_headers(&[host, ("sec-fetch-site", "same-site")], Err(Stranger::Origin));
    }
}
