use super::*;

fn options(config: PathBuf) -> GlobalOptions {
    GlobalOptions {
        config: Some(config),
        timeout: 3,
        ..GlobalOptions::default()
    }
}

#[test]
fn the_command_line_wins_over_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("touchstone.toml");
    std::fs::write(
        &path,
        "node = \"http://file:1\"\ngenesis = \"g.json\"\norganisation = \"acme\"\n",
    )
    .unwrap();
    let from_file = Settings::load(&options(path.clone())).unwrap();
    assert_eq!(from_file.node(), "http://file:1");
    assert_eq!(from_file.genesis, Some(folder.path().join("g.json")));
    assert_eq!(from_file.organisation.as_deref(), Some("acme"));
    let flag = GlobalOptions {
        node: Some("http://flag:2".into()),
        ..options(path)
    };
    assert_eq!(Settings::load(&flag).unwrap().node(), "http://flag:2");
}

#[test]
fn a_misspelt_setting_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("touchstone.toml");
    std::fs::write(&path, "nodes = \"http://file:1\"\n").unwrap();
    let failure = Settings::load(&options(path)).unwrap_err();
    assert_eq!(failure.exit_code(), 1);
    assert!(failure.to_string().contains("nodes"), "{failure}");
}

#[test]
fn without_genesis_nothing_is_asked() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("touchstone.toml");
    std::fs::write(&path, "").unwrap();
    let settings = Settings::load(&options(path)).unwrap();
    assert_eq!(settings.node(), DEFAULT_NODE);
    let failure = settings.genesis().map(|_| ()).unwrap_err();
    assert!(failure.to_string().contains("--genesis"), "{failure}");
}

/// A folder that somebody packed may hold a file to examine and the genesis document of a chain of his own.
#[test]
fn a_file_is_not_examined_by_what_lies_beside_it() {
    let folder = tempfile::tempdir().unwrap();
    let settings = folder.path().join(FILE_NAME);
    std::fs::write(&settings, "genesis = \"genesis.json\"\n").unwrap();
    let none = GlobalOptions::default();
    let lying = Settings::load_in(folder.path(), &none).unwrap();
    assert!(lying.doubt_of_folder().is_some());
    assert!(lying.examiners_genesis().unwrap().is_none());
    let refused = lying.required_genesis().map(drop).unwrap_err();
    assert!(refused.to_string().contains("may have come"), "{refused}");
    let named = GlobalOptions {
        genesis: Some(folder.path().join("genesis.json")),
        ..GlobalOptions::default()
    };
    for chosen in [named, options(settings)] {
        let chosen = Settings::load_in(folder.path(), &chosen).unwrap();
        assert!(chosen.doubt_of_folder().is_none());
        // It would be read, and isn't there.
        for failed in [
            chosen.examiners_genesis().map(drop),
            chosen.required_genesis().map(drop),
        ] {
            let failed = failed.unwrap_err();
            assert!(matches!(failed, Failure::File(_)), "{failed}");
        }
    }
}
