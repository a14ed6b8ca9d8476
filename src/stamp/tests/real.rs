//! The real files of MARKGATE_TESTDATA; without the folder there is nothing to use.

use super::*;
use crate::object::part10::read_head;

fn objects() -> Vec<(String, Object)> {
    let Some(root) = std::env::var_os("MARKGATE_TESTDATA").map(std::path::PathBuf::from) else {
        return Vec::new();
    };
    let files = std::fs::read_dir(root.join("files")).expect("MARKGATE_TESTDATA has files");
    let mut objects = Vec::new();
    for file in files {
        let path = file.expect("an entry").path();
        let bytes = std::fs::read(&path).expect("readable");
        let Ok(head) = read_head(&bytes[..]) else { continue };
        let object =
            Object { syntax: head.syntax(), bytes: bytes[head.data_set as usize..].to_vec() };
        let mut scanner = Scanner::new(object.syntax, Limits::default());
        scanner.push(&object.bytes);
        if scanner.finish().end == End::Complete {
            objects.push((path.display().to_string(), object));
        }
    }
    objects
}

/// A setting in which an object is its institution's own, whatever that is called.
fn owner_of(object: &Object) -> Setting {
    let mut setting = setting();
    setting.names.latin_name = Some("Friendship Hospital".to_owned());
    let view = object.view();
    let bytes = view.find(tags::INSTITUTION_NAME).and_then(|element| view.bytes(element));
    let text = view.charset().decode(bytes.unwrap_or_default(), VR::LO);
    let fits = |name: &&str| name.chars().count() <= 64 && !name.contains(char::is_control);
    if let Some(name) = text.first().filter(fits) {
        setting.names.aliases.push(Alias::always(name));
    }
    setting
}

#[test]
fn real_objects_are_marked_within_what_is_promised() {
    let (mut marked, mut refused) = (0, Vec::new());
    for (file, object) in objects() {
        let setting = owner_of(&object);
        match setting.stamp(&object) {
            Err(obstacle) => refused.push((file, obstacle)),
            Ok(stamp) => {
                let after = object.changed(stamp.plan);
                for tag in differences(&object, &after) {
                    let promised = ["(0008,0005)", "(0008,0080)", "(0018,A001)", "(0400,0561)"];
                    assert!(
                        promised.contains(&tag.as_str()) || tag.starts_with("(0077,"),
                        "{file}: {tag}"
                    );
                }
                assert!(name_of(&after).ends_with("-JJJHR"), "{file}");
                let again = setting.stamp(&after).expect("no obstacle");
                assert!(again.plan.is_empty(), "{file}");
                marked += 1;
            }
        }
    }
    println!("{marked} real objects marked, {} not: {refused:#?}", refused.len());
}
