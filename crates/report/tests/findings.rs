//! `docs/findings.md` has one section a kind, with the texts of the catalogue.
use forkguard_report::catalogue::{CURE_OWN_LOCK, EXPLAIN_OWN_LOCK, EXPLAIN_SHARED_LOCK, Server};
use forkguard_report::event::FindingKind;

const PAGE: &str = include_str!("../../../docs/findings.md");
const PARTS: [&str; 6] = ["What", "When", "Severity", "Reproduce", "Cure", "Cannot know"];

/// The text without its line breaks.
fn flat(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn every_kind_has_its_section() {
    let sections: Vec<(&str, &str)> = PAGE.split("\n## ").skip(1).map(|section| section.split_once('\n').unwrap()).collect();
    let names: Vec<&str> = sections.iter().map(|(name, _)| *name).collect();
    assert_eq!(names, FindingKind::ALL.map(FindingKind::name));
    for (kind, (name, section)) in FindingKind::ALL.into_iter().zip(sections) {
        let parts: Vec<&str> = PARTS.into_iter().filter(|part| section.contains(&format!("\n**{part}.**"))).collect();
        assert_eq!(parts, PARTS, "{name}");
        let section = flat(section);
        assert!(section.contains(&format!("**What.** {}", kind.explain())), "{name}");
        let place = "the worker's own start (Apache: child_init, nginx: init_process)";
        let cure = kind.cure(Server::Native).replace(place, "the place");
        // Examples of a language stand in brackets in the catalogue and in sentences of their own here.
        let cure = cure.trim_end_matches('.').split(" (").next().unwrap();
        assert!(section.contains(&format!("**Cure.** {cure}")), "{name}: {cure}");
    }
    assert!([CURE_OWN_LOCK, EXPLAIN_OWN_LOCK, EXPLAIN_SHARED_LOCK].iter().all(|text| flat(PAGE).contains(text)));
}

#[test]
fn every_server_has_its_place() {
    for place in [
        "post_fork",
        "post_worker_init",
        "@postfork",
        "after_fork",
        "on_worker_boot",
        "before_fork",
        "worker_process_init",
        "task_prerun",
    ] {
        let named = Server::ALL.iter().any(|&server| FindingKind::ALL.iter().any(|kind| kind.cure(server).contains(place)));
        assert!(named && PAGE.contains(&format!("`{place}`")), "{place}");
    }
}
