//! The house's rules, held by tests: who may import whom, how files look, which dependencies have
//! known flaws, and that documents and scripts say what is so.

mod house {
    mod advisories;
    mod circles;
    mod configuration;
    mod files;
    mod imports;
    mod lexer;
    mod licences;
    mod manuals;
    mod named_tests;
    mod names;
    mod operations;
    mod rejections;
    mod style;
}
