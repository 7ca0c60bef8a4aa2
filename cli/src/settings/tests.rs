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
