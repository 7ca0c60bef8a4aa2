//! An evidence file's examination as a document that a judge can read, in Chinese and English:
//! element by element, in the order of the People's Courts Online Litigation Rules, Art. 16 to 18.

use serde_json::Value;
use touchstone_core::evidence::{
    Check, CheckResult, Deposit, Element, Facts, History, Report, StampFact, Verdict,
};
use touchstone_core::hash::Hash;

use crate::certificate::page;
use crate::output::utc;
use crate::pdf::{Block, Document};
use crate::words;

/// The document. `file` is the evidence file's SHA-256; `originals` are the files that were
/// compared with it, by name and SHA-256.
pub fn document(report: &Report, file: &Hash, originals: &[(String, Hash)]) -> Document {
    let proven = report.verdict != Verdict::NotVerified;
    let mut blocks = vec![
        Block::Notice(verdict(report)),
        Block::field(
            "证据文件 Evidence file",
            format!("SHA-256 {}", hex::encode(file)),
        ),
    ];
    for (name, sha256) in originals {
        let lines = vec![name.clone(), format!("SHA-256 {}", hex::encode(sha256))];
        blocks.push(Block::Field(
            "提交的原件 Original handed in".to_owned(),
            lines,
        ));
    }
    if proven {
        blocks.extend(facts(&report.facts));
    }
    for (article, name) in ARTICLES {
        blocks.push(Block::Heading(name.to_owned()));
        let checks = report.checks.iter();
        blocks.extend(checks.filter(|c| c.element.article() == article).map(check));
    }
    blocks.push(Block::Heading(
        "记录不能证明的 What a record can't show".to_owned(),
    ));
    blocks.push(Block::Paragraph(LIMITS.to_owned()));
    if let Some(found) = report.facts.history.as_ref().filter(|_| proven) {
        blocks.extend(annex(found, &report.facts));
    }
    Document {
        title: [
            "存证核验报告".to_owned(),
            "Examination of an evidence file".to_owned(),
        ],
        code: None,
        blocks,
        foot: format!("核验报告 Report on {}", hex::encode(file)),
        // A date that nothing proves isn't stated: the metadata then name the epoch.
        date_ms: report.facts.time_ms.filter(|_| proven).unwrap_or_default(),
    }
}

const ARTICLES: [(u8, &str); 3] = [
    (
        16,
        "一、上链后未经篡改（《人民法院在线诉讼规则》第十六条） Untampered since the deposit (Online Litigation Rules, Art. 16)",
    ),
    (
        17,
        "二、平台、当事人与系统（第十七条） Platform, parties and system (Art. 17)",
    ),
    (18, "三、上链前（第十八条） Before the deposit (Art. 18)"),
];

const LIMITS: &str = "记录不能证明：何人创作、事件所述是否属实、上链前发生了什么。它证明何人于何时作出何种陈述，且此后未被\
    更改或遗漏。 A record can't show who made a thing, that an event's account of the world is true, or what happened \
    before it was recorded. It shows who said what, when, and that nothing was changed or left out.";

fn verdict(report: &Report) -> String {
    let names = |result: CheckResult| {
        let elements = report.checks.iter().filter(|c| c.result == result);
        let names: Vec<&str> = elements.map(|c| element(c.element).0).collect();
        names.join("；")
    };
    match report.verdict {
        Verdict::Verified => {
            "结论：核验通过，各项均成立。 VERIFIED: every element holds.".to_owned()
        }
        Verdict::Reservations => format!(
            "结论：核验通过，但有须斟酌的保留事项：{}。 VERIFIED, WITH RESERVATIONS: every element holds; those named \
             leave a question to weigh.",
            names(CheckResult::Reservation)
        ),
        Verdict::NotVerified => format!(
            "结论：核验不通过：{}。本文件不能证明任何事项。 NOT VERIFIED: this file proves nothing.",
            names(CheckResult::Failed)
        ),
    }
}

fn check(check: &Check) -> Block {
    let (name, question) = element(check.element);
    let mut lines = vec![format!("【{}】 {question}", result(check.result))];
    lines.extend(check.findings.iter().cloned());
    Block::Field(name.to_owned(), lines)
}

