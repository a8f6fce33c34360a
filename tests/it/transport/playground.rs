//! The playground as the server sends it. What it does in a browser is tested in `playground/tests`.

use crate::support::server::Server;

#[tokio::test]
async fn the_page_and_all_that_it_names_come_from_this_server_under_a_strict_policy() {
    let server = Server::start().await;
    for address in ["/playground", "/playground/"] {
        let answer = server.anonymous().request("GET", address).send().await.unwrap();
        assert_eq!(answer.status(), 200);
        let policy = answer.headers()["content-security-policy"].to_str().unwrap().to_owned();
        assert!(policy.starts_with("default-src 'none'; script-src 'self';"), "{policy}");
        assert!(!policy.contains("http") && !policy.contains("unsafe-eval") && !policy.contains("blob:"), "{policy}");
        let page = answer.text().await.unwrap();
        let named: Vec<&str> = page.split('"').filter(|part| part.starts_with("/playground/")).collect();
        assert!(named.len() >= 3, "{page}");
        assert!(!page.contains("http://") && !page.contains("https://"), "{page}");
        for asset in named {
            let answer = server.anonymous().request("GET", asset).send().await.unwrap();
            assert_eq!(answer.status(), 200, "{asset}");
            assert_eq!(answer.headers()["x-content-type-options"], "nosniff");
            let script = answer.headers()["content-type"].to_str().unwrap().starts_with("text/javascript");
            assert_eq!(script, asset.ends_with(".js"), "{asset}");
        }
    }
}

#[tokio::test]
async fn the_root_leads_to_the_playground() {
    let server = Server::start().await;
    let answer = server.anonymous().request("GET", "/").send().await.unwrap();
    assert!(answer.url().path().ends_with("/playground"));
    assert_eq!(answer.status(), 200);
}
