//! Real file systems under four real nodes: the power is cut (an ext4 in an image is shut down by its ioctl, which
//! writes
//! nothing more, and is mounted again), the disk is full, a node's syncs fail.
//!
//! It needs root, loop devices, ext4 and strace; elsewhere nothing is tried, and the figures say so.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use super::campaign::{Fault, Figures, Goal};
use super::folder;
use super::live::{Live, pause, runtime};
use super::tracer::Tracer;
use crate::cluster::{PATIENCE, Plan};
use crate::random::Random;

/// Options of strace by which each sync of a process and its threads fails.
const FAILING_SYNCS: [&str; 5] = [
    "-f",
    "-e",
    "trace=fsync,fdatasync,sync_file_range",
    "-e",
    "inject=fsync,fdatasync,sync_file_range:error=EIO",
];

/// Size of the file system; the image is sparse.
const IMAGE_BYTES: u64 = 1 << 30;
/// How long after an acknowledgement the power fails, at most; milliseconds.
const MOMENT_MS: u64 = 300;
/// How long a disk stays full, at most; milliseconds.
const FULL_MS: u64 = 2_000;
/// `EXT4_IOC_SHUTDOWN`, with the flag that the journal isn't written either.
const SHUT_DOWN: &str = "import fcntl,os,struct,sys
fcntl.ioctl(os.open(sys.argv[1], os.O_RDONLY), 0x8004587d, struct.pack('I', 2))";

/// What happens to the disk under four nodes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Disks {
    /// The power of all is cut.
    PowerCuts,
    /// It is full, or one node's syncs fail, by turns.
    Trouble,
}

impl Fault for Disks {
    fn name(&self) -> &'static str {
        match self {
            Disks::PowerCuts => "power-cuts",
            Disks::Trouble => "disk-trouble",
        }
    }

    fn claim(&self) -> &'static str {
        match self {
            Disks::PowerCuts => {
                "the power of four nodes under load is cut (ext4 is shut down): as for kills of all"
            }
            Disks::Trouble => {
                "the disk of four nodes is full, or the syncs of one fail: it stops, and as for kills of all"
            }
        }
    }

    fn goal(&self) -> Goal {
        let is_cuts = *self == Disks::PowerCuts;
        Goal {
            trials: if is_cuts { 100 } else { 40 },
            short: 2,
            batch: 10,
            threads: 1,
            share: if is_cuts { 8 } else { 4 },
        }
    }

    fn run(&self, seed: u64, from: u64, count: u64) -> Figures {
        let mut figures = Figures::default();
        let mut image = match Image::new() {
            Ok(image) => image,
            Err(why) => {
                figures.count(&format!("not possible here: {why}"));
                return figures;
            }
        };
        let mut random = Random::new(seed ^ from.rotate_left(32));
        let trials = self.trials(&mut image, from..from + count, &mut random, &mut figures);
        runtime().block_on(trials);
        figures
    }
}

impl Disks {
    async fn trials(
        self,
        image: &mut Image,
        numbers: std::ops::Range<u64>,
        random: &mut Random,
        figures: &mut Figures,
    ) {
        let mut live = Live::start(&Plan {
            place: Some(image.mounted()),
            ..Plan::default()
        })
        .await;
        image.settle();
        for number in numbers {
            live.wait_for_more_than(live.acknowledged()).await;
            pause(random, MOMENT_MS).await;
            let what = match self {
                Disks::PowerCuts => {
                    image.cut();
                    end_all(&mut live);
                    image.start_again();
                    "power cut"
                }
                Disks::Trouble if number % 2 == 0 => {
                    let filler = image.fill();
                    pause(random, FULL_MS).await;
                    end_all(&mut live);
                    std::fs::remove_file(filler).expect("a file can be removed from a full disk");
                    "full"
                }
                Disks::Trouble => {
                    let node = random.index(live.cluster.size());
                    if let Err(what) = fail_syncs(&mut live, node).await {
                        figures.break_with(format!("trial {number}: {what}"));
                    }
                    end_all(&mut live);
                    "failed syncs"
                }
            };
            for node in 0..live.cluster.size() {
                live.cluster.launch(node);
            }
            let (began, before) = (Instant::now(), live.acknowledged());
            live.wait_for_more_than(before).await;
            figures.times_ms.push(began.elapsed().as_millis() as u64);
            figures.trials += 1;
            figures.count(what);
        }
        live.check_into(figures).await;
    }
}