fn result(result: CheckResult) -> &'static str {
    match result {
        CheckResult::Passed => "通过 passed",
        CheckResult::Reservation => "保留 RESERVATION",
        CheckResult::Failed => "不通过 FAILED",
        CheckResult::NotChecked => "未核验 not checked",
        CheckResult::NotGiven => "未提供 not given",
    }
}

/// An element's name, and what is asked.
fn element(element: Element) -> (&'static str, &'static str) {
    match element {
        Element::File => ("文件 File", "文件是否完整、编码是否规范"),
        Element::Genesis => (
            "创世文件 Genesis",
            "信任之根：链标识是否为可信来源公布的链标识",
        ),
        Element::Validators => (
            "节点交接 Validators",
            "自创世起，每次验证节点变更是否均由变更前的节点集作出",
        ),
        Element::Anchor => ("锚定区块 Anchor", "区块头是否由超过三分之二的表决权签署"),
        Element::State => ("账本状态 State", "所载各值是否在该区块头的状态根下得到证明"),
        Element::Blocks => ("区块 Blocks", "记录所在的区块是否属于本链"),
        Element::Transactions => (
            "交易 Transactions",
            "交易在区块中的位置、原始字节与签名是否成立",
        ),
        Element::Completeness => ("完整性 Completeness", "记录是否无遗漏、无增删"),
        Element::Keys => ("密钥 Keys", "签名密钥是否属于所称机构且当时有效"),
        Element::Time => ("时间 Time", "上链时间及其误差"),
        Element::TimeStamps => (
            "时间戳 Time stamps",
            "独立时间戳机构（RFC 3161）是否证明记录所在区块不晚于某时存在",
        ),
        Element::Independence => ("独立性 Independence", "验证节点与当事人是否有利害关系"),
        Element::Opening => ("承诺的开启 Opening", "承诺值对应哪些文件"),
        Element::Originals => ("原件 Originals", "提交的原件与上链的指纹是否一致"),
    }
}

fn facts(facts: &Facts) -> Vec<Block> {
    let hash = |hash: Option<Hash>| hash.map(hex::encode).unwrap_or_default();
    let height = facts.height.unwrap_or_default();
    let time_ms = facts.time_ms.unwrap_or_default();
    let mut blocks = vec![
        Block::Heading("所证明的事实 What is proven".to_owned()),
        Block::Field(
            "链 Chain".to_owned(),
            vec![
                facts.chain_name.clone().unwrap_or_default(),
                hash(facts.chain_id),
            ],
        ),
        Block::Field(
            "截至 As of".to_owned(),
            vec![
                format!("区块高度 block height {height}，{}", utc(time_ms)),
                hash(facts.block_id),
            ],
        ),
    ];
    if let Some(found) = &facts.deposit {
        blocks.extend(deposit(found, facts));
    }
    if let Some(found) = &facts.history {
        blocks.extend(history(found));
    }
    blocks.extend(facts.stamps.iter().map(stamp));
    let total: u64 = facts.validators.iter().map(|v| v.power).sum();
    let validators = facts.validators.iter().map(|v| {
        let signed = match v.signed {
            true => "已签署 signed",
            false => "未签署 didn't sign",
        };
        format!(
            "{} ({})：表决权 voting power {} / {total}，{signed}",
            v.name, v.organisation, v.power
        )
    });
    blocks.push(Block::Field(
        "验证节点 Validators".to_owned(),
        validators.collect(),
    ));
    blocks
}

fn stamp(fact: &StampFact) -> Block {
    let trusted = match fact.is_trusted {
        true => "根证书受信 root trusted",
        false => "根证书未列为受信 root not trusted here",
    };
    let count = fact.heights.len();
    let lines = vec![
        format!(
            "不晚于 no later than {}：所记录区块中的 {count} 个 {count} of the record's blocks",
            utc(fact.stamped.no_later_than_ms())
        ),
        format!("{} ({})", fact.stamped.authority, fact.url),
        format!(
            "序列号 serial number {}，策略 policy {}",
            fact.stamped.serial, fact.stamped.policy
        ),
        format!("{trusted}，SHA-256 {}", hex::encode(fact.stamped.root())),
    ];
    Block::Field("时间戳 Time stamp".to_owned(), lines)
}

