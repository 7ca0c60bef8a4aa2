//! Stories over real processes: what operators fear, and what must be true afterwards; what people
//! do at the command line, and what a file that they were handed proves. One program, since each that
//! is linked with the node costs seconds.

mod stories {
    mod consortium;
    mod custody_of_keys;
    mod doors;
    mod evidence;
    mod generated_client;
    mod http;
    mod offline;
    mod operator;
    mod pages;
    mod python_client;
    mod readers;
    mod stolen_key;
    mod timestamps;
}