fn end_all(live: &mut Live) {
    for node in 0..live.cluster.size() {
        live.cluster.end(node);
    }
}

/// From now on each sync of a node fails; it must stop by itself.
async fn fail_syncs(live: &mut Live, node: usize) -> Result<(), String> {
    let process = live
        .cluster
        .process_id(node)
        .unwrap_or_default()
        .to_string();
    let tracer = Tracer::attach(&process, &FAILING_SYNCS);
    let _tracer = tracer.map_err(|e| format!("strace: {e}"))?;
    for _ in 0..PATIENCE.as_millis() / 50 {
        if !live.cluster.is_running(node) {
            let log = live.cluster.log(node);
            return match log.contains("storage failed") {
                true => Ok(()),
                false => Err(format!("it stops without saying why\n{log}")),
            };
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    Err("a node goes on though its syncs fail".into())
}

/// A file system in an image, whose power can be cut.
struct Image {
    folder: TempDir,
    generation: usize,
}

impl Image {
    fn new() -> Result<Image, String> {
        let image = Image {
            folder: folder::scratch(),
            generation: 0,
        };
        let file = std::fs::File::create(image.file()).map_err(|e| e.to_string())?;
        file.set_len(IMAGE_BYTES).map_err(|e| e.to_string())?;
        std::fs::create_dir(image.mounted()).map_err(|e| e.to_string())?;
        run("mkfs.ext4", &["-q", "-F", text(&image.file())])?;
        image.mount()?;
        Ok(image)
    }

    fn file(&self) -> PathBuf {
        self.folder
            .path()
            .join(format!("image-{}", self.generation))
    }

    fn mounted(&self) -> PathBuf {
        self.folder.path().join("mounted")
    }

    fn mount(&self) -> Result<(), String> {
        run(
            "mount",
            &["-o", "loop", text(&self.file()), text(&self.mounted())],
        )
    }

    /// Configurations and keys, which nobody synced, come to the disk.
    fn settle(&self) {
        run("sync", &["-f", text(&self.mounted())]).expect("a mounted file system can be synced");
    }

    fn cut(&self) {
        let done = run("python3", &["-c", SHUT_DOWN, text(&self.mounted())]);
        done.expect("a mounted ext4 can be shut down");
    }

    /// What came to the disk is mounted anew, as a copy: whoever copied this process's mounts meanwhile keeps the old
    /// file system, shut down as it is.
    fn start_again(&mut self) {
        let old = self.file();
        self.generation += 1;
        let copied = run("cp", &["--sparse=always", text(&old), text(&self.file())]);
        copied.expect("an image can be copied");
        run("umount", &[text(&self.mounted())]).expect("nobody uses it any more");
        std::fs::remove_file(old).expect("the folder is the test's own");
        self.mount().expect("a file system outlives a power cut");
    }

    /// Fills it up; with what.
    fn fill(&self) -> PathBuf {
        let filler = self.mounted().join("filler");
        let mut file = std::fs::File::create(&filler).expect("there is some room");
        let block = vec![7; 1 << 20];
        let mut size = block.len();
        while size > 0 {
            // Until not even a byte has room.
            match std::io::Write::write_all(&mut file, &block[..size]) {
                Ok(()) => {}
                Err(_) => size /= 16,
            }
        }
        filler
    }
}

impl Drop for Image {
    fn drop(&mut self) {
        let _ = run("umount", &[text(&self.mounted())]);
    }
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap_or_default()
}

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