fn deposit(deposit: &Deposit, facts: &Facts) -> Vec<Block> {
    let mut blocks = vec![Block::field("存证编号 Design id", hex::encode(deposit.id))];
    if !deposit.recorded {
        blocks.push(Block::Paragraph(
            "截至该区块，账本中没有此存证。 No such design was deposited, up to that block."
                .to_owned(),
        ));
        return blocks;
    }
    if let Some(title) = &deposit.title {
        let whose = match deposit.title_is_recorded {
            true => "（账本所记 recorded in the ledger）",
            false => "（持有人所述 the holder's statement）",
        };
        blocks.push(Block::Field(
            "名称 Title".to_owned(),
            vec![title.clone(), whose.to_owned()],
        ));
    }
    let error_ms = facts.time_error_ms.unwrap_or_default();
    blocks.push(page::deposited(deposit.time_ms, error_ms));
    let name = facts
        .transactions
        .iter()
        .find(|t| t.organisation == deposit.organisation)
        .map_or("", |t| t.name.as_str());
    blocks.push(Block::field(
        "存证人 Owner",
        format!("{name} ({})", deposit.organisation),
    ));
    blocks.push(Block::field(
        "存证人公钥 Owner's key",
        hex::encode(&deposit.owner_key),
    ));
    blocks.push(Block::field(
        "承诺值 Commitment",
        hex::encode(&deposit.commitment),
    ));
    if let Some(disclosed_ms) = deposit.disclosed_ms {
        blocks.push(Block::field("公开 Disclosure", utc(disclosed_ms)));
    }
    for (sha256, name) in &deposit.files {
        let mut lines = vec![format!("SHA-256 {}", hex::encode(sha256))];
        lines.extend(name.clone());
        blocks.push(Block::Field("文件 File".to_owned(), lines));
    }
    blocks
}

fn history(history: &History) -> Vec<Block> {
    let mut blocks = vec![Block::field("物品 Item", history.item.clone())];
    blocks.push(match history.steps.len() {
        0 => Block::Paragraph(
            "截至该区块，账本中没有此物品的任何记录。 Nothing was ever recorded for it, up to that block."
                .to_owned(),
        ),
        count => Block::field(
            "事件 Events",
            format!("{count}，见附录；此外别无记录。 {count}, see the annex; there are no others."),
        ),
    });
    for container in &history.inside {
        blocks.push(Block::field("所在容器 Inside", container.clone()));
    }
    blocks
}

/// The events, after what a judge reads first.
fn annex(history: &History, facts: &Facts) -> Vec<Block> {
    if history.steps.is_empty() {
        return Vec::new();
    }
    let heading = "附录：事件，内容为记录者所述 Annex: the events, in their recorders' words";
    let mut blocks = vec![Block::Heading(heading.to_owned())];
    for (index, step) in history.steps.iter().enumerate() {
        let (height, transaction, event) = step.place;
        let name = facts
            .transactions
            .iter()
            .find(|t| (t.height, t.index) == (height, transaction))
            .map_or("", |t| t.name.as_str());
        let value: Value = serde_json::from_slice(&step.bytes).unwrap_or(Value::Null);
        let mut lines = vec![
            format!(
                "上链 recorded {}，{height}/{transaction}/{event}；{name} ({})",
                utc(step.entry.time_ms),
                step.entry.organisation
            ),
            format!("所述时间 happened {}", words::event_time(&value)),
            match &step.event {
                Some(event) => words::happening(event),
                None => "an event that this program's rules can't read".to_owned(),
            },
        ];
        if let Some(place) = step.event.as_ref().and_then(words::place) {
            lines.push(format!("地点 place {place}"));
        }
        if !step.via.is_empty() {
            lines.push(format!("容器 inside {}", step.via.join(", in ")));
        }
        let sensors = words::sensors(&value).into_iter();
        lines.extend(sensors.map(|reading| format!("传感器 sensor {reading}")));
        let hash = hex::encode(&step.entry.content_hash);
        lines.push(format!("SHA-256 {hash}"));
        blocks.push(Block::Field(format!("{}.", index + 1), lines));
    }
    blocks
}
