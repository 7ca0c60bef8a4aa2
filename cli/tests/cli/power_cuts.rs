//! Power cuts under a gateway's folder: a file system in an image is shut down at a random moment
//! by its ioctl, which writes nothing more, and is mounted again. What was acknowledged is there.
//!
//! It needs root, loop devices and ext4; elsewhere it says that it is skipped.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;
use std::time::Duration;

use touchstone_cli::gateway::{Contents, ErrorBehaviour, Jobs};

const CHAIN: [u8; 32] = [1; 32];
/// `EXT4_IOC_SHUTDOWN`, with the flag that the journal isn't written either.
const SHUT_DOWN: &str = "import fcntl,os,struct,sys
fcntl.ioctl(os.open(sys.argv[1], os.O_RDONLY), 0x8004587d, struct.pack('I', 2))";

fn run(program: &str, arguments: &[&str]) -> Result<(), String> {
    let ran = Command::new(program).args(arguments).output();
    let ran = ran.map_err(|e| format!("{program}: {e}"))?;
    match ran.status.success() {
        true => Ok(()),
        false => Err(format!(
            "{program}: {}",
            String::from_utf8_lossy(&ran.stderr).trim()
        )),
    }
}

/// A disk whose power can be cut.
struct Disk {
    folder: PathBuf,
    cuts: usize,
}

impl Disk {
    fn new(folder: &Path) -> Result<Disk, String> {
        let disk = Disk {
            folder: folder.to_owned(),
            cuts: 0,
        };
        let file = std::fs::File::create(disk.image()).unwrap();
        file.set_len(16 << 20).unwrap();
        run("mkfs.ext4", &["-q", "-F", disk.image().to_str().unwrap()])?;
        disk.mount()?;
        Ok(disk)
    }

    fn image(&self) -> PathBuf {
        self.folder.join(format!("image-{}", self.cuts))
    }

    fn mounted(&self) -> PathBuf {
        self.folder.join(format!("mounted-{}", self.cuts))
    }

    fn mount(&self) -> Result<(), String> {
        let (image, mounted) = (self.image(), self.mounted());
        std::fs::create_dir(&mounted).unwrap();
        let (image, mounted) = (image.to_str().unwrap(), mounted.to_str().unwrap());
        run("mount", &["-o", "loop", image, mounted])
    }

    fn cut(&self) -> Result<(), String> {
        run(
            "python3",
            &["-c", SHUT_DOWN, self.mounted().to_str().unwrap()],
        )
    }

    /// What came to the disk is mounted anew. It is a copy: whoever copied this process's mounts
    /// meanwhile keeps the old file system, shut down as it is.
    fn start_again(&mut self) {
        let (image, mounted) = (self.image(), self.mounted());
        self.cuts += 1;
        std::fs::copy(&image, self.image()).unwrap();
        self.mount().unwrap();
        run("umount", &[mounted.to_str().unwrap()]).unwrap();
        std::fs::remove_file(image).unwrap();
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = run("umount", &[self.mounted().to_str().unwrap()]);
    }
}

/// Jobs whose taking was acknowledged before the cut.
fn take_until_cut(disk: &Disk, folder: &Path, pause: Duration) -> Vec<(String, Vec<u8>)> {
    let jobs = Jobs::open(folder, &CHAIN, "acme").unwrap();
    let acknowledged = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for number in 0.. {
                let document = format!("document {number} {}", "x".repeat(number * 37 % 9000));
                let document = document.into_bytes();
                let what = Contents {
                    events: 1,
                    elements: 0,
                    behaviour: ErrorBehaviour::Proceed,
                    warnings: Vec::new(),
                };
                match jobs.take(&document, what, 1) {
                    Ok(id) => {
                        jobs.finish(&id, None, 2).ok();
                        acknowledged.lock().unwrap().push((id, document));
                    }
                    Err(_) => return,
                }
            }
        });
        std::thread::sleep(pause);
        disk.cut().unwrap();
    });
    acknowledged.into_inner().unwrap()
}

#[test]
#[expect(clippy::print_stderr, reason = "figures for whoever runs it by hand")]
fn what_a_gateway_acknowledged_outlives_a_power_cut() {
    let scratch = tempfile::tempdir().unwrap();
    let mut disk = match Disk::new(scratch.path()) {
        Ok(disk) => disk,
        Err(why) => {
            eprintln!("SKIPPED, no power can be cut here: {why}");
            return;
        }
    };
    let cuts: u64 = match std::env::var("TOUCHSTONE_POWER_CUTS") {
        Ok(cuts) => cuts.parse().unwrap(),
        Err(_) => 4,
    };
    let mut all = Vec::new();
    for cut in 0..cuts {
        // The first cut comes as soon as one is acknowledged, and the folder is new.
        let name = format!("jobs-{}", cut / 8);
        let pause = Duration::from_millis(20 + cut * 53 % 211);
        let acknowledged = take_until_cut(&disk, &disk.mounted().join(&name), pause);
        disk.start_again();
        let folder = disk.mounted().join(&name);
        let jobs = Jobs::open(&folder, &CHAIN, "acme").unwrap();
        for (id, document) in &acknowledged {
            assert!(jobs.get(id).is_some(), "cut {cut}: job {id} is lost");
            assert_eq!(jobs.document(id).unwrap(), *document, "cut {cut}");
        }
        all.extend(acknowledged);
    }
    assert!(!all.is_empty());
    eprintln!("{cuts} power cuts, {} jobs acknowledged, 0 lost", all.len());
}
